"""The one statement behind a number: n, mean and variance of a metric in each variant, as SQL to be pasted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis

from holdfast.model.metric import Quantile
from holdfast.model.plan import Plan
from holdfast.warehouse.curves import read_curve
from holdfast.warehouse.elements import Measured, measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.measures import Needs
from holdfast.warehouse.quantiles import Places, read_quantiles
from holdfast.warehouse.read import held
from holdfast.warehouse.sums import Sums, prepare
from holdfast.warehouse.units import enrolled, units

_ABOUT = {
    "mean": "n: units that count, mean and variance (n - 1) of the number per unit",
    "ratio": "n: units that count, mean: sum over sum, variance (n - 1) of a unit's number around it, by the delta "
    "method, so that the mean's own variance is variance / n",
    "quantile": "the sorted values that the quantile and the bounds of its interval are, by rank from 1",
    "survival": "units by the day of the event (happened = 1) or the number of days followed (happened = 0)",
}
_IN_RESULTS = {
    "mean": "in results.json under levels: n, value (unadjusted, where the estimate is adjusted), unit_variance",
    "ratio": "in results.json under levels: n, value (unadjusted, where the estimate is adjusted), se squared times n",
    "quantile": "in results.json under levels: value is the one in the middle",
    "survival": "in results.json under survival: at_risk and events of each day, which these counts add up to",
}


def statement(engine: Engine, plan: Plan, assigned: Any | None, places: Places) -> str:
    """The statement behind the only metric of a plan, with a head of comments that says what it is.

    Raises:
        DataError: tables or columns are missing, or hold what the metric cannot use.
    """
    (planned,) = plan.metrics
    found, base = enrolled(engine, plan, units(engine, plan, assigned))
    metrics = tuple(replace(each, covariates=(), periods=(), trend=None) for each in measured(plan))
    made = held(engine, plan, base, found, Needs(metrics, plan.survival))
    if plan.survival:
        read_curve(engine, plan, made.table, plan.survival[0], None)
        return _headed(engine, plan, "survival", engine.whole())
    sums, _ = prepare(engine, plan, found, made.table, metrics)
    (metric,) = metrics
    if isinstance(planned.metric, Quantile):
        rows = _sizes(engine, plan, sums, metric, made.table)
        read_quantiles(engine, made.table, sums, rows, places)
        return _headed(engine, plan, "quantile", engine.whole(), metric=metric)
    kind = "ratio" if len(metric.elements) > 1 else "mean"
    cap = sums.caps.get((metric.elements[0].name, planned.key))
    told = "" if cap is None else f"{cap / 10 ** (metric.elements[0].scale or 0):g}"
    return _headed(engine, plan, kind, engine.whole(_moments(plan, sums, metric, made.table)), cap=told)


def _moments(plan: Plan, sums: Sums, metric: Measured, table: Any) -> Any:
    """Units, mean and variance of each variant."""
    kept = sums.mask(metric)[1](table)
    table = table if kept is None else table.filter(kept)
    parts = [value.of(table).cast("float64") / 10 ** (value.element.scale or 0) for value in sums.values(metric)]
    names = enumerate(plan.study.experiment.variants)
    wide = table.select(
        place=table.variant,
        variant=ibis.cases(*((table.variant == place, key) for place, key in names)),
        **{f"x{place}": part for place, part in enumerate(parts)},
    )
    grouped = wide.group_by("place", "variant")
    if len(parts) == 1:
        found = grouped.aggregate(n=wide.count(), mean=wide.x0.mean(), variance=wide.x0.var(how="sample"))
        return found.order_by("place").drop("place")
    found = grouped.aggregate(
        n=wide.count(),
        mean_numerator=wide.x0.mean(),
        mean_denominator=wide.x1.mean(),
        v0=wide.x0.var(how="sample"),
        v1=wide.x1.var(how="sample"),
        v01=wide.x0.cov(wide.x1, how="sample"),
    )
    found = found.mutate(mean=found.mean_numerator / found.mean_denominator)
    spread = found.v0 - found.mean * found.v01 * 2 + found.mean * found.mean * found.v1
    found = found.mutate(variance=spread / (found.mean_denominator * found.mean_denominator))
    chosen = found.order_by("place")
    return chosen.select("variant", "n", "mean_numerator", "mean_denominator", "mean", "variance")


def _sizes(engine: Engine, plan: Plan, sums: Sums, metric: Measured, table: Any) -> dict[tuple[str, str], Any]:
    """The cells that say how many values a quantile has."""
    rows = engine.rows("how many units count", table.group_by("variant").aggregate(**sums.aggregates(table, (metric,))))
    names = list(plan.study.experiment.variants)
    return {(metric.planned.key, names[row["variant"]]): sums.cell(metric, names[row["variant"]], row) for row in rows}


def _where(engine: Engine, plan: Plan) -> str:
    """What has to be there besides the engine."""
    connection = plan.study.project.connection
    if connection.database:
        return f", in the database {connection.database}"
    in_files = plan.study.experiment.assignment.by_holdfast and plan.study.project.assignment_store is None
    if engine.local is not engine and in_files:
        return ", where the assignment lies in files: give the engine a table of them, by the name in the statement"
    return ""


def _headed(engine: Engine, plan: Plan, kind: str, sql: str, *, metric: Measured | None = None, cap: str = "") -> str:
    (planned,) = plan.metrics
    title = " ".join(planned.metric.title.split())
    named = f"{planned.key} ({title})" if title else planned.key
    lines = [f"{named} of {plan.study.slug}, everything before {plan.as_of} 00:00 in {plan.study.timezone}"]
    scale = None if metric is None else metric.elements[0].scale
    if kind == "quantile" and scale:
        lines.append(f"value: in units of 10^-{scale}")
    if planned.window is not None:
        last = planned.window.end_day - 1
        days = f"day {last}" if planned.window.first_day == last else f"days {planned.window.first_day} to {last}"
        lines.append(f"{days} since each unit's assignment, {planned.clock}, of units whose last day has passed")
    lines += [_ABOUT[kind], _IN_RESULTS[kind]]
    if cap:
        lines.append(f"capped at {cap}, which the analysis finds first: the percentile over the values above zero")
    if kind in {"quantile", "survival"}:
        names = enumerate(plan.study.experiment.variants)
        lines.append("variant: " + ", ".join(f"{place} is {key}" for place, key in names))
    lines.append(f"for {engine.name}" + _where(engine, plan))
    head = "\n".join(f"-- {line}" for line in lines)
    # Moments that are stored with a zone are compared as UTC.
    zone = "SET TimeZone = 'UTC';\n" if engine.dialect == "duckdb" else ""
    return f"{head}\n{zone}{sql};\n"
