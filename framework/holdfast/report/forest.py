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
from holdfast.report.heading import LINE as LINE_OF_TITLE
from holdfast.report.heading import title_lines, write_title
from holdfast.report.lettering import Line, write
from holdfast.report.pictures import ForestRow, forest_rows
from holdfast.report.view import View

_HEAD = 0.42
_FOOT = 0.62
_LEGEND = 0.24
SIDE = 0.22
_LABEL = 9.5
_SMALL = 9.0
_TICK = 10.0
_EDGE = 0.05
"""Inches between words and the edge of the paper."""
_GAP = 0.1
"""Inches between words of different kinds."""
_DASHES = (0, (4, 3))
_FARTHEST = 3.0
_SPREAD = 4.0
"""Intervals are cut with an arrow beyond this relative change, or this many times the usual reach of an interval,
unless an estimate or a margin lies beyond it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How a row is laid out: inches, then parts of its height."""

    height: float
    title: float
    """Where the middle of the title stands."""
    effect: float
    """Where the middle of the numbers stands."""
    middle: float
    """Where the interval stands, under its words."""
    top: float
    """Where the line at zero begins, so that it crosses no words."""
    end: float = 0.93


SHORT = Rows(height=0.52, title=0.27, effect=0.27, middle=0.68, top=0.45)
"""Title and numbers on one line."""
LONG = Rows(height=0.7, title=0.2, effect=0.47, middle=0.76, top=0.6)
"""The numbers under the title, where the two are too long for one line."""


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
    better: str = ""
    """Which way is better, where the rows differ in that."""
    tail: str = ""
    """What ends the title and is never cut."""


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
    ways = {row.metric.direction for row in rows}
    control = readable(view.name(view.control.key), view.control.key)
    sheet = Sheet(
        title=view.voice.say("forest.title", control=control),
        axis=with_direction(view, view.voice.say("forest.axis"), next(iter(ways)) if len(ways) == 1 else "none"),
        zero=view.voice.say("forest.zero"),
        other=view.voice.say("forest.margin"),
        tick=percent_tick,
        farthest=_FARTHEST,
    )
    return tuple(_line(view, row, mixed=len(ways) > 1) for row in rows), sheet


def with_direction(view: View, axis: str, way: str) -> str:
    """The name of a horizontal axis, and which way along it is better."""
    if way == "none":
        return axis
    return view.voice.say("better.axis", axis=axis, better=view.voice.one_of("better", way))


def _line(view: View, row: ForestRow, *, mixed: bool) -> ForestLine:
    several = len(view.treated) > 1
    title = readable(view.titled(row.metric), row.metric.key)
    margin = row.lift.margin
    return ForestLine(
        name=readable(view.name(row.variant.key), row.variant.key) if several else "",
        title=title,
        tail=view.voice.say("forest.guardrail", metric="") if row.metric.role == "guardrail" else "",
        effect=str(view.effect(row.lift)),
        estimate=row.lift.estimate or 0.0,
        lower=row.shown.lower,
        upper=row.shown.upper,
        mark=mark_of(view, row.variant.key),
        margin=None if margin is None else margin if row.metric.direction == "decrease" else -margin,
        better=view.voice.one_of("better", row.metric.direction) if mixed and row.metric.direction != "none" else "",
    )


def drawn(lines: tuple[ForestLine, ...], sheet: Sheet) -> Any:
    """A forest plot as a figure: a line of text above each interval, so that nothing can overlap."""
    figure, axes, height = blank(lines, sheet, _FOOT + _LEGEND)
    onto(axes, lines, sheet)
    _legend(figure, height, sheet, others=sheet.across is not None or any(line.margin for line in lines))
    return figure


def onto(axes: Any, lines: tuple[ForestLine, ...], sheet: Sheet) -> None:
    """Draw the intervals into axes, with limits and ticks."""
    axes.set_ylim(len(lines), 0)
    axes.set_xlim(*_limits(lines, sheet))
    _intervals(axes, lines, sheet.across, rows_of(lines, _inches(axes)))
    words(axes, lines)
    scale(axes, sheet)


