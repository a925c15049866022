"""One analysis, read: counts of the assignment, then all moments of all metrics in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from operator import and_
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.metric import Clv, Column, Count, CountDistinct, Sum
from holdfast.model.plan import Plan
from holdfast.model.reading import Cell, Moments, Reading
from holdfast.warehouse.balance import read_balance
from holdfast.warehouse.clusters import cluster_moments
from holdfast.warehouse.engine import Engine, refused
from holdfast.warehouse.exact import EXACT, whole
from holdfast.warehouse.measures import Element, Measured, measured, unit_table
from holdfast.warehouse.units import enrolled, units


def read(engine: Engine, plan: Plan, assigned: Any | None = None) -> Reading:
    """Everything that an analysis needs from the engine; `assigned` are the manifest's units, where there is one.

    Before the readout of a fixed plan only the assignment is read: effects are not computed anywhere.

    Raises:
        DataError: tables or columns are missing, or hold what a metric cannot use.
    """
    found, base = enrolled(engine, plan, units(engine, plan, assigned))
    known = read_balance(engine, plan.study, base)
    cells: dict[tuple[str, str], Cell] = {}
    caps: dict[str, float] = {}
    if not plan.interim:
        metrics = measured(plan)
        with refused("the metrics"):
            table, limited = _prepared(unit_table(engine, plan, base, found, metrics), metrics)
            moments = _moments(table, limited, metrics)
        rows = engine.rows(_purpose(metrics), moments)
        clusters = cluster_moments(engine, table, metrics, limited) if base.clustered else {}
        by_variant = {row["variant"]: row for row in rows}
        for metric in metrics:
            for variant in plan.study.experiment.variants:
                key = (metric.planned.key, variant)
                cells[key] = replace(_cell(metric, variant, by_variant.get(variant)), clusters=clusters.get(key))
            if (cap := _cap(metric, rows)) is not None:
                caps[metric.planned.key] = cap
            _refuse_bad_columns(metric, rows)
    return Reading(
        assigned=found.assigned,
        unlisted=found.unlisted,
        crossovers=found.crossovers,
        duplicates=found.duplicates,
        by_day=found.by_day,
        by_batch=found.by_batch,
        clusters=found.clusters,
        balance=known,
        cells=cells,
        caps=caps,
        statements=engine.statements,
        engine=engine.name,
    )


def _purpose(metrics: tuple[Measured, ...]) -> str:
    listed = "\n".join(
        f"  {element.name}: {metric.planned.key}, in units of 10^-{element.scale}"
        for metric in metrics
        for element in metric.elements
    )
    return f"all moments of all metrics, one row a variant; __n units, __s sums, __p sums of products\n{listed}"


def _prepared(table: Any, metrics: tuple[Measured, ...]) -> tuple[Any, dict[str, Any]]:
    """The unit table with who counts for each metric, and the limited values of those that have a cap."""
    # Nobody outside a metric's mature population may move its cap or its sums.
    kept: dict[str, Any] = {}
    for metric in metrics:
        complete = reduce(and_, (table[element.name].notnull() for element in metric.elements))
        kept[f"{metric.elements[0].name}__kept"] = table[metric.mature] & complete
    table = table.mutate(**kept)
    capped = {f"{metric.elements[0].name}__cap": _cap_of(table, metric) for metric in metrics if _share(metric)}
    table = table.mutate(**capped) if capped else table
    limited = {}
    for metric in metrics:
        if _share(metric):
            name = metric.elements[0].name
            cap = table[f"{name}__cap"]
            limited[name] = (cap.notnull() & (table[name] > cap)).ifelse(cap, table[name])
    return table, limited


def _moments(table: Any, limited: Mapping[str, Any], metrics: tuple[Measured, ...]) -> Any:
    """Counts and exact sums of every metric, by variant."""
    aggregates: dict[str, Any] = {}
    for metric in metrics:
        aggregates |= _aggregates(table, limited, metric)
    return table.group_by("variant").aggregate(**aggregates).order_by("variant")


def _share(metric: Measured) -> float | None:
    operation = metric.planned.metric
    if isinstance(operation, Count | Sum | CountDistinct | Clv | Column) and operation.winsorize:
        return float(operation.winsorize)
    return None


def _cap_of(table: Any, metric: Measured) -> Any:
    """The percentile of the positive values of all variants together; null when there are none."""
    name = metric.elements[0].name
    positive = table.filter(table[f"{name}__kept"], table[name] > 0)
    return positive[name].quantile(_share(metric)).round().cast("int64").as_scalar()


def _aggregates(table: Any, limited: Mapping[str, Any], metric: Measured) -> dict[str, Any]:
    first = metric.elements[0].name
    kept = table[f"{first}__kept"]
    columns: dict[str, Any] = {
        f"{first}__mature": table[metric.mature].sum(),
        f"{first}__n": kept.sum(),
    }
    for element in metric.elements:
        if _must_be_filled(element):
            columns[f"{element.name}__empty"] = (table[metric.mature] & table[element.name].isnull()).sum()
    values = [table[element.name] for element in metric.elements]
    columns[f"{first}__active"] = (kept & (values[-1] > 0)).sum()
    columns[f"{first}__low"] = kept.ifelse(values[0], ibis.null("int64")).min()
    columns[f"{first}__high"] = kept.ifelse(values[0], ibis.null("int64")).max()
    columns |= _sums(first, kept, values)
    if first in limited:
        columns |= _sums(f"{first}__capped", kept, [limited[first]])
        columns[f"{first}__cap_used"] = table[f"{first}__cap"].max()
    return columns


def _must_be_filled(element: Element) -> bool:
    """Whether an empty value is an error, as it is for columns unless the metric says otherwise."""
    return isinstance(element.operation, Column) and element.operation.nulls == "error"


def _column_name(element: Element) -> str:
    return element.operation.column if isinstance(element.operation, Column) else element.name


def _sums(name: str, kept: Any, values: list[Any]) -> dict[str, Any]:
    exact = [kept.ifelse(value, 0).cast(EXACT) for value in values]
    sums = {f"{name}__s{i}": exact[i].sum().cast("string") for i in range(len(exact))}
    products = {
        f"{name}__p{i}{j}": (exact[i] * exact[j]).sum().cast("string")
        for i in range(len(exact))
        for j in range(i, len(exact))
    }
    return sums | products


def _cell(metric: Measured, variant: str, row: dict[str, Any] | None) -> Cell:
    """A metric of a variant; all zeros when the variant has no unit."""
    size = len(metric.elements)
    key = metric.planned.key
    if row is None:
        empty = Moments.from_sums(0, (0,) * size, {}, (0,) * size)
        return Cell(metric=key, variant=variant, mature=0, excluded=0, moments=empty, active=0)
    first = metric.elements[0].name
    n, mature = int(row[f"{first}__n"] or 0), int(row[f"{first}__mature"] or 0)
    raw = _of(metric, first, row, n)
    share = _share(metric)
    moments = _of(metric, f"{first}__capped", row, n) if share else raw
    return Cell(
        metric=key,
        variant=variant,
        mature=mature,
        excluded=mature - n,
        moments=moments,
        raw=raw if share else None,
        active=int(row[f"{first}__active"] or 0),
        binary=_binary(metric, first, row),
    )


def _of(metric: Measured, name: str, row: dict[str, Any], n: int) -> Moments:
    size = len(metric.elements)
    sums = tuple(whole(row[f"{name}__s{i}"]) for i in range(size))
    products = {(i, j): whole(row[f"{name}__p{i}{j}"]) for i in range(size) for j in range(i, size)}
    return Moments.from_sums(n, sums, products, tuple(element.scale for element in metric.elements))


def _binary(metric: Measured, first: str, row: dict[str, Any]) -> bool:
    """Whether every value is 0 or 1: within those bounds, and its square sums to itself."""
    unit: int = 10 ** metric.elements[0].scale
    low: int | None = row[f"{first}__low"]
    high: int | None = row[f"{first}__high"]
    if low is None or high is None or low < 0 or high > unit:
        return False
    return whole(row[f"{first}__p00"]) == whole(row[f"{first}__s0"]) * unit


def _cap(metric: Measured, rows: list[dict[str, Any]]) -> float | None:
    if not _share(metric):
        return None
    used = [row[f"{metric.elements[0].name}__cap_used"] for row in rows]
    known = [value for value in used if value is not None]
    return float(known[0]) / 10 ** metric.elements[0].scale if known else None


def _refuse_bad_columns(metric: Measured, rows: list[dict[str, Any]]) -> None:
    """Empty values where the metric says that there must be none, and shares of columns that are not 0 and 1."""
    operation = metric.planned.metric
    first = metric.elements[0].name
    for element in metric.elements:
        if _must_be_filled(element) and (empty := sum(int(row[f"{element.name}__empty"] or 0) for row in rows)):
            raise DataError(
                f'metric {metric.planned.key}: {empty:,} units have no value in column "{_column_name(element)}"; say '
                "what that means with nulls: zero or nulls: exclude, or correct the data"
            )
    if isinstance(operation, Column) and (operation.kind == "proportion" or operation.complement):
        populated = [row for row in rows if row[f"{first}__n"]]
        if not all(_binary(metric, first, row) for row in populated):
            raise DataError(
                f'metric {metric.planned.key}: column "{operation.column}" holds values other than 0 and 1, so it is '
                "no proportion; use kind: mean, or correct the data"
            )
