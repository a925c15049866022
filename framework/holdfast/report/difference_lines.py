"""The figures of differences over time: each variant beside a line at zero, which is control."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from holdfast.report.canvas import INK, SOFT, Mark, mark_of, readable
from holdfast.report.differences import Gap, Gaps
from holdfast.report.lines import apart, sheet
from holdfast.report.numbers import Scale
from holdfast.report.view import View

_MARKS = 6
"""About how many marks a step curve has."""
_MANY = 20
"""More bars are drawn without caps."""
_LONG = 7
"""Characters of a label that need smaller type."""
_FEWEST = 3
"""With fewer points there is no line: it would show what nobody measured."""


def draw(view: View, gaps: Gaps) -> Any:
    """The differences of one figure."""
    control = readable(view.name(view.control.key), view.control.key)
    notes = (_axis(view, gaps), view.voice.say("gaps.zero", control=control))
    figure, axes = sheet(view, figure_title(view, gaps), view.treated, at_risk=False, notes=notes, axis=True)
    onto(axes, view, gaps)
    return figure


def figure_title(view: View, gaps: Gaps) -> str:
    """What stands over the figure."""
    control = readable(view.name(view.control.key), view.control.key)
    return view.voice.say(f"gaps.title_{gaps.kind}", title=readable(gaps.title), control=control)


def axis_note(view: View, gaps: Gaps) -> str:
    """What the vertical axis measures, and what its line at zero is."""
    control = readable(view.name(view.control.key), view.control.key)
    return view.voice.say("gaps.note", axis=_axis(view, gaps), control=control)


def _axis(view: View, gaps: Gaps) -> str:
    """What the vertical axis measures, and which way along it is better."""
    key = {"share": "axis_points", "money": "axis"}.get(gaps.scale.kind, "axis_unit" if gaps.scale.unit else "axis")
    axis = view.voice.say(f"segments.{key}", unit=readable(view.numbers.noun(gaps.scale.unit)))
    info = view.metric(gaps.metric)
    if info is None or info.direction == "none":
        return axis
    return view.voice.say("better.axis", axis=axis, better=view.voice.one_of("better", f"up_{info.direction}"))


def onto(axes: Any, view: View, gaps: Gaps) -> None:
    """Draw the differences into axes, with limits, ticks and the line at zero."""
    axes.axhline(0, color=INK, linewidth=1.2, zorder=1)
    ends = sorted({gap.at for gap in gaps.points})
    # Weeks stand side by side, whatever their length, with room for those that are not known; days where they are.
    weeks = _weeks(gaps)
    places = weeks if gaps.kind == "week" else {end: end for end in ends}
    span = (max(places.values()) - min(places.values())) or 1
    bars = gaps.kind == "week" or len(ends) < _FEWEST
    for place, info in enumerate(view.treated):
        points, mark = gaps.of(info.key), mark_of(view, info.key)
        if bars:
            dodge = (place - (len(view.treated) - 1) / 2) * (0.16 if gaps.kind == "week" else 0.04 * span)
            _bars(axes, [places[gap.at] + dodge for gap in points], points, mark, slim=len(ends) > _MANY)
        else:
            _band(axes, points, mark, steps=gaps.kind == "survival", turn=place / len(view.treated))
    _limits(axes, view, gaps.points, gaps.scale)
    side = 0.25 if len(ends) < _FEWEST else 0.07
    axes.set_xlim(min(places.values()) - side * span, max(places.values()) + side * span)
    _ticks(axes, view, gaps, places, span * (1 + 2 * side))


def _weeks(gaps: Gaps) -> dict[int, int]:
    """The place of each part of the window by its last day, one after another, those that are not known included."""
    firsts = sorted({gap.first for gap in gaps.points})
    length = min((later - first for first, later in pairwise(firsts)), default=1)
    return {gap.at: (gap.first - firsts[0]) // length for gap in gaps.points}


def _bars(axes: Any, xs: list[float], points: tuple[Gap, ...], mark: Mark, *, slim: bool) -> None:
    lower, upper = [gap.lower for gap in points], [gap.upper for gap in points]
    axes.vlines(xs, lower, upper, color=mark.colour, linewidth=1.0 if slim else 1.8, zorder=2)
    if not slim:
        caps: dict[str, Any] = {"marker": "_", "markersize": 8, "markeredgewidth": 1.5, "linewidth": 0}
        axes.plot([*xs, *xs], [*lower, *upper], color=mark.colour, zorder=2, **caps)
    style: dict[str, Any] = {
        "marker": mark.shape,
        "markersize": 4.5 if slim else 7,
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
    }
    axes.plot(xs, [gap.estimate for gap in points], color=mark.colour, linewidth=0, zorder=3, **style)


def _band(axes: Any, points: tuple[Gap, ...], mark: Mark, *, steps: bool, turn: float) -> None:
    """A line with its band; a time to an event moves in steps, and starts where nobody had it."""
    start = [(0, 0.0, 0.0, 0.0)] if steps else []
    rows = [*start, *((gap.at, gap.estimate, gap.lower, gap.upper) for gap in points)]
    days, middle, lower, upper = ([row[place] for row in rows] for place in range(4))
    fill: dict[str, Any] = {"step": "post"} if steps else {}
    axes.fill_between(days, lower, upper, color=mark.colour, alpha=0.16, linewidth=0, **fill)
    axes.plot(days, middle, color=mark.colour, linewidth=1.8, drawstyle="steps-post" if steps else "default")
    every = max(1, len(points) // _MARKS) if steps else 1
    marked = points[int(turn * every) :: every]
    style: dict[str, Any] = {"marker": mark.shape, "markersize": 6.5, "markeredgecolor": "white"}
    places = [gap.at for gap in marked], [gap.estimate for gap in marked]
    axes.plot(*places, color=mark.colour, linewidth=0, markeredgewidth=0.6, zorder=3, **style)


def _limits(axes: Any, view: View, points: tuple[Gap, ...], scale: Scale) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low = min(0.0, *(gap.lower for gap in points))
    high = max(0.0, *(gap.upper for gap in points))
    room = (high - low) * 0.08 or 0.01
    axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: view.numbers.tick(value, scale)))
    longest = max(len(view.numbers.tick(value, scale)) for value in axes.get_yticks())
    # Longer labels would begin outside the paper.
    axes.tick_params(axis="y", labelsize=10 if longest < _LONG else 8.5 if longest == _LONG else 7.5)


def _ticks(axes: Any, view: View, gaps: Gaps, places: dict[int, int], span: float) -> None:
    listed = gaps.listed if gaps.kind == "survival" else sorted(places.values())
    # Where a week begins and ends is twice as long as a day.
    shown = apart(list(listed), span, 1.4 if gaps.kind == "week" else 1.0)
    axes.set_xticks(shown)
    if gaps.kind == "week":
        firsts = {places[gap.at]: f"{gap.first}–{gap.at}" for gap in gaps.points}
        axes.set_xticks(shown, [firsts[place] for place in shown])
    key = "survival.axis" if gaps.kind == "survival" else "retention.axis"
    axes.set_xlabel(view.voice.say(key), fontsize=9.5, color=SOFT)
