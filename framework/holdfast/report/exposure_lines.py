"""The figure of exposures: the share of each variant's assigned units that were exposed, by days since assignment."""

from __future__ import annotations

from typing import Any

from holdfast.report.canvas import SOFT, mark_of
from holdfast.report.exposure import offered, reached
from holdfast.report.lines import apart, percent_axis, sheet, stroke
from holdfast.report.view import View

_MARKS = 8
"""About how many marks a line has."""
_SIDE = 0.05
"""Room beside the first and the last day, as a part of all days."""


def draw(view: View) -> Any:
    """The share exposed so far over the days since assignment."""
    figure, axes = sheet(
        view, view.voice.say("exposure.title", units=view.units), view.ordered, at_risk=False, axis=True
    )
    onto(axes, view)
    return figure


def onto(axes: Any, view: View) -> None:
    """Draw the shares into axes, with limits and ticks."""
    found = {info.key: reached(view, info.key) for info in view.ordered}
    lines = {key: points for key, points in found.items() if points}
    days = [day for day, _ in next(iter(lines.values()))]
    every = max(1, len(days) // _MARKS)
    for place, (key, points) in enumerate(lines.items()):
        mark, shares = mark_of(view, key), [units / offered(view, key) for _, units in points]
        axes.plot(days, shares, color=mark.colour, linewidth=1.8, linestyle=stroke(view, key))
        # Each variant has its marks on days of its own: where all is well the lines lie on each other.
        turn = place * every // len(lines)
        style: dict[str, Any] = {"marker": mark.shape, "markersize": 6.5, "markeredgecolor": "white"}
        axes.plot(days[turn::every], shares[turn::every], color=mark.colour, linewidth=0, markeredgewidth=0.6, **style)
    percent_axis(axes, [units / offered(view, key) for key, points in lines.items() for _, units in points])
    span = days[-1] - days[0] or 1
    axes.set_xlim(days[0] - _SIDE * span, days[-1] + _SIDE * span)
    axes.set_xticks(apart(days, span * (1 + 2 * _SIDE)))
    axes.set_xlabel(view.voice.say("retention.axis"), fontsize=9.5, color=SOFT)
