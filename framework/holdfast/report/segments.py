"""Who it works for: the effect within each segment, and whether it differs between them."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.found import InteractionRow, SegmentRow
from holdfast.model.result import Estimate, VariantInfo
from holdfast.report import numbers
from holdfast.report.numbers import LIFT
from holdfast.report.pictures import Picture
from holdfast.report.quantities import change_of, decimals_of
from holdfast.report.sections import Part, Section
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

_NOT_FIXED = ("not_pre_registered", "locked_after_observation", "locked_during_observation", "changed_after_lock")
"""Deviations after which nothing shows that segments were fixed beforehand."""


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """One segment's effect in the figure."""

    row: SegmentRow
    variant: VariantInfo
    label: Safe
    effect: Safe


def _rows(view: View) -> tuple[SegmentRow, ...]:
    return () if view.analysis.plan.interim else view.analysis.segments


def segments(view: View) -> Section | None:
    """The section, with parts for each metric and dimension; None where no segment was planned, or when interim."""
    rows, voice = _rows(view), view.voice
    interactions = () if view.analysis.plan.interim else view.analysis.interactions
    # A dimension may have a test and no rows, or the other way round.
    tested = ((row.metric, row.dimension) for row in interactions)
    keys = dict.fromkeys([*((row.metric, row.dimension) for row in rows), *tested])
    if not keys:
        return None
    pictures = {metric: (name, lines) for name, metric, lines in segment_figures(view)}
    parts = []
    for metric in dict.fromkeys(key[0] for key in keys):
        parts += [_part(view, *key) for key in keys if key[0] == metric]
        if metric in pictures:
            name, lines = pictures[metric]
            link = voice.say("segments.svg", link=Safe(f"figures/{name}.svg"))
            parts.append(Part(picture=Picture(name, _alt(view, metric, lines)), link=link))
    late = any(deviation.id in _NOT_FIXED for deviation in view.analysis.deviations)
    intro = voice.say("segments.not_fixed" if late else "segments.fixed")
    confidence = numbers.percent(view.analysis.plan.confidence)
    read = voice.say("segments.intro", units=view.units, confidence=confidence)
    return Section(voice.say("heading.segments"), voice.together([intro, read]), tuple(parts))


def _part(view: View, metric: str, dimension: str) -> Part:
    voice = view.voice
    rows = [row for row in _rows(view) if (row.metric, row.dimension) == (metric, dimension)]
    found = [row for row in view.analysis.interactions if (row.metric, row.dimension) == (metric, dimension)]
    shrunken = any(row.shrunken.estimate is not None for row in rows)
    lines = [_interaction(view, row) for row in found]
    lines += [voice.say("segments.shrunken_note")] if shrunken else []
    lines += [voice.say("segments.suppressed_note", units=view.units)] if any(row.suppressed for row in rows) else []
    title = voice.say("segments.title", metric=view.title(metric), dimension=dimension)
    table = _table(view, rows, shrunken=shrunken) if rows else None
    return Part(title=title, table=table, lines=tuple(lines))


def _table(view: View, rows: list[SegmentRow], *, shrunken: bool) -> Table:
    voice, named = view.voice, _named(view, rows)
    keys = ("difference", "lift", *(("shrunken",) if shrunken else ()))
    control = view.name(view.control.key)
    head = (
        voice.say("segments.segment"),
        *((voice.say("table.compared"),) if named else ()),
        voice.say("table.baseline_value") if named else control,
        voice.say("table.variant_value") if named else view.name(rows[0].variant),
        *(voice.say(f"segments.{key}") for key in keys),
        voice.say("table.n_compared" if named else "table.n", control=control),
    )
    body = tuple(_row(view, row, named=named, shrunken=shrunken) for row in rows)
    return Table(head, ("ll" if named else "l") + "rr" + "r" * len(keys) + "r", body)


def _named(view: View, rows: list[SegmentRow]) -> bool:
    """Whether the rows compare more than one variant with control."""
    return {(row.variant, row.baseline) for row in rows} != {(view.treated[0].key, view.control.key)}


def level_name(view: View, level: str | None) -> Safe:
    """A segment's words; dates as dates."""
    if level is None:
        return view.voice.say("segments.not_known")
    return view.numbers.day(level) if numbers.is_day(level) else view.voice.text(level)


