"""The figures over time: retention curves with numbers at risk, and enrolment by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.model.result import CurvePoint, CurveResult, VariantInfo
from holdfast.report import numbers
from holdfast.report.canvas import (
    INK,
    LINE,
    SOFT,
    WIDTH,
    Mark,
    count_tick,
    fitted,
    mark_of,
    paper,
    percent_label,
    percent_tick,
    readable,
    weight,
)
from holdfast.report.pictures import points_of
from holdfast.report.view import View

_LEFT = 0.72
_RIGHT = 0.3
_PLOT = 2.7
_HEAD = 0.42
_LINE = 0.24
_ROOM = 0.62
"""Inches that a number at risk needs, so that no two touch."""
_MOST_MARKERS = 45


def retention(view: View, curve: CurveResult) -> Any:
    """A retention curve: a line with its band for each variant, and the numbers at risk under the axis."""
    variants = view.ordered
    figure, axes = sheet(view, curve.title, variants, at_risk=True)
    shown = retention_onto(axes, view, curve)
    counts = {info.key: {p.last_day: p.at_risk for p in points_of(curve, info.key)} for info in variants}
    numbers_at_risk(view, figure, axes, counts, shown)
    return figure


def retention_onto(axes: Any, view: View, curve: CurveResult) -> list[int]:
    """Draw the curve into axes; returns the days that have a tick."""
    variants = view.ordered
    days = sorted({point.last_day for point in curve.points})
    for place, info in enumerate(variants):
        points = [point for point in points_of(curve, info.key) if point.rate is not None]
        dodge = (place - (len(variants) - 1) / 2) * 0.04 * ((days[-1] - days[0]) or 1) if len(days) < 3 else 0.0
        _curve(axes, points, mark_of(view, info.key), dodge, bars=len(days) < 3, labelled=len(variants) == 2)
    percent_axis(axes, [edge for point in curve.points for edge in (point.rate, point.lower, point.upper)])
    span = (days[-1] - days[0]) or 1
    side = 0.07 if len(days) > 2 else 0.25
    axes.set_xlim(days[0] - side * span, days[-1] + side * span)
    shown = apart(days, span * (1 + 2 * side))
    axes.set_xticks(shown)
    axes.set_xlabel(view.voice.say("retention.axis"), fontsize=9.5, color=SOFT)
    return shown


def _curve(axes: Any, points: list[CurvePoint], mark: Mark, dodge: float, *, bars: bool, labelled: bool) -> None:
    days = [point.last_day + dodge for point in points]
    rates = [point.rate for point in points if point.rate is not None]
    banded = [point for point in points if point.lower is not None and point.upper is not None]
    edges = [point.last_day + dodge for point in banded]
    lower, upper = [point.lower for point in banded], [point.upper for point in banded]
    if bars:
        # Two points make no curve: a line between them would show what nobody measured.
        axes.vlines(edges, lower, upper, color=mark.colour, linewidth=1.6)
        caps: dict[str, Any] = {"marker": "_", "markersize": 9, "markeredgewidth": 1.4, "linewidth": 0}
        axes.plot([*edges, *edges], [*lower, *upper], color=mark.colour, **caps)
        for day, rate in zip(days, rates, strict=True) if labelled else ():
            side = "right" if dodge < 0 else "left"
            place = (-8 if dodge < 0 else 8, 0)
            value = {"xy": (day, rate), "xytext": place, "textcoords": "offset points", "ha": side, "va": "center"}
            axes.annotate(percent_label(rate), color=mark.colour, fontsize=9.5, **value)
    else:
        axes.fill_between(edges, lower, upper, color=mark.colour, alpha=0.16, linewidth=0)
    edge: dict[str, Any] = {} if bars else {"markeredgecolor": "white", "markeredgewidth": 0.6}
    style: dict[str, Any] = {"marker": mark.shape, "markersize": 4 if bars else 6.5, **edge}
    axes.plot(days, rates, color=mark.colour, linewidth=0 if bars else 1.8, **style)


def percent_axis(axes: Any, values: Sequence[float | None]) -> None:
    """Give an axis of shares its limits and ticks; values that are None do not count."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    edges = [value for value in values if value is not None]
    low, high = min(edges), max(edges)
    room = (high - low) * 0.08 or 0.02
    # From zero unless that would squeeze the curves into the top of the figure.
    axes.set_ylim(0 if low < 0.6 * high else low - room, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(percent_tick))


def apart(days: list[int], span: float) -> list[int]:
    """The days that have room for a number under them; the last one always."""
    inch = span / (WIDTH - _LEFT - _RIGHT)
    kept: list[int] = []
    for day in days:
        if not kept or day - kept[-1] >= _ROOM * inch:
            kept.append(day)
    if kept[-1] != days[-1]:
        kept[-1:] = [days[-1]]
    return kept


