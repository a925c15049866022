"""The size, the seed and the calendar of the simulated shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY = 86_400
"""Seconds in a day; Tokyo has no daylight saving, so every local day has as many."""
TOKYO_OFFSET = 9 * 3600
"""Seconds that Tokyo is ahead of UTC."""
FIRST_ENROLMENT = date(2025, 10, 1)
LAST_OUTCOME = date(2026, 2, 10)
"""The first date on which every window of the three experiments has closed."""

_HOURS = (7, 4, 2, 1, 1, 2, 5, 9, 12, 14, 16, 17, 24, 18, 15, 15, 16, 18, 21, 26, 31, 34, 28, 15)
_HOUR_EDGES = np.arange(25, dtype=np.float64) * 3600
_HOUR_SHARES = np.concatenate([[0.0], np.cumsum(_HOURS) / sum(_HOURS)])
_MONTHS = {8: 1.7, 11: 1.35, 12: 1.12}
"""The summer fair, the November sales and the December gifts; all other months are average."""
_WEEKDAYS = (0.95, 0.92, 0.94, 0.97, 1.02, 1.11, 1.09)


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """What a simulated shop is made from: the same settings always make the same shop."""

    customers: int = 50_000
    """How many people sign up between the first and the last day."""
    seed: int = 20251001
    """The start of every random number."""
    first_day: date = date(2024, 10, 1)
    """The first local date with events."""
    last_day: date = date(2026, 4, 1)
    """The local date at whose midnight the data ends (exclusive)."""

    def __post_init__(self) -> None:
        """Refuse a shop whose experiments would have no customers or open windows."""
        if self.customers < 1 or self.seed < 0:
            raise ValueError("a shop needs at least one customer and a seed that is not negative")
        if self.first_day > FIRST_ENROLMENT or self.last_day < LAST_OUTCOME:
            raise ValueError(f"the shop must be open from {FIRST_ENROLMENT} or earlier until {LAST_OUTCOME} or later")

    @property
    def days(self) -> int:
        """The number of local days with events."""
        return (self.last_day - self.first_day).days

    def day_of(self, when: date) -> int:
        """The number of a local date, where the first day is 0."""
        return (when - self.first_day).days

    def date_of(self, day: int) -> date:
        """The local date with a number."""
        return self.first_day + timedelta(days=day)

    def utc_microseconds(self, local_seconds: Ints) -> Ints:
        """The instants, in microseconds since 1970 UTC, of local seconds since the first day's midnight."""
        midnight = (self.first_day - date(1970, 1, 1)).days * DAY - TOKYO_OFFSET
        return (local_seconds + midnight) * 1_000_000


def second_of_day(uniform: Floats) -> Ints:
    """The local second of the day that each uniform number falls on: quiet nights, busy lunch breaks and evenings."""
    seconds = np.interp(uniform, _HOUR_SHARES, _HOUR_EDGES).astype(np.int64)
    return np.minimum(seconds, DAY - 1)


def season(settings: ShopSettings, day: int) -> float:
    """The demand of a day relative to an average one: week-day, season and a mild growth."""
    today = settings.date_of(day)
    growth = 1.0 + 0.08 * (day / 365)
    return _WEEKDAYS[today.weekday()] * _MONTHS.get(today.month, 1.0) * growth


def sign_up_shares(settings: ShopSettings) -> Floats:
    """The share of all customers who sign up on each day: the shop grows, with busy weekends and a fair in August."""
    growth = np.linspace(0.72, 1.38, settings.days)
    weights = np.asarray([growth[day] * _sign_up_factor(settings.date_of(day)) for day in range(settings.days)])
    shares: Floats = weights / weights.sum()
    return shares


def _sign_up_factor(today: date) -> float:
    """The sign-ups of a date relative to an average one: the fair brings many, after December few are courted."""
    month = 1.5 if today.month == 8 else 0.7 if today.month <= 3 and today.year > FIRST_ENROLMENT.year else 1.0
    return month * _WEEKDAYS[today.weekday()]
