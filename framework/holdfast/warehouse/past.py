"""Exact moments, by variant, of what each metric was before the assignment, for a comparison of the variants then."""

from __future__ import annotations

from typing import Any

import ibis

from holdfast.model.plan import Plan
from holdfast.model.reading import Moments
from holdfast.warehouse.balance import LOG_DIGITS, logarithm
from holdfast.warehouse.dialects import adds_whole
from holdfast.warehouse.elements import Element, Measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.exact import total, total_of_product, whole
from holdfast.warehouse.units import variant_of

_LARGEST = 10**15
"""A floating number beyond this counts as none: it is no plausible sum."""


def read_past(engine: Engine, plan: Plan, table: Any, metrics: tuple[Measured, ...]) -> dict[tuple[str, str], Moments]:
    """(metric, variant) to the moments of the metric's own numbers over the days before assignment, of all units.

    Numbers count by sign(x) log(1 + |x|), which keeps a few large sums from deciding; beside each stands whether there
    was any such fact. Metrics without a past are left out.
    """
    pasts = {metric.planned.key: _own(metric) for metric in metrics}
    pasts = {key: elements for key, elements in pasts.items() if elements}
    elements = {element.name: element for own in pasts.values() for element in own}
    if not elements:
        return {}
    short = {name: f"b{place}" for place, name in enumerate(elements)}
    wide = table.select("variant", **{short[name]: _value(table[name], each) for name, each in elements.items()})
    narrow = adds_whole(engine.backend.name)
    sums: dict[str, Any] = {"n": wide.count()}
    for own in pasts.values():
        columns = [short[element.name] for element in own]
        for place, one in enumerate(columns):
            sums[f"s_{one}"] = total(wide[one], None, narrow=narrow)
            for other in columns[place:]:
                sums[f"p_{one}_{other}"] = total_of_product(wide[one], wide[other], None, narrow=narrow)
    listed = "\n".join(f"  {short[name]}: {name}" for name in elements)
    rows = engine.rows(
        f"each metric before the assignment, numbers by their logarithm: sums and sums of products\n{listed}",
        wide.group_by("variant").aggregate(**sums).order_by("variant"),
    )
    found: dict[tuple[str, str], Moments] = {}
    for row in rows:
        for key, own in pasts.items():
            columns = [short[element.name] for element in own]
            size = range(len(columns))
            products = {(i, j): whole(row[f"p_{columns[i]}_{columns[j]}"]) for i in size for j in size if i <= j}
            totals = tuple(whole(row[f"s_{column}"]) for column in columns)
            scales = tuple(0 if element.flag else LOG_DIGITS for element in own)
            found[key, variant_of(plan, row["variant"])] = Moments.from_sums(int(row["n"]), totals, products, scales)
    return found


def _own(metric: Measured) -> tuple[Element, ...]:
    """The metric's own past among its covariates, which may also be named properties."""
    return tuple(element for element in metric.covariates if element.days is not None and element.days.before)


def _value(column: Any, element: Element) -> Any:
    if element.flag:
        return column.cast("int64")
    if element.scale is None:
        column = column.between(-_LARGEST, _LARGEST).ifelse(column, ibis.literal(0.0))
    return logarithm(column, element.scale or 0)
