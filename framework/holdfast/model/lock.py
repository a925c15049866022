"""The lock of a started experiment: what was decided before anybody was assigned, and who got what, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from holdfast.model.manifest import Draw

SCHEMA = "holdfast.lock/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBatch:
    """One batch of the assignment, without any unit's id."""

    as_of: date
    counts: Mapping[str, int]
    checksum: str
    traffic: str
    """The share of the audience that took part: it may be raised while enrolment lasts."""
    config_hash: str
    """SHA-256 of the design that it was drawn under."""
    draw: Draw | None = None
    """Which draw was accepted, where units are drawn again until the variants are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTable:
    """The table that another system wrote, as it stood when it was locked, without any unit's id."""

    as_of: date
    """Everything that was assigned before 00:00 of this date; the whole table where it has no time of assignment."""
    counts: Mapping[str, int]
    """Units by variant; those seen in several are in none."""
    rows: int
    """Rows of the table."""
    unlisted: int
    """Rows whose label is no variant."""
    duplicates: int
    """Rows beyond the first of a unit."""
    crossovers: int
    """Units seen in more than one variant."""
    checksum: str
    """Checksum of who got what, and when."""
    late: bool
    """Whether the observation had ended on the day when this was written, whatever date it is as of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """experiments/<slug>/lock.yaml."""

    version: int
    """The version that is locked."""
    assigned_by_version: int
    """The version whose manifest holds the assignment: an earlier one when only the analysis changed since."""
    salt: str | None
    """The salt of the assignment, drawn by the first one when no file gives it; None for external assignment."""
    config_hash: str
    """SHA-256 of the design."""
    design: Mapping[str, Any]
    """All that the experiment resolved to and that may not change without a new version."""
    cosmetic: Mapping[str, Any]
    """What was only shown when the version was locked: it may change, and changes are listed in the report."""
    batches: tuple[LockedBatch, ...]
    tables: tuple[LockedTable, ...] = ()
    """For external assignment: the table as of each date on which it was locked, oldest first."""
