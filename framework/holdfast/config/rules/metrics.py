"""Rules for metrics: their definitions, and what a reference to one may ask of it."""

from __future__ import annotations

from typing import assert_never

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import (
    CURRENCY,
    Known,
    check_duration,
    check_fact,
    check_name,
    check_source,
    check_where,
)
from holdfast.errors import nearest
from holdfast.model.metric import (
    Churn,
    Column,
    Conversion,
    Count,
    Family,
    Metric,
    Part,
    Ratio,
    Retention,
    Sum,
    Window,
)
from holdfast.model.source import EventSource, SpanSource, UnitSource
from holdfast.model.values import Duration, Effect, MetricRef, Share

AnyOperation = Part | Churn | Ratio


def family_of(metric: AnyOperation) -> Family | None:
    """How a metric is tested; None for a column that may be a proportion or a mean."""
    match metric:
        case Conversion() | Retention() | Churn():
            return "proportion"
        case Count() | Sum():
            return "mean"
        case Ratio():
            return "ratio"
        case Column():
            return None if metric.kind == "auto" else metric.kind
        case _:
            assert_never(metric)


def is_column(metric: AnyOperation) -> bool:
    """Whether a metric reads columns of a unit source, which have no window."""
    if isinstance(metric, Ratio):
        return isinstance(metric.numerator, Column) and isinstance(metric.denominator, Column)
    return isinstance(metric, Column)


def sources_of(metric: AnyOperation) -> tuple[str, ...]:
    """The sources that a metric names."""
    match metric:
        case Conversion() | Retention() | Count() | Sum():
            return (metric.fact.source,)
        case Churn():
            return (metric.fact.source,) if metric.fact else (metric.cancelled,) if metric.cancelled else ()
        case Ratio():
            return tuple(dict.fromkeys((*sources_of(metric.numerator), *sources_of(metric.denominator))))
        case Column():
            return (metric.source,) if metric.source else ()
        case _:
            assert_never(metric)


def check_metric(known: Known, sheet: Sheet, path: Path, name: str, metric: Metric) -> None:
    """The definition of one metric."""
    check_name(sheet, path, name, "metric")
    if isinstance(metric, Ratio):
        _check_ratio(known, sheet, path, metric)
    elif isinstance(metric, Churn):
        _check_churn(known, sheet, path, metric)
    else:
        check_part(known, sheet, path, metric)
    window = metric.window
    if window is None:
        if isinstance(metric, Retention) and metric.definition != "bracket":
            message = f"retention {metric.definition} needs its window here, such as window: {{after: 7d, for: 1d}}"
            sheet.judge("retention-window", (*path, "window"), message)
        return
    if is_column(metric):
        message = "a column was measured already and has no window; remove `window`"
        sheet.judge("window-on-column", (*path, "window"), message, at="key")
        return
    if _check_window(sheet, (*path, "window"), window):
        _check_retention_window(sheet, path, metric, window)
        if isinstance(metric, Churn):
            check_inactivity(sheet, (*path, "inactivity"), metric, window)


def _check_window(sheet: Sheet, path: Path, window: Window) -> bool:
    start = check_duration(sheet, (*path, "start"), window.start, zero=True)
    return check_duration(sheet, (*path, "length"), window.length) and start


def _check_retention_window(sheet: Sheet, path: Path, metric: Metric, window: Window) -> None:
    if not isinstance(metric, Retention):
        return
    if metric.definition == "on_day" and window.length.whole_days != 1:
        message = (
            f"retention on_day looks at one day, this window at {window.length}; write day: 7, or definition: bracket"
        )
        sheet.judge("retention-window", (*path, "window"), message)
    if metric.definition == "on_or_after" and not window.start.hours:
        message = "retention on_or_after starts after day 0; write window: {after: 7d, for: 23d}"
        sheet.judge("retention-window", (*path, "window"), message)


def check_inactivity(sheet: Sheet, path: Path, metric: Churn, window: Window) -> None:
    """Inactivity is looked for before the window's end, and not before assignment."""
    inactivity = metric.inactivity
    end = Duration(window.start.hours + window.length.hours)
    if inactivity is not None and inactivity > end:
        message = f"inactivity of {inactivity} does not fit into a window that ends {end} after assignment"
        sheet.judge("inactivity-too-long", path, message)


