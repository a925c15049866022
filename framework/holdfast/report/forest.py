"""Forest plots: intervals on one axis, each with its words above it; here that of all relative changes in percent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from holdfast.report.canvas import (
    INK,
    LINE,
    SOFT,
    WIDTH,
    Mark,
    fitted,
    mark_of,
    paper,
    percent_tick,
    readable,
    weight,
)
from holdfast.report.pictures import ForestRow, forest_rows
from holdfast.report.view import View

_ROW = 0.52
_HEAD = 0.42
_FOOT = 0.62
_LEGEND = 0.24
_SIDE = 0.22
_LABEL = 9.5
_DASHES = (0, (4, 3))
_FARTHEST = 3.0
_SPREAD = 4.0
"""Intervals are cut with an arrow beyond this relative change, or this many times the usual reach of an interval,
unless an estimate or a margin lies beyond it."""


@dataclass(frozen=True, slots=True)
class ForestLine:
    """One interval of a forest plot, with the words above it."""

    name: str
    """Before the words, in the colour of the mark; empty where there is one variant."""
    title: str
    effect: str
    """The numbers, on the right."""
    estimate: float
    lower: float
    upper: float
    mark: Mark
    margin: float | None = None
    """Where the tolerated harm ends."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands around the intervals."""

    title: str
    axis: str
    zero: str
    """What the line at zero is called."""
    other: str
    """What the margins, or the dashed lines, are called."""
    tick: Callable[[float, int | None], str]
    farthest: float
    """Beyond it no interval is drawn, unless an estimate or a margin lies there."""
    across: float | None = None
    """Where a dashed line stands in each row."""


def draw(view: View) -> Any:
    """The forest plot of the relative changes against control."""
    return drawn(*forest(view))


def forest(view: View) -> tuple[tuple[ForestLine, ...], Sheet]:
    """The relative changes against control, and what stands around them."""
    rows = forest_rows(view)
    control = readable(view.name(view.control.key), view.control.key)
    sheet = Sheet(
        title=view.voice.say("forest.title", control=control),
        axis=view.voice.say("forest.axis"),
        zero=view.voice.say("forest.zero"),
        other=view.voice.say("forest.margin"),
        tick=percent_tick,
        farthest=_FARTHEST,
    )
    return tuple(_line(view, row) for row in rows), sheet


def _line(view: View, row: ForestRow) -> ForestLine:
    several = len(view.treated) > 1
    title = readable(view.titled(row.metric), row.metric.key)
    margin = row.lift.margin
    return ForestLine(
        name=readable(view.name(row.variant.key), row.variant.key) if several else "",
        title=view.voice.say("forest.guardrail", metric=title) if row.metric.role == "guardrail" else title,
        effect=str(view.effect(row.lift)),
        estimate=row.lift.estimate or 0.0,
        lower=row.shown.lower,
        upper=row.shown.upper,
        mark=mark_of(view, row.variant.key),
        margin=None if margin is None else margin if row.metric.direction == "decrease" else -margin,
    )


def drawn(lines: tuple[ForestLine, ...], sheet: Sheet) -> Any:
    """A forest plot as a figure: a line of text above each interval, so that nothing can overlap."""
    legend = sheet.across is not None or any(line.margin for line in lines)
    foot = _FOOT + (_LEGEND if legend else 0)
    figure, axes, height = blank(len(lines), foot)
    onto(axes, lines, sheet)
    frame(figure, axes, height, sheet)
    if legend:
        _legend(figure, height, sheet)
    return figure


def onto(axes: Any, lines: tuple[ForestLine, ...], sheet: Sheet) -> None:
    """Draw the intervals into axes, with limits and ticks."""
    axes.set_ylim(len(lines), 0)
    axes.set_xlim(*_limits(lines, sheet))
    for place, line in enumerate(lines):
        _interval(axes, line, place)
        if sheet.across is not None:
            ends = [place + 0.45, place + 0.93]
            _stroke(axes, [sheet.across] * 2, ends, color=SOFT, linewidth=1.0, linestyle=_DASHES, zorder=1)
    scale(axes, sheet)


def blank(rows: int, foot: float = _FOOT) -> tuple[Any, Any, float]:
    """A figure with axes of so many rows, and its height in inches."""
    height = _HEAD + _ROW * rows + foot
    figure = paper(height)
    axes = figure.add_axes((_SIDE / WIDTH, foot / height, 1 - 2 * _SIDE / WIDTH, _ROW * rows / height))
    axes.set_ylim(rows, 0)
    return figure, axes, height


