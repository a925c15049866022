"""What is measured: a closed set of operations, each a number per unit, and the metrics made of them.

An operation (`Conversion`, `Sum`, ...) says how to get one number per unit. A metric is an operation with a title, a
direction and a window. Ratios combine two operations. Match on the operation; a metric is one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator

from holdfast.model.predicate import Predicate
from holdfast.model.source import FORBID
from holdfast.model.values import Duration, FactRef, Share

Clock = Literal["elapsed", "calendar"]
Family = Literal["proportion", "mean", "ratio", "survival", "quantile"]
Direction = Literal["increase", "decrease", "none"]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Days since each unit's own assignment, from `start` (included) to `start + length` (excluded)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    start: Duration = Duration(0)
    """Days after assignment at which the window opens."""
    length: Duration
    """How long it stays open."""

    @property
    def first_day(self) -> int:
        return self.start.whole_days

    @property
    def end_day(self) -> int:
        """The first day after the window."""
        return self.start.whole_days + self.length.whole_days


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What all operations share."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID


@dataclass(frozen=True, kw_only=True)
class Conversion(Operation):
    """1 when the unit has at least one such fact in the window, otherwise 0."""

    operation: Literal["conversion"]
    fact: FactRef
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""


@dataclass(frozen=True, kw_only=True)
class Retention(Operation):
    """1 when the unit was active in the window that the definition names, otherwise 0."""

    operation: Literal["retention"]
    definition: Literal["on_day", "on_or_after", "bracket"]
    """on_day: on that day alone; on_or_after: from that day to a fixed end; bracket: between two days."""
    fact: FactRef
    """What counts as active."""
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""


@dataclass(frozen=True, kw_only=True)
class Churn(Operation):
    """1 when the unit was lost: inactive at the end of the window, or cancelled within it."""

    operation: Literal["churn"]
    fact: FactRef | None = None
    """Without a contract: what counts as active."""
    inactivity: Duration | None = None
    """Without a contract: how long without activity, up to the window's end, makes a unit lost."""
    cancelled: str | None = None
    """With a contract: the span source; only units with a running period at assignment count."""
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""


@dataclass(frozen=True, kw_only=True)
class Count(Operation):
    """How many such facts the unit has in the window; zero where there are none."""

    operation: Literal["count"]
    fact: FactRef
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""
    winsorize: Share | None = None
    """Cap at this percentile of the positive values of all variants together."""


@dataclass(frozen=True, kw_only=True)
class Sum(Operation):
    """The sum of the fact over the window; zero where there is none."""

    operation: Literal["sum"]
    fact: FactRef
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""
    winsorize: Share | None = None
    """Cap at this percentile of the positive values of all variants together."""


@dataclass(frozen=True, kw_only=True)
class CountDistinct(Operation):
    """How many different values of a property the unit's facts have in the window."""

    operation: Literal["count_distinct"]
    fact: FactRef
    property: str
    """The property of the source whose different values are counted."""
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""
    winsorize: Share | None = None
    """Cap at this percentile of the positive values of all variants together."""


@dataclass(frozen=True, kw_only=True)
class ActiveDays(Operation):
    """On how many local dates of the window the unit has such a fact."""

    operation: Literal["active_days"]
    fact: FactRef
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""


@dataclass(frozen=True, kw_only=True)
class Last(Operation):
    """The value of the unit's last such fact in the window; units without one are left out."""

    operation: Literal["last"]
    fact: FactRef
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""


@dataclass(frozen=True, kw_only=True)
class Survival(Operation):
    """Time from assignment to the first such fact, or to the end of a period; censored where it has not happened."""

    operation: Literal["survival"]
    fact: FactRef | None = None
    """The fact that ends it."""
    ended: str | None = None
    """The span source whose running period ends it."""
    estimand: Literal["rmst", "survival_at", "hazard_ratio"] = "rmst"
    """rmst: mean days kept within the window; survival_at: the share kept at its end; hazard_ratio."""
    causes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For competing reasons: name to the values of the span source's reason."""


@dataclass(frozen=True, kw_only=True)
class Quantile(Operation):
    """A quantile of the number per unit, such as the median revenue of buyers."""

    operation: Literal["quantile"]
    of: Part
    """The number per unit."""
    q: Share
    """Which quantile, such as 50% for the median."""
    among: Literal["all", "positive"] = "all"
    """all units, or those with a value above zero."""


