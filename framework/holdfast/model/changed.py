"""Why two analyses of one experiment differ. From their documents alone; JSON-shaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.model.result import CheckStatus, Estimand

Why = Literal[
    "another_version", "configuration", "newly_assigned", "late_assignments", "newly_mature", "late_facts", "software"
]
"""late_assignments: units that were assigned before the first of the dates and were not there then; late_facts: other
totals of the same units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that the files say otherwise; None where it was not there."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """What one variant reached on one metric, at both dates; None where the document does not hold it."""

    metric: str
    variant: str
    value_before: float | None
    value_after: float | None
    n_before: int | None
    n_after: int | None
    newly_mature: int | None
    """Units whose whole window has been observed since."""
    late_total: float | None
    """Where the same units count at both dates: how much their total changed, by facts that came late or were put
    right. None where other units count: then what came late cannot be told from what is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateChange:
    """One contrast at both dates; None where the document does not hold it."""

    metric: str
    variant: str
    baseline: str
    estimand: Estimand
    before: float | None
    lower_before: float | None
    upper_before: float | None
    after: float | None
    lower_after: float | None
    upper_after: float | None
    state_before: str | None
    state_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckChange:
    """A check that came out otherwise; None where it was not made."""

    id: str
    before: CheckStatus | None
    after: CheckStatus | None
    value_before: float | None
    value_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedChange:
    """Units of one variant."""

    variant: str
    before: int
    after: int
    late: int | None
    """Of the new ones, those that were assigned on days that the first analysis had counted already; below zero where
    some are gone. None where the data carry no dates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Everything that differs between two analyses."""

    schema: Literal["holdfast.diff/1"] = "holdfast.diff/1"
    experiment: str
    before: str
    """The folder of the first report."""
    after: str
    why: tuple[Why, ...]
    """What can explain the differences; empty where the numbers are the same."""
    verdict_before: str
    """The recommendation, with its reason."""
    verdict_after: str
    assigned: tuple[AssignedChange, ...]
    levels: tuple[LevelChange, ...]
    estimates: tuple[EstimateChange, ...]
    checks: tuple[CheckChange, ...]
    config_hash_before: str
    config_hash_after: str
    fields: tuple[FieldChange, ...]
    """What of the configuration results.json holds and differs; other differences show in the hash alone."""
    software: tuple[FieldChange, ...]
    """Versions of Holdfast and of the engine, and where the sources lie."""
    deviations_added: tuple[str, ...]
    deviations_gone: tuple[str, ...]
