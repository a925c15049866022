"""Differences over time: of each retention curve and time to an event, and of the primary metric week by week."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from holdfast.model.found import Quantity, SurvivalResult
from holdfast.model.result import CurveResult
from holdfast.report import numbers
from holdfast.report.numbers import Scale
from holdfast.report.pictures import Picture, listed_days, shown_curves, shown_survival
from holdfast.report.quantities import change_of, changes_beside
from holdfast.report.sections import Part, Section
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

_SHARE = Scale("share")
Kind = Literal["curve", "survival", "week"]


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a variant is from control at one time, with its interval."""

    variant: str
    first: int
    at: int
    """Its last day, or the days that have passed."""
    estimate: float
    lower: float
    upper: float

    @property
    def quantity(self) -> Quantity:
        return Quantity(estimate=self.estimate, lower=self.lower, upper=self.upper)


@dataclass(frozen=True, slots=True)
class Gaps:
    """The differences of one figure."""

    name: str
    """File name without its ending."""
    kind: Kind
    title: Safe
    scale: Scale
    confidence: float
    points: tuple[Gap, ...]
    listed: tuple[int, ...]
    """Where the table has a row."""

    def of(self, variant: str) -> tuple[Gap, ...]:
        """One variant's, in their order."""
        return tuple(sorted((gap for gap in self.points if gap.variant == variant), key=lambda gap: gap.at))


def difference_of_curve(view: View, name: str, curve: CurveResult) -> Gaps | None:
    """The differences of one retention curve from control's; None where there are none."""
    rows = ((row.variant, row.first_day, row.last_day, row.difference) for row in curve.differences)
    points = tuple(_known(view, rows))
    days = tuple(sorted({gap.at for gap in points}))
    title = view.voice.text(curve.title)
    return Gaps(f"{name}-difference", "curve", title, _SHARE, curve.confidence, points, days) if points else None


def shown_gaps(view: View) -> tuple[Gaps, ...]:
    """The figures of differences that can be drawn: of each curve, each time to an event, and by week."""
    curves = (difference_of_curve(view, name, curve) for name, curve in shown_curves(view))
    times = (survival_gap(view, name, row) for name, row in shown_survival(view))
    return tuple(gaps for gaps in (*curves, *times, week_gaps(view)) if gaps is not None)


def survival_gap(view: View, name: str, row: SurvivalResult) -> Gaps | None:
    """The differences of one time to an event from control's; None where there are none."""
    days = ((gap.variant, 0, gap.day, gap.difference) for gap in row.differences if gap.day <= row.days)
    points = tuple(_known(view, days))
    known = {gap.at for gap in points}
    listed = tuple(day for day in listed_days(row) if day in known)
    title = view.voice.text(row.title)
    if not listed:
        return None
    return Gaps(f"{name}-difference", "survival", title, _SHARE, row.confidence, points, listed)


def week_gaps(view: View) -> Gaps | None:
    """The effect on the primary metric in each part of its window; None with fewer than two parts."""
    analysis = view.analysis
    if analysis.plan.interim:
        return None
    rows = ((row.variant, row.first_day, row.last_day, row.difference) for row in analysis.periods)
    points = tuple(_known(view, rows))
    ends = tuple(sorted({gap.at for gap in points}))
    if len(ends) < 2:
        return None
    key = analysis.periods[0].metric
    title, scale = view.title(key), view.scale(key)
    return Gaps("effect-by-week", "week", title, scale, analysis.plan.confidence, points, ends)


def _known(view: View, rows: Iterable[tuple[str, int, int, Quantity]]) -> Iterable[Gap]:
    shown = {info.key for info in view.treated}
    for variant, first, at, found in rows:
        if found.estimate is None or found.lower is None or found.upper is None:
            continue
        if variant in shown:
            yield Gap(variant, first, at, found.estimate, found.lower, found.upper)


def gaps_part(view: View, gaps: Gaps) -> Part:
    """What is shown, the figure, and its numbers as a table."""
    voice = view.voice
    names = {"control": view.name(view.control.key), "confidence": numbers.percent(gaps.confidence)}
    return Part(
        title=Safe("") if gaps.kind == "week" else voice.say("gaps.heading", title=gaps.title, **names),
        intro=voice.say(f"gaps.intro_{gaps.kind}", unit=view.unit, units=view.units, **names),
        picture=Picture(gaps.name, _alt(view, gaps)),
        link=voice.say("gaps.svg", link=Safe(f"figures/{gaps.name}.svg")),
        table=_table(view, gaps),
    )


def by_week(view: View) -> Section | None:
    """The section of the effect by week since assignment; None where there are not two weeks."""
    gaps = week_gaps(view)
    if gaps is None:
        return None
    return Section(view.voice.say("heading.by_week"), Safe(""), (gaps_part(view, gaps),))


def _table(view: View, gaps: Gaps) -> Table:
    voice, treated = view.voice, view.treated
    head = [voice.say("survival.after" if gaps.kind == "survival" else "table.period")]
    head += [voice.say("gaps.column", variant=view.name(info.key)) for info in treated]
    found = [{gap.at: gap for gap in gaps.of(info.key)} for info in treated]
    rows = []
    for day in gaps.listed:
        cells = [by_day.get(day) for by_day in found]
        first = next(gap.first for gap in cells if gap is not None)
        shown = changes_beside(view, [gap.quantity if gap else None for gap in cells], gaps.scale)
        rows.append((moment(view, gaps.kind, first, day), *shown))
    return Table(tuple(head), "l" + "r" * len(treated), tuple(rows))


def moment(view: View, kind: Kind, first: int, at: int) -> Safe:
    """When a difference is: days 0 to 6, day 7, 30 days."""
    if kind == "survival":
        return view.voice.say("survival.day" if at == 1 else "survival.days", day=numbers.count(at))
    key = "words.one_day" if first == at else "words.days"
    return view.voice.say(key, first=Safe(str(first)), last=Safe(str(at)))


def _alt(view: View, gaps: Gaps) -> Safe:
    """The figure in words and numbers: each variant's first and last difference."""
    voice, told = view.voice, []
    for info in view.treated:
        points = [gap for gap in gaps.of(info.key) if gap.at in gaps.listed]
        if not points:
            continue
        first, last = points[0], points[-1]
        values = {
            "variant": view.name(info.key),
            "first": change_of(view, first.quantity, gaps.scale),
            "first_day": moment(view, gaps.kind, first.first, first.at),
            "last": change_of(view, last.quantity, gaps.scale),
            "last_day": moment(view, gaps.kind, last.first, last.at),
        }
        kind = "survival" if gaps.kind == "survival" else "period"
        told.append(voice.say(f"gaps.{kind}_one" if len(points) == 1 else f"gaps.{kind}", **values))
    names = {"title": gaps.title, "control": view.name(view.control.key)}
    return voice.say(f"gaps.alt_{gaps.kind}", rows=voice.joined(told), **names)
