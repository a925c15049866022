"""What customers do by calendar month, over all facts of a project. Not an experiment. JSON-shaped."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from holdfast.model.predicate import Predicate
from holdfast.model.values import FactRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which facts the numbers are made of, and over which months."""

    active: tuple[FactRef, Predicate]
    """What counts as active."""
    order: tuple[FactRef, Predicate]
    revenue: tuple[FactRef, Predicate]
    lapsing: tuple[FactRef, Predicate] | None
    """What keeps a customer from being lost; None where the project has no churn by inactivity."""
    inactivity_days: int
    starts: tuple[dt.datetime, ...]
    """When each month begins, first to last, the month before the first one at the beginning, and when the last one
    ends."""
    by: str | None
    """A property or segment of the customers' own rows."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that are read."""
        uses = [self.active, self.order, self.revenue, *([self.lapsing] if self.lapsing else [])]
        return tuple(dict.fromkeys(fact.source for fact, _ in uses))


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCounts:
    """Customers and facts of one month and level."""

    month: int
    """0 is the first month that is shown."""
    level: str | None
    active_before: int
    """Customers who were active in the month before."""
    retained: int
    """Of those, who were active in this one."""
    alive: int
    """Customers who at the beginning of the month had been active within the days of inactivity."""
    lapsed: int
    """Of those, who at its end had not been for as many days."""
    customers: int
    """Customers who ordered."""
    repeaters: int
    """Of those, who had ordered in an earlier month."""
    orders: int
    revenue: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiRow:
    """One month of all customers, or of one level. A number is None where nobody is there to have it."""

    month: str
    level: str | None
    """None for all customers, or for those of whom it is not known; `everybody` tells which."""
    everybody: bool
    suppressed: bool = False
    """So few customers that they may not be shown, or what would give them away."""
    customers: int | None = None
    orders: int | None = None
    revenue: float | None = None
    retention: float | None = None
    churn: float | None = None
    repeat: float | None = None
    frequency: float | None = None
    average_order_value: float | None = None
    revenue_per_customer: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """Customers by calendar month."""

    schema: Literal["holdfast.kpi/1"] = "holdfast.kpi/1"
    experiment: Literal[False] = False
    warning: str
    as_of: str
    timezone: str
    currency: str
    by: str | None
    definitions: tuple[tuple[str, str], ...]
    """Name of each number to what it is."""
    last_order: str | None = None
    """The last month with an order, where months without any follow: the data may end there."""
    rows: tuple[KpiRow, ...]
