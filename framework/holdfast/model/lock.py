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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """experiments/<slug>/lock.yaml."""

    version: int
    config_hash: str
    """SHA-256 of all that the experiment resolved to when it was locked."""
    design: Mapping[str, Any]
    """What decides who gets what, and the primary metric, guardrails and effect worth having."""
    batches: tuple[LockedBatch, ...]
