"""The figure of segments: the effect within each, beside zero and the effect over all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from holdfast.report.canvas import mark_of, readable
from holdfast.report.forest import ForestLine, Sheet, drawn, with_direction
from holdfast.report.numbers import Scale
from holdfast.report.segments import SegmentLine, overall
from holdfast.report.view import View


def draw(view: View, metric: str, lines: tuple[SegmentLine, ...]) -> Any:
    """The differences of one metric by segment, as a figure."""
    scale, whole = view.scale(metric), overall(view, metric)
    control = readable(view.name(view.control.key), view.control.key)
    axis = {"share": "axis_points", "money": "axis"}.get(scale.kind, "axis_unit" if scale.unit else "axis")
    info = view.metric(metric)
    way = info.direction if info else "none"
    sheet = Sheet(
        title=view.voice.say("segments.figure", metric=readable(view.title(metric), metric), control=control),
        axis=with_direction(
            view, view.voice.say(f"segments.{axis}", unit=readable(view.numbers.noun(scale.unit))), way
        ),
        zero=view.voice.say("forest.zero"),
        other=view.voice.say("segments.overall"),
        tick=_tick(view, scale),
        farthest=math.inf,
        across=whole.estimate if whole is not None else None,
    )
    return drawn(tuple(_line(view, line) for line in lines), sheet)


def _line(view: View, line: SegmentLine) -> ForestLine:
    found, several = line.row.difference, len(view.treated) > 1
    assert found.estimate is not None
    assert found.lower is not None
    assert found.upper is not None
    return ForestLine(
        name=readable(view.name(line.variant.key), line.variant.key) if several else "",
        title=readable(line.label),
        effect=str(line.effect),
        estimate=found.estimate,
        lower=found.lower,
        upper=found.upper,
        mark=mark_of(view, line.variant.key),
    )


def _tick(view: View, scale: Scale) -> Callable[[float, int | None], str]:
    """How ticks of differences are written."""

    def tick(value: float, _: int | None = None) -> str:
        return view.numbers.tick(value, scale)

    return tick
