"""Customers with a contract who may leave at each renewal, after Fader and Hardie (shifted beta-geometric).

Every customer leaves at each renewal with their own probability (beta over customers). Those likely to leave go first,
so the retention rate of those who are left rises: a constant rate would undervalue them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.joint import Quantity
from holdfast.stats.likelihood import Array, Fit, derived, maximise

PARAMETERS = ("alpha", "beta")


def fit_contracts(*, lost: Sequence[float], still: Sequence[float]) -> Fit | NotEstimable:
    """The shifted beta-geometric model of a group of customers with contracts.

    Args:
        lost: customers who left at the first renewal, at the second, ...
        still: customers last seen as customers after one renewal, after two, ...; of one cohort only the last is
            not 0. As long as `lost`.

    Formula: P(T = t) = B(alpha + 1, beta + t - 1) / B(alpha, beta), S(t) = B(alpha, beta + t) / B(alpha, beta).
    Source: Fader and Hardie (2007), Journal of Interactive Marketing 21:76.

    Returns:
        NotEstimable "no_units" without customers, "no_events" where nobody left, "not_followed" where nobody was seen
        beyond the first renewal, "not_finite", and "no_convergence" where all seem to leave at the same rate.

    Raises:
        ValueError: for negative numbers, or sequences of unequal length.

    >>> fit = fit_contracts(lost=[131, 126, 90, 60, 42, 34, 26], still=[0, 0, 0, 0, 0, 0, 491])
    >>> round(fit["alpha"], 3), round(fit["beta"], 3)
    (0.668, 3.806)
    """
    left, stayed = np.asarray(lost, dtype=np.float64), np.asarray(still, dtype=np.float64)
    if left.shape != stayed.shape or left.ndim != 1:
        raise ValueError("one number of customers lost, and one still there, for each renewal")
    if (left < 0.0).any() or (stayed < 0.0).any():
        raise ValueError("numbers of customers are never negative")
    if not (np.isfinite(left).all() and np.isfinite(stayed).all()):
        return NotEstimable("not_finite", "a number of customers is infinite or missing")
    if left.sum() + stayed.sum() == 0.0:
        return NotEstimable("no_units", "no customers")
    if left.sum() == 0.0:
        return NotEstimable("no_events", "nobody left")
    if left[1:].sum() + stayed[1:].sum() == 0.0:
        return NotEstimable("not_followed", "nobody was seen beyond the first renewal")
    t = np.arange(1.0, len(left) + 1.0)

    def rows(logs: Array) -> tuple[Array, Array]:
        return _rows(logs, t)

    weights = np.concatenate([left, stayed])
    return maximise(rows, weights=weights, names=PARAMETERS, scale=(1.0, 1.0), start=(1.0, 2.0))


def surviving(logs: Array, renewals: Array) -> Array:
    """The share of customers left after so many renewals, given the logs of alpha and beta.

    >>> print(surviving(np.log([0.668, 3.806]), np.array([0.0, 1.0, 12.0])).round(3))
    [1.    0.851 0.378]
    """
    alpha, beta = np.exp(logs)
    found: Array = np.exp(special.betaln(alpha, beta + renewals) - special.betaln(alpha, beta))
    return found


def projected_survival(fit: Fit, *, renewals: int, confidence: float) -> Quantity | NotEstimable:
    """The share of customers to expect after so many renewals, with the error of the parameters.

    Raises:
        ValueError: for a negative number of renewals.

    >>> fit = fit_contracts(lost=[131, 126, 90, 60, 42, 34, 26], still=[0, 0, 0, 0, 0, 0, 491])
    >>> found = projected_survival(fit, renewals=12, confidence=0.95)
    >>> round(found.estimate, 3), round(found.lower, 3), round(found.upper, 3)
    (0.378, 0.342, 0.418)
    """
    if renewals < 0:
        raise ValueError(f"a number of renewals is never negative: {renewals}")
    return derived(lambda logs: float(surviving(logs, np.array([float(renewals)]))[0]), fit, confidence=confidence)


def contract_value(
    fit: Fit, *, payment: float, periods: int, discount: float, confidence: float, renewed: int = 0
) -> Quantity | NotEstimable:
    """What a customer pays over the next periods, in today's money, with the error of the parameters.

    Args:
        payment: net margin of one period, paid at its start.
        periods: periods to come, the one now beginning included.
        discount: interest a period.
        renewed: how often the customer has renewed so far; 0 for a new one, whose first payment is certain. Another one
            is valued at a renewal that was just made.

    Formula: payment times the sum over t = 0 .. periods - 1 of S(renewed + t) / S(renewed) (1 + discount)^-t.
    Source: Fader and Hardie (2010), Marketing Science 29:85.

    Returns:
        NotEstimable "not_finite".

    Raises:
        ValueError: for fewer than one period, a negative number of renewals, or interest of -1 or less.

    >>> fit = fit_contracts(lost=[131, 126, 90, 60, 42, 34, 26], still=[0, 0, 0, 0, 0, 0, 491])
    >>> value = contract_value(fit, payment=100.0, periods=10, discount=0.1, confidence=0.95)
    >>> round(value.estimate), round(value.lower), round(value.upper)
    (460, 446, 475)
    """
    if periods < 1 or renewed < 0 or not discount > -1.0:
        raise ValueError(f"{periods} periods, {renewed} renewals, interest {discount}")
    times = np.arange(float(periods))
    worth = payment * (1.0 + discount) ** -times

    def value(logs: Array) -> float:
        left = surviving(logs, renewed + times) / surviving(logs, np.array([float(renewed)]))
        return float(worth @ left)

    return derived(value, fit, confidence=confidence, positive=payment > 0.0)


def _rows(logs: Array, t: Array) -> tuple[Array, Array]:
    """Log-likelihood and gradients of leaving at each renewal, then of being there after each."""
    alpha, beta = np.exp(logs)
    digamma, whole = special.digamma, special.betaln(alpha, beta)
    base, after = digamma(alpha + beta), digamma(alpha + beta + t)
    leave = special.betaln(alpha + 1.0, beta + t - 1.0) - whole
    stay = special.betaln(alpha, beta + t) - whole
    left = np.stack(
        [
            alpha * (base - after + 1.0 / alpha),
            beta * (base - after + digamma(beta + t - 1.0) - digamma(beta)),
        ],
        axis=1,
    )
    stayed = np.stack([alpha * (base - after), beta * (base - after + digamma(beta + t) - digamma(beta))], axis=1)
    return np.concatenate([leave, stay]), np.concatenate([left, stayed])
