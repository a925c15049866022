"""What the engine answered, as long rows: enough to work out every estimate again, and nobody's number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Of = Literal["compared", "uncapped", "clusters"]
"""compared: what estimates are made of; uncapped: before the cap; clusters: sums over clusters, drawn as one."""


@dataclass(frozen=True, slots=True)
class MomentRow:
    """One mean, or one entry of a covariance matrix."""

    metric: str
    variant: str
    dimension: str | None
    """The segment or stratum; assigned_on for the date of assignment; None for all units."""
    level: str | None
    """Within the dimension; None where it is not known."""
    of: Of
    n: int
    """Units, or clusters."""
    statistic: Literal["mean", "covariance"]
    element: str
    """value, or numerator and denominator; covariate_1_..., the parts of what is read together."""
    other: str | None
    """Of a covariance: the second element."""
    value: float


@dataclass(frozen=True, slots=True)
class CurveRow:
    """One day of one variant."""

    curve: str
    """The key of the curve or of the time to an event."""
    variant: str
    day: int
    """0 is the day that begins with the assignment."""
    cause: str | None
    """Where there are several reasons, the one that these events have; None for all events."""
    at_risk: int
    events: int
    censored: int
