"""A few of each variant's sorted values: what a quantile and its exact bounds are. No others leave the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis

from holdfast.model.metric import Quantile
from holdfast.model.plan import Plan
from holdfast.model.reading import Cell, Ranked
from holdfast.warehouse.elements import Measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.sums import Sums
from holdfast.warehouse.units import variant_of

Places = Callable[[int, float], tuple[int, int, int] | None]
"""Units and q to the ranks, from 1, of the lower bound, the quantile and the upper bound; None for too few units."""


def read_quantiles(
    engine: Engine, table: Any, sums: Sums, cells: Mapping[tuple[str, str], Cell], places: Places
) -> dict[tuple[str, str], Ranked]:
    """(metric, variant) to the values at the ranks of its quantile and of its bounds."""
    found: dict[tuple[str, str], Ranked] = {}
    for metric in sums.metrics:
        if isinstance(metric.metric, Quantile):
            own = {variant: cell for (key, variant), cell in cells.items() if key == metric.planned.key}
            ranked = _ranked(metric.metric, own, places)
            values = _values(engine, sums.plan, _kept(table, sums, metric, metric.metric), metric, ranked)
            for variant, (n, at) in ranked.items():
                three = None if at is None else (values[variant, at[0]], values[variant, at[1]], values[variant, at[2]])
                found[metric.planned.key, variant] = Ranked(n, three)
    return found


_Wanted = dict[str, tuple[int, tuple[int, int, int] | None]]
"""Variant to its units and the ranks."""


def _ranked(operation: Quantile, cells: Mapping[str, Cell], places: Places) -> _Wanted:
    sizes = {v: cell.active if operation.among == "positive" else cell.moments.n for v, cell in cells.items()}
    return {variant: (n, places(n, float(operation.q))) for variant, n in sizes.items()}


def _kept(table: Any, sums: Sums, metric: Measured, operation: Quantile) -> Any:
    """The units that count, with the number of each."""
    column = table[metric.elements[0].name]
    conditions = [column.notnull()]
    if (mature := sums.mask(metric)[1](table)) is not None:
        conditions.append(mature)
    if operation.among == "positive":
        conditions.append(column > 0)
    return table.filter(*conditions).select("variant", value=column)


def _values(engine: Engine, plan: Plan, kept: Any, metric: Measured, wanted: _Wanted) -> dict[tuple[str, int], float]:
    """(variant, rank) to the sorted value there."""
    codes = {variant: place for place, variant in enumerate(plan.study.experiment.variants)}
    window = ibis.window(group_by=kept.variant, order_by=kept.value)
    ranked = kept.mutate(place=ibis.row_number().over(window) + 1)
    chosen = [
        (ranked.variant == codes[variant]) & ranked.place.isin(sorted(set(at)))
        for variant, (_, at) in wanted.items()
        if at is not None
    ]
    if not chosen:
        return {}
    rows = engine.rows(
        f"{metric.planned.key}: the sorted values that the quantile and its bounds are, by rank from 1",
        ranked.filter(ibis.or_(*chosen)).order_by("variant", "place"),
    )
    unit = 10 ** (metric.elements[0].scale or 0)
    return {(variant_of(plan, row["variant"]), int(row["place"])): float(row["value"]) / unit for row in rows}
