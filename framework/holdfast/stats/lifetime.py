"""Lifetime value by formula: what was measured and what is projected, apart. A projection never decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm, ratio_arm
from holdfast.stats.balance import Group
from holdfast.stats.joint import arm_of, unusable

YEAR = 365.0
"""Days of a year."""


@dataclass(frozen=True, slots=True)
class FormulaValue:
    """Lifetime value per customer of one variant; each part is an arm, so that variants can be compared in it."""

    realised: Arm
    """What was measured in the window, times the margin."""
    projected: Arm
    """What the formula adds after the window."""
    total: Arm
    """Both together, with the error of both."""
    orders_a_year: Arm
    """The pace of the window, taken over a year."""
    order_value: Arm | NotEstimable
    """Revenue per order; NotEstimable "zero_denominator" where nobody ordered."""
    years_worth: float
    """Years at the measured pace that the projection is worth, after retention and discount."""


def years_worth(*, years: float, discount: float = 0.0, retention: float = 1.0) -> float | NotEstimable:
    """Full years at today's pace that some years are worth, when each is discounted and fewer customers are left.

    Args:
        years: may be infinite.
        discount: interest a year.
        retention: share of the customers of a year who are left in the next.

    Formula: sum over t = 0, 1, ... of (retention / (1 + discount))^t, the last year in part.
    Source: Berger and Nasr (1998), Journal of Interactive Marketing 12:17; without end Gupta and Lehmann (2003).

    Returns:
        NotEstimable "not_finite" where the sum has no end.

    Raises:
        ValueError: for negative years, interest of -1 or less, or a retention outside [0, 1].

    >>> years_worth(years=8), round(years_worth(years=math.inf, discount=0.1, retention=0.875), 3)
    (8.0, 4.889)
    """
    if not years >= 0.0 or not discount > -1.0 or not 0.0 <= retention <= 1.0:
        raise ValueError(f"no years, interest and retention: {years}, {discount}, {retention}")
    ratio = retention / (1.0 + discount)
    if math.isinf(years):
        return 1.0 / (1.0 - ratio) if ratio < 1.0 else NotEstimable("not_finite", "the value grows without end")
    whole = math.floor(years)
    if ratio in {0.0, 1.0}:
        return float(years if ratio == 1.0 else min(years, 1.0))
    grown = whole * math.log(ratio)
    if grown > 700.0:
        return NotEstimable("not_finite", "the value is too large to compute")
    return math.expm1(grown) / (ratio - 1.0) + (years - whole) * math.exp(grown)


def formula_projection(
    group: Group, *, days: float, years: float, margin: float = 1.0, discount: float = 0.0, retention: float = 1.0
) -> FormulaValue | NotEstimable:
    """Orders a year times order value times years times margin, with the error of what was measured.

    Args:
        group: (orders, revenue) of one variant, each unit over the same window. With (orders, margin) instead, and
            `margin` left at 1, the error of the measured margin is carried too.
        days: length of the window.
        years: horizon from the start of the window; may be infinite.
        margin: the share of revenue that is kept, taken as known.
        discount: interest a year.
        retention: share of the customers of a year who are left in the next; at 1 the value falls by interest only.

    Formula: orders a year times order value is revenue per customer and year, r 365 / days. Realised: margin r.
    Projected: margin r (365 / days) (F(years) - F(days / 365)), F of `years_worth`. Both are multiples of the mean r,
    so their errors are those multiples of its error, and the delta method is exact. The error is that of the measured
    mean: whether customers go on as the formula says is not in it.

    Returns:
        NotEstimable "no_units", "too_few_units" or "not_finite".

    Raises:
        ValueError: for a window that is not above 0 days or longer than the horizon, and for moments, interest, margin
            or retention that cannot be.

    >>> value = formula_projection(Group(400, [3.0, 150.0], [[4.0, 190.0], [190.0, 1e4]]), days=365 / 4, years=8)
    >>> value.orders_a_year.theta, value.order_value.theta, value.realised.theta, value.projected.theta
    (12.0, 50.0, 150.0, 4650.0)
    """
    if len(group.mean) != 2:
        raise ValueError(f"orders and revenue are two values, not {len(group.mean)}")
    if not (0.0 < days < math.inf and days / YEAR <= years and math.isfinite(margin)):
        raise ValueError(f"a window of {days:g} days for a horizon of {years:g} years, margin {margin:g}")
    missing = unusable(group)
    if missing is not None:
        return missing
    orders, revenue = arm_of(group, 0), arm_of(group, 1)
    horizon, window = (years_worth(years=t, discount=discount, retention=retention) for t in (years, days / YEAR))
    for part in (orders, revenue, horizon, window):
        if isinstance(part, NotEstimable):
            return part
    assert isinstance(orders, Arm) and isinstance(revenue, Arm)
    assert isinstance(horizon, float) and isinstance(window, float)
    pace, ahead = YEAR / days, max(0.0, horizon - window)
    factors = (margin, margin * pace * ahead, margin * (1.0 + pace * ahead))
    realised, projected, total = (_times(revenue, factor) for factor in factors)
    yearly = _times(orders, pace)
    if not all(
        math.isfinite(arm.theta) and math.isfinite(arm.variance) for arm in (realised, projected, total, yearly)
    ):
        return NotEstimable("not_finite", "the value is too large to compute")
    value = ratio_arm(
        n=group.n,
        numerator_mean=group.mean[1],
        denominator_mean=group.mean[0],
        numerator_variance=group.covariance[1][1],
        denominator_variance=group.covariance[0][0],
        covariance=group.covariance[0][1],
    )
    return FormulaValue(realised, projected, total, yearly, value, ahead)


def _times(arm: Arm, factor: float) -> Arm:
    """An arm in other units."""
    return Arm(theta=arm.theta * factor, variance=arm.variance * factor * factor, n=arm.n, df=arm.df)
