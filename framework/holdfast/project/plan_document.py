"""A plan, and what a planned size could tell, as one document for other programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from holdfast.model.plan import Plan, PlannedMetric
from holdfast.model.plan_document import PlanDocument, PlanLooks, PlanMetric, PlanPays, PlanSize
from holdfast.project.sizing import Sized

OWN_PAST = "own past"


def plan_document(plan: Plan, customers: int | None = None, sizes: Sequence[Sized] = ()) -> PlanDocument:
    """The plan in the words of the files; curves are left out, since nothing is decided by them.

    Args:
        plan: as of a date.
        customers: how many would take part.
        sizes: what so many could tell.
    """
    experiment = plan.study.experiment
    analysis, by_key = experiment.analysis, {each.metric.key: each for each in sizes}
    past = (OWN_PAST,) if analysis.cuped and not analysis.covariates else ()
    return PlanDocument(
        experiment=plan.study.slug,
        title=plan.study.title,
        as_of=plan.as_of.isoformat(),
        readout=_day(plan.readout),
        readout_metric=plan.readout_metric,
        interim=plan.interim,
        enrolled_from=_day(plan.enrolled_from),
        enrolled_until=_day(plan.enrolled_until),
        confidence=plan.confidence,
        fdr=plan.fdr,
        comparisons=plan.comparisons,
        looks=_looks(plan),
        adjusted_for=(*past, *experiment.adjusted_for),
        strata=tuple(experiment.assignment.strata),
        segments=tuple(analysis.segments),
        metrics=tuple(_metric(each, by_key.get(each.key)) for each in plan.metrics if each.role != "curve"),
        pays=_pays(plan),
        customers=customers,
    )


def _day(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def _looks(plan: Plan) -> PlanLooks | None:
    looks = plan.looks
    if looks is None:
        return None
    return PlanLooks(
        method=looks.method,
        spending=looks.spending if looks.method == "group_sequential" else None,
        first=looks.first.isoformat(),
        dates=tuple(day.isoformat() for day in looks.dates),
    )


def _metric(planned: PlannedMetric, size: Sized | None) -> PlanMetric:
    return PlanMetric(
        key=planned.key,
        role=planned.role,
        trio=planned.trio,
        family=planned.family,
        direction=planned.direction,
        unit=planned.unit,
        first_day=planned.window.first_day if planned.window else None,
        end_day=planned.window.end_day if planned.window else None,
        clock=planned.clock if planned.window else None,
        tolerate=str(planned.tolerate) if planned.tolerate else None,
        sources=planned.sources,
        size=_size(size) if size else None,
    )


def _size(found: Sized) -> PlanSize:
    return PlanSize(
        baseline=found.baseline.value,
        unit_variance=found.baseline.unit_variance,
        detectable=found.detectable,
        power_to_pass=found.power_to_pass,
        customers_needed=found.customers_needed,
        warning=found.finding.message if found.finding else None,
    )


def _pays(plan: Plan) -> PlanPays | None:
    money = plan.money
    if money is None:
        return None
    costs = tuple(part.name for part in money.vector.parts[1 : 1 + len(money.netted)])
    return PlanPays(metric=money.metric, costs=costs, not_measured=money.not_measured)
