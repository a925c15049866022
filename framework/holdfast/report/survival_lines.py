"""The figure of a time to an event: a falling step for each variant with its band, and the numbers at risk."""

from __future__ import annotations

from typing import Any

from holdfast.model.found import SurvivalPoint, SurvivalResult
from holdfast.report.canvas import SOFT, Mark, mark_of
from holdfast.report.lines import apart, numbers_at_risk, percent_axis, sheet, stroke
from holdfast.report.pictures import listed_days
from holdfast.report.survival import points_by_day
from holdfast.report.view import View

_MARKS = 6
"""About how many marks a curve has."""
_SIDE = 0.04
"""Room beside the first and the last day, as a part of all days."""


def draw(view: View, row: SurvivalResult) -> Any:
    """The share without the event over the days since assignment."""
    variants = view.ordered
    figure, axes = sheet(view, row.title, variants, at_risk=True)
    days = onto(axes, view, row)
    found = {info.key: points_by_day(row, info.key) for info in variants}
    counts = {key: {day: point.at_risk for day, point in known.items()} for key, known in found.items()}
    numbers_at_risk(view, figure, axes, counts, days)
    return figure


def onto(axes: Any, view: View, row: SurvivalResult) -> list[int]:
    """Draw the curves into axes; returns the days that have a tick."""
    variants = view.ordered
    found = {info.key: points_by_day(row, info.key) for info in variants}
    last = max(day for points in found.values() for day in points)
    step = max(1, last // _MARKS)
    for place, info in enumerate(variants):
        points = list(found[info.key].values())
        _curve(axes, points, mark_of(view, info.key), stroke(view, info.key))
        # Each variant has its marks on days of its own, so that none hides another where the curves are close.
        turn = place * step // len(variants)
        _marks(axes, [point for point in points if point.day and point.day % step == turn], mark_of(view, info.key))
    drawn = [point for known in found.values() for point in known.values()]
    percent_axis(axes, [1.0, *(edge for point in drawn for edge in (point.share, point.lower, point.upper))])
    axes.set_xlim(-_SIDE * last, (1 + _SIDE) * last)
    days = apart(list(listed_days(row)), last * (1 + 2 * _SIDE))
    axes.set_xticks(days)
    axes.set_xlabel(view.voice.say("survival.axis"), fontsize=9.5, color=SOFT)
    return days


def _curve(axes: Any, points: list[SurvivalPoint], mark: Mark, line: str) -> None:
    """A step that falls at the end of each day, from everybody on day 0, with its band."""
    shares = [(point.day, point.share) for point in points if point.share is not None]
    days, values = [0, *(day for day, _ in shares if day)], [1.0, *(share for day, share in shares if day)]
    axes.plot(days, values, color=mark.colour, linewidth=1.8, linestyle=line, drawstyle="steps-post")
    banded = [point for point in points if point.lower is not None and point.upper is not None and point.day]
    edges, lower = [0, *(point.day for point in banded)], [1.0, *(point.lower for point in banded)]
    upper = [1.0, *(point.upper for point in banded)]
    axes.fill_between(edges, lower, upper, step="post", color=mark.colour, alpha=0.16, linewidth=0)


def _marks(axes: Any, points: list[SurvivalPoint], mark: Mark) -> None:
    """A few marks on a curve, which tell it apart without colour."""
    days, shares = [point.day for point in points], [point.share for point in points]
    style: dict[str, Any] = {"marker": mark.shape, "markersize": 6.5, "markeredgecolor": "white"}
    axes.plot(days, shares, color=mark.colour, linewidth=0, markeredgewidth=0.6, **style)