def numbers_at_risk(
    view: View, figure: Any, axes: Any, counts: Mapping[str, Mapping[int, int]], days: list[int]
) -> None:
    """Write the numbers at risk under the axis, by variant and day."""
    height = figure.get_figheight()
    foot = axes.get_position().y0 * height
    first = foot - 0.62
    figure.text(0.1 / WIDTH, first / height, view.voice.say("retention.at_risk"), fontsize=9, color=SOFT, va="center")
    for place, info in enumerate(view.ordered, start=1):
        y = (first - _LINE * place) / height
        mark = mark_of(view, info.key)
        shape = {"marker": mark.shape, "markersize": 6, "clip_on": False, "linestyle": "none"}
        _dot(figure, 0.2 / WIDTH, y, mark.colour, shape)
        for day in days:
            x = figure.transFigure.inverted().transform(axes.transData.transform((day, 0)))[0]
            known = counts.get(info.key, {})
            text = numbers.count(known[day]) if day in known else "–"
            figure.text(x, y, text, ha="center", va="center", fontsize=9)


def _dot(figure: Any, x: float, y: float, colour: str, style: dict[str, Any]) -> None:
    from matplotlib.lines import Line2D

    figure.add_artist(Line2D([x], [y], color=colour, transform=figure.transFigure, **style))


def enrolment(view: View) -> Any:
    """Units enrolled each day, a line for each variant."""
    figure, axes = sheet(view, enrolment_title(view), view.ordered, at_risk=False)
    enrolment_onto(axes, view)
    return figure


def enrolment_title(view: View) -> str:
    """What stands over the figure of enrolment."""
    key = "enrolment.title_exposed" if view.only_exposed else "enrolment.title"
    return view.voice.say(key, units=view.voice.capital(view.units))


def enrolment_onto(axes: Any, view: View) -> None:
    """Draw the units of each day into axes."""
    days = view.analysis.enrolment
    highest = 1
    for info in view.ordered:
        counts = [dict(by_variant).get(info.key, 0) for _, by_variant in days]
        highest = max(highest, *counts)
        mark = mark_of(view, info.key)
        shape = {"marker": mark.shape, "markersize": 4.5} if len(days) <= _MOST_MARKERS else {}
        axes.plot(range(len(days)), counts, color=mark.colour, linewidth=1.4, **shape)
    axes.set_ylim(0, highest * 1.1)
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(count_tick))
    _dates(view, axes, [day for day, _ in days])


def _dates(view: View, axes: Any, days: list[str]) -> None:
    last = len(days) - 1
    steps = min(4, last) or 1
    places = sorted({round(last * step / steps) for step in range(steps + 1)})
    # The year stands in the sentence under the figure.
    axes.set_xticks(places, [readable(view.numbers.short_day(days[place])) for place in places])
    axes.set_xlim(-0.04 * (last or 1), last + 0.04 * (last or 1))


def sheet(
    view: View,
    title: str,
    variants: tuple[VariantInfo, ...],
    *,
    at_risk: bool,
    note: str = "",
    axis: bool = False,
) -> tuple[Any, Any]:
    """A figure with title, legend and empty axes, and room for an axis' name and numbers at risk under them; a note
    stands over the axes."""
    top = _HEAD + _LINE * (-(-len(variants) // 2) + bool(note))
    foot = 0.62 + _LINE * (len(variants) + 1) if at_risk else 0.56 if axis else 0.42
    height = top + _PLOT + foot
    figure = paper(height)
    box = (_LEFT / WIDTH, foot / height, 1 - (_LEFT + _RIGHT) / WIDTH, _PLOT / height)
    axes = figure.add_axes(box)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    heavy = weight(readable(title))
    shown = fitted(readable(title), WIDTH - 0.3, 11, heavy)
    figure.text(0.1 / WIDTH, 1 - 0.22 / height, shown, va="center", color=INK, fontsize=11, fontweight=heavy)
    for place, info in enumerate(variants):
        x = 0.2 + (place % 2) * (WIDTH / 2)
        y = 1 - (0.52 + _LINE * (place // 2)) / height
        mark = mark_of(view, info.key)
        _dot(figure, x / WIDTH, y, mark.colour, {"marker": mark.shape, "markersize": 7, "linestyle": "none"})
        name = fitted(readable(view.name(info.key), info.key), WIDTH / 2 - 0.5, 9.5)
        figure.text((x + 0.14) / WIDTH, y, name, fontsize=9.5, va="center")
    if note:
        said = fitted(readable(note), WIDTH - 0.3, 9)
        figure.text(0.1 / WIDTH, 1 - (top - 0.14) / height, said, fontsize=9, va="center", color=SOFT)
    return figure, axes
