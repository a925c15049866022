"""Time to an event: the share without it over the days, the variants compared over all days, and its causes."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.found import CauseRow, Quantity, SurvivalComparison, SurvivalPoint, SurvivalResult
from holdfast.model.result import VariantInfo
from holdfast.report import numbers
from holdfast.report.differences import gaps_part, survival_gap
from holdfast.report.numbers import Scale
from holdfast.report.pictures import Picture, listed_days, shown_survival
from holdfast.report.quantities import change_of, decimals_of, level_of, shares_beside
from holdfast.report.sections import Part
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

_SHARE = Scale("share")
_PROPORTIONAL = 0.05
"""Below this p-value one hazard ratio does not describe all days."""


def survival(view: View) -> tuple[Part, ...]:
    """A figure, the table of listed days, the comparison and the causes of each time to an event."""
    return tuple(part for name, row in shown_survival(view) for part in _parts(view, name, row))


def _parts(view: View, name: str, row: SurvivalResult) -> tuple[Part, ...]:
    voice = view.voice
    main = Part(
        title=voice.text(row.title),
        intro=voice.say("survival.intro", units=view.units, confidence=numbers.percent(row.confidence)),
        picture=Picture(name, survival_alt(view, row)),
        link=voice.say("survival.svg", link=Safe(f"figures/{name}.svg")),
        table=_days(view, row),
    )
    gaps = survival_gap(view, name, row)
    beside = gaps_part(view, gaps) if gaps else None
    read = voice.say("survival.read")
    compared = Part(intro=read, table=_comparisons(view, row), lines=_warnings(view, row)) if row.comparisons else None
    causes = _causes(view, row) if row.causes else None
    return tuple(part for part in (main, compared, causes, beside) if part is not None)


def points_by_day(row: SurvivalResult, variant: str) -> dict[int, SurvivalPoint]:
    """One variant's points with a share, by day, in their order."""
    known = (point for point in row.points if point.variant == variant and point.share is not None)
    return {point.day: point for point in sorted(known, key=lambda point: point.day) if point.day <= row.days}


def _days(view: View, row: SurvivalResult) -> Table:
    voice = view.voice
    head = [voice.say("survival.after")]
    for info in view.ordered:
        head += [view.name(info.key), voice.say("table.at_risk")]
    found = [points_by_day(row, info.key) for info in view.ordered]
    rows = []
    for day in listed_days(row):
        cells = [voice.say("survival.day" if day == 1 else "survival.days", day=numbers.count(day))]
        points = [by_day.get(day) for by_day in found]
        for point, told in zip(points, _shares(view, points), strict=True):
            cells += [told, numbers.count(point.at_risk) if point else Safe("–")]
        rows.append(tuple(cells))
    return Table(tuple(head), "l" + "r" * (len(head) - 1), tuple(rows))


def _shares(view: View, points: Sequence[SurvivalPoint | None]) -> list[Safe]:
    """Shares without the event with their intervals: 61.2% (60.3% to 62.1%)."""
    return shares_beside(view, [_quantity(point) if point else None for point in points])


def _quantity(point: SurvivalPoint) -> Quantity:
    return Quantity(estimate=point.share, lower=point.lower, upper=point.upper)


def _comparisons(view: View, row: SurvivalResult) -> Table:
    voice = view.voice
    columns = ("log_rank", "hazard_ratio", "proportional")
    confidence = numbers.percent(row.confidence)
    head = (voice.say("table.compared"), *(voice.say(f"survival.{key}", confidence=confidence) for key in columns))
    rows = tuple(
        (
            voice.say("words.against", variant=view.name(found.variant), baseline=view.name(found.baseline)),
            numbers.p_value(found.log_rank_p),
            level_of(view, found.hazard_ratio, Scale("plain"), 2),
            numbers.p_value(found.proportional_p),
        )
        for found in row.comparisons
    )
    return Table(head, "lrrr", rows)


def _warnings(view: View, row: SurvivalResult) -> tuple[Safe, ...]:
    """A warning for each pair whose days one ratio does not describe."""
    lines = []
    for found in row.comparisons:
        if _varies(found):
            names = {"variant": view.name(found.variant), "baseline": view.name(found.baseline)}
            lines.append(view.voice.say("survival.varies", p=numbers.p_value(found.proportional_p), **names))
    return tuple(lines)


def _varies(found: SurvivalComparison) -> bool:
    return found.proportional_p is not None and found.proportional_p < _PROPORTIONAL


def _causes(view: View, row: SurvivalResult) -> Part:
    voice, several = view.voice, len(view.treated) > 1
    names = list(dict.fromkeys(cause.cause for cause in row.causes))
    head = (
        voice.say("survival.cause"),
        *((voice.say("table.variant"),) if several else ()),
        view.name(view.control.key),
        voice.say("table.variant_value") if several else view.name(view.treated[0].key),
        voice.say("table.difference_at", confidence=numbers.percent(row.confidence)),
        voice.say("survival.log_rank"),
        voice.say("survival.events", control=view.name(view.control.key)),
    )
    rows = tuple(_cause(view, row, name, info, several=several) for name in names for info in view.treated)
    intro = voice.say("survival.causes", units=view.units, days=numbers.count(row.days))
    return Part(intro=intro, table=Table(head, ("ll" if several else "l") + "rrrrr", rows))


def _cause(view: View, row: SurvivalResult, name: str, info: VariantInfo, *, several: bool) -> tuple[Safe, ...]:
    found = {cause.variant: cause for cause in row.causes if cause.cause == name}
    base, own = found.get(view.control.key), found.get(info.key)
    difference = own.difference if own else None
    decimals = decimals_of(difference, _SHARE) if difference else 1
    counts = [Safe("–") if cause is None else numbers.count(cause.events) for cause in (base, own)]
    return (
        view.voice.text(name),
        *((view.name(info.key),) if several else ()),
        *(_cause_share(view, cause, decimals) for cause in (base, own)),
        Safe("–") if difference is None else change_of(view, difference, _SHARE),
        numbers.p_value(own.log_rank_p if own else None),
        Safe(" / ".join(counts)),
    )


def _cause_share(view: View, cause: CauseRow | None, decimals: int) -> Safe:
    if cause is None or cause.share is None:
        return Safe("–")
    return view.numbers.level(cause.share, _SHARE, decimals)


def survival_alt(view: View, row: SurvivalResult) -> Safe:
    """The figure in words and numbers: what was left of each variant on the last day that is known."""
    voice, ends = view.voice, []
    by_variant = ((info, points_by_day(row, info.key)) for info in view.ordered)
    known = [(info, points[max(points)]) for info, points in by_variant if points]
    for (info, last), told in zip(known, _shares(view, [last for _, last in known]), strict=True):
        values = {"variant": view.name(info.key), "share": told, "day": numbers.count(last.day)}
        ends.append(voice.say("survival.end", **values))
    tests = [
        voice.say("survival.alt_log_rank", variant=view.name(pair.variant), p=numbers.p_value(pair.log_rank_p))
        for pair in row.comparisons
        if pair.log_rank_p is not None
    ]
    return voice.say("survival.alt", title=row.title, ends=voice.joined([*ends, *tests]))
