"""The lock of a started experiment: what was decided before anybody was assigned, and who got what, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

SCHEMA = "holdfast.lock/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBatch:
    """One batch of the assignment, without any unit's id."""

    as_of: date
    counts: Mapping[str, int]
    checksum: str
    traffic: str
    """The share of the audience that took part: it may be raised while enrolment lasts."""


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
