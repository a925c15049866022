"""One analysis, read: the assignment, then every source once into a table of units, then a few small sums of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.exploration import EARLIER, WITHIN
from holdfast.model.plan import Plan
from holdfast.model.reading import ACROSS, Cell, Curve, Moments, Reading, Together
from holdfast.warehouse.balance import balance_of
from holdfast.warehouse.before import OWN, Named, named
from holdfast.warehouse.buying import read_buying
from holdfast.warehouse.clock import date_of
from holdfast.warehouse.clusters import cluster_sums
from holdfast.warehouse.covariates import with_covariates
from holdfast.warehouse.curves import read_curve
from holdfast.warehouse.elements import Measured, bought, measured
from holdfast.warehouse.engine import Engine, refused
from holdfast.warehouse.measures import Needs, UnitTable, unit_table
from holdfast.warehouse.past import read_past
from holdfast.warehouse.quantiles import Places, read_quantiles
from holdfast.warehouse.sums import Sums, prepare
from holdfast.warehouse.trend import steps, whole_parts, with_trend
from holdfast.warehouse.units import Enrolled, Units, enrolled, units, variant_of

UNIT_TABLE = "holdfast_units"
MAX_LEVELS = 400
"""More values than this are no segments: they may be names or ids. A year of days is fewer."""
MAX_CELLS = 100_000
"""Cells that all segments of an exploration make together."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What every step here needs to know."""

    engine: Engine
    plan: Plan
    found: Enrolled
    table: Any
    """One row a unit, held."""


def _compared(properties: Named | None) -> Named | None:
    """The properties that the variants are compared by: nothing that was asked before is one."""
    if properties is None:
        return None
    own = tuple(item for item in properties.segments if not item[0].startswith(EARLIER))
    return replace(properties, segments=own)


def _no_places(_: int, __: float) -> None:
    """No quantile is wanted."""


def read(engine: Engine, plan: Plan, assigned: Any | None = None, places: Places = _no_places) -> Reading:
    """Everything that an analysis needs from the engine; `assigned` are the manifest's units, where there is one, and
    `places` says which sorted values a quantile needs.

    Before the readout of a fixed plan only the assignment is read, and what was before it: effects are not computed
    anywhere.

    Raises:
        DataError: tables or columns are missing, or hold what a metric cannot use.
    """
    found, base = enrolled(engine, plan, units(engine, plan, assigned))
    needs = _needs(plan, base)
    _refuse_unknown(plan, needs)
    made = held(engine, plan, base, found, needs)
    table, metrics = with_covariates(engine, plan, made.table, needs.metrics, sum(found.assigned.values()))
    table, metrics = with_trend(table, metrics)
    now = _Read(engine, plan, found, table)
    sums, rows = prepare(engine, plan, found, table, metrics)
    if surplus := rows - sum(found.assigned.values()):
        raise DataError(
            f"{surplus:,} units stand on more than one row of the source that lists the units; a source of grain unit "
            "needs one row a unit"
        )
    # Caps are those of all units, as within any segment; then only those that were asked for count.
    asked, together = _together(now, sums) if plan.counted_only else ((), ())
    if OWN + WITHIN in table.columns:
        now = replace(now, table=table.filter(table[OWN + WITHIN]))
    cells = _cells(now, sums) if metrics else _Cells({}, {}, {})
    segments, unread = _segments(now, sums) if metrics and not plan.interim else ({}, ())
    return Reading(
        assigned=found.assigned,
        unlisted=found.unlisted,
        crossovers=found.crossovers,
        duplicates=found.duplicates,
        by_day=found.by_day,
        by_batch=found.by_batch,
        clusters=found.clusters,
        balance=balance_of(engine, plan.study, made.table, _compared(needs.properties), held=True),
        cells=cells.cells,
        segments=segments,
        unread_segments=unread,
        periods=cells.periods,
        trends=cells.trends,
        past=read_past(engine, plan, made.table, (*needs.metrics, *needs.past)),
        exposure=found.exposure,
        curves=dict(_curves(now, needs, made)),
        quantiles=read_quantiles(engine, now.table, sums, cells.cells, places),
        buying=read_buying(engine, now.table, sums, needs.bought),
        together=together,
        asked=asked,
        caps=dict(_caps(sums, needs.metrics)),
        statements=engine.statements,
        engine=engine.name,
    )


def _refuse_unknown(plan: Plan, needs: Needs) -> None:
    """Stop where an exploration is about units by what cannot be had of them: all units would be another answer."""
    conditions = plan.study.segments.get(WITHIN)
    if conditions and needs.properties and WITHIN in needs.properties.unknown:
        raise DataError(
            f"{', '.join(conditions)}: not to be had for every unit as it was before its assignment; choose properties "
            "that the source of the units lists, or that are derived from facts, and no `top`"
        )


