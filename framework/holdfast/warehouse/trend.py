"""How the primary metric moves from week to week in each single unit: one number a unit, so that no covariances between
weeks are needed."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import ibis

from holdfast.warehouse.elements import Element, Measured


def with_trend(table: Any, metrics: tuple[Measured, ...]) -> tuple[Any, tuple[Measured, ...]]:
    """The table of units with a column for the slope of each metric that is read in parts, and the metrics with it.

    The column holds sum_k (2k - K + 1) x_k over the K whole parts of the window, k from 0: whole numbers, and
    `steps(K)` times the least-squares slope of a part's number on k. A last part that is shorter is left out.
    """
    made: list[Measured] = []
    for metric in metrics:
        whole = _whole(metric)
        if len(whole) < 2 or len(metric.elements) != 1:
            made.append(metric)
            continue
        first = whole[0]
        element = Element(f"slope_{first.name}", "count", first.operation, None, first.scale)
        kind = "float64" if first.scale is None else "int64"
        parts = (
            table[part.name].cast(kind) * ibis.literal(2 * place - len(whole) + 1, type=kind)
            for place, part in enumerate(whole)
        )
        table = table.mutate(**{element.name: reduce(add, parts)})
        made.append(replace(metric, trend=element))
    return table, tuple(made)


def steps(parts: int) -> int:
    """By what the column is to be divided to be a slope per part: sum_k (2k - K + 1) k."""
    return parts * (parts * parts - 1) // 6


def whole_parts(metric: Measured) -> int:
    """How many parts of full length the window has."""
    return len(_whole(metric))


def _whole(metric: Measured) -> list[Element]:
    days = [period[0].days for period in metric.periods]
    width = max((each.end - each.first for each in days if each), default=0)
    return [
        period[0] for period, each in zip(metric.periods, days, strict=True) if each and each.end - each.first == width
    ]
