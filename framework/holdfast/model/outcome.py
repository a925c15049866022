"""What cannot be computed is a value with a reason, never a NaN, a fake zero or p = 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "no_units",
    "too_few_units",
    "no_mature_units",
    "zero_variance",
    "zero_denominator",
    "baseline_not_positive",
    "baseline_too_close_to_zero",
    "not_finite",
    "not_planned",
    "no_events",
    "not_followed",
    "too_few_clusters",
    "drawn_as_clusters",
    "too_few_looks",
    "no_convergence",
    "too_few_studies",
]


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """A number that could not be had, and why."""

    reason: Reason
    """The reason as a code that programs can match."""
    detail: str = ""
    """What was missing, in words and figures for the reader."""
