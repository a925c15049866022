"""Named covariates: properties known before assignment as numbers that estimates can be adjusted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

import ibis

from holdfast.model.metric import Operation
from holdfast.model.plan import Plan
from holdfast.warehouse.before import OWN
from holdfast.warehouse.elements import Element, Kind, Measured
from holdfast.warehouse.engine import Engine

MAX_CELLS = 10
"""Values of a text that have an indicator of their own; all others share one."""
DIGITS = 4
"""Digits after the point that are kept of a number with a fraction."""
_LARGEST = 10**13
"""A number beyond this counts as unknown: it is no plausible property, and no sum of squares may overflow."""


@dataclass(frozen=True, slots=True)
class _Made:
    """One covariate: a number in units of 10**-scale, or without a scale an indicator."""

    name: str
    value: Any
    scale: int | None = None


def with_covariates(
    engine: Engine, plan: Plan, table: Any, metrics: tuple[Measured, ...], units: int
) -> tuple[Any, tuple[Measured, ...]]:
    """The table of units with a column for each covariate, and the metrics with them: in place of their own past where
    the plan names them, beside it where the draw was repeated for them.

    A number stands as it is, zero where it is unknown, with an indicator of that. A text or flag becomes an indicator
    for each of its most common values but the first, one for all others, and one where it is unknown. A value of
    fewer units than the privacy minimum is never told, not even in a statement.
    """
    names = [name for name in plan.study.experiment.adjusted_for if OWN + name in table.columns]
    if not names or not metrics:
        return table, metrics
    texts = [name for name in names if not table[OWN + name].type().is_numeric()]
    minimum = plan.study.project.privacy.minimum_cell
    levels = _levels(engine, table, texts, minimum) if texts else {}
    gaps = _gaps(engine, table, [name for name in names if name not in texts])
    made: list[_Made] = []
    for name in names:
        made += (
            _cells(table, name, levels[name], units) if name in levels else _number(table, name, missing=gaps[name] > 0)
        )
    elements = tuple(_element(place, each) for place, each in enumerate(made))
    table = table.mutate(**{element.name: each.value for element, each in zip(elements, made, strict=True)})
    own_past = not plan.study.experiment.analysis.covariates
    adjusted = (
        metric
        if metric.role in {"descriptive", "curve", None}
        else replace(metric, covariates=(*(metric.covariates if own_past else ()), *elements))
        for metric in metrics
    )
    return table, tuple(adjusted)


def _gaps(engine: Engine, table: Any, names: list[str]) -> dict[str, int]:
    """How many units have no value of each number."""
    if not names:
        return {}
    counts = {
        f"c{place}": table.count(where=_plausible(table[OWN + name]).isnull()) for place, name in enumerate(names)
    }
    row = engine.rows("units without a value of each covariate", table.aggregate(**counts))[0]
    return {name: int(row[f"c{place}"]) for place, name in enumerate(names)}


def _levels(engine: Engine, table: Any, names: list[str], minimum: int) -> dict[str, dict[str | None, int]]:
    """The most common values of each text with their units, the largest first; unknown is one of them."""
    parts = []
    for name in names:
        level = table.mutate(level=table[OWN + name].cast("string")).group_by("level")
        counted = level.aggregate(n=lambda each: each.count())
        counted = counted.filter(counted.n >= minimum)
        most = counted.order_by(counted.n.desc(), counted.level.asc()).limit(MAX_CELLS)
        parts.append(most.select(name=ibis.literal(name), level=most.level, n=most.n))
    rows = engine.rows("the most common values of each covariate", reduce(lambda one, more: one.union(more), parts))
    found: dict[str, dict[str | None, int]] = {name: {} for name in names}
    for row in sorted(rows, key=lambda row: (-row["n"], row["level"] or "")):
        found[row["name"]][row["level"]] = row["n"]
    return found


def _plausible(column: Any) -> Any:
    # Neither infinity nor what is no number lies between.
    return column.between(-_LARGEST, _LARGEST).ifelse(column, ibis.null(column.type()))


def _number(table: Any, name: str, *, missing: bool) -> Iterator[_Made]:
    column = _plausible(table[OWN + name])
    whole = column.type().is_integer()
    value = column.cast("int64") if whole else (column.cast("float64") * 10**DIGITS).round().cast("int64")
    yield _Made(name, ibis.coalesce(value, ibis.literal(0)), 0 if whole else DIGITS)
    if missing:
        yield _Made(f"{name}_unknown", column.isnull().ifelse(1, 0))


def _cells(table: Any, name: str, levels: dict[str | None, int], units: int) -> Iterator[_Made]:
    column = table[OWN + name].cast("string")
    # The first is what all others are compared with.
    for place, level in enumerate(list(levels)[1:], start=1):
        yield _Made(f"{name}_{place}", _is(column, level).ifelse(1, 0))
    if levels and sum(levels.values()) < units:
        yield _Made(f"{name}_others", reduce(or_, (_is(column, level) for level in levels)).ifelse(0, 1))


def _is(column: Any, level: str | None) -> Any:
    return column.isnull() if level is None else ibis.coalesce(column == level, ibis.literal(False))


def _element(place: int, made: _Made) -> Element:
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in made.name)
    kind: Kind = "active" if made.scale is None else "count"
    return Element(f"k{place}_{plain}", kind, Operation(), None, made.scale or 0)
