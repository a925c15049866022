"""The figures over time: retention curves with numbers at risk, and enrolment by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.model.result import CurvePoint, CurveResult, VariantInfo
from holdfast.report import numbers
from holdfast.report.canvas import (
    LINE,
    SOFT,
    WIDTH,
    Mark,
    breadth,
    count_tick,
    fitted,
    mark_of,
    paper,
    percent_label,
    percent_tick,
    readable,
)
from holdfast.report.heading import LINE as LINE_OF_TITLE
from holdfast.report.heading import title_lines, write_title
from holdfast.report.pictures import points_of
from holdfast.report.view import View

_LEFT = 0.72
_RIGHT = 0.3
_PLOT = 2.7
_HEAD = 0.42
_LINE = 0.24
_ROOM = 0.62
"""Inches that a number at risk needs, so that no two touch."""
_MARKS = 14
"""About how many marks a line of enrolment has."""
_MOST_DAYS = 90
"""Over more days the lines of single days lie on each other."""


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
        looks = (mark_of(view, info.key), stroke(view, info.key))
        _curve(axes, points, looks, dodge, bars=len(days) < 3, labelled=len(variants) == 2)
    percent_axis(axes, [edge for point in curve.points for edge in (point.rate, point.lower, point.upper)])
    span = (days[-1] - days[0]) or 1
    side = 0.07 if len(days) > 2 else 0.25
    axes.set_xlim(days[0] - side * span, days[-1] + side * span)
    shown = apart(days, span * (1 + 2 * side))
    axes.set_xticks(shown)
    axes.set_xlabel(view.voice.say("retention.axis"), fontsize=9.5, color=SOFT)
    return shown


def _curve(
    axes: Any, points: list[CurvePoint], looks: tuple[Mark, str], dodge: float, *, bars: bool, labelled: bool
) -> None:
    mark, line = looks
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
    axes.plot(days, rates, color=mark.colour, linewidth=0 if bars else 1.8, linestyle=line, **style)


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


def apart(days: list[int], span: float, wide: float = 1.0) -> list[int]:
    """The days that have room for a number under them, or for words so many times as wide; the last one always."""
    inch = wide * span / (WIDTH - _LEFT - _RIGHT)
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
    if len(view.analysis.enrolment) > _MOST_DAYS:
        key = "enrolment.title_exposed_weekly" if view.only_exposed else "enrolment.title_enrolled_weekly"
    else:
        key = "enrolment.title_exposed" if view.only_exposed else "enrolment.title_enrolled"
    return view.voice.say(key, units=view.voice.capital(view.units))


def enrolment_onto(axes: Any, view: View) -> None:
    """Draw the units of each day into axes; over many days the mean of each seven, which a line can show."""
    days = view.analysis.enrolment
    every = 7 if len(days) > _MOST_DAYS else 1
    starts = range(0, len(days), every)
    highest, step = 1.0, max(1, len(starts) // _MARKS)
    for place, info in enumerate(view.ordered):
        counts = [dict(by_variant).get(info.key, 0) for _, by_variant in days]
        means = [sum(counts[start : start + every]) / len(counts[start : start + every]) for start in starts]
        highest = max(highest, *means)
        mark = mark_of(view, info.key)
        # Each variant has its marks on days of its own: where the split is even the lines lie on each other.
        shape: dict[str, Any] = {"marker": mark.shape, "markevery": (place * step // len(view.ordered), step)}
        shape |= {"markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.6}
        axes.plot(starts, means, color=mark.colour, linewidth=1.4, linestyle=stroke(view, info.key), **shape)
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
    notes: tuple[str, ...] = (),
    axis: bool = False,
) -> tuple[Any, Any]:
    """A figure with title, legend and empty axes, and room for an axis' name and numbers at risk under them; notes
    stand over the axes."""
    headline, names = title_lines(readable(title), WIDTH - 0.3), _names(view, variants)
    start = _HEAD + LINE_OF_TITLE * (len(headline) - 1)
    top = start + _LINE * (1 + max((row for _, _, row in names), default=-1) + len(notes))
    foot = 0.62 + _LINE * (len(variants) + 1) if at_risk else 0.56 if axis else 0.42
    height = top + _PLOT + foot
    figure = paper(height)
    box = (_LEFT / WIDTH, foot / height, 1 - (_LEFT + _RIGHT) / WIDTH, _PLOT / height)
    axes = figure.add_axes(box)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    write_title(figure, headline, 0.1)
    for info, (name, x, row) in zip(variants, names, strict=True):
        y = 1 - (start + 0.1 + _LINE * row) / height
        _key(figure, view, info, x / WIDTH, y)
        figure.text((x + 0.24) / WIDTH, y, name, fontsize=9.5, va="center")
    for place, note in enumerate(notes):
        said = fitted(readable(note), WIDTH - 0.3, 9)
        y = 1 - (top - 0.14 - _LINE * (len(notes) - 1 - place)) / height
        figure.text(0.1 / WIDTH, y, said, fontsize=9, va="center", color=SOFT)
    return figure, axes


def _names(view: View, variants: tuple[VariantInfo, ...]) -> list[tuple[str, float, int]]:
    """The names of variants, and where each stands: inches from the left, and its row. Two in a row where they fit."""
    room = WIDTH / 2 - 0.5
    names = [readable(view.name(info.key), info.key) for info in variants]
    across = 2 if all(breadth(name, 9.5) <= room for name in names) else 1
    return [
        (fitted(name, WIDTH / across - 0.5, 9.5), 0.26 + (place % across) * WIDTH / 2, place // across)
        for place, name in enumerate(names)
    ]


def stroke(view: View, variant: str) -> str:
    """How a variant's line is drawn: control's dashed, which tells it apart where there is no colour."""
    return "--" if variant == view.control.key else "-"


def _key(figure: Any, view: View, info: VariantInfo, x: float, y: float) -> None:
    """A variant's line and mark in the legend."""
    from matplotlib.lines import Line2D

    mark, half = mark_of(view, info.key), 0.16 / WIDTH
    style: dict[str, Any] = {"linewidth": 1.8, "linestyle": stroke(view, info.key), "transform": figure.transFigure}
    figure.add_artist(Line2D([x - half, x + half], [y, y], color=mark.colour, **style))
    point = {"marker": mark.shape, "markersize": 6.5, "markeredgecolor": "white", "markeredgewidth": 0.6}
    _dot(figure, x, y, mark.colour, {**point, "linestyle": "none"})
