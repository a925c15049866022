"""Lifetime value without a contract: what customers brought, and what two models expect of them, with its error.

The projection of a variant is an `Arm` like any other, so that variants can be compared without taking a model's output
for data: the error of the fitted parameters is in its variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.likelihood import Array, Fit, gradient
from holdfast.stats.purchases import Histories, discounted_purchases, fit_purchases, purchase_rows, table
from holdfast.stats.spend import Spending, expected_spend, fit_spend, spend_rows


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers of one variant, counted by all that the models need of them."""

    histories: Histories
    """Purchases since the first, with their times."""
    spend: Sequence[float]
    """Mean spend of those purchases; 0 where there are none, or they cost nothing."""
    realised: Sequence[float]
    """What each customer of the row brought up to now, in the unit of the projection (margin, where that is one)."""


@dataclass(frozen=True, slots=True)
class CustomerValue:
    """Lifetime value per customer of one variant, apart in what was measured and what is projected."""

    realised: Arm
    """What customers brought."""
    projected: Arm
    """What they are expected to bring after the end of observation. A model: it never decides."""
    total: Arm
    """Both together."""
    purchases: Arm
    """Discounted purchases behind the projection, per customer."""
    purchase_model: Fit
    spend_model: Fit


def project_value(
    customers: Customers, *, years: float, year: float, margin: float = 1.0, discount: float = 0.0
) -> CustomerValue | NotEstimable:
    """What customers without a contract brought and will bring, by BG/NBD and gamma-gamma fitted to this variant.

    Args:
        customers: of one variant; time in any unit.
        years: horizon from the end of observation.
        year: the length of a year in the unit of time: 365, 365 / 7 or 12.
        margin: the share of spend that is kept, for the projection.
        discount: interest a year, for the projection.

    Formula: h_i = margin * expected spend * discounted expected purchases of each history, averaged. Its variance is
    that of the influence of each customer, (h_i - h)/n + g' V s_i, with s_i the customer's score in both models, V the
    inverse information and g the gradient of h: customers drawn and parameters fitted to them, in one. Two variants
    fitted apart are independent. That the models hold, and go on holding, is not in the error.
    Source: Newey and McFadden (1994), Handbook of Econometrics 4:2111, section 6.

    Returns:
        NotEstimable "too_few_units" for fewer than 2 customers, "not_finite" where a number is infinite or the model of
        spend has no mean (q of 1 or less), and what `fit_purchases` and `fit_spend` return.

    Raises:
        ValueError: for histories, spend or horizon that cannot be.
    """
    x, last, observed, counts = table(customers.histories)
    spend, realised = (np.asarray(column, dtype=np.float64) for column in (customers.spend, customers.realised))
    if not len(spend) == len(realised) == len(x):
        raise ValueError("the columns of the customers differ in length")
    if not (math.isfinite(margin) and 0.0 <= years < math.inf):
        raise ValueError(f"margin {margin}, {years} years")
    if not np.isfinite(realised).all():
        return NotEstimable("not_finite", "what a customer brought is infinite or missing")
    buying = fit_purchases(customers.histories)
    if isinstance(buying, NotEstimable):
        return buying
    spending = fit_spend(Spending(x.tolist(), spend.tolist(), counts.tolist()))
    if isinstance(spending, NotEstimable):
        return spending
    if round(counts.sum()) < 2:
        return NotEstimable("too_few_units", "1 customer; a variance needs 2")

    def each(logs: Array) -> Array:
        return expected_spend(logs, np.where(spend > 0.0, x, 0.0), spend)

    def figures(logs: Array) -> tuple[Array, Array]:
        bought = discounted_purchases(logs[:4], customers.histories, ahead=years * year, year=year, discount=discount)
        return bought, margin * bought * each(logs[4:])

    logs = np.concatenate([buying.logs, spending.logs])
    scores = _scores(logs, x, last, observed, spend)
    carried = scores @ _block(buying, spending)
    with np.errstate(all="ignore"):
        bought, value = figures(logs)
        mean = counts / counts.sum()
        by_buying = gradient(lambda at: np.stack(figures(np.concatenate([at, logs[4:]]))) @ mean, logs[:4])
        by_spend = gradient(lambda at: margin * (bought * each(at)) @ mean, logs[4:])
        slopes = np.hstack([by_buying, [np.zeros(3), by_spend]])
    if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
        return NotEstimable("not_finite", "the model of spend has no mean, so that its tail says nothing of the future")
    none, both = np.zeros(len(x)), carried @ slopes.T
    parts = ((realised, none), (value, both[:, 1]), (realised + value, both[:, 1]), (bought, both[:, 0]))
    so_far, ahead, total, count = (_arm(own, fitted, counts) for own, fitted in parts)
    return CustomerValue(so_far, ahead, total, count, buying, spending)


def _scores(logs: Array, x: Array, last: Array, observed: Array, spend: Array) -> Array:
    """Gradients of each row's log-likelihood in both models: seven columns."""
    scores = np.zeros((len(x), 7))
    scores[:, :4] = purchase_rows(logs[:4], x, last, observed)[1]
    seen = (x > 0.0) & (spend > 0.0)
    scores[seen, 4:] = spend_rows(logs[4:], x[seen], spend[seen])[1]
    return scores


def _block(buying: Fit, spending: Fit) -> Array:
    """Covariances of the logs of all parameters; the models are fitted apart."""
    found = np.zeros((7, 7))
    found[:4, :4], found[4:, 4:] = buying.log_covariance, spending.log_covariance
    return found


def _arm(own: Array, fitted: Array, counts: Array) -> Arm:
    """The mean over customers, with the variance of their influence on it."""
    n = float(counts.sum())
    mean = float(counts @ own / n)
    influence = (own - mean) / n + fitted
    return Arm(theta=mean, variance=float(counts @ influence**2) * n / (n - 1.0), n=round(n))