def _needs(plan: Plan, base: Units) -> Needs:
    known = named(plan.study, keyed=base.keyed, timed=base.timed)
    if plan.interim:
        # What was before the assignment is no outcome; the alarm of harm is about nothing but what it watches.
        metrics = measured(plan) if base.keyed and base.timed else ()
        watched = tuple(replace(metric, periods=()) for metric in metrics if metric.planned in plan.watched)
        past = tuple(metric for metric in metrics if metric.covariates and metric.planned not in plan.watched)
        return Needs(watched, properties=known, past=past)
    daily = tuple(curve.daily for curve in plan.curves if curve.daily)
    return Needs(measured(plan), (*daily, *plan.survival), known, bought(plan))


def held(engine: Engine, plan: Plan, base: Units, found: Enrolled, needs: Needs) -> UnitTable:
    """The table of units, held: everything below reads it and no source."""
    with refused("the metrics"):
        made = unit_table(engine, plan, base, found, needs)
    read_from = [planned.sources for planned in plan.metrics] + [vector.sources for vector in plan.vectors]
    sources = dict.fromkeys(source for names in read_from for source in names)
    listed = "".join(
        f"\n  {element.name}: in units of 10^-{element.scale}" for element in needs.elements.values() if element.scale
    )
    what = f"one row a unit, from {', '.join(sources)}" if sources and needs.metrics else "one row a unit"
    return replace(made, table=engine.hold(what + listed, made.table, UNIT_TABLE))


@dataclass(frozen=True, slots=True)
class _Cells:
    cells: dict[tuple[str, str], Cell]
    periods: dict[tuple[str, str, int], Moments]
    trends: dict[tuple[str, str], Moments]


def _cells(now: _Read, sums: Sums) -> _Cells:
    """Every metric of every variant."""
    table, metrics = now.table, sums.metrics
    rows = now.engine.rows(
        _purpose(now.plan, sums, metrics),
        table.group_by("variant").aggregate(**sums.aggregates(table, metrics)).order_by("variant"),
    )
    by_variant = {variant_of(now.plan, row["variant"]): row for row in rows}
    clusters = cluster_sums(now.engine, now.plan, table, sums) if "cluster" in table.columns else {}
    cells: dict[tuple[str, str], Cell] = {}
    periods: dict[tuple[str, str, int], Moments] = {}
    trends: dict[tuple[str, str], Moments] = {}
    for metric in metrics:
        sums.refuse(metric, rows)
        for variant in now.plan.study.experiment.variants:
            row = by_variant.get(variant)
            key = (metric.planned.key, variant)
            cells[key] = sums.cell(metric, variant, row)
            if (found := clusters.get(key)) is not None:
                cells[key] = replace(cells[key], clusters=found.moments, few_clusters=found.each)
            periods |= {(*key, first): moments for first, moments in sums.periods(metric, row).items()}
            if (slope := sums.trend(metric, row)) is not None:
                trends[key] = slope
    return _Cells(cells, periods, trends)


def _purpose(plan: Plan, sums: Sums, metrics: tuple[Measured, ...]) -> str:
    """What the columns are, so that whoever pastes the statement can work out every number again."""
    lines = [
        "all moments of all metrics, one row a variant",
        "  n units; s sums and p sums of products, in the units above (of 0 and 1 the sum is its own square's);",
        "  of numbers without such a unit: mean means, p variances and covariances",
        "  m0, m1, ...: which units count for a metric; _cap0, _cap1, ...: limited by a cap",
        "  variant: " + ", ".join(f"{place} is {key}" for place, key in enumerate(plan.study.experiment.variants)),
    ]
    for metric in metrics:
        names = [value.name for value in sums.values(metric)]
        count = len(metric.elements)
        line = f"  {metric.planned.key}: {sums.mask(metric)[0]}, {' over '.join(names[:count])}"
        lines.append(line + (f", with {', '.join(names[count:])}" if names[count:] else ""))
        if metric.trend:
            times = steps(whole_parts(metric))
            lines.append(
                f"  {metric.trend.name}: sum of (2 k - K + 1) times part k of K, which is {times} times the slope"
            )
    return "\n".join(lines)


