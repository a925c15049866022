"""The statement behind a number of a report, for whoever wants to see it from the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from holdfast import estimate, planning, warehouse
from holdfast.errors import NotYet, UsageError, nearest
from holdfast.model.plan import Plan
from holdfast.model.study import Study
from holdfast.project.assigning import assigned_units, ready

Progress = Callable[[str], None]


def query(study: Study, metric: str, as_of: dt.date, progress: Progress) -> str:
    """One statement that gives n, mean and variance of a planned metric in each variant, with a head of comments.

    Raises:
        UsageError: the plan has no such metric.
        NotYet: the analysis as of that date computes no such number.
    """
    begun, manifest = ready(study, progress)
    plan = planning.plan(begun.study, as_of)
    chosen = _one(plan, metric)
    with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
        units = assigned_units(engine, begun, manifest)
        return warehouse.statement(engine, chosen, units, partial(estimate.places, plan.confidence))


def _one(plan: Plan, metric: str) -> Plan:
    """The plan with nothing but one of its metrics."""
    planned = next((each for each in plan.metrics if each.key == metric and each.role != "curve"), None)
    if planned is None:
        keys = [each.key for each in plan.metrics if each.role != "curve"]
        raise UsageError(
            f'the plan has no metric "{metric[:60]}"{nearest(metric, keys)}; '
            "what was not planned is for holdfast explore"
        )
    waits = plan.goes_on and planned.role not in {"primary", "guardrail"}
    if plan.readout is not None and (plan.interim or waits):
        raise NotYet(
            f"{plan.study.slug}: {metric} is not computed before the readout on {plan.readout}, not even by hand",
            plan.readout,
        )
    survival = tuple(days for days in plan.survival if days.key == metric)
    return replace(plan, metrics=(planned,), curves=(), survival=survival, money=None, lifetime=())
