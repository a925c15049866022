"""An experiment as its author defines it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from holdfast.model.metric import Metric
from holdfast.model.predicate import Predicate
from holdfast.model.project import Cuped, Health
from holdfast.model.source import FORBID
from holdfast.model.values import Duration, Effect, FactRef, MetricRef, Share, ShareRange
from holdfast.model.words import Language, Words


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One of the treatments that are compared."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    weight: int
    """Its share of the units, as a whole number relative to the other weights; 0 for a treatment that nobody may have,
    such as one closed before the start: it is compared with nothing, and a unit found in it leaves no verdict."""
    tactic: str
    """A tactic by name; `nothing` or `same_as_today` for control."""
    is_control: bool = False
    """Whether the others are compared with it. YAML: `control: true`."""
    title: str = ""
    """Words for the report; default: the tactic's title."""
    payload: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """What a service or mailing tool needs to deliver it."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place in an exclusion group: `{name: lifecycle-offers, slot: 0%..50%}`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    name: str
    """The group."""
    slot: ShareRange
    """The part of the group's customers, as a range of shares."""


@dataclass(frozen=True, kw_only=True)
class Rerandomise:
    """Draw again until the variants are alike before the start."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    on: tuple[str, ...]
    """Numbers known before assignment that the variants shall be alike in."""
    accept: Share = field(default_factory=lambda: Share.parse("10%"))
    """The share of all draws that is alike enough: the first such draw is taken."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """How units get their variant."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    method: Literal["hash", "balanced", "external"] = "hash"
    """hash: Holdfast randomises each unit by itself; balanced: in blocks within strata; external: another system did,
    and a table says who got what."""
    unit: str | None = None
    """For hash: which of the project's units; may be left out when there is one."""
    salt: str | None = None
    """For hash: the text that makes this experiment's draw independent of all others; never changes after the start."""
    hash_version: Literal[1] = 1
    """For hash: the version of the hash."""
    traffic: Share = field(default_factory=lambda: Share.parse("100%"))
    """For hash: the share of the audience that takes part."""
    source: str | None = None
    """For external: the unit source that holds the assignment."""
    variant: str | None = None
    """For external: the column that holds the variant."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """For external: label in the column to variant, where they differ."""
    strata: tuple[str, ...] = ()
    """Properties or segments within which variants are balanced and results are compared."""
    rerandomise: Rerandomise | None = None
    """For balanced on a date: draw again until the variants are alike in these numbers too."""
    cluster: str | None = None
    """The property whose units are randomised as one, such as household or store."""
    exclusion_group: Slot | None = None
    """The group of experiments that never share a customer, and this one's place in it."""
    holdout: tuple[str, ...] | None = None
    """The holdout whose customers stay out; several where one follows another while customers enter. Default: the
    project's; [] for none."""
    rules: Mapping[str, Predicate] = field(default_factory=dict)
    """For external, in place of `variant`: variant to the conditions that make it, when no one column does."""
    assigned_at: str | None = None
    """For external: the column with the time of assignment; needed for metrics with windows."""
    batch: str | None = None
    """For external: the column that names the send or batch a unit was assigned in, to check the split of each."""

    @property
    def by_holdfast(self) -> bool:
        """Whether Holdfast draws, in whatever way; otherwise another system did."""
        return self.method != "external"


