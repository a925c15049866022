"""Parts of a result beside the scorecard: survival, segments, money, looks, beliefs, lifetime value. JSON-shaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.model.outcome import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its interval, or the reason why there is none."""

    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalPoint:
    """One day of one variant."""

    variant: str
    day: int
    """Days since assignment that have passed: the share after so many days."""
    at_risk: int
    """Units that were followed on the last of these days and had not had the event before."""
    events: int
    """Units whose event it was on that day."""
    share: float | None
    """Share of units without the event."""
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalDifference:
    """How much higher the share without the event is than control's after some days."""

    variant: str
    baseline: str
    day: int
    """Days since assignment that have passed."""
    difference: Quantity
    """Share of the variant minus that of the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveDifference:
    """How much higher the rate of one period on a retention curve is than control's."""

    variant: str
    baseline: str
    first_day: int
    """First day of the period since assignment."""
    last_day: int
    """Included."""
    difference: Quantity
    """Rate of the variant minus that of the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodEffect:
    """The effect on the primary metric in one part of its window: without cap or adjustment, the same units in all."""

    metric: str
    variant: str
    baseline: str
    first_day: int
    """First day of the part since assignment."""
    last_day: int
    """Included."""
    n: int
    n_baseline: int
    difference: Quantity
    """Number per unit in these days, of the variant minus that of the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalComparison:
    """Two variants' times to the event compared over all days."""

    variant: str
    baseline: str
    log_rank_p: float | None
    """Of the whole curve; None where nothing can be compared."""
    hazard_ratio: Quantity
    proportional_p: float | None
    """Whether one hazard ratio describes all days: small says that it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """The share of a variant's units that left for one of several reasons, by the end of the window."""

    cause: str
    variant: str
    events: int
    share: float | None
    difference: Quantity | None = None
    """Beside control; None for control itself."""
    log_rank_p: float | None = None
    """Of the rate of this cause beside control's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalResult:
    """A time to an event in every variant."""

    metric: str
    title: str
    days: int
    confidence: float
    points: tuple[SurvivalPoint, ...]
    comparisons: tuple[SurvivalComparison, ...]
    causes: tuple[CauseRow, ...] = ()
    differences: tuple[SurvivalDifference, ...] = ()
    """Each variant beside control, by day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """The effect within one segment that was fixed beforehand."""

    metric: str
    dimension: str
    level: str | None
    """None: not known."""
    variant: str
    baseline: str
    suppressed: bool = False
    """Fewer units than may be shown, or what would give them away: no numbers."""
    n: int | None = None
    n_baseline: int | None = None
    value: float | None = None
    baseline_value: float | None = None
    difference: Quantity = Quantity()
    lift: Quantity = Quantity()
    shrunken: Quantity = Quantity()
    """The difference drawn towards what the segments have in common: what to expect from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionRow:
    """Whether the effect differs between the levels of one dimension."""

    metric: str
    dimension: str
    variant: str
    baseline: str
    levels: int
    p: float | None
    p_adjusted: float | None = None
    """Corrected over all dimensions and variants: Benjamini-Hochberg."""
    reversal_p: float | None = None
    """Of the test that no segment loses where another gains."""
    differs: bool = False
    """Whether it is a finding."""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureDays:
    """Units that were exposed within some days after their assignment."""

    first_day: int
    """Whole days since assignment."""
    last_day: int
    """Included."""
    counts: tuple[tuple[str, int], ...]
    """Variant to units with their first exposure in these days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureResult:
    """How many units of each variant were exposed, and how soon, where only exposed units count. Variants with fewer
    exposed units than may be shown are left out."""

    offered: tuple[tuple[str, int], ...]
    """Variant to units that were assigned, exposed or not."""
    days: tuple[ExposureDays, ...]
    """In their order; days with fewer units of a variant than may be shown stand together with the days beside them."""


