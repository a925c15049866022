"""What a source of data looks like: its columns with their types, and counts that say whether it can be trusted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "text", "whole numbers", "numbers", "true or false", "dates", "times", "instants", "uuids", "nothing", "unknown"
]
"""What a column holds, in words. times carry no zone, instants do; unknown is what only a reading of the file could
tell."""
COMPARABLE = ("numbers", "whole numbers", "true or false", "nothing")
"""Kinds that a number can be compared with."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source."""

    kind: Kind
    words: str
    """What it holds, in the reader's words; the engine's own word for a type that has none."""
    exact: bool = True
    """Whether equal values always have one text, so that they can be hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The numbers of one source, from one statement."""

    rows: int
    empty: Mapping[str, int]
    """Rows without a value, by column."""
    blank_keys: int = 0
    """Rows whose key is an empty text."""
    without_key: int = 0
    """Rows whose key is missing or an empty text."""
    distinct_keys: int | None = None
    """How many different keys there are; for sources of grain unit."""
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    """The earliest and the latest time that is not in the future, as UTC instants."""
    in_future: int = 0
    """Rows with a later time than now."""
    reversed: int = 0
    """Periods that end before they start."""
    matches: Mapping[int, int] = field(default_factory=dict)
    """Rows that meet each condition, by its place in the list that was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Rows that repeat another one."""

    rows: int
    """Rows beyond the first of each."""
    compared: int
    """Rows that were compared."""
    since: dt.datetime | None
    """From when on rows were compared; None for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of a column, the most frequent first."""

    counts: tuple[tuple[str, int], ...]
    """Value, as text, and rows; at most as many as were asked for."""
    more: bool
    """Whether there are others."""
