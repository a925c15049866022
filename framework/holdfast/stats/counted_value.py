"""Lifetime value without a contract from counts alone: histories of buying and levels of spend, counted apart.

`project_value` wants to know which history goes with which spend, so that almost every customer is a row. Both models
take spend to be unrelated to when customers buy; of customers with as many purchases each, counts of histories and
counts of spend then say the same, in a few rows for any number of customers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.likelihood import Array, Fit, gradient
from holdfast.stats.purchases import Histories, discounted_purchases, fit_purchases, purchase_rows, table
from holdfast.stats.spend import Spending, expected_spend, fit_spend, spend_rows, spending_table

_Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class CountedValue:
    """What the customers of one variant are expected to bring. A model: it never decides."""

    projected: Arm
    """Value per customer after the end of observation."""
    purchase_model: Fit
    spend_model: Fit


def project_counts(
    histories: Histories, spending: Spending, *, years: float, year: float, discount: float = 0.0
) -> CountedValue | NotEstimable:
    """What customers without a contract will bring, by BG/NBD and gamma-gamma fitted to counts of this variant.

    Args:
        histories: customers by their purchases since the first, which is not counted; time in any unit.
        spending: the same customers by mean spend and all their purchases, the first one counted; a mean of 0 where
            there is no spend above 0, for which the model's mean over all customers stands in.
        years: horizon from the end of observation.
        year: the length of a year in the unit of time: 365, 365 / 7 or 12.
        discount: interest a year.

    Formula: for each number of purchases the mean of what histories promise times the mean of expected spend, averaged
    over customers. The variance is that of `project_value`, the influence of each customer summed over all pairs of a
    history and a spend of as many purchases, in closed form.
    Source: Newey and McFadden (1994), Handbook of Econometrics 4:2111, section 6.

    Returns:
        NotEstimable "too_few_units" for fewer than 2 customers, "not_finite" where the model of spend has no mean for
        some of them, and what `fit_purchases` and `fit_spend` return.

    Raises:
        ValueError: for histories, spend or horizon that cannot be, and where the two do not count the same customers.

    >>> histories = Histories([0, 1, 2, 4, 8], [0, 9, 20, 30, 36], [39] * 5, [600, 180, 90, 50, 20])
    >>> spending = Spending([1, 1, 2, 3, 5, 9], [20.0, 35.0, 31.0, 28.0, 41.0, 33.0], [300, 300, 180, 90, 50, 20])
    >>> value = project_counts(histories, spending, years=1.0, year=365 / 7)
    >>> round(value.projected.theta, 1), round(value.projected.variance ** 0.5, 1), value.projected.n
    (24.1, 2.9, 940)
    """
    if not 0.0 <= years < math.inf:
        raise ValueError(f"{years} years")
    counts = _Counts.of(histories, spending)
    buying = fit_purchases(histories)
    if isinstance(buying, NotEstimable):
        return buying
    spend = fit_spend(spending)
    if isinstance(spend, NotEstimable):
        return spend
    if round(counts.n) < 2:
        return NotEstimable("too_few_units", "1 customer; a variance needs 2")

    def bought(logs: Array) -> Array:
        return discounted_purchases(logs, histories, ahead=years * year, year=year, discount=discount)

    with np.errstate(all="ignore"):
        ahead, each = bought(buying.logs), counts.worth(spend.logs)
        slopes = gradient(lambda at: np.array([counts.product(bought(at), each)]), buying.logs)[0]
        spend_slopes = gradient(lambda at: np.array([counts.product(ahead, counts.worth(at))]), spend.logs)[0]
        value = counts.product(ahead, each)
    if not all(np.isfinite(found).all() for found in (value, slopes, spend_slopes)):
        return NotEstimable("not_finite", "the model of spend has no mean, so that its tail says nothing of the future")
    fitted = counts.purchase_scores(buying.logs) @ np.asarray(buying.log_covariance) @ slopes
    spent = counts.spend_scores(spend.logs) @ np.asarray(spend.log_covariance) @ spend_slopes
    squares = counts.squares(ahead, each / counts.n, fitted - value / counts.n, spent)
    arm = Arm(theta=value, variance=squares * counts.n / (counts.n - 1.0), n=round(counts.n))
    return CountedValue(arm, buying, spend)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Two tables of the same customers, joined by their number of purchases."""

    x: Array
    last: Array
    observed: Array
    customers: Array
    bought: Array
    mean: Array
    heads: Array
    size: Array
    """Customers with each number of purchases."""
    by_history: _Places
    by_spend: _Places
    """The place in `size` of each row of the tables."""

    @classmethod
    def of(cls, histories: Histories, spending: Spending) -> _Counts:
        x, last, observed, customers = table(histories)
        bought, mean, heads = spending_table(spending)
        levels = np.unique(np.concatenate([x + 1.0, bought]))
        by_history, by_spend = np.searchsorted(levels, x + 1.0), np.searchsorted(levels, bought)
        size = _added(by_history, customers, len(levels))
        if not np.array_equal(size, _added(by_spend, heads, len(levels))):
            raise ValueError("histories and spend do not count the same customers by their purchases")
        return cls(x, last, observed, customers, bought, mean, heads, size, by_history, by_spend)

    @property
    def n(self) -> float:
        return float(self.size.sum())

    def worth(self, logs: Array) -> Array:
        """Expected spend per purchase of each row of the table of spend."""
        return expected_spend(logs, np.where(self.mean > 0.0, self.bought, 0.0), self.mean)

    def product(self, ahead: Array, each: Array) -> float:
        """Mean over customers of purchases ahead times what each brings."""
        return float(self._history(ahead) * self._spend(each) @ self.size / self.n)

    def squares(self, ahead: Array, each: Array, fitted: Array, spent: Array) -> float:
        """Sum over customers of (ahead * each + fitted + spent)^2, the first and third by history, the others by spend.

        Formula: the square multiplied out; the mean of a product of something of the history and something of the spend
        is the product of their means, among customers with as many purchases.
        """
        history, spend = self._history, self._spend
        found = history(ahead**2) * spend(each**2) + history(fitted**2) + spend(spent**2)
        found += 2.0 * (history(ahead * fitted) * spend(each) + history(ahead) * spend(each * spent))
        found += 2.0 * history(fitted) * spend(spent)
        return float(found @ self.size)

    def purchase_scores(self, logs: Array) -> Array:
        return purchase_rows(logs, self.x, self.last, self.observed)[1]

    def spend_scores(self, logs: Array) -> Array:
        """Zeros for customers whose spend the model leaves out."""
        scores = np.zeros((len(self.mean), len(logs)))
        seen = (self.mean > 0.0) & (self.bought > 0.0)
        scores[seen] = spend_rows(logs, self.bought[seen], self.mean[seen])[1]
        return scores

    def _history(self, values: Array) -> Array:
        """Means by number of purchases; 0 where nobody has that many."""
        return _added(self.by_history, values * self.customers, len(self.size)) / self._divisor

    def _spend(self, values: Array) -> Array:
        return _added(self.by_spend, values * self.heads, len(self.size)) / self._divisor

    @property
    def _divisor(self) -> Array:
        return np.where(self.size > 0.0, self.size, 1.0)


def _added(places: _Places, values: Array, size: int) -> Array:
    """Sums of the values at each place."""
    return np.asarray(np.bincount(places, values, minlength=size), dtype=np.float64)