CostKind = Literal["per_redemption", "per_send"]
"""What a cost is paid for: what was given out when an offer was used; messages that were sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPart:
    """The incremental cost of one kind."""

    kind: CostKind
    cost: Quantity
    """Per assigned unit, beside the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyResult:
    """Whether a variant pays, per assigned unit and in all; without any cap."""

    metric: str
    """The metric that the margin is of."""
    variant: str
    baseline: str
    currency: str
    confidence: float
    margin: Quantity
    """Incremental margin before the tactic's cost."""
    cost: Quantity
    """Incremental cost of the tactic."""
    costs: tuple[CostPart, ...] = ()
    """The same by kind, in the order in which the costs are read; the kinds add up to it."""
    net: Quantity
    """What is left."""
    return_on_cost: Quantity
    """What each 1 spent brought on top of itself."""
    break_even: Quantity
    """The cost per unit at which nothing is left."""
    loss_probability: float | None
    """That the tactic loses money, every effect being equally probable beforehand."""
    expected_loss: float | None
    """What going ahead loses on average, per unit."""
    cost_per_retained: Quantity
    """What one customer costs who would not have stayed."""
    because: Quantity
    """The share of the variant's buyers who bought because of the tactic, if it put nobody off buying."""
    given_anyway: Quantity
    """The offer's cost per unit that went to those who would have bought without it, if they cost as much a buyer."""
    during: Quantity | None = None
    """Effect on margin until the offer runs out; None where none does."""
    after: Quantity | None = None
    """Effect on margin afterwards: below zero where sales were only pulled forward."""
    persistence: Quantity | None = None
    """The whole effect as a share of that during the offer."""
    offer_days: int | None = None
    not_measured: tuple[tuple[str, str], ...] = ()
    """Costs that no fact shows, so that they are left out: kind and amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The alarm of harm that may be read on any day: crossed or not, and nothing else."""

    metric: str
    variant: str
    crossed: bool
    readable: bool = True
    """False where it is too early to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which of several looks this is, and what it takes to conclude at it."""

    method: Literal["group_sequential", "always_valid"]
    spending: str = ""
    number: int
    of: int | None
    """Planned looks; None where any day may be one."""
    fraction: float | None
    """Information so far, as a share of what is planned."""
    critical: float | None
    """The critical value of the primary's statistic at this look, two-sided."""
    crossed: tuple[str, ...] = ()
    """Variants whose primary metric has crossed its boundary."""
    last: bool = False
    """Whether no look follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What to believe of an effect, given a prior: shown beside the estimate, never decides."""

    metric: str
    variant: str
    baseline: str
    prior_mean: float
    prior_sd: float
    """Of the relative change, before the experiment."""
    estimate: float
    lower: float
    upper: float
    """Central interval of the posterior, at the confidence of the plan."""
    better: float
    """Probability that the variant is better than the baseline."""
    worthwhile: float | None
    """Probability of at least the effect worth having; None where that is no relative change."""
    expected_loss: float
    """What shipping loses on average, as a relative change."""


Assumption = Literal["same_pace", "buyers_only", "model_holds", "undiscounted", "uncapped"]
"""same_pace: units go on bringing what they brought in the window; buyers_only: who bought nothing in the window is
taken to bring nothing afterwards, and the first purchase within it is the beginning of a unit's history; model_holds:
units buy at random at a rate of their own until they stop for good, and what they spend is unrelated to how often;
undiscounted: money of later years counts as much as today's; uncapped: large values are not limited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeRow:
    """Lifetime value per assigned unit of one variant: what was realised within the window, and what a model expects
    after it. A model never decides."""

    metric: str
    variant: str
    unit: str | None
    """A currency code."""
    n: int
    """Units whose window has closed: what every figure is per unit of."""
    buyers: int | None
    """Those that bought within the window, which a model of buying is fitted to; None for a formula."""
    realised: float | None
    """Of the window, without any cap."""
    projected: Quantity = Quantity()
    """From the end of the window on. The interval holds the error of what was measured and of the fitted parameters,
    and not that the model may be wrong."""
    model: Literal["formula", "bg_nbd"]
    from_day: int
    """Days after assignment at which the window ends and the projection begins."""
    years: float
    """Years that are projected."""
    confidence: float
    assumptions: tuple[Assumption, ...]
    difference: Quantity | None = None
    """Of the projected part beside control's; None for control itself."""
