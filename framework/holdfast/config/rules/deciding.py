"""Rules for what may decide: each metric that does was randomised, is not a model, and closes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.metrics import facts_of, is_column
from holdfast.config.rules.people import NO_CLICKS, is_click
from holdfast.model.experiment import Experiment, MetricPlan
from holdfast.model.metric import Clv, Funnel, Last, Metric, Quantile, Ratio, Window
from holdfast.model.values import MetricRef

Metrics = Mapping[str, Metric | None]


def deciding(plan: MetricPlan) -> Iterator[tuple[str, Path, MetricRef]]:
    """Every reference to a metric that decides: its part, its path, and itself."""
    yield "primary", ("metrics", "primary"), plan.primary
    for index, ref in enumerate(plan.secondary):
        yield "secondary", ("metrics", "secondary", index), ref
    for index, guardrail in enumerate(plan.guardrails):
        yield "a guardrail", ("metrics", "guardrails", index, "metric"), guardrail.metric


def window_of(ref: MetricRef, metric: Metric) -> Window | None:
    """The window that a reference is read over."""
    return Window(length=ref.window) if ref.window is not None else metric.window


def check_deciding(sheet: Sheet, experiment: Experiment, metrics: Metrics) -> None:
    """What decides is a comparison of randomised groups, over windows that close."""
    for part, path, ref in deciding(experiment.metrics):
        metric = metrics.get(ref.name)
        if metric is None:
            continue
        if not isinstance(metric, Funnel):
            _check_clicks(sheet, path, metric, name=ref.name, part=part)
        _check_model(sheet, path, metric, name=ref.name, part=part)
        if experiment.analysis.looks != "fixed" and window_of(ref, metric) is None and not is_column(metric):
            message = (
                f'"{ref.name}" has no window, so no look of a sequential plan would know how much of it has been seen; '
                f"write {ref.name}@30d, or add window: 30d to it"
            )
            sheet.judge("sequential-open-window", path, message)
    primary = metrics.get(experiment.metrics.primary.name)
    if primary is not None:
        _check_primary(sheet, experiment.metrics.primary, primary)


def _check_clicks(sheet: Sheet, path: Path, metric: Metric, *, name: str, part: str) -> None:
    words: set[object] = set()
    for fact, where in facts_of(metric):
        words |= {fact.fact, *where}
        words |= {value for condition in where.values() for value in condition.any_of}
    if metric.behaviour == "clicks_and_opens" or any(is_click(word) for word in words):
        message = f'"{name}" counts opens or clicks and cannot be {part}; {NO_CLICKS}; list it under `descriptive`'
        sheet.judge("opens-or-clicks", path, message)


def _check_model(sheet: Sheet, path: Path, metric: Metric, *, name: str, part: str) -> None:
    if isinstance(metric, Funnel):
        message = f'"{name}" is a funnel, which describes and cannot be {part}; list it under `descriptive`'
        sheet.judge("descriptive-only", path, message)
    elif isinstance(metric, Clv) and metric.projection != "none" and part != "secondary":
        message = f'"{name}" holds a projection, a model that never decides, and cannot be {part}; set projection: none'
        sheet.judge("descriptive-only", path, message)


def _check_primary(sheet: Sheet, ref: MetricRef, metric: Metric) -> None:
    path: Path = ("metrics", "primary")
    if isinstance(metric, Ratio):
        message = (
            f'"{ref}" is a ratio over those who have a denominator, such as buyers, whom the treatment may '
            "have chosen; prefer a mean per unit, such as revenue per customer"
        )
        sheet.judge("ratio-primary", path, message, severity="warning")
    if isinstance(metric, Last) or (isinstance(metric, Quantile) and metric.among == "positive"):
        message = (
            f'"{ref}" leaves out customers by what they did after assignment, so the groups are no longer '
            "comparable; prefer a number that every customer has"
        )
        sheet.judge("primary-after-assignment", path, message, severity="warning")
    if metric.deprecated is not None:
        reason = metric.deprecated[:200] or "no reason is given"
        message = f'"{ref.name}" should no longer be used: {reason}; choose another primary metric'
        sheet.judge("deprecated-primary", path, message)
