"""The scorecard: a row for each metric and variant, guardrails and other comparisons in blocks of their own."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.found import Quantity
from holdfast.model.result import Decomposition, Estimate, MetricInfo
from holdfast.report import numbers
from holdfast.report.adjusted import adjusted_rows, twin
from holdfast.report.first import amount, reading, relative
from holdfast.report.numbers import LIFT, Scale
from holdfast.report.pictures import Picture, forest_alt, forest_rows
from holdfast.report.quantities import decimals_of, why
from holdfast.report.text import Safe
from holdfast.report.view import TESTED, Table, View, interval


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The parts of the scorecard, in their order."""

    intro: Safe
    notes: tuple[Safe, ...]
    tables: tuple[Table, ...]
    forest: Picture | None
    twin: Safe
    missing: Safe


def scorecard(view: View) -> Scorecard:
    """All tables of results, with the forest plot of their relative changes."""
    voice = view.voice
    blocks = (
        _main(view),
        _guardrails(view),
        _comparisons(view),
        _described(view),
        *_parts(view),
        _raw(view),
        twin(view),
    )
    forest = Picture("forest", forest_alt(view)) if forest_rows(view) else None
    return Scorecard(
        intro=_intro(view),
        notes=_corrections(view),
        tables=tuple(block for block in blocks if block.rows),
        forest=forest,
        twin=voice.say("scorecard.twin", link=Safe("figures/forest.svg")) if forest else Safe(""),
        missing=_missing_lifts(view),
    )


def _intro(view: View) -> Safe:
    """What the values are; metrics that are ratios are named."""
    voice = view.voice
    ratios = [
        view.title(info.key) for info in view.metrics(*TESTED, "guardrail", "descriptive") if info.family == "ratio"
    ]
    told = voice.say("scorecard.intro", units=view.units, control=view.name(view.control.key))
    metrics = voice.listed(list(dict.fromkeys(ratios)))
    return voice.together([told, voice.say("scorecard.ratios", metrics=metrics, units=view.units) if ratios else ""])


def _corrections(view: View) -> tuple[Safe, ...]:
    """Which correction was made, for each role, and at what confidence the intervals stand."""
    lines = [line for role in (*TESTED, "guardrail") for line in _correction(view, role)]
    corrected = len(_p_columns(view)) > 1
    first = (view.voice.say("scorecard.corrected"),) if corrected else ()
    guarded = (view.voice.say("scorecard.guardrails"),) if view.metrics("guardrail") else ()
    adjusted = (view.voice.say("adjusted.note", units=view.units),) if adjusted_rows(view) else ()
    return (*first, *lines, *guarded, *adjusted)


def _correction(view: View, role: str) -> list[Safe]:
    found: dict[str, set[str]] = {}
    for row in view.analysis.estimates:
        shown = interval(row)
        if row.role == role and shown is not None and shown.confidence is not None:
            found.setdefault(row.correction, set()).add(numbers.percent(shown.confidence))
    roles = view.voice.say(f"scorecard.{role}")
    lines = []
    for code, levels in found.items():
        correction = _told(view, code)
        confidence = view.voice.listed([Safe(level) for level in sorted(levels)])
        lines.append(view.voice.say("scorecard.correction", roles=roles, correction=correction, confidence=confidence))
    return lines


def _told(view: View, code: str) -> Safe:
    """A correction in words: bonferroni:3 is Bonferroni over 3 comparisons; over one there is nothing to correct."""
    name, _, number = code.partition(":")
    known = "none" if not name or (name == "bonferroni" and number == "1") else name
    fdr = numbers.percent(view.analysis.plan.fdr)
    return view.voice.one_of("correction", known, number=number, fdr=fdr)


def _head(view: View, *keys: str) -> tuple[Safe, ...]:
    control = view.name(view.control.key)
    return tuple(control if key == "control" else _column(view, key) for key in keys)


def _column(view: View, key: str) -> Safe:
    if key == "only_variant":
        return view.name(view.treated[0].key)
    return view.voice.say(f"table.{key}", control=view.name(view.control.key))


