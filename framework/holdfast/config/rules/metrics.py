"""Rules for the definitions of metrics."""

from __future__ import annotations

from typing import assert_never

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import (
    Known,
    check_fact,
    check_name,
    check_number,
    check_source,
    check_span,
    check_where,
)
from holdfast.config.rules.limits import check_duration
from holdfast.errors import nearest
from holdfast.model.metric import (
    ActiveDays,
    Churn,
    Clv,
    Column,
    Conversion,
    Count,
    CountDistinct,
    Family,
    Funnel,
    Last,
    Metric,
    Part,
    Quantile,
    Ratio,
    Retention,
    Sum,
    Survival,
    Window,
)
from holdfast.model.predicate import Predicate
from holdfast.model.source import UnitSource
from holdfast.model.values import Duration, FactRef, Share

AnyOperation = Part | Churn | Ratio | Survival | Quantile | Clv | Funnel
_OF_NUMBERS = (Sum, Last)
_CAPPED = (Count, Sum, CountDistinct, Clv, Column)


def family_of(metric: AnyOperation) -> Family | None:
    """How a metric is tested; None for a column that may be a proportion or a mean."""
    match metric:
        case Conversion() | Retention() | Churn() | Funnel():
            return "proportion"
        case Count() | Sum() | CountDistinct() | ActiveDays() | Last() | Clv() | Quantile():
            return "mean"
        case Survival():
            return "proportion" if metric.estimand == "survival_at" else "mean"
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
    if isinstance(metric, Quantile):
        return isinstance(metric.of, Column)
    return isinstance(metric, Column)


def parts_of(metric: AnyOperation) -> tuple[AnyOperation, ...]:
    """The operations that a metric is made of: itself, or what it combines."""
    if isinstance(metric, Ratio):
        return (metric.numerator, metric.denominator)
    return (metric.of,) if isinstance(metric, Quantile) else (metric,)


def facts_of(metric: AnyOperation) -> tuple[tuple[FactRef, Predicate], ...]:
    """The facts that a metric is computed from, each with the conditions on it."""
    match metric:
        case Ratio() | Quantile():
            return tuple(found for part in parts_of(metric) for found in facts_of(part))
        case Funnel():
            return tuple((step.fact, step.where) for step in metric.steps)
        case Survival():
            return ((metric.fact, {}),) if metric.fact else ()
        case Churn():
            return ((metric.fact, metric.where),) if metric.fact else ()
        case Column():
            return ()
        case _:
            return ((metric.fact, metric.where),)


def sources_of(metric: AnyOperation) -> tuple[str, ...]:
    """The sources that a metric names."""
    names = [fact.source for fact, _ in facts_of(metric)]
    for part in parts_of(metric):
        named = {Churn: "cancelled", Survival: "ended", Column: "source"}
        for kind, word in named.items():
            if isinstance(part, kind) and (name := getattr(part, word)) is not None:
                names.append(name)
    return tuple(dict.fromkeys(names))


def check_metric(known: Known, sheet: Sheet, path: Path, name: str, metric: Metric) -> None:
    """The definition of one metric."""
    check_name(sheet, path, name, "metric")
    match metric:
        case Ratio():
            _check_ratio(known, sheet, path, metric)
        case Churn():
            _check_churn(known, sheet, path, metric)
        case Survival():
            _check_survival(known, sheet, path, metric)
        case Quantile():
            _check_quantile(known, sheet, path, metric)
        case Clv():
            _check_clv(known, sheet, path, metric)
        case Funnel():
            _check_funnel(known, sheet, path, metric)
        case _:
            check_part(known, sheet, path, metric)
    _check_own_window(sheet, path, metric)


def _check_own_window(sheet: Sheet, path: Path, metric: Metric) -> None:
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
        if isinstance(metric, Survival) and window.start.hours:
            message = (
                "time to an event counts from assignment; write its window as a length alone, such as `window: 90d`"
            )
            sheet.judge("survival-definition", (*path, "window"), message)


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
        if isinstance(part, _CAPPED) and part.winsorize is not None:
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
        span = check_span(known, sheet, (*path, "cancelled"), metric.cancelled)
        if span is not None:
            check_where(sheet, (*path, "where"), metric.where, span, metric.cancelled)


