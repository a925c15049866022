"""Everything that differs between engines: hashing, local dates and elapsed days.

One function per need. DuckDB is the one engine so far; another one adds its own spelling here and nowhere else.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
from ibis.expr import datatypes as types

from holdfast import hashing

_NAIVE = types.Timestamp(scale=6)
_AWARE = types.Timestamp(timezone="UTC", scale=6)


@ibis.udf.scalar.builtin(name="timezone", signature=((types.string, _NAIVE), _AWARE))
def _localised(zone, moment):  # type: ignore[no-untyped-def]
    """A wall-clock time in a zone as an instant."""


@ibis.udf.scalar.builtin(name="timezone", signature=((types.string, _AWARE), _NAIVE))
def _wall_clock(zone, moment):  # type: ignore[no-untyped-def]
    """An instant as the wall-clock time in a zone."""


@ibis.udf.scalar.builtin(name="date_sub", signature=((types.string, _NAIVE, _NAIVE), types.int64))
def _complete(part, start, end):  # type: ignore[no-untyped-def]
    """How many complete parts lie between two moments."""


@ibis.udf.scalar.builtin(name="epoch_us", signature=((_NAIVE,), types.int64))
def _epoch_us(moment):  # type: ignore[no-untyped-def]
    """Microseconds since 1970."""


def micros(moment: Any) -> Any:
    """A timestamp or date column as microseconds since 1970: of an instant in UTC, of a naive one by its wall clock."""
    kind = moment.type()
    if kind.is_timestamp() and kind.timezone is not None:
        moment = _wall_clock("UTC", moment)
    return _epoch_us(moment.cast(_NAIVE))


def utc(moment: Any, zone: str) -> Any:
    """A timestamp or date column as naive UTC; naive values are wall-clock times in the zone."""
    kind = moment.type()
    if kind.is_timestamp() and kind.timezone is not None:
        return _wall_clock("UTC", moment)
    naive = moment.cast(_NAIVE)
    return naive if zone == "UTC" else _wall_clock("UTC", _localised(zone, naive))


def local_date(moment: Any, zone: str) -> Any:
    """The local date of a naive UTC timestamp. (Ibis's own cast to a zone silently gives the UTC day.)"""
    return moment.date() if zone == "UTC" else _wall_clock(zone, _localised("UTC", moment)).date()


def local_midnight(day: Any, zone: str) -> Any:
    """00:00 of a local date as naive UTC."""
    return utc(day.cast(_NAIVE), zone)


def elapsed_days(start: Any, end: Any) -> Any:
    """Complete 24-hour days between two naive UTC timestamps; end must not be before start."""
    return _complete("day", start, end)


def calendar_days(start: Any, end: Any) -> Any:
    """Dates between two dates."""
    return end.delta(start, unit="day")


def adds_whole(engine: str) -> bool:
    """Whether an engine adds 64-bit integers into a wider one: elsewhere a long sum overflows."""
    return engine in {"duckdb", "postgres"}


def literal(moment: dt.datetime) -> Any:
    """An instant as a naive UTC literal."""
    return ibis.literal(moment.astimezone(dt.UTC).replace(tzinfo=None), type=_NAIVE)


def bucket(text: Any) -> Any:
    """The first 52 bits of the MD5 digest of a text column, as an integer: the hash of holdfast.hashing."""
    digits = ibis.literal("0x") + text.hexdigest("md5").substr(0, hashing.DIGITS)
    return digits.cast("int64")


def purpose_bucket(salt: str, purpose: hashing.Purpose, unit_text: Any) -> Any:
    """holdfast.hashing.bucket in the engine."""
    return bucket(ibis.literal(f"{salt}:{purpose}:") + unit_text)


def unit_text(unit: Any) -> Any:
    """The text of a unit id that is hashed: strings as they are, integers in decimal, UUIDs in lower case."""
    kind = unit.type()
    if not (kind.is_string() or kind.is_integer() or kind.is_uuid()):
        raise TypeError(f"{hashing.ID_RULE}, not {kind}")
    return unit.cast("string")


__all__ = [
    "adds_whole",
    "bucket",
    "calendar_days",
    "elapsed_days",
    "literal",
    "local_date",
    "local_midnight",
    "micros",
    "purpose_bucket",
    "unit_text",
    "utc",
]