@dataclass(frozen=True, kw_only=True)
class Enroll:
    """When units enter: on one date, in daily batches, or at an event."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    date: dt.date | None = None
    """A snapshot of the audience at 00:00 of this date."""
    start: dt.date | None = None
    """First day of enrolment (included). YAML: `from`."""
    length: Duration | None = None
    """How long enrolment lasts. YAML: `for`."""
    each: Literal["day"] | None = None
    """A batch at 00:00 of every day."""
    at: FactRef | None = None
    """At the unit's first such fact within the enrolment."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """For finished experiments: the dates that the outcomes cover."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    until: dt.date
    """The day after the last, 00:00. YAML: `to`."""
    start: dt.date | None = None
    """First day, where it is known. YAML: `from`."""


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """A metric that must not get worse by more than what is tolerated."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    metric: MetricRef
    """The metric, by name."""
    tolerate: Effect
    """The harm that is tolerated; always positive."""


@dataclass(frozen=True, kw_only=True)
class CurveSpec:
    """A retention curve: the share of units active between one listed day and the next."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    title: str = ""
    """Words for the report."""
    fact: FactRef | None = None
    """What counts as active; with `days`."""
    days: tuple[int, ...] = ()
    """Ends of the periods in days since assignment: [7, 14, 30] means days 0 to 6, 7 to 13 and 14 to 29."""
    points: Mapping[int, MetricRef] = field(default_factory=dict)
    """In place of `fact`: day to a proportion metric, for finished experiments."""


@dataclass(frozen=True, kw_only=True)
class NotMeasured:
    """Why a metric of the trio cannot be had from these data."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    not_measured: str
    """The reason, for the report."""


@dataclass(frozen=True, kw_only=True)
class MetricPlan:
    """What is measured, and what decides."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    primary: MetricRef
    """The metric that decides."""
    secondary: tuple[MetricRef, ...] = ()
    """Tested with a bound on false discoveries."""
    guardrails: tuple[Guardrail, ...] = ()
    """Must not get worse than tolerated."""
    descriptive: tuple[MetricRef, ...] = ()
    """Shown, never tested."""
    trio: Mapping[Literal["retained", "churned", "average_order_value"], MetricRef | NotMeasured] = field(
        default_factory=dict
    )
    """Which metrics are retention, churn and average order value here; default: the metrics of those names."""
    curves: tuple[CurveSpec, ...] = ()
    """Retention curves."""
    define: Mapping[str, Metric] = field(default_factory=dict)
    """Metrics that only this experiment uses, such as columns of its own file."""


@dataclass(frozen=True, kw_only=True)
class GroupSequential:
    """Looks at planned times, each spending part of the error that is allowed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    group_sequential: Literal["daily", "weekly"]
    """How often it is looked at."""
    spending: Literal["obrien_fleming", "pocock"] = "obrien_fleming"
    """How the error is spent: late, or evenly."""


@dataclass(frozen=True, kw_only=True)
class AlwaysValid:
    """Looks at any time."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    always_valid: Literal[True]
    """Intervals that hold however often they are looked at."""
    start: Duration = Duration(336)
    """The first look, after the start of enrolment. YAML: `from`."""


@dataclass(frozen=True, kw_only=True)
class Bayesian:
    """What was believed before the experiment, for a Bayesian view beside the estimate."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    prior_sd: Share = field(default_factory=lambda: Share.parse("5%"))
    """How far relative changes of such tactics usually are from the usual one."""
    prior_mean: Share = field(default_factory=lambda: Share.parse("0%"))
    """The usual relative change."""


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings:
    """How the effect is estimated."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    expect: Effect | None = None
    """The smallest effect worth having, on the primary metric."""
    looks: Literal["fixed"] | GroupSequential | AlwaysValid = "fixed"
    """fixed: read once, when every window has closed."""
    cuped: Cuped | None = None
    """Adjustment by each unit's own past; default: the project's. `cuped: off` leaves it out."""
    covariates: tuple[str, ...] = ()
    """Properties to adjust for, in place of each unit's own past."""
    segments: tuple[str, ...] = ()
    """Properties or segments within which effects are compared, fixed beforehand."""
    power: Share | None = None
    """For planning; default: the project's."""
    correction: Literal["by_role"] | None = None
    """How comparisons are corrected; default: the project's."""
    confidence: Share | None = None
    """Of intervals, before correction; default: the project's."""
    fdr: Share | None = None
    """False discovery rate over the secondary metrics; default: the project's."""
    comparisons: tuple[tuple[str, ...], ...] = ()
    """Pairs of variants compared besides each with control: [[new, old]]."""
    bayesian: Bayesian | None = None
    """A prior, for a Bayesian view of the primary metric beside the estimate; it never decides."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """What shipping would mean, for the projection."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    customers: int
    """How many customers it would reach each time."""
    every: Duration
    """How often."""


