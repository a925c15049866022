"""Local dates by integer arithmetic: every engine gets the same rules of a zone, and they come from Python.

Engines disagree about zones (some silently give the UTC day), and calling their calendars once a fact is slow. Here a
moment is the number of microseconds since 1970 in UTC; when a zone changes its offset is known before a query is
written.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import ibis

DAY = 86_400 * 10**6
"""Microseconds of 24 hours."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_BEGINNING = _EPOCH


def micros_of(moment: dt.datetime) -> int:
    """An instant as microseconds since 1970."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def date_of(day: int) -> dt.date:
    """The date of a day number; the first or last that there is for those beyond."""
    first, last = ((edge - _EPOCH.date()).days for edge in (dt.date.min, dt.date.max))
    return _EPOCH.date() + dt.timedelta(days=min(max(day, first), last))


def day_of(moment: dt.datetime, zone: str) -> int:
    """The number of the local date of an instant, counted from 1970-01-01."""
    return (moment.astimezone(ZoneInfo(zone)).date() - _EPOCH.date()).days


def wall_clock(moment: Any, zone: str, until: dt.datetime, since: dt.datetime | None = None) -> Any:
    """A column of moments as microseconds of the zone's wall clock: its day number is this // DAY.

    `since` and `until` bound the moments that matter; beyond them the nearest rule of the zone holds.
    """
    changes = _changes(zone, since or _BEGINNING, until)
    return _stepwise(moment, [(None if at is None else micros_of(at), offset) for at, offset in changes])


def from_wall_clock(local: Any, zone: str, until: dt.datetime, since: dt.datetime | None = None) -> Any:
    """Microseconds of a wall clock as a moment. An hour that the clock shows twice is the second of the two; one that
    it skips counts by the offset before, as engines have it (holdfast.warehouse.dialects.utc)."""
    changes = _changes(zone, since or _BEGINNING, until)
    return _stepwise(local, [(None if at is None else micros_of(at) + offset, -offset) for at, offset in changes])


def day_number(local: Any) -> Any:
    """The day number of a wall clock's microseconds."""
    return (local // DAY).cast("int32")


def _stepwise(column: Any, steps: list[tuple[int | None, int]]) -> Any:
    """The column plus the amount of the step that it lies in; newest first, since most facts are recent."""
    if len(steps) == 1:
        return column + steps[0][1] if steps[0][1] else column
    *later, (_, first) = steps
    return ibis.cases(*((column >= start, column + amount) for start, amount in later), else_=column + first)


@lru_cache(maxsize=256)
def _changes(zone: str, since: dt.datetime, until: dt.datetime) -> tuple[tuple[dt.datetime | None, int], ...]:
    """From when which offset holds, in microseconds, newest first; the last one always did."""
    place, step = ZoneInfo(zone), dt.timedelta(days=1)

    def offset(moment: dt.datetime) -> int:
        found = moment.astimezone(place).utcoffset()
        return (found or dt.timedelta()) // dt.timedelta(microseconds=1)

    at, held = since, offset(since)
    found: list[tuple[dt.datetime | None, int]] = [(None, held)]
    # A little further than asked: a window may reach beyond the last moment that was assigned.
    while at < until + step:
        following = at + step
        if (new := offset(following)) != held:
            low, high = at, following
            while high - low > dt.timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (low, middle) if offset(middle) != held else (middle, high)
            found.append((high.replace(microsecond=0), new))
            held = new
        at = following
    return tuple(reversed(found))
