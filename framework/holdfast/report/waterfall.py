"""The figure of money: the margin, what each kind of cost takes off, and what is left with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from holdfast.model.found import MoneyResult, Quantity
from holdfast.report.canvas import INK, LINE, SOFT, WIDTH, Mark, mark_of, readable
from holdfast.report.forest import SIDE, ForestLine, Rows, Sheet, blank, rows_of, words
from holdfast.report.forest import scale as ruled
from holdfast.report.money import drawn_costs
from holdfast.report.numbers import Scale
from holdfast.report.quantities import change_of
from holdfast.report.view import View

_BAR = 0.14
"""Height of a bar, in inches."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One bar, from where the one before it ended."""

    title: str
    found: Quantity
    start: float
    end: float
    kind: Literal["earned", "taken", "left"]


def draw(view: View, row: MoneyResult) -> Any:
    """Margin, the cost of each kind and what is left of one variant, per unit."""
    control = readable(view.name(row.baseline), row.baseline)
    variant = readable(view.name(row.variant), row.variant)
    scale = Scale("money", row.currency)

    def tick(value: float, _: int | None = None) -> str:
        return view.numbers.tick(value, scale)

    sheet = Sheet(
        title=view.voice.say("waterfall.title", variant=variant, control=control),
        axis=view.voice.say("waterfall.axis", unit=readable(view.unit)),
        zero="",
        other="",
        tick=tick,
        farthest=0.0,
    )
    steps, mark = _steps(view, row), mark_of(view, row.variant)
    lines = [ForestLine("", step.title, str(change_of(view, step.found, scale)), 0.0, 0.0, 0.0, mark) for step in steps]
    figure, axes, _ = blank(lines, sheet)
    layout = rows_of(lines, WIDTH - 2 * SIDE)
    edges = [0.0, *(step.end for step in steps)]
    edges += [edge for edge in (row.net.lower, row.net.upper) if edge is not None]
    room = (max(edges) - min(edges)) * 0.06 or 1.0
    axes.set_xlim(min(edges) - room, max(edges) + room)
    for place, step in enumerate(steps):
        _bar(axes, step, mark, place + layout.middle, _BAR / layout.height)
        if place:
            axes.axhline(place, color=LINE, linewidth=0.6, zorder=0)
    words(axes, lines)
    _joins(axes, [step.end for step in steps[:-1]], layout)
    _whiskers(axes, row.net, len(steps) - 1 + layout.middle)
    ruled(axes, sheet)
    return figure


def _steps(view: View, row: MoneyResult) -> tuple[_Step, ...]:
    """Margin, costs and what is left; one bar for all costs where the result does not hold them by kind."""
    voice, at = view.voice, row.margin.estimate or 0.0
    steps = [_Step(voice.say("pays.margin"), row.margin, 0.0, at, "earned")]
    for part in drawn_costs(row):
        kind = voice.one_of("cost_part", part.kind)
        spent = part.cost.estimate or 0.0
        steps.append(_Step(voice.say("waterfall.cost_part", kind=kind), part.cost, at, at - spent, "taken"))
        at -= spent
    if len(steps) == 1:
        steps.append(_Step(voice.say("waterfall.cost"), row.cost, at, at - (row.cost.estimate or 0.0), "taken"))
    return (*steps, _Step(voice.say("waterfall.net"), row.net, 0.0, row.net.estimate or 0.0, "left"))


def _bar(axes: Any, step: _Step, mark: Mark, middle: float, high: float) -> None:
    start, end = sorted((step.start, step.end))
    style: dict[str, Any] = {"facecolor": mark.colour, "edgecolor": mark.colour}
    if step.kind == "taken":
        style = {"facecolor": "white", "edgecolor": SOFT, "hatch": "////"}
    if step.kind == "left":
        # Pale, so that the interval is seen on it.
        style = {"facecolor": _pale(mark.colour), "edgecolor": mark.colour}
    axes.barh([middle], [end - start], height=high, left=[start], linewidth=1.0, zorder=2, **style)
    axes.plot([0, 0], [middle - 0.85 * high, middle + 0.85 * high], color=INK, linewidth=1.0, zorder=3)


def _pale(colour: str) -> tuple[float, ...]:
    """The colour on white paper, two fifths as strong."""
    from matplotlib.colors import to_rgb

    return tuple(1 - 0.4 * (1 - part) for part in to_rgb(colour))


def _joins(axes: Any, ends: list[float], layout: Rows) -> None:
    """Dotted lines where one bar ends and the next begins, which leave room for the words between them."""
    half, clear = _BAR / layout.height / 2, layout.top + 0.02
    for place, end in enumerate(ends):
        for top, bottom in ((layout.middle + half, 1.06), (1 + clear, 1 + layout.middle - half)):
            axes.plot([end] * 2, [place + top, place + bottom], color=SOFT, linewidth=0.9, linestyle=(0, (2, 2)))


def _whiskers(axes: Any, net: Quantity, middle: float) -> None:
    """The interval of what is left, over its bar."""
    if net.lower is None or net.upper is None:
        return
    axes.plot([net.lower, net.upper], [middle] * 2, color=INK, linewidth=1.8, zorder=5)
    caps: dict[str, Any] = {"marker": "|", "markersize": 9, "markeredgewidth": 1.8, "linewidth": 0}
    axes.plot([net.lower, net.upper], [middle] * 2, color=INK, zorder=5, **caps)
