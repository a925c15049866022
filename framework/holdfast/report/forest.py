"""Forest plots: intervals on one axis, each with its words above it; here that of all relative changes in percent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from holdfast.report.canvas import (
    INK,
    LINE,
    SOFT,
    WIDTH,
    Mark,
    breadth,
    families,
    fitted,
    mark_of,
    paper,
    percent_tick,
    readable,
    weight,
)
from holdfast.report.lettering import Line, write
from holdfast.report.pictures import ForestRow, forest_rows
from holdfast.report.view import View

_ROW = 0.52
_HEAD = 0.42
_FOOT = 0.62
_LEGEND = 0.24
_SIDE = 0.22
_LABEL = 9.5
_MIDDLE = 0.68
"""Where in its row an interval stands, under its words."""
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
    _intervals(axes, lines, sheet.across)
    words(axes, lines)
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


def _intervals(axes: Any, lines: tuple[ForestLine, ...], across: float | None) -> None:
    """All intervals: what looks the same is one artist, however many rows there are."""
    from matplotlib.collections import LineCollection

    low, high = axes.get_xlim()
    rows = range(len(lines))
    upright = [(place + 0.45, place + 0.93) for place in rows]
    shown = [(max(line.lower, low), min(line.upper, high)) for line in lines]

    def strokes(segments: list[Any], **style: Any) -> None:
        axes.add_collection(LineCollection(segments, capstyle="butt", **style), autolim=False)

    rules = [((0, place), (1, place)) for place in rows if place]
    strokes(rules, color=LINE, linewidth=0.6, zorder=0, transform=axes.get_yaxis_transform())
    strokes([((0, top), (0, end)) for top, end in upright], color=INK, linewidth=1.0, zorder=1)
    if across is not None:
        dashed = [((across, top), (across, end)) for top, end in upright]
        strokes(dashed, color=SOFT, linewidth=1.0, linestyle=_DASHES, zorder=1)
    bars = [((lower, place + _MIDDLE), (upper, place + _MIDDLE)) for place, (lower, upper) in enumerate(shown)]
    strokes(bars, colors=[line.mark.colour for line in lines], linewidth=2.4, zorder=2)
    ends = [_end(line, edge, place) for line, edges, place in zip(lines, shown, rows, strict=True) for edge in edges]
    points = [((line.mark.colour, line.mark.shape), line.estimate, place) for place, line in enumerate(lines)]
    margins = [((INK, "|"), edge, place) for place, line in enumerate(lines) for edge in _margin(line)]
    _dots(axes, [end for end in ends if end[0][1] == "|"], markersize=9, markeredgewidth=2.0, clip_on=False, zorder=2)
    _dots(axes, [end for end in ends if end[0][1] != "|"], clip_on=False, zorder=2)
    _dots(axes, margins, markersize=15, markeredgewidth=3.0, zorder=2)
    _dots(axes, points, markersize=8, markeredgecolor="white", markeredgewidth=0.8, zorder=3)


_Dot = tuple[tuple[str, str], float, int]
"""Colour and shape, where it stands, and in which row."""


def _end(line: ForestLine, edge: float, place: int) -> _Dot:
    """A cap where an interval ends; an arrow where it goes on beyond the figure."""
    shape = "|" if edge in (line.lower, line.upper) else "<" if edge > line.lower else ">"
    return (line.mark.colour, shape), edge, place


def _dots(axes: Any, dots: list[_Dot], **style: Any) -> None:
    """Marks in the middle of their rows. The limits are set already, and nothing is worked out again for them."""
    from matplotlib.lines import Line2D

    for colour, shape in dict.fromkeys(looks for looks, _, _ in dots):
        across = [x for looks, x, _ in dots if looks == (colour, shape)]
        down = [place + _MIDDLE for looks, _, place in dots if looks == (colour, shape)]
        axes.add_artist(Line2D(across, down, color=colour, marker=shape, linestyle="none", **style))


def words(axes: Any, lines: Sequence[ForestLine]) -> None:
    """The line above each interval: variant and metric on the left, the numbers on the right."""
    whole = axes.get_window_extent().width / axes.figure.dpi
    write(axes, [part for place, line in enumerate(lines) for part in _words(line, place, whole)], families())


def _words(line: ForestLine, place: int, whole: float) -> Iterator[Line]:
    row, colour, heavy = place + 0.27, line.mark.colour, weight(line.name)
    room = whole - breadth(line.effect, _LABEL) - 0.15
    name = fitted(line.name, room * 0.5, _LABEL, heavy) if line.name else ""
    taken = breadth(name, _LABEL, heavy) + 0.08 if name else 0.0
    title = fitted(line.title, room - taken, _LABEL)
    yield Line(name, row, size=_LABEL, weight=heavy, colour=colour)
    yield Line(title, row, offset=taken, size=_LABEL, colour=INK)
    yield Line(line.effect, row, side="right", size=_LABEL, colour=INK)


def frame(figure: Any, axes: Any, height: float, sheet: Sheet) -> None:
    """The title, and the horizontal axis."""
    heavy = weight(sheet.title)
    title = fitted(sheet.title, WIDTH - 2 * _SIDE, 11, heavy)
    figure.text(_SIDE / WIDTH, 1 - 0.22 / height, title, va="center", fontsize=11, fontweight=heavy)
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
