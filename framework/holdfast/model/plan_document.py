"""A plan as a document for other programs: what `holdfast plan --json` prints. JSON-shaped, dates as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.model.metric import Clock, Direction, Family
from holdfast.model.plan import Role, Trio


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSize:
    """What a planned number of customers could tell about one metric."""

    baseline: float
    """The share or mean without the tactic, as it was given."""
    unit_variance: float
    """Variance between customers."""
    detectable: float
    """The smallest true difference that would be found, on the metric's own scale."""
    power_to_pass: float | None
    """For guardrails: the chance to read safe when the tactic does no harm."""
    customers_needed: int | None
    """For guardrails: customers, of all variants together, that give the planned power."""
    warning: str | None
    """What is said of a guardrail that would most likely stay undecided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMetric:
    """One metric that will be computed."""

    key: str
    """Its reference in the experiment: unique within the plan."""
    role: Role
    trio: Trio | None
    """Which of retention, churn and average order value it is here."""
    family: Family | None
    """How it is tested; null until the data show whether a column is a proportion or a mean."""
    direction: Direction
    unit: str | None
    """A currency code or a noun; null for proportions."""
    first_day: int | None
    """The first day of the window since assignment; null where there is no window."""
    end_day: int | None
    """The first day after the window."""
    clock: Clock | None
    """Whether days are 24-hour steps from assignment, or local dates."""
    tolerate: str | None
    """For guardrails: the tolerated harm as it was written."""
    sources: tuple[str, ...]
    """The sources that it reads."""
    size: PlanSize | None
    """What --customers could tell of it; null without a baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLooks:
    """Looks before the readout."""

    method: Literal["group_sequential", "always_valid"]
    spending: Literal["obrien_fleming", "pocock"] | None
    """How the error is spent over the looks; null for always-valid intervals."""
    first: str
    """Before it nothing is looked at."""
    dates: tuple[str, ...]
    """Group-sequential looks, first to last; the last one is the readout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPays:
    """Whether the tactic pays, where that is measured."""

    metric: str
    """The metric that the margin is of."""
    costs: tuple[str, ...]
    """Facts that show a cost."""
    not_measured: tuple[tuple[str, str], ...]
    """Costs that no fact shows, and which are left out: kind and amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument:
    """What will be read, tested and shown for one experiment as of one date."""

    schema: Literal["holdfast.plan/1"] = "holdfast.plan/1"
    experiment: str
    """The experiment's folder."""
    title: str
    as_of: str
    readout: str | None
    """The first date at which every enrolled unit is mature; null when nothing has a window."""
    readout_metric: str | None
    interim: bool
    """Whether it is read before its readout, and not at one of its looks: then no effect is computed."""
    enrolled_from: str | None
    enrolled_until: str | None
    """The day after the last enrolment."""
    confidence: float
    fdr: float
    comparisons: tuple[tuple[str, str], ...]
    """Variant and baseline of each comparison."""
    looks: PlanLooks | None
    """Looks before the readout; null for a plan that is read once."""
    adjusted_for: tuple[str, ...]
    """Covariates; `own past` stands for each metric's own number before assignment."""
    strata: tuple[str, ...]
    """Properties within which variants are compared."""
    segments: tuple[str, ...]
    metrics: tuple[PlanMetric, ...]
    """In the order of the report."""
    pays: PlanPays | None
    customers: int | None
    """How many customers would take part, where that was said."""
