"""Formulas of a customer's worth. They describe; a projection never decides an experiment."""

from __future__ import annotations

import math

from holdfast.model.outcome import NotEstimable


def lifetime_value(
    *, orders_a_year: float, order_value: float, years: float, margin: float = 1.0, discount: float = 0.0
) -> float | NotEstimable:
    """What a customer brings over the years: orders a year x order value x years, times a margin, discounted.

    Args:
        orders_a_year: orders per customer and year.
        order_value: money per order.
        years: how long the customer stays.
        margin: the share of revenue that is kept; 1 gives revenue.
        discount: interest a year; each year is worth 1 / (1 + discount) of the one before, the first in full.

    Formula: orders_a_year * order_value * margin * sum over years t = 0, 1, ... of (1 + discount)**-t, the last one in
    part. Source: Berger and Nasr (1998), Journal of Interactive Marketing 12:17, case 1.

    >>> lifetime_value(orders_a_year=12, order_value=50, years=8)
    4800.0
    """
    values = (orders_a_year, order_value, years, margin, discount)
    if not all(math.isfinite(value) for value in values) or discount <= -1 or years < 0:
        return NotEstimable(
            "not_finite", "orders, value, years, margin and discount are finite, and years not negative"
        )
    whole = math.floor(years)
    factors = [(1 + discount) ** -year for year in range(whole)]
    factors.append((years - whole) * (1 + discount) ** -whole)
    return orders_a_year * order_value * margin * math.fsum(factors)


def cost_per(*, spend: float, count: float) -> float | NotEstimable:
    """What one costs on average: acquisition cost per customer, cost per impression, cost per contact.

    >>> cost_per(spend=100_000, count=5_000)
    20.0
    """
    if not math.isfinite(spend) or not math.isfinite(count):
        return NotEstimable("not_finite", "spend and count are finite")
    return spend / count if count > 0 else NotEstimable("zero_denominator", "nothing to divide the spend by")


def retained_share(*, at_start: int, lost: int) -> float | NotEstimable:
    """The share of the customers at the start of a period who were still there at its end; churn is its complement.

    >>> retained_share(at_start=200, lost=10)
    0.95
    """
    if at_start <= 0:
        return NotEstimable("no_units", "nobody was there at the start")
    if not 0 <= lost <= at_start:
        raise ValueError(f"{lost} of {at_start} customers cannot be lost")
    return 1 - lost / at_start
