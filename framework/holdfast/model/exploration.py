"""Questions that were asked after the fact: what was looked at, and what was found. None of it ever decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from holdfast.model.found import InteractionRow, SegmentRow
from holdfast.model.result import Check, Estimate, Level, MetricInfo

WITHIN = "those that were asked for"
"""The segment of the units that an exploration is about. No segment of a project can have this name."""
EARLIER = "those that were asked for before: "
"""What the segments of the units that earlier explorations were about begin with, before their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """One look at a metric that was not planned, or at other units than planned."""

    as_of: date
    version: int
    """The experiment's version."""
    metric: str
    segment: str | None = None
    """The property or segment within which effects were compared."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Property to the condition, as text, that units had to meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorationResult:
    """What was found. Exploratory: it was not planned, nothing was corrected for, and no verdict rests on it."""

    schema: Literal["holdfast.exploration/1"] = "holdfast.exploration/1"
    exploratory: Literal[True] = True
    experiment: str
    as_of: str
    readout: str | None
    explored: int
    """How many explorations of this experiment there are so far, this one included."""
    confidence: float
    metric: MetricInfo
    segment: str | None
    where: Mapping[str, str]
    blocked: tuple[Check, ...]
    """Checks of the assignment that leave no verdict: then nothing here can be trusted either."""
    levels: tuple[Level, ...]
    estimates: tuple[Estimate, ...]
    segments: tuple[SegmentRow, ...]
    """Without the levels that may not be shown."""
    suppressed: int
    """Levels of the segment that may not be shown: too few units, or what would give those away."""
    interactions: tuple[InteractionRow, ...]
