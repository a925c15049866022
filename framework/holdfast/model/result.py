"""What was found: checks, estimates, curves and the verdict. All of it is JSON-shaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from holdfast.model.found import (
    Alarm,
    Belief,
    CurveDifference,
    ExposureResult,
    InteractionRow,
    LifetimeRow,
    Look,
    MoneyResult,
    PeriodEffect,
    Quantity,
    SegmentRow,
    SurvivalResult,
)
from holdfast.model.metric import Clock, Direction, Family
from holdfast.model.outcome import Reason
from holdfast.model.plan import Role, Trio

CheckId = Literal[
    "srm",
    "srm_sequential",
    "unlisted_labels",
    "contamination",
    "empty_variant",
    "maturity",
    "daily_split",
    "batch_split",
    "segment_split",
    "balance",
    "clusters",
    "pre_period",
    "exposure",
    "follow_up",
    "excluded",
    "novelty",
]
CheckStatus = Literal["ok", "note", "block", "not_applicable"]
Estimand = Literal["difference", "lift"]
State = Literal["better", "worse", "cannot_tell", "safe", "harm", "described", "not_estimable"]
"""better, worse, cannot_tell: primary and secondary; safe, harm, cannot_tell: guardrails; described: never tested."""
Recommendation = Literal["ship", "do_not_ship", "keep_running", "discuss", "no_verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One health check."""

    id: CheckId
    status: CheckStatus
    value: float | None = None
    """What was measured: a p-value, a share or a count."""
    limit: float | None = None
    """The limit that decided the status."""
    details: Mapping[str, str | float] = field(default_factory=dict)
    """Figures for the sentence in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """How far one variant was from control on one property, before the experiment."""

    property: str
    """The property's name."""
    title: str
    variant: str
    baseline: str
    kind: Literal["number", "category"]
    difference: float | None
    """Standardised: for numbers in standard deviations, with its sign; for categories the distance, never negative.
    None where it cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What one variant reached on one metric."""

    metric: str
    variant: str
    n: int
    """Units that count."""
    mature: int
    """Units whose whole window has been observed."""
    excluded: int
    """Mature units without a value."""
    value: float | None
    """Share, mean or ratio; capped where the metric asks for it, adjusted where the plan has covariates or strata: what
    the estimates compare. None when it cannot be had."""
    se: float | None
    unit_variance: float | None
    """Variance between units (n - 1) of the number per unit; None for ratios."""
    raw_value: float | None = None
    """Without the cap, where there is one."""
    active: int = 0
    """Units with a value above zero; for ratios, with a denominator above zero."""
    totals: tuple[float, ...] = ()
    """Sum over units of the value; for ratios, of numerator and denominator."""
    unadjusted: float | None = None
    """Before the adjustment, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One contrast of one metric between two variants: a long row of results.json."""

    metric: str
    role: Role
    variant: str
    baseline: str
    estimand: Estimand
    """difference: variant minus baseline; lift: variant over baseline, minus 1."""
    status: Literal["estimated", "not_estimable"]
    reason: Reason | None = None
    """Why there is no number."""
    detail: str = ""
    """The reason in words and figures."""
    estimator: str = ""
    """How it was computed, such as welch, miettinen_nurminen, fieller."""
    estimate: float | None = None
    se: float | None = None
    lower: float | None = None
    """Nominal interval, not corrected."""
    upper: float | None = None
    confidence: float | None = None
    p: float | None = None
    """Two-sided, not corrected."""
    log10_p: float | None = None
    """For p below what a double can hold."""
    lower_adjusted: float | None = None
    """Corrected for the number of comparisons; this is what decides."""
    upper_adjusted: float | None = None
    confidence_adjusted: float | None = None
    p_adjusted: float | None = None
    correction: str = ""
    """How it was corrected, such as bonferroni over 2 comparisons."""
    n: int = 0
    n_baseline: int = 0
    state: State = "described"
    """How to read it."""
    margin: float | None = None
    """For guardrails: the tolerated harm on the estimand's scale, always positive."""
    unadjusted: float | None = None
    """The estimate before the adjustment for covariates and strata, where there is one."""
    unadjusted_lower: float | None = None
    """Its nominal interval."""
    unadjusted_upper: float | None = None
    variance_saved: float | None = None
    """By what share the adjustment made the variance of the estimate smaller."""
    uncapped: float | None = None
    """The estimate before the cap and any adjustment, where there is a cap."""
    uncapped_lower: float | None = None
    """Its nominal interval."""
    uncapped_upper: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One period of one variant on a retention curve."""

    variant: str
    first_day: int
    last_day: int
    """Included."""
    at_risk: int
    """Units whose whole period has been observed."""
    events: int
    """Of those, how many were active."""
    censored: int
    """Units whose period has not been observed to its end."""
    rate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveResult:
    """A retention curve of every variant."""

    title: str
    confidence: float
    points: tuple[CurvePoint, ...]
    differences: tuple[CurveDifference, ...] = ()
    """Each variant beside control, by period; intervals are not corrected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Where a change in revenue per unit comes from: share who bought x orders a buyer x order value."""

    metric: str
    """The key of the ratio metric, such as average_order_value."""
    variant: str
    """Of these units, per variant:"""
    per_unit: float
    """Numerator per unit, such as revenue per customer."""
    share_active: float
    """Share of units with a denominator above zero, such as the share who bought."""
    per_active: float
    """Denominator per active unit, such as orders a buyer."""
    ratio: float
    """Numerator over denominator, such as the average order value."""
    change_per_unit: float | None = None
    """Relative to the baseline; None for the baseline itself. The three below multiply to it (1 + each), and the
    logarithms of 1 + each add up."""
    change_share_active: float | None = None
    change_per_active: float | None = None
    change_ratio: float | None = None
    intervals: Mapping[str, Quantity] = field(default_factory=dict)
    """Of each relative change by its name above, at the plan's confidence, not corrected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What shipping would be worth each time: the effect on the primary metric, or what is left of it after costs that
    it is not net of, times the customers that it would reach."""

    variant: str
    customers: int
    every_days: int
    value: float
    lower: float
    upper: float
    currency: str
    after_costs: bool = False
    """Whether it is what is left after all measured costs, which no cap holds back, and not the effect itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantVerdict:
    """The recommendation for one variant."""

    variant: str
    recommendation: Recommendation
    reason: str
    """A code such as primary_better, harm, no_worthwhile_effect, inconclusive."""
    metrics: tuple[str, ...] = ()
    """The metrics that the reason is about."""
    follow_up: int | None = None
    """Where the data cannot tell: so many units a variant give a repeat an 80% chance to show the effect worth having,
    to two digits; none where these were enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do."""

    recommendation: Recommendation
    reason: str
    """A code such as primary_better, harm, no_worthwhile_effect, inconclusive, check_failed, not_mature."""
    rule: str
    """The rule that fired, by its number and name in the truth table."""
    variant: str | None
    """The variant that the recommendation is about."""
    metrics: tuple[str, ...] = ()
    """The metrics that the reason is about."""
    checks: tuple[str, ...] = ()
    """The checks that the reason is about."""
    until: str | None = None
    """For keep_running: the readout date."""
    by_variant: tuple[VariantVerdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantInfo:
    """A variant as the report names it."""

    key: str
    title: str
    is_control: bool
    weight: int
    assigned: int
    tactic: str
    """The tactic's title, or nothing / same_as_today."""
    tactic_type: str | None
    description: str
    clusters: int | None = None
    """Where clusters were drawn as one, how many of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo:
    """A metric as the report names it."""

    key: str
    title: str
    description: str
    role: Role
    trio: Trio | None
    operation: str
    family: Family
    direction: Direction
    unit: str | None
    """A currency code or a noun; None for proportions."""
    first_day: int | None
    end_day: int | None
    """The first day after the window."""
    clock: Clock | None
    tolerate: str | None
    winsorize: str | None
    cap: float | None
    """The cap that was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentInfo:
    """The experiment as the report tells it."""

    slug: str
    title: str
    owner: str
    hypothesis: str
    description: str
    version: int
    unit: str
    """What was randomised, in one word."""
    audience: tuple[tuple[str, str], ...]
    """Property title and condition, as text."""
    method: str
    """hash, balanced or external."""
    enrolled_from: str | None
    enrolled_until: str | None
    """The day after the last."""
    observed_from: str | None
    observed_until: str | None
    currency: str
    timezone: str
    language: str
    business: str
    strata: tuple[str, ...] = ()
    """Properties within which variants were balanced, by title."""
    cluster: str | None = None
    """The property whose units were drawn as one."""
    stages: tuple[str, ...] = ()
    churn_drivers: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The business's own words by language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReading:
    """One condition of a decision rule of the experiment's own."""

    metric: str
    reads: tuple[State, ...]
    """How it must read: one of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInfo:
    """What was planned."""

    primary: str
    expect: str | None
    looks: str
    confidence: float
    fdr: float
    policy: str
    readout: str | None
    readout_metric: str | None
    interim: bool
    comparisons: tuple[tuple[str, str], ...]
    not_measured: Mapping[Trio, str]
    ship_if: tuple[AskedReading, ...] = ()
    """For a policy of the experiment's own: the conditions that all have to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One way in which the analysis differs from what was locked before it."""

    id: Literal[
        "not_pre_registered",
        "locked_after_observation",
        "locked_during_observation",
        "changed_after_lock",
        "readout_missed",
        "not_computed",
        "cosmetic_change",
        "new_version",
        "enrolment_incomplete",
        "explored",
    ]
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What it takes to get the same numbers again."""

    config_hash: str
    holdfast: str
    engine: str
    hash_version: int | None
    salt: str | None
    manifest_digest: str | None
    command: str
    sources: tuple[tuple[str, str], ...]
    """Source name and where it lies."""
    statements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One analysis of one experiment as of one date: results.json, and all that the report may use."""

    schema: Literal["holdfast.results/1"]
    as_of: str
    experiment: ExperimentInfo
    plan: PlanInfo
    variants: tuple[VariantInfo, ...]
    metrics: tuple[MetricInfo, ...]
    checks: tuple[Check, ...]
    levels: tuple[Level, ...]
    estimates: tuple[Estimate, ...]
    curves: tuple[CurveResult, ...]
    decomposition: tuple[Decomposition, ...]
    money: tuple[Projection, ...]
    enrolment: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    """Local date to units enrolled by variant; empty where the data carry no dates."""
    exposure: ExposureResult | None = None
    """How soon units were exposed; None where everybody who was assigned counts, or too few to be shown."""
    balance: tuple[BalanceRow, ...] = ()
    """How alike the variants were before the experiment; empty where nothing is known of the units."""
    survival: tuple[SurvivalResult, ...] = ()
    periods: tuple[PeriodEffect, ...] = ()
    """The effect on the primary metric week by week since assignment; empty where its window is a week or less."""
    segments: tuple[SegmentRow, ...] = ()
    interactions: tuple[InteractionRow, ...] = ()
    pays: tuple[MoneyResult, ...] = ()
    """Whether each variant pays; empty where nothing of the plan is money."""
    lifetime: tuple[LifetimeRow, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    look: Look | None = None
    """For plans with several looks."""
    alarms: tuple[Alarm, ...] = ()
    """Before the readout of a fixed plan: whether harm has been shown."""
    verdict: Verdict
    deviations: tuple[Deviation, ...]
    provenance: Provenance

    @property
    def folder(self) -> str:
        """Name of the report's folder: the as-of date, and the version from the second on, so that no version writes
        over another's report."""
        return self.as_of if self.experiment.version == 1 else f"{self.as_of}-v{self.experiment.version}"

    def find(
        self, metric: str, variant: str, estimand: Estimand = "difference", baseline: str | None = None
    ) -> Estimate | None:
        """The estimate of a metric for a variant, or None when it was not planned."""
        control = next(v.key for v in self.variants if v.is_control)
        wanted = (metric, variant, estimand, baseline or control)
        rows = (row for row in self.estimates if (row.metric, row.variant, row.estimand, row.baseline) == wanted)
        return next(rows, None)

    def level(self, metric: str, variant: str) -> Level | None:
        """What a variant reached on a metric."""
        return next((row for row in self.levels if (row.metric, row.variant) == (metric, variant)), None)
