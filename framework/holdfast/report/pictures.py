"""Which figures a report has and what each one says in words; the drawing is done in `draw`."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.found import SurvivalResult
from holdfast.model.result import CurvePoint, CurveResult, Estimate, MetricInfo, VariantInfo
from holdfast.report.numbers import Scale
from holdfast.report.text import Safe
from holdfast.report.view import TESTED, Interval, View, interval

_LISTED = (1, 7, 14, 30, 60, 90, 180, 365, 730)
"""After how many days the table may tell the share; the last day of the window always."""
_MOST_ROWS = 8
_CLOSE = 0.9
"""A listed day beyond this part of the window says what its last day says."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in the report."""

    name: str
    """File name without its ending."""
    alt: Safe

    @property
    def file(self) -> Safe:
        return Safe(f"figures/{self.name}.png")


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One relative change in the forest plot."""

    metric: MetricInfo
    variant: VariantInfo
    lift: Estimate
    shown: Interval


def forest_rows(view: View) -> tuple[ForestRow, ...]:
    """The relative changes with an interval, in the order of the scorecard; none for an interim run."""
    rows = []
    for metric in view.metrics(*TESTED, "guardrail"):
        for variant in view.treated:
            lift = view.estimate(metric.key, variant.key, "lift")
            shown = interval(lift) if lift is not None and lift.status == "estimated" else None
            if lift is not None and lift.estimate is not None and shown is not None:
                rows.append(ForestRow(metric, variant, lift, shown))
    return tuple(rows)


def forest_alt(view: View) -> Safe:
    """The forest plot in words and numbers."""
    voice = view.voice
    key = "forest.row_variant" if len(view.treated) > 1 else "forest.row"
    rows = []
    for row in forest_rows(view):
        names = {"metric": view.titled(row.metric), "variant": view.name(row.variant.key)}
        rows.append(voice.say(key, effect=view.effect(row.lift), **names))
    return voice.say("forest.alt", control=view.name(view.control.key), rows=voice.joined(rows))


def shown_curves(view: View) -> tuple[tuple[str, CurveResult], ...]:
    """The curves that can be drawn, with their figures' names: retention, retention-2."""
    if view.analysis.plan.interim:
        return ()
    curves = [curve for curve in view.analysis.curves if any(point.rate is not None for point in curve.points)]
    names = ["retention" if place == 1 else f"retention-{place}" for place in range(1, len(curves) + 1)]
    return tuple(zip(names, curves, strict=True))


def shown_survival(view: View) -> tuple[tuple[str, SurvivalResult], ...]:
    """The times to an event that can be drawn, with their figures' names: survival, survival-2."""
    if view.analysis.plan.interim:
        return ()
    found = [row for row in view.analysis.survival if listed_days(row)]
    names = ["survival" if place == 1 else f"survival-{place}" for place in range(1, len(found) + 1)]
    return tuple(zip(names, found, strict=True))


def listed_days(row: SurvivalResult) -> tuple[int, ...]:
    """The days that the table tells: at most eight, the last that is known among them."""
    known = sorted({point.day for point in row.points if point.share is not None and 0 < point.day <= row.days})
    if len(known) <= _MOST_ROWS:
        return tuple(known)
    kept = [day for day in _LISTED if day in known and day <= _CLOSE * known[-1]]
    return (*kept[-(_MOST_ROWS - 1) :], known[-1])


def points_of(curve: CurveResult, variant: str) -> tuple[CurvePoint, ...]:
    """One variant's points in the order of their days."""
    return tuple(sorted((p for p in curve.points if p.variant == variant), key=lambda p: (p.first_day, p.last_day)))


def period(view: View, point: CurvePoint) -> Safe:
    """The days of a point: days 0 to 6, day 7."""
    first, last = Safe(str(point.first_day)), Safe(str(point.last_day))
    key = "words.one_day" if point.first_day == point.last_day else "words.days"
    return view.voice.say(key, first=first, last=last)


def curve_alt(view: View, curve: CurveResult) -> Safe:
    """A retention curve in words and numbers: where each variant starts and ends."""
    voice = view.voice
    ends = []
    for info in view.ordered:
        known = [point for point in points_of(curve, info.key) if point.rate is not None]
        if not known:
            continue
        first, last = known[0], known[-1]
        values = {
            "variant": view.name(info.key),
            "first": view.numbers.level(first.rate or 0.0, Scale("share"), 1),
            "last": view.numbers.level(last.rate or 0.0, Scale("share"), 1),
            "first_day": period(view, first),
            "last_day": period(view, last),
        }
        ends.append(voice.say("retention.end_one" if len(known) == 1 else "retention.end", **values))
    return voice.say("retention.alt", title=curve.title, ends=voice.joined(ends))


def enrolment_alt(view: View) -> Safe:
    """The enrolment figure in words and numbers."""
    days = view.analysis.enrolment
    first, last = view.numbers.period(days[0][0], days[-1][0])
    totals = [(view.name(info.key), view.counter(enrolled(view, info.key))) for info in view.ordered]
    counts = [view.voice.say("enrolment.alt_count", variant=name, count=total) for name, total in totals]
    return view.voice.say(
        "enrolment.alt_exposed" if view.only_exposed else "enrolment.alt",
        units=view.voice.capital(view.units),
        first=first,
        last=last,
        counts=view.voice.joined(counts),
    )


def enrolled(view: View, variant: str) -> int:
    """Units of a variant over all days of enrolment."""
    return sum(count for _, counts in view.analysis.enrolment for key, count in counts if key == variant)
