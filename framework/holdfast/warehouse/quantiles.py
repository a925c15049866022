"""A few of each variant's sorted values: what a quantile and its exact bounds are. No others leave the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from holdfast import stats
from holdfast.model.metric import Quantile
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Cell, Ranked
from holdfast.warehouse.elements import Measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.sums import Sums
from holdfast.warehouse.units import variant_of


def read_quantiles(
    engine: Engine, plan: Plan, table: Any, sums: Sums, cells: Mapping[tuple[str, str], Cell]
) -> dict[tuple[str, str], Ranked]:
    """(metric, variant) to the values at the ranks of its quantile and bounds, at the confidence of the plan."""
    found: dict[tuple[str, str], Ranked] = {}
    for metric in sums.metrics:
        if isinstance(metric.metric, Quantile):
            found |= _one(engine, plan, table, sums, metric, cells)
    return found


def _one(
    engine: Engine,
    plan: Plan,
    table: Any,
    sums: Sums,
    metric: Measured,
    cells: Mapping[tuple[str, str], Cell],
) -> dict[tuple[str, str], Ranked]:
    operation, element = metric.metric, metric.elements[0]
    assert isinstance(operation, Quantile)
    among = operation.among == "positive"
    found: dict[tuple[str, str], Ranked] = {}
    wanted: dict[str, stats.Ranks] = {}
    for variant in plan.study.experiment.variants:
        cell = cells[metric.planned.key, variant]
        n = cell.active if among else cell.moments.n
        ranks = stats.ranks(n, float(operation.q), plan.confidence)
        found[metric.planned.key, variant] = Ranked(n, None)
        if not isinstance(ranks, NotEstimable):
            wanted[variant] = ranks
    if not wanted:
        return found
    column = table[element.name]
    kept = sums.mask(metric)[1](table)
    conditions = [column.notnull()] + ([] if kept is None else [kept]) + ([column > 0] if among else [])
    values = table.filter(*conditions).select("variant", value=column)
    window = ibis.window(group_by=values.variant, order_by=values.value)
    ranked = values.mutate(place=ibis.row_number().over(window) + 1)
    places = list(plan.study.experiment.variants)
    chosen = [
        (ranked.variant == places.index(variant)) & ranked.place.isin({at.lower, at.estimate, at.upper})
        for variant, at in wanted.items()
    ]
    rows = engine.rows(
        f"{metric.planned.key}: the sorted values that the quantile and its bounds are, by rank from 1",
        ranked.filter(ibis.or_(*chosen)).order_by("variant", "place"),
    )
    unit = 10 ** (element.scale or 0)
    by_place = {(variant_of(plan, row["variant"]), int(row["place"])): float(row["value"]) / unit for row in rows}
    for variant, at in wanted.items():
        values_at = tuple(by_place[variant, rank] for rank in (at.lower, at.estimate, at.upper))
        found[metric.planned.key, variant] = Ranked(at.n, (values_at[0], values_at[1], values_at[2]))
    return found