@dataclass(frozen=True, kw_only=True)
class Clv(Operation):
    """Lifetime value: what was realised over the window, and optionally a projection, which never decides."""

    operation: Literal["clv"]
    fact: FactRef
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""
    winsorize: Share | None = None
    """Cap at this percentile of the positive values of all variants together."""
    projection: Literal["none", "formula", "bg_nbd"] = "none"
    """What stands beside the realised value: nothing, orders a year x value x years, or a BG/NBD model."""
    years: float | None = None
    """For projections: how many years ahead."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a funnel."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    name: str
    """Words for the report."""
    fact: FactRef
    """The fact that shows it was reached."""
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""


@dataclass(frozen=True, kw_only=True)
class Funnel(Operation):
    """How far units got through several steps; descriptive."""

    operation: Literal["funnel"]
    steps: tuple[Step, ...]
    """The steps, first to last."""


@dataclass(frozen=True, kw_only=True)
class Column(Operation):
    """A column of a unit source, one value a unit: the outcome of a finished experiment."""

    operation: Literal["column"]
    column: str
    source: str | None = None
    """The unit source; default: the one that holds the assignment."""
    kind: Literal["auto", "proportion", "mean"] = "auto"
    """auto: a proportion when the column is boolean or holds only 0 and 1, otherwise a mean."""
    complement: bool = False
    """Count the units where the column is false; for proportions."""
    nulls: Literal["zero", "exclude", "error"] = "error"
    """What an empty value means: zero, leave the unit out and say how many, or stop."""
    scale: int | Literal["float"] = 4
    """Digits after the point that are kept, so that sums are exact: 0 to 9. float: as the data have it; the last digits
    of its sums may differ from run to run."""
    winsorize: Share | None = None
    """Cap at this percentile of the positive values of all variants together."""

    @property
    def digits(self) -> int | None:
        """Digits after the point that are kept; None for floating numbers."""
        return None if self.scale == "float" else self.scale


Part = Annotated[
    Conversion | Retention | Count | Sum | CountDistinct | ActiveDays | Last | Column, Discriminator("operation")
]
"""An operation that a ratio may be made of."""


@dataclass(frozen=True, kw_only=True)
class Ratio(Operation):
    """The sum of one number over the sum of another, per variant: average order value is revenue over orders."""

    operation: Literal["ratio"]
    numerator: Part
    denominator: Part


@dataclass(frozen=True, kw_only=True)
class MetricFields:
    """What every metric has besides its operation."""

    desired_change: Direction
    """Which way is better; none for metrics that only describe."""
    window: Window | None = None
    """Days since assignment; columns have none."""
    clock: Clock | None = None
    """elapsed: 24-hour steps from assignment; calendar: local dates. Default: calendar for retention and churn."""
    title: str = ""
    """Words for the report; default: the name."""
    description: str = ""
    """Definition and pitfalls, for the glossary."""
    unit_of_measure: str | None = None
    """A currency code or a noun, such as JPY or orders; proportions need none."""
    owner: str = ""
    """Who answers for the definition."""
    tags: tuple[str, ...] = ()
    """Free words to find it by."""
    deprecated: str | None = None
    """Why it should no longer be used, and what to use instead."""
    behaviour: Literal["clicks_and_opens"] | None = None
    """Marks metrics of opens and clicks: they may describe, never decide or filter."""


@dataclass(frozen=True, kw_only=True)
class ConversionMetric(MetricFields, Conversion):
    """Share of units with at least one such fact."""


@dataclass(frozen=True, kw_only=True)
class RetentionMetric(MetricFields, Retention):
    """Share of units that stayed."""


@dataclass(frozen=True, kw_only=True)
class ChurnMetric(MetricFields, Churn):
    """Share of units that were lost."""


@dataclass(frozen=True, kw_only=True)
class CountMetric(MetricFields, Count):
    """Average number of facts per unit."""


@dataclass(frozen=True, kw_only=True)
class SumMetric(MetricFields, Sum):
    """Average sum per unit."""


@dataclass(frozen=True, kw_only=True)
class ColumnMetric(MetricFields, Column):
    """Average or share of a column."""


@dataclass(frozen=True, kw_only=True)
class RatioMetric(MetricFields, Ratio):
    """Ratio of two sums, with the unit as the unit of analysis."""


@dataclass(frozen=True, kw_only=True)
class CountDistinctMetric(MetricFields, CountDistinct):
    """Average number of different values per unit."""


@dataclass(frozen=True, kw_only=True)
class ActiveDaysMetric(MetricFields, ActiveDays):
    """Average number of active days per unit."""


@dataclass(frozen=True, kw_only=True)
class LastMetric(MetricFields, Last):
    """Average of the last value per unit."""


@dataclass(frozen=True, kw_only=True)
class SurvivalMetric(MetricFields, Survival):
    """Time kept, or time to an event."""


@dataclass(frozen=True, kw_only=True)
class QuantileMetric(MetricFields, Quantile):
    """A quantile per variant."""


@dataclass(frozen=True, kw_only=True)
class ClvMetric(MetricFields, Clv):
    """Lifetime value per unit."""


@dataclass(frozen=True, kw_only=True)
class FunnelMetric(MetricFields, Funnel):
    """Share of units that reached each step."""


Metric = Annotated[
    ConversionMetric
    | RetentionMetric
    | ChurnMetric
    | CountMetric
    | SumMetric
    | CountDistinctMetric
    | ActiveDaysMetric
    | LastMetric
    | SurvivalMetric
    | QuantileMetric
    | ClvMetric
    | FunnelMetric
    | ColumnMetric
    | RatioMetric,
    Discriminator("operation"),
]

TRIO: tuple[str, ...] = ("retained", "churned", "average_order_value")
"""The three metrics that every report shows, whatever the primary is."""

Metrics = Mapping[str, Metric]


def columns_of(operation: Operation) -> tuple[str, ...]:
    """The columns of a unit source that a metric measures: they are outcomes, wherever they are listed."""
    match operation:
        case Ratio():
            return (*columns_of(operation.numerator), *columns_of(operation.denominator))
        case Column():
            return (operation.column,)
        case _:
            return ()
