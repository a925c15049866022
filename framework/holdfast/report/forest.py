"""The forest plot: every relative change on one axis in percent."""

from __future__ import annotations

from statistics import median
from typing import Any

from holdfast.report.canvas import DPI, INK, LINE, SOFT, WIDTH, fitted, marks, paper, percent_tick, readable
from holdfast.report.pictures import ForestRow, forest_rows
from holdfast.report.view import View

_ROW = 0.52
_HEAD = 0.42
_FOOT = 0.62
_LEGEND = 0.24
_SIDE = 0.22
_LABEL = 9.5
_FARTHEST = 3.0
_SPREAD = 4.0
"""Intervals are cut with an arrow beyond this relative change, or this many times the usual reach of an interval,
unless an estimate or a margin lies beyond it."""


def draw(view: View) -> Any:
    """The forest plot as a figure: a line of text above each interval, so that nothing can overlap."""
    rows = forest_rows(view)
    has_margin = any(row.lift.margin for row in rows)
    foot = _FOOT + (_LEGEND if has_margin else 0)
    height = _HEAD + _ROW * len(rows) + foot
    figure = paper(height)
    box = (_SIDE / WIDTH, foot / height, 1 - 2 * _SIDE / WIDTH, _ROW * len(rows) / height)
    axes = figure.add_axes(box)
    low, high = _limits(rows)
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows), 0)
    for place, row in enumerate(rows):
        _row(view, axes, row, place)
    _frame(view, figure, axes, height)
    if has_margin:
        _legend(view, figure, height)
    return figure


def _limits(rows: tuple[ForestRow, ...]) -> tuple[float, float]:
    reach = [max(abs(row.shown.lower), abs(row.shown.upper)) for row in rows]
    estimates = [1.2 * abs(row.lift.estimate or 0.0) for row in rows]
    margins = [1.2 * abs(edge) for row in rows for edge in _margin(row)]
    # One very wide interval must not squeeze all others into a dot.
    farthest = max([min(_FARTHEST, _SPREAD * median(reach)), *estimates, *margins])
    edges = [0.0, *(edge for row in rows for edge in (row.shown.lower, row.shown.upper, *_margin(row)))]
    low, high = max(min(edges), -farthest), min(max(edges), farthest)
    room = (high - low) * 0.06 or 0.01
    return low - room, high + room


def _margin(row: ForestRow) -> tuple[float, ...]:
    if row.lift.margin is None:
        return ()
    return (row.lift.margin if row.metric.direction == "decrease" else -row.lift.margin,)


def _row(view: View, axes: Any, row: ForestRow, place: int) -> None:
    axes.plot([0, 0], [place + 0.45, place + 0.93], color=INK, linewidth=1.0, zorder=1)
    mark = marks(view.control.key, tuple(info.key for info in view.treated))[row.variant.key]
    middle = place + 0.68
    low, high = axes.get_xlim()
    lower, upper = max(row.shown.lower, low), min(row.shown.upper, high)
    axes.plot([lower, upper], [middle, middle], color=mark.colour, linewidth=2.4, solid_capstyle="butt", zorder=2)
    for edge, shown, arrow in ((row.shown.lower, lower, "<"), (row.shown.upper, upper, ">")):
        style = {"marker": "|", "markersize": 9, "markeredgewidth": 2.0} if edge == shown else {"marker": arrow}
        axes.plot([shown], [middle], color=mark.colour, linestyle="none", clip_on=False, zorder=2, **style)
    point = {"marker": mark.shape, "markersize": 8, "markeredgecolor": "white", "markeredgewidth": 0.8}
    axes.plot([row.lift.estimate], [middle], color=mark.colour, linestyle="none", zorder=3, **point)
    for edge in _margin(row):
        axes.plot([edge], [middle], color=INK, marker="|", markersize=15, markeredgewidth=3.0, zorder=2)
    if place:
        axes.axhline(place, color=LINE, linewidth=0.6, zorder=0)
    _words(view, axes, row, place)


def _words(view: View, axes: Any, row: ForestRow, place: int) -> None:
    """The line above an interval: metric and variant on the left, the numbers on the right."""
    figure = axes.figure
    mark = marks(view.control.key, tuple(info.key for info in view.treated))[row.variant.key]
    effect = str(view.effect(row.lift))
    paper_to_data = axes.get_yaxis_transform()
    style: dict[str, Any] = {"fontsize": _LABEL, "va": "center"}
    shown = axes.text(1, place + 0.27, effect, transform=paper_to_data, ha="right", **style)
    used = shown.get_window_extent(figure.canvas.get_renderer()).width / DPI
    title = readable(view.titled(row.metric), row.metric.key)
    if row.metric.role == "guardrail":
        title = view.voice.say("forest.guardrail", metric=title)
    several = len(view.treated) > 1
    name = readable(view.name(row.variant.key), row.variant.key) if several else ""
    room = WIDTH - 2 * _SIDE - used - 0.15
    name = fitted(figure, name, room * 0.5, fontsize=_LABEL, fontweight="bold") if name else ""
    text = axes.text(0, place + 0.27, name, transform=paper_to_data, color=mark.colour, fontweight="bold", **style)
    taken = text.get_window_extent(figure.canvas.get_renderer()).width / DPI + 0.08 if name else 0.0
    title = fitted(figure, title, room - taken, fontsize=_LABEL)
    start = taken / (WIDTH - 2 * _SIDE)
    axes.text(start, place + 0.27, title, transform=paper_to_data, **style)


def _frame(view: View, figure: Any, axes: Any, height: float) -> None:
    control = readable(view.name(view.control.key), view.control.key)
    title = view.voice.say("forest.title", control=control)
    title_text = fitted(figure, title, WIDTH - 2 * _SIDE, fontsize=11, fontweight="bold")
    figure.text(_SIDE / WIDTH, 1 - 0.22 / height, title_text, fontsize=11, fontweight="bold", va="center")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(percent_tick))
    axes.set_xlabel(view.voice.say("forest.axis"), fontsize=9.5, color=SOFT)


def _legend(view: View, figure: Any, height: float) -> None:
    from matplotlib.lines import Line2D

    zero = Line2D([], [], color=INK, linewidth=1.0, label=view.voice.say("forest.zero"))
    shape: dict[str, Any] = {"marker": "|", "markersize": 13, "markeredgewidth": 3.0, "linestyle": "none"}
    margin = Line2D([], [], color=INK, label=view.voice.say("forest.margin"), **shape)
    place = (0.5, 0.02 / height)
    figure.legend(handles=[zero, margin], loc="lower center", bbox_to_anchor=place, ncols=2, frameon=False, fontsize=9)