def _main(view: View) -> Table:
    several = len(view.treated) > 1
    names = ("variant",) if several else ()
    value = "variant_value" if several else "only_variant"
    ps = _p_columns(view)
    head = _head(view, "metric", *names, "control", value, "difference", "lift", *ps, "reading", "n")
    rows = []
    for metric, variant in view.tested():
        cells = _result(view, metric, variant.key, view.control.key)
        rows.append((view.titled(metric), *((view.name(variant.key),) if several else ()), *cells))
    return Table(head, ("ll" if several else "l") + "rrrr" + "r" * len(ps) + "lr", tuple(rows))


def _result(view: View, metric: MetricInfo, variant: str, baseline: str) -> tuple[Safe, ...]:
    difference = view.estimate(metric.key, variant, "difference", baseline)
    lift = view.estimate(metric.key, variant, "lift", baseline)
    decimals = view.decimals(metric.key, variant, baseline)
    return (
        view.value(metric.key, baseline, decimals),
        view.value(metric.key, variant, decimals),
        view.effect(difference),
        view.effect(lift),
        *_p_values(view, difference),
        reading(view, difference),
        _counts(view, metric.key, baseline, variant),
    )


def _p_columns(view: View) -> tuple[str, ...]:
    """Both p-values where something was corrected; one where they would be the same."""
    rows = [row for row in view.analysis.estimates if row.role in TESTED]
    corrected = any(row.p_adjusted is not None and row.p_adjusted != row.p for row in rows)
    return ("p_adjusted", "p") if corrected else ("p_only",)


def _p_values(view: View, row: Estimate | None) -> tuple[Safe, ...]:
    columns = len(_p_columns(view))
    if row is None or row.status != "estimated":
        return (Safe("–"),) * columns
    return (numbers.p_value(row.p_adjusted), numbers.p_value(row.p, row.log10_p))[-columns:]


def _counts(view: View, metric: str, baseline: str, variant: str) -> Safe:
    levels = (view.analysis.level(metric, key) for key in (baseline, variant))
    shown = [numbers.count(row.n) if row is not None else Safe("–") for row in levels]
    return Safe(" / ".join(shown))


def _guardrails(view: View) -> Table:
    several = len(view.treated) > 1
    names = ("variant",) if several else ()
    value = "variant_value" if several else "only_variant"
    head = _head(view, "metric", *names, "control", value, "change", "tolerated", "reading", "n")
    rows = []
    for metric in view.metrics("guardrail"):
        for variant in view.treated:
            row = view.decisive(metric.key, variant.key)
            decimals = view.decimals(metric.key, variant.key)
            cells = (
                view.value(metric.key, view.control.key, decimals),
                view.value(metric.key, variant.key, decimals),
                view.effect(row),
                view.margin(row) if row is not None else Safe("–"),
                reading(view, row),
                _counts(view, metric.key, view.control.key, variant.key),
            )
            rows.append((view.titled(metric), *((view.name(variant.key),) if several else ()), *cells))
    align = ("ll" if several else "l") + "rrrrlr"
    return Table(head, align, tuple(rows), view.voice.say("heading.guardrails"))


def _comparisons(view: View) -> Table:
    ps = _p_columns(view)
    keys = ("baseline_value", "variant_value", "difference", "lift", *ps, "reading", "n_compared")
    head = _head(view, "metric", "compared", *keys)
    rows = []
    for variant, baseline in view.extra_pairs():
        names = view.voice.say("words.against", variant=view.name(variant), baseline=view.name(baseline))
        for metric in view.metrics(*TESTED):
            if view.estimate(metric.key, variant, "difference", baseline) is not None:
                rows.append((view.titled(metric), names, *_result(view, metric, variant, baseline)))
    return Table(head, "llrrrr" + "r" * len(ps) + "lr", tuple(rows), view.voice.say("heading.comparisons"))


def _described(view: View) -> Table:
    columns = [head for info in view.ordered for head in (view.name(info.key), view.voice.say("table.units"))]
    rows = []
    for metric in view.metrics("descriptive"):
        cells = []
        for info in view.ordered:
            level = view.analysis.level(metric.key, info.key)
            cells += [view.value(metric.key, info.key), numbers.count(level.n) if level else Safe("–")]
        rows.append((view.titled(metric), *cells))
    head = (view.voice.say("table.metric"), *columns)
    return Table(head, "l" + "r" * len(columns), tuple(rows), view.voice.say("heading.descriptive"))


