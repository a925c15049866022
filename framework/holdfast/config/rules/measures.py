"""Rules for what an experiment measures, and what decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.deciding import Metrics, check_deciding
from holdfast.config.rules.known import Known, check_fact
from holdfast.config.rules.metrics import check_metric, family_of, is_column, parts_of, sources_of
from holdfast.config.rules.references import check_reference, check_unit
from holdfast.config.rules.timing import check_timing
from holdfast.errors import nearest
from holdfast.model.experiment import CurveSpec, Experiment, MetricPlan
from holdfast.model.metric import Column, Metric
from holdfast.model.source import UnitSource
from holdfast.model.values import MetricRef


def references(plan: MetricPlan) -> Iterator[tuple[Path, MetricRef]]:
    """Every reference to a metric, with its path in the experiment."""
    yield ("metrics", "primary"), plan.primary
    for index, ref in enumerate(plan.secondary):
        yield ("metrics", "secondary", index), ref
    for index, guardrail in enumerate(plan.guardrails):
        yield ("metrics", "guardrails", index, "metric"), guardrail.metric
    for index, ref in enumerate(plan.descriptive):
        yield ("metrics", "descriptive", index), ref
    for name, item in plan.trio.items():
        if isinstance(item, MetricRef):
            yield ("metrics", "trio", name), item
    for index, curve in enumerate(plan.curves):
        for day, ref in curve.points.items():
            yield ("metrics", "curves", index, "points", str(day)), ref


def check_measures(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    """Metrics exist, can be computed for this experiment, and have one part each."""
    plan = experiment.metrics
    for name, metric in plan.define.items():
        check_metric(known, sheet, ("metrics", "define", name), name, metric)
        if name in known.metrics:
            message = f'the metric "{name}" is defined in configs/metrics already; give this one another name'
            sheet.judge("duplicate-name", ("metrics", "define", name), message, at="key")
    metrics: dict[str, Metric | None] = {**known.metrics, **plan.define}
    for unreadable in sheet.unreadable:
        if unreadable[:2] == ("metrics", "define") and len(unreadable) > 2:
            metrics[str(unreadable[2])] = None
    for path, ref in references(plan):
        if sheet.is_full:
            return
        if ref.name not in metrics:
            if "metrics" in known.partial:
                continue
            sheet.judge("unknown-metric", path, f'unknown metric "{ref.name[:60]}"{nearest(ref.name, metrics)}')
        elif (found := metrics[ref.name]) is not None:
            check_reference(sheet, path, ref, found, window_needed=experiment.analysis.looks == "fixed")
            _check_computable(known, sheet, path, ref=ref, metric=found, experiment=experiment)
    _check_parts(sheet, plan, metrics)
    _check_effects(sheet, experiment, metrics)
    check_deciding(sheet, experiment, metrics)
    check_timing(known, sheet, experiment, metrics)
    for index, curve in enumerate(plan.curves):
        _check_curve(known, sheet, ("metrics", "curves", index), curve, metrics)


def _check_computable(
    known: Known, sheet: Sheet, path: Path, *, ref: MetricRef, metric: Metric, experiment: Experiment
) -> None:
    """The data of this experiment can say what the metric asks."""
    assignment = experiment.assignment
    if assignment.by_holdfast and any(isinstance(part, Column) and not part.source for part in parts_of(metric)):
        message = (
            f'"{ref.name}" is a column, and {assignment.method} assignment has no file of its own; '
            "add `source` to the metric"
        )
        sheet.judge("column-source", path, message)
    if not assignment.by_holdfast and assignment.assigned_at is None and not is_column(metric):
        message = f'"{ref.name}" counts days since assignment; add `assigned_at`, the column with its time'
        sheet.judge("assigned-at-missing", path, message)
    units = _units(known, experiment)
    for name in sources_of(metric):
        source = known.sources.get(name)
        if source is not None and units and not units & set(source.keys):
            wanted = " or ".join(sorted(units))
            message = f'source "{name}" of "{ref.name}" has no key for {wanted}; add it to keys'
            sheet.judge("key-missing", path, message)


def _units(known: Known, experiment: Experiment) -> set[str]:
    """The units whose numbers are wanted; empty when they cannot be told."""
    assignment = experiment.assignment
    if not assignment.by_holdfast:
        source = known.sources.get(assignment.source or "")
        return set(source.keys) if isinstance(source, UnitSource) else set()
    units = set(known.project.units) if known.project else set()
    return {assignment.unit} & units if assignment.unit else units if len(units) == 1 else set()


def _check_parts(sheet: Sheet, plan: MetricPlan, metrics: Metrics) -> None:
    """No metric decides twice, and each that decides says which way is better."""
    seen = {str(plan.primary): "primary"}
    guarded: set[str] = set()
    listed = [(("metrics", "secondary", i), str(ref)) for i, ref in enumerate(plan.secondary)]
    for path, name in listed:
        if name in seen:
            message = f'"{name}" is {seen[name]} already; remove it here'
            sheet.judge("metric-twice", path, message)
        seen.setdefault(name, "secondary")
    for index, guardrail in enumerate(plan.guardrails):
        name = str(guardrail.metric)
        where: Path = ("metrics", "guardrails", index, "metric")
        if name in guarded or name == str(plan.primary):
            part = "primary" if name == str(plan.primary) else "a guardrail"
            sheet.judge("metric-twice", where, f'"{name}" is {part} already; remove it here')
        guarded.add(name)
        _check_direction(sheet, where, guardrail.metric, metrics, "a guardrail")
    _check_direction(sheet, ("metrics", "primary"), plan.primary, metrics, "primary")


def _check_direction(sheet: Sheet, path: Path, ref: MetricRef, metrics: Metrics, part: str) -> None:
    metric = metrics.get(ref.name)
    if metric is not None and metric.desired_change == "none":
        message = f'"{ref.name}" has desired_change: none and cannot be {part}; say increase or decrease in the metric'
        sheet.judge("no-direction", path, message)


def _check_effects(sheet: Sheet, experiment: Experiment, metrics: Metrics) -> None:
    """Tolerances and the effect worth having fit their metrics."""
    plan = experiment.metrics
    for index, guardrail in enumerate(plan.guardrails):
        path: Path = ("metrics", "guardrails", index, "tolerate")
        metric = metrics.get(guardrail.metric.name)
        if guardrail.tolerate.value <= 0:
            message = f"`tolerate` is the harm that is accepted, always positive, here {guardrail.tolerate}"
            sheet.judge("tolerate-not-positive", path, message)
        falls = metric is not None and metric.desired_change == "increase"
        if falls and guardrail.tolerate.is_relative and guardrail.tolerate.plain >= 1:
            message = f"{guardrail.tolerate} tolerates the loss of everything; write less than 100%, such as 10%"
            sheet.judge("tolerate-everything", path, message)
        if metric is not None:
            check_unit(sheet, path, guardrail.tolerate, metric, guardrail.metric.name)
    expect = experiment.analysis.expect
    primary = metrics.get(plan.primary.name)
    if expect is None:
        if experiment.decision.policy == "do_no_harm":
            message = (
                "`do_no_harm` ships what differs by less than the effect worth having, and none is named: only what is "
                "better could be shipped, and anything else would have to be discussed; add for example expect: 2%"
            )
            sheet.judge("expect-missing", ("decision", "policy"), message, severity="warning")
        return
    if not expect.value:
        message = "`expect` is the smallest effect worth having and cannot be zero"
        sheet.judge("expect-zero", ("analysis", "expect"), message)
    elif primary is not None and primary.desired_change == "increase" and expect.value < 0:
        message = f'`expect` is {expect}, but an increase of "{plan.primary}" is wanted; write it without the minus'
        sheet.judge("expect-zero", ("analysis", "expect"), message)
    if primary is not None:
        check_unit(sheet, ("analysis", "expect"), expect, primary, plan.primary.name)


def _check_curve(known: Known, sheet: Sheet, path: Path, curve: CurveSpec, metrics: Metrics) -> None:
    by_fact = curve.fact is not None and bool(curve.days) and not curve.points
    by_points = bool(curve.points) and curve.fact is None and not curve.days
    if not by_fact and not by_points:
        message = "a curve is {fact: orders.order, days: [7, 14, 30]}, or {points: {1: retained_day_1}}"
        sheet.judge("curve-form", path, message)
    if curve.fact is not None:
        check_fact(known, sheet, (*path, "fact"), curve.fact)
    days = curve.days or tuple(curve.points)
    if days and (min(days) < (1 if curve.days else 0) or any(a >= b for a, b in pairwise(days))):
        message = "the days of a curve are positive and rise, such as [7, 14, 30]"
        sheet.judge("curve-days", (*path, "days" if curve.days else "points"), message)
    if days and max(days) > 3660:
        sheet.judge("duration-range", (*path, "days" if curve.days else "points"), "a curve ends within ten years")
    for day, ref in curve.points.items():
        metric = metrics.get(ref.name)
        if metric is not None and family_of(metric) not in {"proportion", None}:
            message = f'a retention curve is made of proportions; "{ref.name}" is not one'
            sheet.judge("curve-form", (*path, "points", str(day)), message)