def _row(view: View, row: SegmentRow, *, named: bool, shrunken: bool) -> tuple[Safe, ...]:
    voice, scale = view.voice, view.scale(row.metric)
    names = voice.say("words.against", variant=view.name(row.variant), baseline=view.name(row.baseline))
    # Levels of so few units that their very name may be telling stand together without one.
    nameless = row.suppressed and row.level is None
    level = voice.say("segments.others") if nameless else level_name(view, row.level)
    start = (level, *((names,) if named else ()))
    if row.suppressed:
        none = Safe("–")
        return (*start, none, none, voice.say("segments.suppressed"), none, *((none,) if shrunken else ()), none)
    decimals = decimals_of(row.difference, scale)
    values = (
        Safe("–") if value is None else view.numbers.level(value, scale, decimals)
        for value in (row.baseline_value, row.value)
    )
    counts = (Safe("–") if n is None else numbers.count(n) for n in (row.n_baseline, row.n))
    return (
        *start,
        *values,
        change_of(view, row.difference, scale),
        change_of(view, row.lift, LIFT),
        *((_shrunken(view, row),) if shrunken else ()),
        Safe(" / ".join(counts)),
    )


def _shrunken(view: View, row: SegmentRow) -> Safe:
    empty = row.shrunken.estimate is None and row.shrunken.reason is None
    return Safe("–") if empty else change_of(view, row.shrunken, view.scale(row.metric))


def _interaction(view: View, row: InteractionRow) -> Safe:
    """Whether the effect differs between the levels of a dimension, in a sentence."""
    voice, several = view.voice, len(view.treated) > 1
    names = {"dimension": voice.text(row.dimension), "levels": numbers.count(row.levels)}
    lead = voice.say("segments.lead", variant=view.name(row.variant)) if several else Safe("")
    if row.p is None:
        # What was planned is not at fault where too few of the segments may be compared.
        code = "few_segments" if row.reason == "not_planned" else row.reason or "unknown"
        reason = voice.one_of("reason", code)
        return voice.beside([lead, voice.say("segments.not_tested", reason=reason, **names)])
    shown = row.p if row.p_adjusted is None else row.p_adjusted
    p = numbers.p_value(shown)
    tested = voice.say("segments.p" if row.p_adjusted is None else "segments.p_adjusted", p=p)
    sentence = voice.say("segments.differs" if row.differs else "segments.alike", tested=tested, **names)
    parts = [voice.beside([lead, sentence])]
    if row.differs and row.reversal_p is not None:
        parts.append(voice.say("segments.reversal", p=numbers.p_value(row.reversal_p)))
    return voice.together(parts)


def segment_figures(view: View) -> tuple[tuple[str, str, tuple[SegmentLine, ...]], ...]:
    """The figures of segments: name, metric and the effects that it shows; metrics without any have none."""
    known = {info.key: info for info in view.treated}
    found: dict[str, list[SegmentLine]] = {}
    for row in _rows(view):
        whole = None not in (row.difference.estimate, row.difference.lower, row.difference.upper)
        if row.suppressed or not whole or row.variant not in known or row.baseline != view.control.key:
            continue
        names = {"dimension": view.voice.text(row.dimension), "level": level_name(view, row.level)}
        label = view.voice.say("segments.label", **names)
        effect = change_of(view, row.difference, view.scale(row.metric))
        found.setdefault(row.metric, []).append(SegmentLine(row, known[row.variant], label, effect))
    names_of = ["segments" if place == 1 else f"segments-{place}" for place in range(1, len(found) + 1)]
    return tuple((name, metric, tuple(lines)) for name, (metric, lines) in zip(names_of, found.items(), strict=True))


def overall(view: View, metric: str) -> Estimate | None:
    """The effect over all units, where one variant is compared."""
    if len(view.treated) != 1:
        return None
    row = view.estimate(metric, view.treated[0].key, "difference")
    return row if row is not None and row.estimate is not None else None


def _alt(view: View, metric: str, lines: tuple[SegmentLine, ...]) -> Safe:
    voice, several = view.voice, len(view.treated) > 1
    key = "alt_row_variant" if several else "alt_row"
    rows = [
        voice.say(f"segments.{key}", label=line.label, variant=view.name(line.variant.key), effect=line.effect)
        for line in lines
    ]
    names = {"metric": view.title(metric), "control": view.name(view.control.key)}
    return voice.say("segments.alt", rows=voice.joined(rows), **names)
