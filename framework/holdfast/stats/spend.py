"""Spend per purchase, after Fader and Hardie (gamma-gamma): from the mean that was seen to the one to expect.

Purchases of a customer vary around the customer's own mean, and those means vary over customers; how much is spent is
taken as unrelated to how often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.joint import Quantity
from holdfast.stats.likelihood import Array, Fit, derived, maximise

PARAMETERS = ("p", "q", "gamma")


@dataclass(frozen=True, slots=True)
class Spending:
    """Customers counted by purchases and mean spend; those without purchases or spend say nothing and are left out."""

    purchases: Sequence[float]
    """x: purchases behind the mean."""
    mean: Sequence[float]
    """Mean spend per purchase, in money."""
    customers: Sequence[float]
    """Customers with these two numbers."""


def fit_spend(spending: Spending) -> Fit | NotEstimable:
    """The gamma-gamma model of spend: p of purchases around a customer's mean, q and gamma of the means.

    Formula, a customer: G(px+q) / (G(px) G(q)) gamma^q m^(px-1) x^(px) / (gamma + x m)^(px+q).
    Source: Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value; Colombo and Jiang (1999).

    Returns:
        NotEstimable "no_events" where no customer has a purchase with spend, "not_finite", "no_convergence" where the
        data do not determine the model, as where everybody spends the same.

    Raises:
        ValueError: for negative numbers, or columns of unequal length.

    >>> purchases, customers = [1, 2, 1, 2, 4, 1, 5, 1], [40, 30, 9, 25, 9, 30, 5, 40]
    >>> fit = fit_spend(Spending(purchases, [20.0, 35.0, 80.0, 15.0, 21.0, 9.0, 41.0, 33.0], customers))
    >>> [round(value, 2) for value in fit.values]
    [3.99, 12.65, 77.09]
    """
    x, mean, customers = spending_table(spending)
    if not all(np.isfinite(column).all() for column in (x, mean, customers)):
        return NotEstimable("not_finite", "a number of purchases or a spend is infinite or missing")
    seen = (x > 0.0) & (mean > 0.0) & (customers > 0.0)
    if not seen.any():
        return NotEstimable("no_events", "no purchase with spend")
    x, mean, customers = x[seen], mean[seen], customers[seen]

    def rows(logs: Array) -> tuple[Array, Array]:
        return spend_rows(logs, x, mean)

    scale = (1.0, 1.0, float(customers @ mean / customers.sum()))
    return maximise(rows, weights=customers, names=PARAMETERS, scale=scale, start=(3.0, 3.0, 1.0))


def spending_table(spending: Spending) -> tuple[Array, Array, Array]:
    """The spending as arrays.

    Raises:
        ValueError: for negative numbers, or columns of unequal length.
    """
    columns = (spending.purchases, spending.mean, spending.customers)
    if len({len(column) for column in columns}) > 1:
        raise ValueError("the columns of the spending differ in length")
    x, mean, customers = (np.asarray(column, dtype=np.float64) for column in columns)
    if any((column < 0.0).any() for column in (x, mean, customers)):
        raise ValueError("purchases, spend and customers are never negative")
    return x, mean, customers


def spend_rows(logs: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    """The log-likelihood of each row and its gradients, one column a parameter; rows have purchases and spend."""
    p, q, gamma = np.exp(logs)
    digamma = special.digamma
    shape, level = p * x, gamma + x * mean
    share, rest = np.log(x * mean / level), np.log(gamma / level)
    value = special.gammaln(shape + q) - special.gammaln(shape) - special.gammaln(q)
    value += q * rest + shape * share - np.log(mean)
    slopes = np.stack(
        [
            shape * (digamma(shape + q) - digamma(shape) + share),
            q * (digamma(shape + q) - digamma(q) + rest),
            q - gamma * (shape + q) / level,
        ],
        axis=1,
    )
    return value, slopes


def expected_spend(logs: Array, purchases: Array, mean: Array) -> Array:
    """Spend per purchase to expect of a customer with so many purchases of such a mean; 0 purchases is a newcomer.

    Formula: p (gamma + x m) / (p x + q - 1): between the customer's own mean and that of all. Infinite where px + q is
    1 or less: the model then has no mean.

    >>> print(expected_spend(np.log([6.25, 3.74, 15.44]), np.array([0.0, 2.0]), np.array([0.0, 50.0])).round(2))
    [35.22 47.34]
    """
    p, q, gamma = np.exp(logs)
    below = p * purchases + q - 1.0
    found: Array = np.where(below > 0.0, p * (gamma + purchases * mean) / np.where(below > 0.0, below, 1.0), np.inf)
    return found


def mean_spend(fit: Fit, *, confidence: float) -> Quantity | NotEstimable:
    """Mean spend per purchase over all customers, with the error of the parameters.

    Formula: p gamma / (q - 1).

    Returns:
        NotEstimable "not_finite" where q is 1 or less: the tail is so heavy that the model has no mean.
    """
    nobody = np.zeros(1)

    def mean(logs: Array) -> float:
        found = float(expected_spend(logs, nobody, nobody)[0])
        return found if math.isfinite(found) else math.nan

    return derived(mean, fit, confidence=confidence)