def _check_ratio(known: Known, sheet: Sheet, path: Path, metric: Ratio) -> None:
    for word, part in (("numerator", metric.numerator), ("denominator", metric.denominator)):
        check_part(known, sheet, (*path, word), part)
        if not isinstance(part, Conversion | Retention) and part.winsorize is not None:
            message = "the parts of a ratio are not capped: both would have to be, at the same customers"
            sheet.judge("winsorize-not-allowed", (*path, word, "winsorize"), message, at="key")
    if isinstance(metric.numerator, Column) != isinstance(metric.denominator, Column):
        message = "one part of this ratio is a column and the other is over events; use two of a kind"
        sheet.judge("ratio-mixed", (*path, "denominator"), message)


def _check_churn(known: Known, sheet: Sheet, path: Path, metric: Churn) -> None:
    inactive = metric.fact is not None and metric.inactivity is not None
    partial = metric.fact is not None or metric.inactivity is not None
    if partial if metric.cancelled is not None else not inactive:
        message = "churn needs either fact and inactivity (no contract), or cancelled: a span source (contract)"
        sheet.judge("churn-definition", path, message, at="key")
    if metric.fact is not None:
        source = check_fact(known, sheet, (*path, "fact"), metric.fact)
        check_where(sheet, (*path, "where"), metric.where, source, metric.fact.source)
    if metric.inactivity is not None:
        check_duration(sheet, (*path, "inactivity"), metric.inactivity)
    if metric.cancelled is not None:
        span = check_source(known, sheet, (*path, "cancelled"), metric.cancelled)
        if span is not None and not isinstance(span, SpanSource):
            spans = [name for name, item in known.sources.items() if isinstance(item, SpanSource)]
            hint = nearest(metric.cancelled, spans)
            message = f'"{metric.cancelled}" is of grain {span.grain}; cancellation is read from spans{hint}'
            sheet.judge("wrong-grain", (*path, "cancelled"), message)
        elif span is not None:
            check_where(sheet, (*path, "where"), metric.where, span, metric.cancelled)


def check_part(known: Known, sheet: Sheet, path: Path, part: Part) -> None:
    """One operation over a fact or a column."""
    if isinstance(part, Column):
        _check_column(known, sheet, path, part)
    else:
        source = check_fact(known, sheet, (*path, "fact"), part.fact)
        check_where(sheet, (*path, "where"), part.where, source, part.fact.source)
        _check_sum(sheet, path, part, source)
    if isinstance(part, Count | Sum | Column) and part.winsorize is not None:
        _check_winsorize(sheet, (*path, "winsorize"), part.winsorize)


def _check_sum(sheet: Sheet, path: Path, part: Part, source: EventSource | None) -> None:
    if not isinstance(part, Sum) or source is None:
        return
    fact = source.facts.get(part.fact.fact)
    if fact is not None and fact.column is None:
        numbers = [f"{part.fact.source}.{name}" for name, item in source.facts.items() if item.column]
        hint = nearest(str(part.fact), numbers)
        message = f'"{part.fact}" only counts rows; use operation: count, or add up a number{hint}'
        sheet.judge("unknown-fact", (*path, "fact"), message)


def _check_winsorize(sheet: Sheet, path: Path, share: Share) -> None:
    if not 0.5 <= float(share) < 1:
        message = f"winsorize is {share}; a cap lies at 50% or above and below 100%, usually at 99.9%"
        sheet.judge("winsorize-range", path, message)


def _check_column(known: Known, sheet: Sheet, path: Path, part: Column) -> None:
    if part.source is not None:
        source = check_source(known, sheet, (*path, "source"), part.source)
        if source is not None and not isinstance(source, UnitSource):
            message = f'columns are read from sources of grain unit; "{part.source}" is of grain {source.grain}'
            sheet.judge("wrong-grain", (*path, "source"), message)
    if not 0 <= part.scale <= 9:
        message = f"`scale` is {part.scale}; digits after the point are 0 to 9"
        sheet.judge("scale-out-of-range", (*path, "scale"), message)
    if part.kind == "proportion" and part.winsorize is not None:
        message = "a proportion has nothing to cap; remove `winsorize`"
        sheet.judge("winsorize-not-allowed", (*path, "winsorize"), message, at="key")
    if part.kind == "mean" and part.complement:
        message = "only a proportion has a complement; remove `complement`"
        sheet.judge("complement-on-mean", (*path, "complement"), message, at="key")


def check_reference(sheet: Sheet, path: Path, ref: MetricRef, metric: Metric) -> None:
    """What a reference asks of a metric: a window where one is needed, and none where it would mean nothing."""
    if ref.window is None:
        if metric.window is None and not is_column(metric):
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
    share = isinstance(metric, Ratio) and all(
        family_of(part) == "proportion" for part in (metric.numerator, metric.denominator)
    )
    return ("pt", "%") if share or (family is None and not measure) else ("%",)
