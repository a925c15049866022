"""The figure of money: the margin, what each kind of cost takes off, and what is left with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holdfast.model.found import MoneyResult, Quantity
from holdfast.report.canvas import INK, LINE, SOFT, Mark, mark_of, readable
from holdfast.report.forest import ForestLine, Sheet, blank, frame, words
from holdfast.report.money import drawn_costs
from holdfast.report.numbers import Scale
from holdfast.report.quantities import change_of
from holdfast.report.view import View

_HALF = 0.13
"""Half the height of a bar, in rows."""
_MIDDLE = 0.68


@dataclass(frozen=True, slots=True)
class _Step:
    """One bar, from where the one before it ended."""

    title: str
    found: Quantity
    start: float
    end: float
    taken: bool = False
    """Whether it is a cost."""


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
    steps = _steps(view, row)
    figure, axes, height = blank(len(steps))
    edges = [0.0, *(step.end for step in steps)]
    edges += [edge for edge in (row.net.lower, row.net.upper) if edge is not None]
    room = (max(edges) - min(edges)) * 0.06 or 1.0
    axes.set_xlim(min(edges) - room, max(edges) + room)
    mark = mark_of(view, row.variant)
    lines: list[ForestLine] = []
    for place, step in enumerate(steps):
        effect = str(change_of(view, step.found, scale))
        _bar(axes, place, (step.start, step.end), mark, taken=step.taken)
        lines.append(ForestLine("", step.title, effect, step.found.estimate or 0.0, 0.0, 0.0, mark))
        if place:
            axes.axhline(place, color=LINE, linewidth=0.6, zorder=0)
    words(axes, lines)
    _joins(axes, [step.end for step in steps[:-1]])
    _whiskers(axes, row.net, len(steps) - 1)
    frame(figure, axes, height, sheet)
    return figure


def _steps(view: View, row: MoneyResult) -> tuple[_Step, ...]:
    """Margin, costs and what is left; one bar for all costs where the result does not hold them by kind."""
    voice, at = view.voice, row.margin.estimate or 0.0
    steps = [_Step(voice.say("pays.margin"), row.margin, 0.0, at)]
    for part in drawn_costs(row):
        kind = voice.one_of("cost_part", part.kind)
        spent = part.cost.estimate or 0.0
        steps.append(_Step(voice.say("waterfall.cost_part", kind=kind), part.cost, at, at - spent, taken=True))
        at -= spent
    if len(steps) == 1:
        steps.append(_Step(voice.say("waterfall.cost"), row.cost, at, at - (row.cost.estimate or 0.0), taken=True))
    return (*steps, _Step(voice.say("waterfall.net"), row.net, 0.0, row.net.estimate or 0.0))


def _bar(axes: Any, place: int, bar: tuple[float, float], mark: Mark, *, taken: bool) -> None:
    start, end = min(bar), max(bar)
    style: dict[str, Any] = {"facecolor": mark.colour, "edgecolor": mark.colour}
    if taken:
        style = {"facecolor": "white", "edgecolor": SOFT, "hatch": "////"}
    axes.barh([place + _MIDDLE], [end - start], height=2 * _HALF, left=[start], linewidth=1.0, zorder=2, **style)
    axes.plot([0, 0], [place + _MIDDLE - 0.22, place + _MIDDLE + 0.22], color=INK, linewidth=1.0, zorder=3)


def _joins(axes: Any, ends: list[float]) -> None:
    """Dotted lines where one bar ends and the next begins, which leave room for the words between them."""
    for place, end in enumerate(ends):
        for top, bottom in ((_MIDDLE + _HALF, 1.08), (1.47, 1 + _MIDDLE - _HALF)):
            axes.plot([end] * 2, [place + top, place + bottom], color=SOFT, linewidth=0.9, linestyle=(0, (2, 2)))


def _whiskers(axes: Any, net: Quantity, place: int) -> None:
    """The interval of what is left, over its bar."""
    if net.lower is None or net.upper is None:
        return
    middle = place + _MIDDLE
    # White under the line, so that it is seen on the bar and beside it.
    axes.plot([net.lower, net.upper], [middle] * 2, color="white", linewidth=4.0, solid_capstyle="butt", zorder=4)
    axes.plot([net.lower, net.upper], [middle] * 2, color=INK, linewidth=1.6, zorder=5)
    caps: dict[str, Any] = {"marker": "|", "markersize": 9, "markeredgewidth": 1.8, "linewidth": 0}
    axes.plot([net.lower, net.upper], [middle] * 2, color=INK, zorder=5, **caps)