def blank(lines: Sequence[ForestLine], sheet: Sheet, foot: float = _FOOT) -> tuple[Any, Any, float]:
    """A figure with its title and axes for these rows, and its height in inches."""
    title = title_lines(sheet.title, WIDTH - 2 * SIDE)
    rows = len(lines) * rows_of(lines, WIDTH - 2 * SIDE).height
    height = _HEAD + LINE_OF_TITLE * (len(title) - 1) + rows + foot
    figure = paper(height)
    axes = figure.add_axes((SIDE / WIDTH, foot / height, 1 - 2 * SIDE / WIDTH, rows / height))
    axes.set_ylim(len(lines), 0)
    write_title(figure, title, SIDE)
    return figure, axes, height


def rows_of(lines: Sequence[ForestLine], inches: float) -> Rows:
    """How rows are laid out in such a width: all alike, by the longest."""
    return SHORT if all(_needs(line) <= inches for line in lines) else LONG


def _needs(line: ForestLine) -> float:
    """Inches of name, title, direction and numbers beside each other."""
    parts = [breadth(line.name, _LABEL, weight(line.name)), breadth(line.title + line.tail, _LABEL)]
    parts += [breadth(line.effect, _LABEL), breadth(line.better, _SMALL)]
    return sum(parts) + _GAP * (1 + bool(line.name) + bool(line.better))


def _inches(axes: Any) -> float:
    """How wide axes are."""
    return float(axes.get_window_extent().width / axes.figure.dpi)


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


def _intervals(axes: Any, lines: tuple[ForestLine, ...], across: float | None, layout: Rows) -> None:
    """All intervals: what looks the same is one artist, however many rows there are."""
    from matplotlib.collections import LineCollection

    low, high = axes.get_xlim()
    rows = range(len(lines))
    upright = [(place + layout.top, place + layout.end) for place in rows]
    shown = [(max(line.lower, low), min(line.upper, high)) for line in lines]

    def strokes(segments: list[Any], **style: Any) -> None:
        axes.add_collection(LineCollection(segments, capstyle="butt", **style), autolim=False)

    rules = [((0, place), (1, place)) for place in rows if place]
    strokes(rules, color=LINE, linewidth=0.6, zorder=0, transform=axes.get_yaxis_transform())
    strokes([((0, top), (0, end)) for top, end in upright], color=INK, linewidth=1.0, zorder=1)
    if across is not None:
        dashed = [((across, top), (across, end)) for top, end in upright]
        strokes(dashed, color=SOFT, linewidth=1.0, linestyle=_DASHES, zorder=1)
    bars = [
        ((lower, place + layout.middle), (upper, place + layout.middle)) for place, (lower, upper) in enumerate(shown)
    ]
    strokes(bars, colors=[line.mark.colour for line in lines], linewidth=2.4, zorder=2)
    ends = [
        _end(line, edge, place + layout.middle)
        for line, edges, place in zip(lines, shown, rows, strict=True)
        for edge in edges
    ]
    points = [
        ((line.mark.colour, line.mark.shape), line.estimate, place + layout.middle) for place, line in enumerate(lines)
    ]
    margins = [((INK, "|"), edge, place + layout.middle) for place, line in enumerate(lines) for edge in _margin(line)]
    _dots(axes, [end for end in ends if end[0][1] == "|"], markersize=9, markeredgewidth=2.0, clip_on=False, zorder=2)
    _dots(axes, [end for end in ends if end[0][1] != "|"], clip_on=False, zorder=2)
    _dots(axes, margins, markersize=15, markeredgewidth=3.0, zorder=2)
    _dots(axes, points, markersize=8, markeredgecolor="white", markeredgewidth=0.8, zorder=3)


_Dot = tuple[tuple[str, str], float, float]
"""Colour and shape, and where it stands across and down."""


