"""Where a change in revenue per customer comes from: more buyers, more orders a buyer, larger orders."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.balance import Group
from holdfast.stats.contrast import Interval, difference
from holdfast.stats.joint import linear, unusable

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Factor:
    """What one factor adds to the change of the product."""

    log: float
    """log of the factor's treated value over its control value; these add up to the log of the whole change."""
    change: float
    """The same as a relative change: 0.121 is +12.1%. These multiply to the whole change."""
    log_interval: Interval | NotEstimable
    """The contribution `log` with its interval and test; NotEstimable "zero_variance" where the factor is constant."""
    change_interval: Interval | NotEstimable
    """The relative change with its interval; the test is that of the contribution."""


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A relative change taken apart into factors."""

    factors: tuple[Factor, ...]
    """One for each value given, in their order."""
    total: Factor
    """The last of the values given, per customer: what is taken apart."""
    covariance: tuple[tuple[float, ...], ...]
    """Of the factors' contributions `log` with each other."""


def decompose(treated: Group, control: Group, *, confidence: float) -> Decomposition | NotEstimable:
    """By how much each factor moved a value per customer: the logarithms add up exactly.

    Args:
        treated, control: values a unit of which each is counted among those before it: (bought as 0 or 1, orders,
            revenue) gives the factors share who bought, orders per buyer and revenue per order.
        confidence: two-sided, 0.95 for 95%, of each interval by itself.

    Formula: with means x_1 .. x_k, factor j is x_j / x_(j-1), factor 1 is x_1, and their product x_k. Contribution:
    log(factor_t) - log(factor_c). Covariance of the logs of a variant: L D^-1 S D^-1 L' / n, D the means on the
    diagonal and L taking differences (delta method); Welch's t on each. Relative changes are exp(.) - 1 of those.
    Orders per buyer and order value compare buyers with buyers, whom the tactic itself selected: they describe, and the
    whole change per customer is what randomisation vouches for.

    Returns:
        NotEstimable "no_events" where a mean is 0 in a variant (nobody bought), "baseline_not_positive" where one is
        negative (refunds above sales), "no_units", "too_few_units", "not_finite".

    Raises:
        ValueError: for moments that cannot be, variants with different values, or a confidence outside (0, 1).

    >>> treated = Group(12000, [0.22, 0.29, 1802.0], [[0.17, 0.2, 1400], [0.2, 0.5, 3000], [1400, 3000, 3.0e7]])
    >>> control = Group(12000, [0.20, 0.27, 1675.0], [[0.16, 0.2, 1300], [0.2, 0.5, 2800], [1300, 2800, 2.8e7]])
    >>> found = decompose(treated, control, confidence=0.95)
    >>> [round(factor.change, 3) for factor in (*found.factors, found.total)]
    [0.1, -0.024, 0.002, 0.076]
    """
    if len(treated.mean) != len(control.mean) or not treated.mean:
        raise ValueError(f"the variants have {len(treated.mean)} and {len(control.mean)} values")
    ours, theirs = _logs(treated), _logs(control)
    if isinstance(ours, NotEstimable):
        return ours
    if isinstance(theirs, NotEstimable):
        return theirs
    places = range(len(treated.mean) + 1)
    terms = [_factor(*(_arm(side, place) for side in (ours, theirs)), confidence=confidence) for place in places]
    joint = np.asarray(ours.covariance) / ours.n + np.asarray(theirs.covariance) / theirs.n
    return Decomposition(tuple(terms[:-1]), terms[-1], tuple(tuple(row) for row in joint[:-1, :-1].tolist()))


def _logs(group: Group) -> Group | NotEstimable:
    """Logs of a variant's factors and of their product, with the covariances of the units behind them."""
    missing = unusable(group)
    if missing is not None:
        return missing
    means = np.asarray(group.mean, dtype=np.float64)
    if (means <= 0.0).any():
        place = int(np.flatnonzero(means <= 0.0)[0])
        detail = f"value {place + 1} is {means[place]:.6g} a unit in a variant"
        never = means[place] == 0.0
        return NotEstimable("no_events", detail) if never else NotEstimable("baseline_not_positive", detail)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: _Array = np.asarray(group.covariance, dtype=np.float64) / means[:, None] / means
    if not np.isfinite(scaled).all():
        return NotEstimable("not_finite", "a mean is too close to 0 beside its spread")
    size = len(means)
    steps = np.eye(size) - np.eye(size, k=-1)
    rows = np.vstack([steps, np.eye(size)[-1]])
    return linear(Group(group.n, np.log(means).tolist(), scaled.tolist()), rows.tolist())


def _arm(logs: Group, place: int) -> Arm:
    """One of the logs as an arm."""
    return Arm(theta=logs.mean[place], variance=logs.covariance[place][place] / logs.n, n=logs.n)


def _factor(treated: Arm, control: Arm, *, confidence: float) -> Factor:
    """One factor of two variants compared."""
    log = treated.theta - control.theta
    found = difference(treated, control, confidence=confidence)
    return Factor(log, _expm1(log), found, found if isinstance(found, NotEstimable) else _relative(found))


def _relative(log: Interval) -> Interval | NotEstimable:
    """The interval of a log ratio as one of a relative change."""
    lower, upper, change = _expm1(log.lower), _expm1(log.upper), _expm1(log.estimate)
    if not math.isfinite(upper):
        return NotEstimable("not_finite", "the relative change is too large to compute")
    return replace(
        log, estimate=change, se=log.se * (1.0 + change), lower=lower, upper=upper, method="Welch t on logarithms"
    )


def _expm1(value: float) -> float:
    """exp(value) - 1, infinite where that leaves the range of a double."""
    return math.expm1(value) if value < 709.0 else math.inf