@dataclass(frozen=True, kw_only=True)
class ShipIf:
    """One condition of a custom decision."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    metric: MetricRef
    """The metric, by name."""
    reads: tuple[Literal["better", "cannot_tell", "safe", "worse"], ...]
    """How it must read: one of these."""


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A rule of judgement that the author has weighed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    rule: str
    """The rule's id."""
    because: str
    """Why it does not apply here; the report prints it."""


@dataclass(frozen=True, kw_only=True)
class DecisionPolicy:
    """Which rule turns results into a recommendation."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    policy: Literal["clear_signals", "do_no_harm", "custom"] = "clear_signals"
    """clear_signals: ship only what is shown to be better; do_no_harm: also ship what is shown to be no worse;
    custom: ship when every condition of ship_if holds."""
    ship_if: tuple[ShipIf, ...] = ()
    """For custom: conditions that all have to hold."""


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """Units that met the tactic, or would have: the fact must be logged in every variant."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    exposed: FactRef
    """The fact of the exposure."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """experiments/<slug>/experiment.yaml."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    owner: str
    """Who answers for it."""
    hypothesis: str
    """What is expected to happen, and why."""
    variants: Mapping[str, Variant]
    """Key to variant; exactly one is the control."""
    metrics: MetricPlan
    """What is measured, and what decides."""
    assignment: Assignment = field(default_factory=Assignment)
    """How units get their variant."""
    title: str = ""
    """Words for the report; default: the slug."""
    id: str | None = None
    """The slug; must equal the folder's name."""
    version: int = 1
    """Raised when a started experiment is changed."""
    description: str = ""
    """Background for the reader."""
    unit_name: str = ""
    """What one unit is called in the report, such as player or donor; default: the name of the assigned unit."""
    words: Mapping[Language, Words] | None = None
    """By language, this experiment's own words for what the report speaks of, over those of the project."""
    audience: Predicate = field(default_factory=dict)
    """Who takes part, by properties known before assignment; evaluated once per unit, at enrolment."""
    enroll: Enroll | None = None
    """When units enter; for hash assignment."""
    observed: Observed | None = None
    """For finished experiments: the dates that the outcomes cover."""
    analysis: AnalysisSettings = AnalysisSettings()
    """How the effect is estimated."""
    rollout: Rollout | None = None
    """What shipping would mean."""
    decision: DecisionPolicy = DecisionPolicy()
    """Which rule turns results into a recommendation."""
    health: Health | None = None
    """Limits of the health checks; default: the project's."""
    population: Literal["assigned"] | Exposed = "assigned"
    """assigned: everybody assigned (intention to treat); exposed: those with the fact, logged in every variant."""
    acknowledge: tuple[Acknowledged, ...] = ()
    """Rules of judgement that the author has weighed."""
    tags: tuple[str, ...] = ()
    """Free words to find it by."""
    currency: str | None = None
    """Currency of its money metrics; default: the project's."""
    timezone: str | None = None
    """Zone of its dates; default: the project's."""

    @property
    def control(self) -> str:
        """The key of the control variant."""
        return next(key for key, variant in self.variants.items() if variant.is_control)

    @property
    def adjusted_for(self) -> tuple[str, ...]:
        """Properties that estimates are adjusted for: those named, and those that the draw was repeated for."""
        again = self.assignment.rerandomise
        return tuple(dict.fromkeys([*self.analysis.covariates, *(again.on if again else ())]))

    @property
    def treatments(self) -> tuple[str, ...]:
        """The keys of the variants that are compared with control: all others that units are assigned to."""
        return tuple(key for key, variant in self.variants.items() if not variant.is_control and variant.weight)