def _parts(view: View) -> tuple[Table, ...]:
    """A ratio beside its parts: share who bought, orders a buyer, revenue a customer."""
    keys = tuple(dict.fromkeys(row.metric for row in view.analysis.decomposition))
    return tuple(_one_decomposition(view, key) for key in keys)


def _one_decomposition(view: View, key: str) -> Table:
    voice = view.voice
    info = view.metric(key)
    money = info is not None and info.trio == "average_order_value"
    found = {row.variant: row for row in view.analysis.decomposition if row.metric == key}
    rows = [found[variant.key] for variant in view.ordered if variant.key in found]
    scale = view.scale(key)
    names = {"unit": view.unit, "units": view.units}
    titles = (
        [voice.capital(view.word(word)) for word in ("revenue_per_unit", "share_who_bought", "orders_per_buyer")]
        if money
        else [voice.say(f"decomposition.{word}", **names) for word in ("amount", "active", "per_active")]
    ) + [view.title(key)]
    cells = (
        [_part(view, row, "per_unit", scale) for row in rows],
        [_part(view, row, "share_active", Scale("share")) for row in rows],
        [_part(view, row, "per_active", Scale("plain")) for row in rows],
        [_part(view, row, "ratio", scale) for row in rows],
    )
    head = (voice.say("table.part"), *(view.name(row.variant) for row in rows))
    metric = view.trio("average_order_value") if money else view.title(key)
    heading = voice.say("heading.ratio_parts", metric=metric)
    body = tuple((title, *line) for title, line in zip(titles, cells, strict=True))
    confidence = numbers.percent(view.analysis.plan.confidence)
    known = any(row.intervals for row in rows)
    intro = voice.say("decomposition.intervals", confidence=confidence) if known else Safe("")
    return Table(head, "l" + "r" * len(rows), body, heading, intro)


def _part(view: View, row: Decomposition, name: str, scale: Scale) -> Safe:
    """One part of a ratio, with its relative change and the interval of that."""
    shown, change = amount(view, getattr(row, name), scale), getattr(row, f"change_{name}")
    found: Quantity | None = row.intervals.get(f"change_{name}")
    if change is None:
        return shown
    if found is None:
        return view.voice.say("words.changed", first=shown, change=relative(view, change))
    if found.lower is None or found.upper is None:
        return view.voice.say("words.changed_only", first=shown, change=relative(view, change), reason=why(view, found))
    decimals = decimals_of(found, LIFT)
    middle = view.numbers.change(change, LIFT, decimals)
    lower, upper = (numbers.bare(edge, LIFT, decimals) for edge in (found.lower, found.upper))
    return view.voice.say("words.changed_interval", first=shown, change=middle, lower=lower, upper=upper)


def _raw(view: View) -> Table:
    """Capped means with the means that they would have been without the cap."""
    head = _head(view, "metric", "variant", "cap", "capped", "raw")
    rows = []
    for metric in view.analysis.metrics:
        for info in view.ordered:
            level = view.analysis.level(metric.key, info.key)
            if level is None or level.raw_value is None or metric.cap is None:
                continue
            scale, decimals = view.scale(metric.key), view.decimals(metric.key)
            cells = (amount(view, metric.cap, scale), view.value(metric.key, info.key))
            raw = view.numbers.level(level.raw_value, scale, decimals)
            rows.append((view.titled(metric), view.name(info.key), *cells, raw))
    return Table(head, "llrrr", tuple(rows), view.voice.say("heading.raw"))


def _missing_lifts(view: View) -> Safe:
    """The relative changes that are left out of the figure, with the reason."""
    rows = []
    for metric in view.metrics(*TESTED, "guardrail"):
        for variant in view.treated:
            lift = view.estimate(metric.key, variant.key, "lift")
            if lift is not None and (lift.status == "not_estimable" or interval(lift) is None):
                key = "lift_missing" if len(view.treated) > 1 else "lift_missing_one"
                names = {"metric": view.title(metric.key), "variant": view.name(variant.key)}
                rows.append(view.voice.say(f"scorecard.{key}", reason=view.reason(lift), **names))
    return view.voice.say("scorecard.lifts_missing", rows=view.voice.joined(rows)) if rows else Safe("")