def _end(line: ForestLine, edge: float, down: float) -> _Dot:
    """A cap where an interval ends; an arrow where it goes on beyond the figure."""
    shape = "|" if edge in (line.lower, line.upper) else "<" if edge < line.estimate else ">"
    return (line.mark.colour, shape), edge, down


def _dots(axes: Any, dots: list[_Dot], **style: Any) -> None:
    """Marks. The limits are set already, and nothing is worked out again for them."""
    from matplotlib.lines import Line2D

    for colour, shape in dict.fromkeys(looks for looks, _, _ in dots):
        across = [x for looks, x, _ in dots if looks == (colour, shape)]
        down = [y for looks, _, y in dots if looks == (colour, shape)]
        axes.add_artist(Line2D(across, down, color=colour, marker=shape, linestyle="none", **style))


def words(axes: Any, lines: Sequence[ForestLine]) -> None:
    """The words above each interval: variant, metric and which way is better on the left, the numbers on the right or
    under them."""
    whole = _inches(axes)
    layout = rows_of(lines, whole)
    write(axes, [part for place, line in enumerate(lines) for part in _words(line, place, whole, layout)], families())


def _words(line: ForestLine, place: int, whole: float, layout: Rows) -> Iterator[Line]:
    row, colour, heavy = place + layout.title, line.mark.colour, weight(line.name)
    under = layout.effect > layout.title
    better = breadth(line.better, _SMALL) + _GAP if line.better else 0.0
    room = whole - (0.0 if under else breadth(line.effect, _LABEL) + better + _GAP)
    rest = room - breadth(line.title + line.tail, _LABEL) - _GAP
    name = fitted(line.name, max(room * 0.5, rest), _LABEL, heavy) if line.name else ""
    taken = breadth(name, _LABEL, heavy) + _GAP if name else 0.0
    title = fitted(line.title, room - taken - breadth(line.tail, _LABEL), _LABEL) + line.tail
    yield Line(name, row, size=_LABEL, weight=heavy, colour=colour)
    yield Line(title, row, offset=taken, size=_LABEL, colour=INK)
    after = 0.0 if under else taken + breadth(title, _LABEL) + _GAP
    yield Line(line.better, place + layout.effect, offset=after, size=_SMALL, colour=SOFT)
    yield Line(line.effect, place + layout.effect, side="right", size=_LABEL, colour=INK)


def scale(axes: Any, sheet: Sheet) -> None:
    """The horizontal axis with its name and ticks; rows have none."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(sheet.tick))
    _within(axes, sheet)
    axes.set_xlabel(sheet.axis, fontsize=9.5, color=SOFT)


def _within(axes: Any, sheet: Sheet) -> None:
    """Leave out ticks whose words would begin or end outside the paper."""
    low, high = axes.get_xlim()
    inch = (high - low) / _inches(axes)

    def inside(tick: float) -> bool:
        half = (breadth(sheet.tick(tick, None), _TICK) / 2 + _EDGE) * inch
        return bool(low - SIDE * inch <= tick - half and tick + half <= high + SIDE * inch)

    axes.set_xticks([float(tick) for tick in axes.get_xticks() if low <= tick <= high and inside(tick)])
    axes.set_xlim(low, high)


def _legend(figure: Any, height: float, sheet: Sheet, *, others: bool) -> None:
    from matplotlib.lines import Line2D

    zero = Line2D([], [], color=INK, linewidth=1.0, label=sheet.zero)
    if sheet.across is None:
        shape: dict[str, Any] = {"marker": "|", "markersize": 13, "markeredgewidth": 3.0, "linestyle": "none"}
        other = Line2D([], [], color=INK, label=sheet.other, **shape)
    else:
        other = Line2D([], [], color=SOFT, linewidth=1.0, linestyle=_DASHES, label=sheet.other)
    place = (0.5, 0.02 / height)
    figure.legend(
        handles=[zero, *([other] if others else [])],
        loc="lower center",
        bbox_to_anchor=place,
        ncols=2,
        frameon=False,
        fontsize=9,
    )