def _check_survival(known: Known, sheet: Sheet, path: Path, metric: Survival) -> None:
    if (metric.fact is None) == (metric.ended is None):
        message = "survival needs either `fact`, the fact that ends it, or `ended`, the span source whose period ends"
        sheet.judge("survival-definition", path, message, at="key")
    if metric.fact is not None:
        check_fact(known, sheet, (*path, "fact"), metric.fact)
    span = check_span(known, sheet, (*path, "ended"), metric.ended) if metric.ended is not None else None
    if metric.causes and (metric.ended is None or (span is not None and span.reason is None)):
        message = "causes are read from the reason of a span source; name it in `ended`, and add `reason` to it"
        sheet.judge("survival-definition", (*path, "causes"), message, at="key")
    for cause in metric.causes:
        check_name(sheet, (*path, "causes", cause), cause, "cause")


def _check_quantile(known: Known, sheet: Sheet, path: Path, metric: Quantile) -> None:
    check_part(known, sheet, (*path, "of"), metric.of)
    if not 0 < float(metric.q) < 1:
        message = f"`q` is {metric.q}; a quantile lies above 0% and below 100%, such as 50% for the median"
        sheet.judge("quantile-range", (*path, "q"), message)
    if family_of(metric.of) == "proportion":
        message = (
            "every quantile of a proportion is 0 or 1; take a number, such as {operation: sum, fact: orders.revenue}"
        )
        sheet.judge("quantile-range", (*path, "of"), message)
    if isinstance(metric.of, _CAPPED) and metric.of.winsorize is not None:
        message = "a quantile is not moved by single large values; remove `winsorize`"
        sheet.judge("winsorize-not-allowed", (*path, "of", "winsorize"), message, at="key")


def _check_clv(known: Known, sheet: Sheet, path: Path, metric: Clv) -> None:
    source = check_number(known, sheet, (*path, "fact"), metric.fact)
    check_where(sheet, (*path, "where"), metric.where, source, metric.fact.source)
    if metric.winsorize is not None:
        _check_winsorize(sheet, (*path, "winsorize"), metric.winsorize)
    if metric.projection == "none" and metric.years is not None:
        message = "nothing is projected, so `years` says nothing; remove it, or set projection: formula"
        sheet.judge("clv-projection", (*path, "years"), message, at="key")
    elif metric.projection != "none" and (metric.years is None or not 0 < metric.years <= 20):
        message = f"projection: {metric.projection} needs how far ahead, up to 20; add a line such as `years: 3`"
        sheet.judge("clv-projection", (*path, "projection" if metric.years is None else "years"), message)


def _check_funnel(known: Known, sheet: Sheet, path: Path, metric: Funnel) -> None:
    if len(metric.steps) < 2:
        message = "a funnel has at least two steps, such as [{name: sent, fact: messages.sent}, ...]"
        sheet.judge("funnel-steps", (*path, "steps"), message)
    names: set[str] = set()
    for index, step in enumerate(metric.steps):
        where: Path = (*path, "steps", index)
        source = check_fact(known, sheet, (*where, "fact"), step.fact)
        check_where(sheet, (*where, "where"), step.where, source, step.fact.source)
        if step.name in names:
            message = f'two steps are called "{step.name[:60]}"; give each a name of its own'
            sheet.judge("funnel-steps", (*where, "name"), message)
        names.add(step.name)


def check_part(known: Known, sheet: Sheet, path: Path, part: Part) -> None:
    """One operation over a fact or a column."""
    if isinstance(part, Column):
        _check_column(known, sheet, path, part)
    else:
        check = check_number if isinstance(part, _OF_NUMBERS) else check_fact
        source = check(known, sheet, (*path, "fact"), part.fact)
        check_where(sheet, (*path, "where"), part.where, source, part.fact.source)
        if isinstance(part, CountDistinct) and source is not None and part.property not in source.properties:
            hint = nearest(part.property, source.properties)
            message = f'source "{part.fact.source}" lists no property "{part.property[:60]}"{hint}'
            sheet.judge("unknown-property", (*path, "property"), message)
    if isinstance(part, _CAPPED) and part.winsorize is not None:
        _check_winsorize(sheet, (*path, "winsorize"), part.winsorize)


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
    if part.scale != "float" and not 0 <= part.scale <= 9:
        message = f"`scale` is {part.scale}; digits after the point are 0 to 9"
        sheet.judge("scale-out-of-range", (*path, "scale"), message)
    if part.kind == "proportion" and part.winsorize is not None:
        message = "a proportion has nothing to cap; remove `winsorize`"
        sheet.judge("winsorize-not-allowed", (*path, "winsorize"), message, at="key")
    if part.kind == "mean" and part.complement:
        message = "only a proportion has a complement; remove `complement`"
        sheet.judge("complement-on-mean", (*path, "complement"), message, at="key")