def _together(now: _Read, sums: Sums) -> tuple[tuple[str, ...], tuple[Together, ...]]:
    """The segments of an exploration that can be had, and how many units that count for its metric lie in each cell of
    all of them together; a dimension of very many levels is none, here as everywhere."""
    named = [name for name in now.plan.study.experiment.analysis.segments if OWN + name in now.table.columns]
    counts = {f"n{place}": now.table[OWN + name].nunique() for place, name in enumerate(named)}
    most = MAX_LEVELS * len(now.plan.study.experiment.variants)
    (found,) = now.engine.rows("how many levels each segment has", now.table.aggregate(**counts)) if counts else ({},)
    names = tuple(name for place, name in enumerate(named) if found[f"n{place}"] <= most)
    table = now.table
    if sums.metrics and (kept := sums.mask(sums.metrics[0])[1](table)) is not None:
        table = table.filter(kept)
    columns = [f"l{place}" for place in range(len(names))]
    table = table.mutate(
        **{column: table[OWN + name].cast("string") for column, name in zip(columns, names, strict=True)}
    )
    counted = table.group_by("variant", *columns).aggregate(n=table.count()).order_by("variant", *columns)
    rows = now.engine.rows("units by all that is or was asked of them", counted.limit(MAX_CELLS + 1))
    if len(rows) > MAX_CELLS:
        raise DataError(
            "what was asked so far cuts the units into too many cells to tell what subtraction would show of few of "
            "them; ask without a segment, or for a property that was asked for before"
        )
    cells = (
        Together(variant_of(now.plan, row["variant"]), tuple(row[column] for column in columns), int(row["n"]))
        for row in rows
    )
    return names, tuple(cells)


def _segments(now: _Read, sums: Sums) -> tuple[dict[tuple[str, str, str, str | None], Cell], tuple[str, ...]]:
    """Every metric of every variant within the segments and strata that were planned, and the primary by the day of
    assignment; a dimension of very many levels is left out."""
    experiment = now.plan.study.experiment
    segments = [name for name in experiment.analysis.segments if name not in now.plan.counted_only]
    asked = dict.fromkeys([*segments, *experiment.assignment.strata])
    columns = {name: f"{OWN}{name}" for name in asked if f"{OWN}{name}" in now.table.columns}
    strata = [columns[name] for name in experiment.assignment.strata if name in columns]
    if len(strata) > 1:
        now = replace(now, table=now.table.mutate(**{f"{OWN}{ACROSS}": _across(now.table, strata)}))
        columns[ACROSS] = f"{OWN}{ACROSS}"
    # How an effect moves over time is a question about all units together.
    metrics = tuple(replace(metric, periods=(), trend=None) for metric in sums.metrics if metric.metric)
    found: dict[tuple[str, str, str, str | None], Cell] = {}
    unread: list[str] = []
    for name, column in columns.items():
        rows = _by_level(now, sums, metrics, name, now.table[column].cast("string"))
        if rows is None:
            unread.append(name)
            continue
        for metric in metrics:
            for row in rows:
                variant = variant_of(now.plan, row["variant"])
                found[metric.planned.key, variant, name, row["level"]] = sums.cell(metric, variant, row)
    if "day0" in now.table.columns and "assigned_on" not in columns:
        primary = tuple(metric for metric in metrics if metric.role == "primary")
        for row in _by_level(now, sums, primary, "assigned_on", now.table.day0) or ():
            variant = variant_of(now.plan, row["variant"])
            key = (primary[0].planned.key, variant, "assigned_on", date_of(row["level"]).isoformat())
            found[key] = sums.cell(primary[0], variant, row)
    return found, tuple(unread)


def _across(table: Any, columns: list[str]) -> Any:
    """Several columns as one text, for the cells that all of them make together."""
    texts = [ibis.coalesce(table[column].cast("string"), ibis.literal("")) for column in columns]
    return reduce(lambda left, right: left + ibis.literal("\x1f") + right, texts)


def _by_level(
    now: _Read, sums: Sums, metrics: tuple[Measured, ...], name: str, level: Any
) -> list[dict[str, Any]] | None:
    """The sums of each variant within each level; None where there are more levels than a dimension has."""
    table = now.table.mutate(level=level)
    grouped = table.group_by("variant", "level").aggregate(**sums.aggregates(table, metrics))
    most = MAX_LEVELS * len(now.plan.study.experiment.variants)
    rows = now.engine.rows(f"the same within {name}", grouped.order_by("variant", "level").limit(most + 1))
    return None if len(rows) > most else rows


def _curves(now: _Read, needs: Needs, made: UnitTable) -> Iterator[tuple[tuple[str, str], Curve]]:
    for days in needs.days:
        yield from read_curve(now.engine, now.plan, now.table, days, made.activity.get(days.key)).items()


def _caps(sums: Sums, metrics: tuple[Measured, ...]) -> Iterator[tuple[str, float]]:
    """The caps that were applied, in the metric's own units."""
    for metric in metrics:
        element = metric.elements[0]
        cap = sums.caps.get((element.name, metric.planned.key))
        if cap is not None:
            yield metric.planned.key, cap / 10 ** (element.scale or 0)