def _limits(lines: tuple[ForestLine, ...], sheet: Sheet) -> tuple[float, float]:
    reach = [max(abs(line.lower), abs(line.upper)) for line in lines]
    estimates = [1.2 * abs(line.estimate) for line in lines]
    margins = [1.2 * abs(edge) for line in lines for edge in _margin(line)]
    # One very wide interval must not squeeze all others into a dot.
    farthest = max([min(sheet.farthest, _SPREAD * median(reach)), *estimates, *margins])
    edges = [0.0, *(edge for line in lines for edge in (line.lower, line.upper, *_margin(line)))]
    edges += [] if sheet.across is None else [sheet.across]
    low, high = max(min(edges), -farthest), min(max(edges), farthest)
    room = (high - low) * 0.06 or 0.01
    return low - room, high + room


def _margin(line: ForestLine) -> tuple[float, ...]:
    return () if line.margin is None else (line.margin,)


def _stroke(axes: Any, across: list[float], down: list[float], **style: Any) -> None:
    """A line or a mark. The limits are set already, so that nothing needs to be worked out again for each."""
    from matplotlib.lines import Line2D

    axes.add_artist(Line2D(across, down, **style))


def _interval(axes: Any, line: ForestLine, place: int) -> None:
    _stroke(axes, [0, 0], [place + 0.45, place + 0.93], color=INK, linewidth=1.0, zorder=1)
    mark = line.mark
    middle = place + 0.68
    low, high = axes.get_xlim()
    lower, upper = max(line.lower, low), min(line.upper, high)
    _stroke(axes, [lower, upper], [middle, middle], color=mark.colour, linewidth=2.4, solid_capstyle="butt", zorder=2)
    for edge, shown, arrow in ((line.lower, lower, "<"), (line.upper, upper, ">")):
        style = {"marker": "|", "markersize": 9, "markeredgewidth": 2.0} if edge == shown else {"marker": arrow}
        _stroke(axes, [shown], [middle], color=mark.colour, linestyle="none", clip_on=False, zorder=2, **style)
    point = {"marker": mark.shape, "markersize": 8, "markeredgecolor": "white", "markeredgewidth": 0.8}
    _stroke(axes, [line.estimate], [middle], color=mark.colour, linestyle="none", zorder=3, **point)
    for edge in _margin(line):
        _stroke(axes, [edge], [middle], color=INK, marker="|", markersize=15, markeredgewidth=3.0, zorder=2)
    if place:
        axes.axhline(place, color=LINE, linewidth=0.6, zorder=0)
    words(axes, line, place)


def words(axes: Any, line: ForestLine, place: int) -> None:
    """The line above an interval: variant and metric on the left, the numbers on the right."""
    figure = axes.figure
    paper_to_data = axes.get_yaxis_transform()
    style: dict[str, Any] = {"fontsize": _LABEL, "va": "center"}
    shown = axes.text(1, place + 0.27, line.effect, transform=paper_to_data, ha="right", **style)
    whole = axes.get_window_extent().width / figure.dpi
    used = shown.get_window_extent(figure.canvas.get_renderer()).width / figure.dpi
    room = whole - used - 0.15
    heavy = weight(line.name)
    name = fitted(figure, line.name, room * 0.5, fontsize=_LABEL, fontweight=heavy) if line.name else ""
    text = axes.text(0, place + 0.27, name, transform=paper_to_data, color=line.mark.colour, fontweight=heavy, **style)
    taken = text.get_window_extent(figure.canvas.get_renderer()).width / figure.dpi + 0.08 if name else 0.0
    title = fitted(figure, line.title, room - taken, fontsize=_LABEL)
    start = taken / whole
    axes.text(start, place + 0.27, title, transform=paper_to_data, **style)


def frame(figure: Any, axes: Any, height: float, sheet: Sheet) -> None:
    """The title, and the horizontal axis."""
    title: dict[str, Any] = {"fontsize": 11, "fontweight": weight(sheet.title)}
    title_text = fitted(figure, sheet.title, WIDTH - 2 * _SIDE, **title)
    figure.text(_SIDE / WIDTH, 1 - 0.22 / height, title_text, va="center", **title)
    scale(axes, sheet)


def scale(axes: Any, sheet: Sheet) -> None:
    """The horizontal axis with its name and ticks; rows have none."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(sheet.tick))
    axes.set_xlabel(sheet.axis, fontsize=9.5, color=SOFT)


def _legend(figure: Any, height: float, sheet: Sheet) -> None:
    from matplotlib.lines import Line2D

    zero = Line2D([], [], color=INK, linewidth=1.0, label=sheet.zero)
    if sheet.across is None:
        shape: dict[str, Any] = {"marker": "|", "markersize": 13, "markeredgewidth": 3.0, "linestyle": "none"}
        other = Line2D([], [], color=INK, label=sheet.other, **shape)
    else:
        other = Line2D([], [], color=SOFT, linewidth=1.0, linestyle=_DASHES, label=sheet.other)
    place = (0.5, 0.02 / height)
    figure.legend(handles=[zero, other], loc="lower center", bbox_to_anchor=place, ncols=2, frameon=False, fontsize=9)
