"""Rules for what a reference asks of a metric: its window, and the unit of an effect on it."""

from __future__ import annotations

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.limits import CURRENCY, check_duration
from holdfast.config.rules.metrics import check_inactivity, family_of, is_column
from holdfast.model.metric import Churn, Metric, Ratio, Retention, Survival, Window
from holdfast.model.values import Effect, MetricRef


def check_reference(sheet: Sheet, path: Path, ref: MetricRef, metric: Metric, *, window_needed: bool = True) -> None:
    """What a reference asks of a metric: a window where one is needed, and none where it would mean nothing."""
    if ref.window is None:
        # a sequential plan says the same of what decides, in words of its own
        needed = window_needed or path[1] not in {"primary", "secondary", "guardrails"}
        if needed and metric.window is None and not is_column(metric):
            message = f'"{ref.name}" has no window of its own; write {ref.name}@30d, or add window: 30d to it'
            sheet.judge("window-missing", path, message)
        return
    if is_column(metric):
        message = f'"{ref.name}" is a column, which was measured already; remove @{ref.window}'
        sheet.judge("window-on-column", path, message)
    elif isinstance(metric, Retention) and metric.definition != "bracket":
        message = f'"{ref.name}" is retention {metric.definition}, whose window belongs to it; define another metric'
        sheet.judge("window-ambiguous", path, message)
    elif metric.window is not None and metric.window.start.hours:
        message = (
            f'the window of "{ref.name}" starts at {metric.window.start}, so @{ref.window} is ambiguous; define another'
        )
        sheet.judge("window-ambiguous", path, message)
    elif check_duration(sheet, path, ref.window) and isinstance(metric, Churn):
        check_inactivity(sheet, path, metric, Window(length=ref.window))


def check_unit(sheet: Sheet, path: Path, effect: Effect, metric: Metric, name: str) -> None:
    """An effect is in a unit that its metric is measured in, or relative."""
    if effect.unit in units_of(metric):
        return
    choices = " or ".join(
        {"pt": "points (0.5pt)", "%": "percent (3%)"}.get(unit, f"{unit} (80 {unit})") for unit in units_of(metric)
    )
    family = {"proportion": "a proportion", "mean": "a mean", "ratio": "a ratio", None: "a column"}[family_of(metric)]
    money = len(effect.unit) == 3 and not metric.unit_of_measure
    hint = (
        f", or add unit_of_measure: {effect.unit} to the metric" if money and family_of(metric) != "proportion" else ""
    )
    sheet.judge("wrong-unit", path, f'{effect} does not fit "{name}", {family}: write {choices}{hint}')


def units_of(metric: Metric) -> tuple[str, ...]:
    """The units that an effect on a metric may be written in."""
    family = family_of(metric)
    if family == "proportion":
        return ("pt", "%")
    measure = metric.unit_of_measure or ""
    if CURRENCY.fullmatch(measure):
        return (measure, "%")
    if measure in {"day", "days"}:
        return ("days", "%")
    if isinstance(metric, Survival):
        return ("days", "%") if metric.estimand == "rmst" else ("%",)
    share = isinstance(metric, Ratio) and all(
        family_of(part) == "proportion" for part in (metric.numerator, metric.denominator)
    )
    return ("pt", "%") if share or (family is None and not measure) else ("%",)
