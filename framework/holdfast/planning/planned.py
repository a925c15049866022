"""From a study to a plan: windows, readout, comparisons and what each metric needs. Pure, no clock, no data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import assert_never

from holdfast.errors import NotYet
from holdfast.model.clock import midnight
from holdfast.model.experiment import CurveSpec, NotMeasured
from holdfast.model.metric import (
    TRIO,
    ActiveDays,
    Churn,
    Clv,
    Column,
    Conversion,
    ConversionMetric,
    Count,
    CountDistinct,
    Family,
    Funnel,
    FunnelMetric,
    Last,
    Metric,
    Operation,
    Quantile,
    Ratio,
    Retention,
    RetentionMetric,
    Sum,
    Survival,
    Window,
)
from holdfast.model.plan import Plan, PlannedCurve, PlannedDays, PlannedMetric, Role, Trio, planned_end
from holdfast.model.study import Study
from holdfast.model.values import Duration, Effect, FactRef, MetricRef
from holdfast.planning.lifetime import planned_lifetimes
from holdfast.planning.looks import planned_looks
from holdfast.planning.money import planned_money

_CALENDAR = (Retention, Churn)
_DECISIVE: tuple[Role, ...] = ("primary", "secondary", "guardrail", "curve")


def plan(study: Study, as_of: dt.date) -> Plan:
    """What will be computed for a study as of a date.

    Raises:
        NotYet: nobody is enrolled before that date.
    """
    start, end = enrolment(study)
    if start and as_of <= start and study.experiment.assignment.by_holdfast and as_of != end:
        raise NotYet(f"{study.slug}: enrolment starts on {start}; there is nothing to analyse before", start)
    observed = study.experiment.observed
    # Outcomes end where the observation did, however late they are read.
    cutoff = midnight(min(as_of, observed.until) if observed else as_of, study.timezone)
    trio, not_measured = _trio(study)
    metrics = tuple(_planned(study, cutoff, trio))
    curves, points = _curves(study, cutoff, metrics)
    metrics = (*metrics, *points)
    readout, decided_by = _readout(study, end, metrics)
    control = study.experiment.control
    looks = planned_looks(study, start, readout, metrics)
    return Plan(
        study=study,
        as_of=as_of,
        cutoff=cutoff,
        metrics=metrics,
        curves=curves,
        survival=tuple(_survival(metrics)),
        money=planned_money(study, metrics, cutoff),
        lifetime=tuple(planned_lifetimes(metrics)),
        comparisons=(
            *((variant, control) for variant in study.experiment.treatments),
            *((pair[0], pair[1]) for pair in study.experiment.analysis.comparisons),
        ),
        confidence=float(study.confidence),
        fdr=float(study.fdr),
        readout=readout,
        readout_metric=decided_by,
        enrolled_from=start,
        enrolled_until=end,
        interim=readout is not None and as_of < readout and not (looks and looks.is_look(as_of)),
        looks=looks,
        not_measured=not_measured,
    )


def default_as_of(study: Study, today: dt.date) -> dt.date:
    """The date that an analysis is read at when none is given: the readout, or today when that is earlier."""
    found = readout(study)
    if found is None or today >= found:
        return found or today
    looks = plan(study, today).looks if _enrolling(study, today) else None
    # Between two looks of a plan that has dates for them, the last one stands.
    return max((day for day in looks.dates if day <= today), default=today) if looks else today


def _enrolling(study: Study, today: dt.date) -> bool:
    """Whether there is anything to plan for before a date."""
    start, end = enrolment(study)
    return start is None or today > start or today == end


def readout(study: Study) -> dt.date | None:
    """The date at which every enrolled unit is mature for all that decides; None when no window sets one."""
    if study.experiment.observed:
        return study.experiment.observed.until
    _, end = enrolment(study)
    # Which facts have arrived by then does not move it.
    anytime = midnight(end or dt.date(2000, 1, 1), study.timezone)
    trio, _ = _trio(study)
    metrics = tuple(_planned(study, anytime, trio))
    _, points = _curves(study, anytime, metrics)
    return _readout(study, end, (*metrics, *points))[0]


def enrolment(study: Study) -> tuple[dt.date | None, dt.date | None]:
    """First day of enrolment and the day after the last; for a snapshot both are its date."""
    enroll = study.experiment.enroll
    if enroll is None:
        return None, None
    if enroll.date:
        return enroll.date, enroll.date
    if enroll.start is None or enroll.length is None:
        raise ValueError("an enrolment has a date, or a start and a length")
    return enroll.start, enroll.start + enroll.length.timedelta


def family(operation: Operation) -> Family | None:
    """How a number per unit is tested; None when only the data can tell."""
    match operation:
        case Conversion() | Retention() | Churn():
            return "proportion"
        case Count() | Sum() | CountDistinct() | ActiveDays() | Last() | Clv():
            return "mean"
        case Ratio():
            return "ratio"
        case Survival():
            return "survival"
        case Quantile():
            return "quantile"
        case Column():
            return None if operation.kind == "auto" else operation.kind
        case _:
            raise TypeError(f"{type(operation).__name__} is not an operation")


def _trio(study: Study) -> tuple[dict[Trio, MetricRef], dict[Trio, str]]:
    """Which metrics are retention, churn and average order value here, and why any of them is missing."""
    found: dict[Trio, MetricRef] = {}
    missing: dict[Trio, str] = {}
    names: tuple[Trio, ...] = ("retained", "churned", "average_order_value")
    assert names == TRIO
    for name in names:
        given = study.experiment.metrics.trio.get(name, MetricRef(name))
        match given:
            case NotMeasured():
                missing[name] = given.not_measured
            case MetricRef():
                if name in study.experiment.metrics.trio or _computable(study, given):
                    found[name] = given
                elif given.name in study.metrics:
                    missing[name] = f"The metric {name} needs dated facts of each unit, which these data do not hold."
                else:
                    missing[name] = f"No metric named {name} is defined for this experiment."
            case _:
                assert_never(given)
    return found, missing


def _computable(study: Study, ref: MetricRef) -> bool:
    """Whether a metric that nobody asked for can be had: over facts it needs a window and a time of assignment."""
    metric = study.metrics.get(ref.name)
    if metric is None:
        return False
    assignment = study.experiment.assignment
    timed = assignment.by_holdfast or assignment.assigned_at is not None
    # Columns of an experiment's own file are in its own definitions, never in the shared ones.
    return ref.name in study.experiment.metrics.define or (timed and metric.window is not None)


def _planned(study: Study, cutoff: dt.datetime, trio: dict[Trio, MetricRef]) -> Iterator[PlannedMetric]:
    """Every metric of the experiment once, in its most important role."""
    metrics = study.experiment.metrics
    tolerated = {str(guardrail.metric): guardrail.tolerate for guardrail in metrics.guardrails}
    # Curve points of finished experiments are proportions that are also worth a row of their own.
    points = [ref for curve in metrics.curves for ref in curve.points.values()]
    roles: list[tuple[Role, Iterable[MetricRef]]] = [
        ("primary", [metrics.primary]),
        ("guardrail", [guardrail.metric for guardrail in metrics.guardrails]),
        ("secondary", [*trio.values(), *metrics.secondary]),
        ("descriptive", [*metrics.descriptive, *points]),
    ]
    by_trio = {str(ref): name for name, ref in trio.items()}
    seen: set[str] = set()
    for role, refs in roles:
        for ref in refs:
            key = str(ref)
            if key in seen:
                continue
            seen.add(key)
            metric = study.metrics[ref.name]
            if isinstance(metric, Funnel):
                yield from _steps(study, cutoff, ref, metric)
            else:
                yield _one(
                    study, cutoff, ref, metric, key, role=role, trio=by_trio.get(key), tolerate=tolerated.get(key)
                )


def _steps(study: Study, cutoff: dt.datetime, ref: MetricRef, funnel: FunnelMetric) -> Iterator[PlannedMetric]:
    """A funnel as one described share for each of its steps."""
    for step in funnel.steps:
        metric = ConversionMetric(
            operation="conversion",
            fact=step.fact,
            where=step.where,
            desired_change="none",
            window=funnel.window,
            clock=funnel.clock,
            title=f"{funnel.title or ref.name.replace('_', ' ').capitalize()}: {step.name}",
            description=funnel.description,
        )
        yield _one(study, cutoff, ref, metric, f"{ref}:{step.name}", role="descriptive", trio=None, tolerate=None)


def _one(
    study: Study,
    cutoff: dt.datetime,
    ref: MetricRef,
    metric: Metric,
    key: str,
    *,
    role: Role,
    trio: Trio | None,
    tolerate: Effect | None,
) -> PlannedMetric:
    window = Window(length=ref.window) if ref.window else metric.window
    sources = _sources(metric)
    return PlannedMetric(
        key=key,
        metric=metric,
        role=role,
        # A column with a unit, such as dollars, is a mean even when it happens to hold only 0 and 1.
        family=family(metric) or ("mean" if metric.unit_of_measure else None),
        window=window,
        clock=(metric.clock or ("calendar" if isinstance(metric, _CALENDAR) else "elapsed")),
        direction=metric.desired_change,
        unit=metric.unit_of_measure or ("days" if _is_rmst(metric) else None),
        trio=trio,
        tolerate=tolerate,
        sources=sources,
        observed_until=cutoff - study.freshness(sources).timedelta,
        lookback=_lookback(study, role, window, metric),
    )


def _is_rmst(metric: Metric) -> bool:
    return isinstance(metric, Survival) and metric.estimand == "rmst"


def _lookback(study: Study, role: Role, window: Window | None, metric: Metric) -> int:
    """Over how many days before assignment a metric is read as its own covariate."""
    settings = study.experiment.analysis
    if settings.cuped is None or settings.covariates or window is None or role == "descriptive":
        return 0
    if isinstance(metric, Survival | Quantile):
        return 0
    return settings.cuped.lookback.whole_days


def _survival(metrics: tuple[PlannedMetric, ...]) -> Iterator[PlannedDays]:
    """Times to an event that the plan asks for, whatever their role, each as counts by day."""
    for planned in metrics:
        metric = planned.metric
        if not isinstance(metric, Survival) or planned.window is None:
            continue
        yield PlannedDays(
            key=planned.key,
            fact=metric.fact,
            ended=metric.ended,
            causes=metric.causes,
            first_only=True,
            days=planned.window.end_day,
            clock=planned.clock,
            sources=planned.sources,
            observed_until=planned.observed_until,
        )


def _sources(metric: Metric) -> tuple[str, ...]:
    """The sources that a metric reads; a column's default source is left out, it is the assignment's own."""

    def of(operation: Operation) -> Iterator[str]:
        match operation:
            case Ratio():
                yield from of(operation.numerator)
                yield from of(operation.denominator)
            case Churn() if operation.cancelled:
                yield operation.cancelled
            case (
                Conversion() | Retention() | Churn() | Count() | Sum() | CountDistinct() | ActiveDays() | Last() | Clv()
            ):
                if operation.fact:
                    yield operation.fact.source
            case Survival():
                yield operation.fact.source if operation.fact else operation.ended or ""
            case Quantile():
                yield from of(operation.of)
            case Column():
                if operation.source:
                    yield operation.source

    return tuple(dict.fromkeys(of(metric)))


def _curves(
    study: Study, cutoff: dt.datetime, metrics: tuple[PlannedMetric, ...]
) -> tuple[tuple[PlannedCurve, ...], list[PlannedMetric]]:
    """The retention curves, and the metrics that exist only as their points."""
    curves: list[PlannedCurve] = []
    extra: list[PlannedMetric] = []
    known = {planned.key for planned in metrics}
    for number, spec in enumerate(study.experiment.metrics.curves, start=1):
        daily = None
        if spec.fact is None:
            points = tuple((day, day, str(ref)) for day, ref in sorted(spec.points.items()))
            assert all(key in known for _, _, key in points)
        else:
            periods = [*_periods(study, cutoff, spec, spec.fact, number)]
            extra.extend(planned for _, planned in periods)
            points = tuple((first, planned_end(planned) - 1, planned.key) for first, planned in periods)
            daily = PlannedDays(
                key=f"curve_{number}",
                fact=spec.fact,
                first_only=False,
                days=max(spec.days),
                clock="calendar",
                sources=(spec.fact.source,),
                observed_until=cutoff - study.freshness((spec.fact.source,)).timedelta,
            )
        title = spec.title or "Active customers over time"
        curves.append(PlannedCurve(key=f"curve_{number}", title=title, points=points, daily=daily))
    return tuple(curves), extra


def _periods(
    study: Study, cutoff: dt.datetime, spec: CurveSpec, fact: FactRef, number: int
) -> Iterator[tuple[int, PlannedMetric]]:
    """One bracket retention for each period between two listed days."""
    observed_until = cutoff - study.freshness((fact.source,)).timedelta
    for first, end in zip((0, *spec.days), spec.days, strict=False):
        window = Window(start=Duration(first * 24), length=Duration((end - first) * 24))
        yield (
            first,
            PlannedMetric(
                key=f"curve_{number}_day_{first}",
                metric=RetentionMetric(
                    operation="retention", definition="bracket", fact=fact, desired_change="none", window=window
                ),
                role="curve",
                family="proportion",
                window=window,
                clock="calendar",
                direction="none",
                unit=None,
                sources=(fact.source,),
                observed_until=observed_until,
            ),
        )


def _readout(
    study: Study, end: dt.date | None, metrics: tuple[PlannedMetric, ...]
) -> tuple[dt.date | None, str | None]:
    """The first date at which every enrolled unit is mature for all that decides, and the metric that sets it."""
    observed = study.experiment.observed
    timed = [planned for planned in metrics if planned.needs_time and planned.role in _DECISIVE]
    if end is None or not timed:
        return (observed.until if observed else None), None
    longest = max(timed, key=planned_end)
    hours = max(study.freshness(planned.sources).hours for planned in timed)
    readout = end + dt.timedelta(days=planned_end(longest) + -(-hours // 24))
    closed = max(_last_close(study, end, planned) for planned in timed) + dt.timedelta(hours=hours)
    # Where spring takes an hour away, a number of 24-hour days ends after the local midnight.
    while midnight(readout, study.timezone) < closed:
        readout += dt.timedelta(days=1)
    return readout, longest.key


def _last_close(study: Study, end: dt.date, planned: PlannedMetric) -> dt.datetime:
    """When the window of the unit that was enrolled last closes."""
    enroll, days = study.experiment.enroll, dt.timedelta(days=planned_end(planned))
    last = end - dt.timedelta(days=1) if enroll and enroll.each else end
    if planned.clock == "calendar":
        return midnight(last + days, study.timezone)
    return midnight(last, study.timezone) + days
