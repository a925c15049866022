"""What comes back from the engine: a few numbers per variant, never a row per customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import zip_longest
from typing import Literal

Vector = tuple[float, ...]
Matrix = tuple[tuple[float, ...], ...]
ACROSS = "strata together"
"""Where variants were balanced within several properties, the dimension of all of them at once. No property can have
this name."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, means and covariances of a short vector of per-unit numbers; addable over disjoint sets of units.

    For a ratio the vector is (numerator, denominator); otherwise it has one element.
    """

    n: int
    """Units."""
    mean: Vector
    """One mean per element."""
    covariance: Matrix
    """Unbiased (n - 1) covariances; zeros when n < 2."""

    @classmethod
    def from_sums(
        cls, n: int, sums: tuple[int, ...], products: Mapping[tuple[int, int], int], scales: tuple[int, ...]
    ) -> Moments:
        """Moments from exact integer sums, centred in exact arithmetic.

        Args:
            n: units.
            sums: sum of x_i * 10**scale_i over units, for each element.
            products: sum of x_i * x_j * 10**(scale_i + scale_j) for each i <= j.
            scales: digits after the point of each element.

        Centring in exact arithmetic keeps every digit however large the offset: sum(x^2) - sum(x)^2/n in floating
        point loses them all when the mean is large against the spread.
        """
        size = len(sums)
        units = tuple(10**scale for scale in scales)
        if n == 0:
            return cls(0, (0.0,) * size, ((0.0,) * size,) * size)
        mean = tuple(float(Fraction(total, n * unit)) for total, unit in zip(sums, units, strict=True))

        def covariance(i: int, j: int) -> float:
            if n < 2:
                return 0.0
            centred = n * products[min(i, j), max(i, j)] - sums[i] * sums[j]
            return float(Fraction(centred, n * (n - 1) * units[i] * units[j]))

        return cls(n, mean, tuple(tuple(covariance(i, j) for j in range(size)) for i in range(size)))

    def part(self, places: Iterable[int]) -> Moments:
        """The moments of some of the elements."""
        chosen = tuple(places)
        covariance = tuple(tuple(self.covariance[i][j] for j in chosen) for i in chosen)
        return Moments(self.n, tuple(self.mean[i] for i in chosen), covariance)

    def __add__(self, other: Moments) -> Moments:
        """The moments of both sets of units together (Chan, Golub and LeVeque 1983)."""
        n = self.n + other.n
        if not self.n or not other.n:
            return self if self.n else other
        size = range(len(self.mean))
        delta = tuple(other.mean[i] - self.mean[i] for i in size)
        mean = tuple(self.mean[i] + delta[i] * other.n / n for i in size)
        between = self.n * other.n / n

        def covariance(i: int, j: int) -> float:
            within = self.covariance[i][j] * (self.n - 1) + other.covariance[i][j] * (other.n - 1)
            return (within + delta[i] * delta[j] * between) / (n - 1)

        return Moments(n, mean, tuple(tuple(covariance(i, j) for j in size) for i in size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One metric of one variant."""

    metric: str
    """The key of the planned metric."""
    variant: str
    mature: int
    """Units whose whole window has been observed."""
    excluded: int
    """Mature units left out because their value is missing or does not apply."""
    moments: Moments
    """Of the units that count, capped where the metric asks for it."""
    raw: Moments | None = None
    """Without the cap, where there is one."""
    active: int
    """Units with a value above zero; for ratios, with a denominator above zero."""
    binary: bool = False
    """Whether every value is 0 or 1."""
    joint: Moments | None = None
    """Of the value (or numerator and denominator) and its covariates together; None where it has none."""
    covariates: tuple[str, ...] = ()
    """What the covariates are: the metric's own numbers over the days before assignment, and whether there was any."""
    clusters: Moments | None = None
    """Where clusters were assigned as one: over clusters, sums of the value (numerator) and of units (denominator)."""
    few_clusters: tuple[tuple[float, float], ...] = ()
    """The same two sums of each cluster, where the variant has few of them; nothing tells which one it is."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A few of one variant's sorted values: those that a quantile and its bounds are."""

    n: int
    """Units with a value."""
    values: tuple[float, float, float] | None
    """Lower bound, quantile and upper bound; None where there are too few units for bounds."""


@dataclass(frozen=True, slots=True)
class BuyingHistory:
    """Units of one variant with the same days of buying within a window."""

    purchases: int
    """Different days with a purchase, 1 or more."""
    first: int
    """Day after assignment of the first of them; where several days count as one, the first of those."""
    last: int
    """Day of the last one, likewise."""
    n: int
    """Units."""


@dataclass(frozen=True, slots=True)
class BuyingSpend:
    """Units of one variant that spend about the same, to 2%."""

    purchases: int
    """Different days with a purchase within the window."""
    mean: float
    """Value of the window per such day, on average over these units; 0 where theirs is 0 or less."""
    n: int
    """Units."""


