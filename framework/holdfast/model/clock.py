"""Dates and instants: a date is 00:00 in the project's zone."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def midnight(day: dt.date, zone: str) -> dt.datetime:
    """00:00 of a local date as a UTC instant."""
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
