"""Lifetime value beyond the window: what a formula or a model of buying expects. Shown beside; it never decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast import stats
from holdfast.estimate.arms import group
from holdfast.estimate.quantities import quantity
from holdfast.model.found import Assumption, LifetimeRow, Quantity
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan, PlannedLifetime
from holdfast.model.reading import Buying, Reading

YEAR = 365.0
_FORMULA: tuple[Assumption, ...] = ("same_pace", "undiscounted", "uncapped")
_BUYING: tuple[Assumption, ...] = ("buyers_only", "model_holds", "undiscounted", "uncapped")
_Projected = stats.Arm | NotEstimable


def lifetimes(plan: Plan, reading: Reading) -> Iterator[LifetimeRow]:
    """Every lifetime value with a projection, a row a variant in the order of the experiment."""
    for planned in plan.lifetime:
        variants = tuple(plan.study.experiment.variants)
        arms = {variant: _projected(planned, reading, variant) for variant in variants}
        for variant in variants:
            yield _row(plan, reading, planned, variant, arms)


def _row(
    plan: Plan, reading: Reading, planned: PlannedLifetime, variant: str, arms: Mapping[str, _Projected]
) -> LifetimeRow:
    arm, control = arms[variant], arms[plan.study.experiment.control]
    cell = reading.cells.get((planned.vector.key, variant))
    buying = reading.buying.get((planned.metric, variant))
    is_formula = planned.model == "formula"
    return LifetimeRow(
        metric=planned.metric,
        variant=variant,
        unit=plan.metric(planned.metric).unit,
        n=cell.moments.n if cell else 0,
        buyers=None if is_formula or buying is None else _buyers(buying),
        realised=cell.moments.mean[1] if cell and cell.moments.n else None,
        projected=_with_interval(arm, plan.confidence),
        model=planned.model,
        from_day=planned.vector.window.end_day,
        years=planned.years,
        confidence=plan.confidence,
        assumptions=_FORMULA if is_formula else _BUYING,
        difference=None if variant == plan.study.experiment.control else _difference(arm, control, plan.confidence),
    )


def _with_interval(arm: _Projected, confidence: float) -> Quantity:
    """The arm by itself: its difference to nothing, which has no error."""
    if isinstance(arm, NotEstimable):
        return quantity(arm)
    nothing = stats.Arm(theta=0.0, variance=0.0, n=arm.n, df=arm.df)
    return quantity(stats.difference(arm, nothing, confidence=confidence))


def _difference(arm: _Projected, control: _Projected, confidence: float) -> Quantity:
    for side in (arm, control):
        if isinstance(side, NotEstimable):
            return quantity(side)
    assert isinstance(arm, stats.Arm) and isinstance(control, stats.Arm)
    return quantity(stats.difference(arm, control, confidence=confidence))


def _projected(planned: PlannedLifetime, reading: Reading, variant: str) -> _Projected:
    if reading.clusters:
        return NotEstimable("drawn_as_clusters", "clusters were drawn as one; a projection takes units for independent")
    cell = reading.cells.get((planned.vector.key, variant))
    if cell is None or not cell.moments.n:
        return NotEstimable("no_mature_units" if reading.assigned.get(variant) else "no_units", variant)
    window = planned.vector.window
    if planned.model == "formula":
        days = float(window.end_day - window.first_day)
        found = stats.formula_projection(group(cell.moments), days=days, years=days / YEAR + planned.years)
        return found if isinstance(found, NotEstimable) else found.projected
    buying = reading.buying.get((planned.metric, variant))
    if buying is None or not buying.histories:
        return NotEstimable("no_events", "nobody bought within the window")
    return _bg_nbd(planned, buying, cell.moments.n)


def _bg_nbd(planned: PlannedLifetime, buying: Buying, n: int) -> _Projected:
    """The projection of buyers, spread over all units: those who bought nothing are taken to bring nothing.

    Time 0 is the middle of the day of a unit's first purchase within the window; observation ends with the window.
    """
    rows, spend = buying.histories, buying.spend
    middle = planned.step / 2.0
    found = stats.project_counts(
        stats.Histories(
            purchases=[row.purchases - 1.0 for row in rows],
            last=[float(row.last - row.first) for row in rows],
            observed=[_followed(planned, row.first + middle, row.last - row.first) for row in rows],
            customers=[float(row.n) for row in rows],
        ),
        stats.Spending(
            purchases=[float(row.purchases) for row in spend],
            mean=[row.mean for row in spend],
            customers=[float(row.n) for row in spend],
        ),
        years=planned.years,
        year=YEAR,
    )
    return found if isinstance(found, NotEstimable) else _per_unit(found.projected, _buyers(buying), n)


def _followed(planned: PlannedLifetime, first: float, lasted: float) -> float:
    """Days from a first purchase to the end of the window; where days count together, at least to the last one."""
    return max(planned.vector.window.end_day - first, lasted)


def _buyers(buying: Buying) -> int:
    return sum(row.n for row in buying.histories)


def _per_unit(buyer: stats.Arm, buyers: int, n: int) -> _Projected:
    """What buyers will bring, per unit of all.

    Formula: theta = p m, V = p^2 V_m + m^2 p (1 - p) / (n - 1), with p the share of buyers and m their mean: the
    variance given the number of buyers, and that of the number.
    """
    if n < 2:
        return NotEstimable("too_few_units", f"{n} units")
    share = buyers / n
    variance = share**2 * buyer.variance + buyer.theta**2 * share * (1.0 - share) / (n - 1)
    return stats.Arm(theta=share * buyer.theta, variance=variance, n=n)
