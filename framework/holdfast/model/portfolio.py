"""What several experiments say together: by type of tactic, by stage, and by driver of churn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.model.found import Quantity
from holdfast.model.outcome import Reason

GroupKind = Literal["tactic_type", "stage", "churn_driver"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported:
    """An experiment that has no report yet, as its files alone tell."""

    slug: str
    title: str
    state: Literal["draft", "to_correct", "planned", "under_way"]
    readout: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEffect:
    """The relative change of the primary metric in one experiment; of several variants the mean of theirs."""

    experiment: str
    title: str
    folder: str
    """Of the report, within that of the experiment."""
    variants: tuple[str, ...]
    """By title."""
    estimate: float
    lower: float
    upper: float
    shrunken: Quantity = Quantity()
    """Drawn towards the other experiments: what to expect from now on. An effect is told because it looked good, so
    that its own estimate is too good on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledEffect:
    """Experiments with the same primary metric, as one."""

    metric: str
    """Its name, without the window."""
    title: str
    effects: tuple[PastEffect, ...]
    mean: Quantity
    """The usual relative change, over experiments like these; a reason where there are too few."""
    next: Quantity
    """Where the true effect of another such experiment lies."""
    spread: float | None = None
    """Standard deviation of true effects between experiments."""
    q_p: float | None = None
    """Of Cochran's Q: whether estimates differ by more than chance."""
    i2: float | None = None
    """Share of the estimates' variance that is true difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioGroup:
    """Experiments with one type of tactic, at one stage of the customer's life, or for one driver of churn."""

    kind: GroupKind
    name: str
    experiments: int
    """All that have an effect to tell."""
    pooled: tuple[PooledEffect, ...]
    """By primary metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An experiment that says nothing here, and why."""

    experiment: str
    reason: Literal["not_read_yet", "no_verdict"] | Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What was learnt over all experiments."""

    confidence: float
    """Two-sided, of every interval."""
    groups: tuple[PortfolioGroup, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
