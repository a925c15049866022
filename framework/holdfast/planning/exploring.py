"""A plan for a question that nobody planned: one metric, perhaps within a segment, perhaps of some units only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from holdfast.errors import NotYet
from holdfast.model.experiment import MetricPlan, NotMeasured
from holdfast.model.exploration import EARLIER, WITHIN
from holdfast.model.metric import TRIO
from holdfast.model.plan import Plan
from holdfast.model.predicate import Condition
from holdfast.model.study import Study
from holdfast.model.values import MetricRef
from holdfast.planning.planned import plan

_WHY = "This is about one metric."


def _only(study: Study, metric: MetricRef, *, segments: tuple[str, ...] = ()) -> Study:
    """The study as if one metric were all that it asks for, adjusted as it adjusts its own."""
    experiment = study.experiment
    left_out = {name: NotMeasured(not_measured=_WHY) for name in TRIO}
    metrics = MetricPlan(primary=metric, trio=left_out, define=experiment.metrics.define)  # type: ignore[arg-type]
    analysis = replace(experiment.analysis, expect=None, looks="fixed", segments=segments, bayesian=None)
    return replace(study, experiment=replace(experiment, metrics=metrics, analysis=analysis, rollout=None))


def effects_due(study: Study, as_of: dt.date) -> dt.date | None:
    """The study's readout.

    Raises:
        NotYet: it has not come by that date: until then effects are computed nowhere, except at planned looks, which
            are the analysis's own.
    """
    planned = plan(study, as_of)
    if planned.readout is not None and as_of < planned.readout:
        raise NotYet(
            f"{study.slug}: nothing is explored before the readout on {planned.readout}; "
            f"until then holdfast analyze {study.slug} shows what may be seen",
            planned.readout,
        )
    return planned.readout


def exploration(
    study: Study,
    metric: MetricRef,
    segment: str | None,
    where: Mapping[str, Condition],
    as_of: dt.date,
    *,
    earlier: Sequence[tuple[str | None, Mapping[str, Condition]]] = (),
) -> Plan:
    """What is computed for a metric, within the levels of a segment and for the units that meet some conditions.

    Args:
        study: the experiment.
        metric: what is asked about.
        segment: within whose levels, if any.
        where: conditions that units have to meet, if any.
        as_of: the date.
        earlier: segment and conditions of what was asked before, which are counted beside it.

    Raises:
        NotYet: the readout has not come by that date.
    """
    readout = effects_due(study, as_of)
    own = study.experiment
    conditions = {WITHIN: where} if where else {}
    conditions |= {f"{EARLIER}{place}": asked for place, (_, asked) in enumerate(earlier) if asked}
    planned = (*own.analysis.segments, *own.assignment.strata, *(name for name, _ in earlier if name))
    counted = tuple(name for name in dict.fromkeys([*conditions, *planned]) if name != segment)
    explored = _only(study, metric, segments=(*((segment,) if segment else ()), *counted))
    explored = replace(explored, segments={**explored.segments, **conditions})
    made = replace(plan(explored, as_of), counted_only=counted)
    # Its own window may close later: then only units whose window has closed count, as in any analysis.
    return replace(made, interim=False, readout=readout, looks=None, money=None, lifetime=())


def asked_alone(made: Plan) -> Plan:
    """The plan of an exploration without the segments that were only counted beside it."""
    experiment = made.study.experiment
    left_out = set(made.counted_only) - {WITHIN}
    kept = tuple(name for name in experiment.analysis.segments if name not in left_out)
    analysis = replace(experiment.analysis, segments=kept)
    return replace(made, study=replace(made.study, experiment=replace(experiment, analysis=analysis)))
