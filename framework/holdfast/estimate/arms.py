"""Every metric of every variant as an arm: raw, or adjusted for what was known before assignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from holdfast import stats
from holdfast.model.metric import Family, Quantile, Survival
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan, PlannedMetric
from holdfast.model.reading import ACROSS, Cell, Curve, Moments, Reading

SMALL = 50
"""Below this many successes or failures in a variant, proportions are tested by score methods, unadjusted."""
Arms = Mapping[str, stats.Arm | NotEstimable]


@dataclass(frozen=True, slots=True)
class Measure:
    """One planned metric in every variant."""

    planned: PlannedMetric
    family: Family
    arms: Arms
    """What is compared: adjusted where the plan has covariates or strata for it."""
    cells: Mapping[str, Cell]
    """Empty for times to an event."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    """For times to an event."""
    plain: Arms | None = None
    """Without the adjustment, where there is one."""
    covariances: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Of the estimates of each two variants, where an adjustment makes them share something."""

    def n(self, variant: str) -> int:
        """Units that count."""
        if self.curves:
            risk = self.curves[variant].at_risk
            return risk[0] if risk else 0
        return self.cells[variant].moments.n

    def covariance(self, variant: str, baseline: str) -> float:
        return self.covariances.get((variant, baseline), self.covariances.get((baseline, variant), 0.0))


def measure(plan: Plan, reading: Reading, planned: PlannedMetric) -> Measure:
    """A metric of the plan as arms."""
    family = kind(planned, reading)
    variants = tuple(plan.study.experiment.variants)
    if family == "survival":
        curves = {variant: reading.curves[planned.key, variant] for variant in variants}
        arms: Arms = {v: _empty(reading, v) or _alike(reading) or _time(planned, curve) for v, curve in curves.items()}
        return Measure(planned, family, arms, {}, curves)
    cells = {variant: reading.cells[planned.key, variant] for variant in variants}
    if isinstance(planned.metric, Quantile):
        values = {
            v: _empty(reading, v) or _alike(reading) or _quantile(plan, planned.metric, reading, planned.key, v)
            for v in variants
        }
        return Measure(planned, family, values, cells)
    plain = {v: _empty(reading, v) or _explained(cell, raw_arm(cell, family)) for v, cell in cells.items()}
    adjustment = _adjustment(plan, reading, planned, family, cells)
    if adjustment is None or any(isinstance(arm, NotEstimable) for arm in adjustment.arms.values()):
        return Measure(planned, family, plain, cells)
    whole: Arms = {v: adjustment.arms.get(v, plain[v]) for v in variants}
    return Measure(planned, family, whole, cells, {}, plain, adjustment.covariances)


def kind(planned: PlannedMetric, reading: Reading) -> Family:
    """How a metric is tested; a column is a proportion when all of its values are 0 and 1."""
    if planned.family:
        return planned.family
    cells = [cell for (key, _), cell in reading.cells.items() if key == planned.key and cell.moments.n]
    return "proportion" if cells and all(cell.binary for cell in cells) else "mean"


def successes(cell: Cell) -> tuple[int, int]:
    """Units with the outcome, and units."""
    n = cell.moments.n
    return round(cell.moments.mean[0] * n), n


def is_small(cell: Cell) -> bool:
    """Whether counts are too small for the normal approximation of a proportion."""
    x, n = successes(cell)
    return x < SMALL or n - x < SMALL


def is_rare(family: Family, cells: Iterable[Cell]) -> bool:
    """Whether the metric is a share that is too rare, or too common, in any of the cells to be adjusted."""
    return family == "proportion" and any(is_small(cell) for cell in cells)


def raw_arm(cell: Cell, family: Family) -> stats.Arm | NotEstimable:
    """A variant's estimate as it stands."""
    moments = cell.moments
    if cell.few_clusters and isinstance(few := stats.cluster_arm(cell.few_clusters), stats.Arm):
        return few
    if cell.clusters is not None:
        # Units of one cluster share its draw: the metric is a ratio of sums over clusters.
        moments, family = cell.clusters, "ratio"
    match family:
        case "proportion":
            return stats.proportion_arm(n=moments.n, successes=successes(cell)[0])
        case "ratio":
            return stats.ratio_arm(
                n=moments.n,
                numerator_mean=moments.mean[0],
                denominator_mean=moments.mean[1],
                numerator_variance=moments.covariance[0][0],
                denominator_variance=moments.covariance[1][1],
                covariance=moments.covariance[0][1],
            )
        case _:
            return stats.mean_arm(n=moments.n, mean=moments.mean[0], variance=moments.covariance[0][0])


