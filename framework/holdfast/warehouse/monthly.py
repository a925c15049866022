"""Customers by calendar month: each source is scanned once into one row a customer, which is then summed."""

from __future__ import annotations

import datetime as dt
from functools import reduce
from itertools import pairwise
from typing import Any

import ibis

from holdfast.model.kpi import Asked, MonthCounts
from holdfast.model.predicate import Predicate
from holdfast.model.source import EventSource, UnitSource
from holdfast.model.study import Study
from holdfast.model.values import FactRef
from holdfast.warehouse.audience import unit_rows
from holdfast.warehouse.clock import DAY, micros_of
from holdfast.warehouse.engine import Engine, refused
from holdfast.warehouse.exact import total, whole
from holdfast.warehouse.facts import Facts, Reach, Use, read_facts
from holdfast.warehouse.relations import matches, unit_name

_NEVER = -(2**62)


def by_month(engine: Engine, study: Study, asked: Asked) -> tuple[MonthCounts, ...]:
    """The counts of every month and level, of all customers that the project does not exclude.

    Raises:
        DataError: tables or columns are missing, or are of kinds that cannot be used.
    """
    with refused("customers by month"):
        customers = reduce(_together, [_of_source(engine, study, asked, name) for name in asked.sources])
        table = _levelled(engine, study, asked, customers)
        table = engine.hold("one row a customer", table, "holdfast_customers")
        grouped = table.group_by("level").aggregate(**_sums(study, asked, table))
    rows = engine.rows("customers, orders and revenue of every month", grouped.order_by("level"))
    digits = _digits(study, asked)
    return tuple(_counts(row, month, digits) for row in rows for month in range(len(asked.starts) - 2))


def _together(one: Any, more: Any) -> Any:
    """Customers with facts in either of two sources."""
    joined = one.outer_join(more, "unit")
    return joined.mutate(unit=ibis.coalesce(joined.unit, joined.unit_right)).drop("unit_right")


def _use(asked: tuple[FactRef, Predicate], *, valued: bool = False) -> Use:
    return Use(asked[0], asked[1], valued)


def _of_source(engine: Engine, study: Study, asked: Asked, name: str) -> Any:
    """One row for each customer with a fact of the source: what happened in each month."""
    uses = {"a": _use(asked.active), "o": _use(asked.order), "r": _use(asked.revenue, valued=True)}
    uses |= {"l": _use(asked.lapsing)} if asked.lapsing else {}
    own = {letter: use for letter, use in uses.items() if use.fact.source == name}
    facts = read_facts(engine, study, name, list(own.values()), Reach(None, asked.starts[-1]))
    table = facts.table.filter(facts.table.us < micros_of(asked.starts[-1]))
    facts = facts.beside(table)
    columns: dict[str, Any] = {}
    for letter, use in own.items():
        columns |= _columns(facts, letter, use, asked.starts)
    return table.group_by("unit").aggregate(**columns)


def _columns(facts: Facts, letter: str, use: Use, starts: tuple[dt.datetime, ...]) -> dict[str, Any]:
    table, counts = facts.table, facts.counts(use)
    edges = [micros_of(start) for start in starts]
    inside = [(table.us >= first) & (table.us < end) for first, end in pairwise(edges)]

    def where(condition: Any) -> Any:
        return condition if counts is None else condition & counts

    if letter == "l":
        # The last activity before each month begins, and before the last one ends.
        return {
            f"l{place - 1}": table.us.max(where=where(table.us < edge)) for place, edge in enumerate(edges) if place
        }
    if letter == "r":
        return {
            f"r{place - 1}": facts.value(use).sum(where=where(month)) for place, month in enumerate(inside) if place
        }
    found = {f"{letter}{place}": table.count(where=where(month)) for place, month in enumerate(inside)}
    if letter == "o":
        found["first"] = table.us.min(where=counts)
    return found


def _levelled(engine: Engine, study: Study, asked: Asked, customers: Any) -> Any:
    """The customers with their level; without those that the project excludes."""
    unit = study.project.units[unit_name(study)]
    listed = isinstance(study.sources[unit.source], UnitSource)
    if not listed or not (asked.by or unit.exclude):
        return customers.mutate(level=ibis.null("string"))
    predicate = study.segments.get(asked.by or "")
    names = list(predicate) if predicate else [asked.by] if asked.by else []
    rows = unit_rows(engine, study, None, names)
    if predicate:
        value = matches(rows, predicate, "own_")
    else:
        value = rows[f"own_{asked.by}"] if asked.by else ibis.null("string")
    rows = rows.select(unit=rows.unit, level=value.cast("string"))
    joined = customers.join(rows, "unit") if unit.exclude else customers.left_join(rows, "unit")
    return joined.drop("unit_right") if "unit_right" in joined.columns else joined


def _sums(study: Study, asked: Asked, table: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    edges = [micros_of(start) for start in asked.starts]
    exact = _digits(study, asked) is not None

    def some(name: str) -> Any:
        return ibis.coalesce(table[name], ibis.literal(0)) > 0

    for month in range(len(edges) - 2):
        before, now, ordered = some(f"a{month}"), some(f"a{month + 1}"), some(f"o{month + 1}")
        revenue = ibis.coalesce(table[f"r{month}"], ibis.literal(0))
        found |= {
            f"before{month}": table.count(where=before),
            f"retained{month}": table.count(where=before & now),
            f"customers{month}": table.count(where=ordered),
            f"repeaters{month}": table.count(where=ordered & (table["first"] < edges[month + 1])),
            f"orders{month}": total(ibis.coalesce(table[f"o{month + 1}"], ibis.literal(0)), None, narrow=False),
            f"revenue{month}": total(revenue, None, narrow=False) if exact else revenue.cast("float64").sum(),
        }
        if asked.lapsing:
            span = asked.inactivity_days * DAY
            start, end = (ibis.coalesce(table[f"l{place}"], ibis.literal(_NEVER)) for place in (month, month + 1))
            alive = start >= edges[month + 1] - span
            found[f"alive{month}"] = table.count(where=alive)
            found[f"lapsed{month}"] = table.count(where=alive & (end < edges[month + 2] - span))
    return found


def _digits(study: Study, asked: Asked) -> int | None:
    fact = asked.revenue[0]
    source = study.sources[fact.source]
    assert isinstance(source, EventSource)
    return source.facts[fact.fact].digits


def _counts(row: dict[str, Any], month: int, digits: int | None) -> MonthCounts:
    revenue = row[f"revenue{month}"]
    return MonthCounts(
        month=month,
        level=row["level"],
        active_before=int(row[f"before{month}"]),
        retained=int(row[f"retained{month}"]),
        alive=int(row.get(f"alive{month}") or 0),
        lapsed=int(row.get(f"lapsed{month}") or 0),
        customers=int(row[f"customers{month}"]),
        repeaters=int(row[f"repeaters{month}"]),
        orders=whole(row[f"orders{month}"]),
        revenue=float(revenue or 0.0) if digits is None else whole(revenue) / 10**digits,
    )