@dataclass(frozen=True, slots=True)
class Buying:
    """How the units of one variant bought within a window; those that bought nothing are left out."""

    histories: tuple[BuyingHistory, ...]
    spend: tuple[BuyingSpend, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Counts of one variant by day since assignment; addable over disjoint sets of units.

    Unit k of each tuple is day k. Whoever is not followed for the whole of a day is not at risk on it.
    """

    at_risk: tuple[int, ...]
    """Units that are followed on the whole day and, in a time to an event, have not had it before."""
    events: tuple[int, ...]
    """Units that were active on the day, or whose event it was."""
    censored: tuple[int, ...]
    """Units whose last followed day it is, without an event."""
    causes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """For competing reasons: the events of each."""

    def __add__(self, other: Curve) -> Curve:
        """The counts of both sets of units together."""

        def both(one: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(a + b for a, b in zip_longest(one, more, fillvalue=0))

        names = dict.fromkeys([*self.causes, *other.causes])
        return Curve(
            at_risk=both(self.at_risk, other.at_risk),
            events=both(self.events, other.events),
            censored=both(self.censored, other.censored),
            causes={name: both(self.causes.get(name, ()), other.causes.get(name, ())) for name in names},
        )


LeftOut = Literal["date", "kind", "many_values", "hardly_varies", "too_many", "unknown", "audience_only"]
"""Why a property is not compared: a date; of a kind that cannot be; a text with many values, such as a name or an id;
the same for almost everybody; beyond the number that is compared; not to be had for these units; derived from facts for
the audience alone, where reading them again would take too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBefore:
    """A property of the units that was known before their assignment."""

    name: str
    kind: Literal["number", "category"]
    columns: tuple[int, ...]
    """Its places in the vector that is compared. A number takes its logarithm and, where it is often missing, whether
    it is; a category whether a unit is in each of its cells but the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the variants were like before the experiment."""

    properties: tuple[KnownBefore, ...]
    vectors: Mapping[str, Moments]
    """Variant to the moments of all columns together."""
    numbers: Mapping[tuple[str, str], Moments]
    """(property, variant) to the moments of a number itself, of the units that have one."""
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    """Properties that are not compared, and why."""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """Units of one send or batch."""

    label: str
    """Its name; empty where the names may be ids."""
    counts: Mapping[str, int]
    """Units by variant."""


@dataclass(frozen=True, slots=True)
class Together:
    """Units that count for a metric, by all that is or was asked of them."""

    variant: str
    levels: tuple[str | None, ...]
    """Of each segment in turn; None where it is not known, "true" or "false" for conditions."""
    n: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who of the assigned units met the exposure, and when."""

    offered: Mapping[str, int]
    """Units that were assigned, by variant."""
    by_day: Mapping[int, Mapping[str, int]]
    """Whole days from assignment to the first exposure, to exposed units by variant."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that ran, and what it was for."""

    purpose: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that one analysis read."""

    assigned: Mapping[str, int]
    """Units of each variant."""
    unlisted: Mapping[str, int]
    """Units whose label is not a variant of the experiment."""
    crossovers: int
    """Units seen in more than one variant; they are left out of the variants."""
    duplicates: int
    """Rows beyond the first of a unit."""
    by_day: Mapping[date, Mapping[str, int]]
    """Units enrolled on each local date, by variant; empty where the data carry no dates."""
    by_batch: tuple[BatchCounts, ...] = ()
    """Units by send or batch, where the data name it."""
    balance: Balance | None = None
    """What the variants were like before; None where nothing is known of the units."""
    cells: Mapping[tuple[str, str], Cell]
    """(metric key, variant) to its numbers."""
    segments: Mapping[tuple[str, str, str, str | None], Cell] = field(default_factory=dict)
    """(metric key, variant, dimension, level) to its numbers: a segment, stratum, or assigned_on, the local date of
    assignment. Level None holds the units for which it is not known."""
    unread_segments: tuple[str, ...] = ()
    """Dimensions of so many levels that they are none."""
    periods: Mapping[tuple[str, str, int], Moments] = field(default_factory=dict)
    """(metric key, variant, first day) to the primary metric's numbers over one part of its window."""
    trends: Mapping[tuple[str, str], Moments] = field(default_factory=dict)
    """(metric key, variant) to the slopes of single units, per part, over the parts of full length: how much the
    primary metric's number grows from one part of its window to the next, of the same units in all of them."""
    past: Mapping[tuple[str, str], Moments] = field(default_factory=dict)
    """(metric key, variant) to the metric's own numbers over the days before assignment, of all units: numbers by
    sign(x) log(1 + |x|), and whether there was anything; only of metrics with a lookback."""
    exposure: Exposure | None = None
    """Where only exposed units count: how many were assigned and when they were exposed."""
    curves: Mapping[tuple[str, str], Curve] = field(default_factory=dict)
    """(key of the curve or metric, variant) to its counts by day."""
    quantiles: Mapping[tuple[str, str], Ranked] = field(default_factory=dict)
    """(metric key, variant) to the values that its quantile is made of."""
    buying: Mapping[tuple[str, str], Buying] = field(default_factory=dict)
    """(metric key, variant) to how units bought, of lifetime values that a model of buying projects."""
    clusters: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    """Where clusters were drawn as one: clusters by the day of their first unit, by variant."""
    together: tuple[Together, ...] = ()
    """Of an exploration: how many units lie in each cell of all that is or was asked of them."""
    asked: tuple[str, ...] = ()
    """The segments that these cells are made of."""
    caps: Mapping[str, float]
    """Metric key to the cap that was applied."""
    statements: tuple[Statement, ...]
    engine: str
    """Engine and version."""

    @property
    def drawn(self) -> Mapping[str, int]:
        """What was randomised, by variant: clusters, or units."""
        if not self.clusters:
            return self.assigned
        keys = {key for counts in self.clusters.values() for key in counts}
        return {key: sum(counts.get(key, 0) for counts in self.clusters.values()) for key in sorted(keys)}

    @property
    def drawn_by_day(self) -> Mapping[date, Mapping[str, int]]:
        """What was randomised on each local date, by variant."""
        return self.clusters or self.by_day