def places(confidence: float, n: int, q: float) -> tuple[int, int, int] | None:
    """Which sorted values of n units a quantile and its bounds are, by rank from 1: lower bound, quantile, upper bound.
    None where there are too few units for bounds."""
    found = stats.ranks(n, q, confidence)
    return None if isinstance(found, NotEstimable) else (found.lower, found.estimate, found.upper)


def group(moments: Moments) -> stats.Group:
    """Moments as the statistics take them."""
    return stats.Group(moments.n, moments.mean, moments.covariance)


def _explained(cell: Cell, arm: stats.Arm | NotEstimable) -> stats.Arm | NotEstimable:
    """Say why there are no units: none assigned, or none mature yet."""
    if isinstance(arm, NotEstimable) and arm.reason == "no_units" and not cell.mature:
        return NotEstimable("no_mature_units", arm.detail)
    return arm


def _empty(reading: Reading, variant: str) -> NotEstimable | None:
    return None if reading.assigned.get(variant) else NotEstimable("no_units", variant)


def _alike(reading: Reading) -> NotEstimable | None:
    """Why there is no error of a number that takes single units to be independent; None where they are."""
    if not reading.clusters:
        return None
    return NotEstimable(
        "drawn_as_clusters", "clusters were drawn as one; times to an event and quantiles need single units"
    )


def _time(planned: PlannedMetric, curve: Curve) -> stats.Arm | NotEstimable:
    """Days kept within the window, or the share kept at its end."""
    assert isinstance(planned.metric, Survival) and planned.window is not None
    if planned.metric.estimand == "rmst":
        return stats.rmst(curve, tau=planned.window.end_day)
    return stats.survival_at(curve, day=planned.window.end_day)


def _quantile(plan: Plan, metric: Quantile, reading: Reading, key: str, variant: str) -> stats.Arm | NotEstimable:
    found = reading.quantiles.get((key, variant))
    if found is None:
        return NotEstimable("no_units", "no units with a value")
    at = stats.ranks(found.n, float(metric.q), plan.confidence)
    if isinstance(at, NotEstimable):
        return at
    if found.values is None:
        return NotEstimable("too_few_units", f"{found.n} units")
    lower, estimate, upper = found.values
    quantile = stats.quantile_arm(at, estimate=estimate, lower=lower, upper=upper)
    return quantile if isinstance(quantile, NotEstimable) else quantile.arm


def _adjustment(
    plan: Plan, reading: Reading, planned: PlannedMetric, family: Family, cells: Mapping[str, Cell]
) -> stats.Adjustment | None:
    """The estimates of all variants adjusted together, for strata and for covariates; None where there are none, where
    clusters were drawn, or where a share is too rare for it."""
    compared = {variant: cell for variant, cell in cells.items() if cell.moments.n}
    if planned.role == "descriptive" or any(cell.clusters is not None for cell in cells.values()):
        return None
    if len(compared) < 2 or is_rare(family, compared.values()):
        return None
    if strata := _strata(plan, reading, planned):
        return stats.post_stratified(strata, outcomes=_outcomes(family))
    return for_covariates(family, compared)


def for_covariates(family: Family, cells: Mapping[str, Cell]) -> stats.Adjustment | None:
    """The estimates of these variants adjusted together for their covariates; None where one has none."""
    joint = {variant: group(cell.joint) for variant, cell in cells.items() if cell.joint is not None}
    return stats.adjusted(joint, outcomes=_outcomes(family)) if len(joint) == len(cells) else None


def _outcomes(family: Family) -> int:
    """Numbers that a unit's vector starts with, before its covariates."""
    return 2 if family == "ratio" else 1


def _strata(plan: Plan, reading: Reading, planned: PlannedMetric) -> dict[str, dict[str, stats.Group]]:
    """Stratum to variant to moments, covariates included; empty where variants were not balanced within any."""
    names = plan.study.experiment.assignment.strata
    if not names:
        return {}
    dimension = names[0] if len(names) == 1 else ACROSS
    found: dict[str, dict[str, stats.Group]] = {}
    for (key, variant, name, level), cell in reading.segments.items():
        if key == planned.key and name == dimension and cell.moments.n:
            moments = cell.joint if cell.joint is not None else cell.moments
            # Unknown is one level, an empty text another.
            found.setdefault("=" + level if level is not None else "", {})[variant] = group(moments)
    return found
