"""How units bought within a window: counted by their days of buying, and by what they spent. Never a row a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from holdfast.model.reading import Buying, BuyingHistory, BuyingSpend
from holdfast.warehouse.elements import Bought, Element, Measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.exact import total, whole
from holdfast.warehouse.sums import Sums
from holdfast.warehouse.units import variant_of

_FINENESS = 50
"""Units whose mean spend lies within a factor of e^(1/50), 2%, are counted together."""


def read_buying(engine: Engine, table: Any, sums: Sums, wanted: Sequence[Bought]) -> dict[tuple[str, str], Buying]:
    """(metric, variant) to how its mature units bought, from the table of units."""
    found: dict[tuple[str, str], Buying] = {}
    for one in wanted:
        kept = _kept(table, sums, one)
        histories, spend = _histories(engine, sums, kept, one), _spend(engine, sums, kept, one)
        for variant in sums.plan.study.experiment.variants:
            counts = Buying(tuple(histories.get(variant, ())), tuple(spend.get(variant, ())))
            found[one.planned.metric, variant] = counts
    return found


def _measured(sums: Sums, one: Bought) -> Measured:
    return next(metric for metric in sums.metrics if metric.planned == one.planned.vector)


def _kept(table: Any, sums: Sums, one: Bought) -> Any:
    """The mature units that bought."""
    bought = table[one.elements[0].name] > 0
    mature = sums.mask(_measured(sums, one))[1](table)
    return table.filter(bought if mature is None else bought & mature)


def _histories(engine: Engine, sums: Sums, kept: Any, one: Bought) -> dict[str, list[BuyingHistory]]:
    count, first, last = (kept[element.name] for element in one.elements)
    start, step = one.planned.vector.window.first_day, one.planned.step
    both = {
        name: (start + (day - start) // step * step).cast("int32") if step > 1 else day
        for name, day in (("first", first), ("last", last))
    }
    wide = kept.select("variant", purchases=count, **both)
    by = ("variant", "purchases", "first", "last")
    rows = engine.rows(
        f"{one.planned.metric}: units by days with a purchase, and the first and last of those since assignment",
        wide.group_by(*by).aggregate(n=wide.count()).order_by(*by),
    )
    found: dict[str, list[BuyingHistory]] = {}
    for row in rows:
        history = BuyingHistory(int(row["purchases"]), int(row["first"]), int(row["last"]), int(row["n"]))
        found.setdefault(variant_of(sums.plan, row["variant"]), []).append(history)
    return found


def _spend(engine: Engine, sums: Sums, kept: Any, one: Bought) -> dict[str, list[BuyingSpend]]:
    value = _measured(sums, one).elements[1]
    count, column = kept[one.elements[0].name], kept[value.name]
    smallest = 1e-9 if value.scale is None else 1
    # Logarithms are taken of what is above zero alone, whichever branch an engine evaluates.
    each = ibis.greatest(column, ibis.literal(smallest)).cast("float64") / count
    level = (each.ln() * _FINENESS).floor().cast("int32")
    wide = kept.select("variant", purchases=count, value=column, level=(column > 0).ifelse(level, ibis.null("int32")))
    by = ("variant", "purchases", "level")
    exact = value.scale is not None
    added = total(wide.value, None, narrow=sums.whole) if exact else wide.value.sum()
    rows = engine.rows(
        f"{one.planned.metric}: units by days with a purchase and value per such day, to 2%; no level: 0 or less",
        wide.group_by(*by).aggregate(n=wide.count(), value=added).order_by(*by),
    )
    found: dict[str, list[BuyingSpend]] = {}
    for row in rows:
        found.setdefault(variant_of(sums.plan, row["variant"]), []).append(_level(row, value))
    return found


def _level(row: Mapping[str, Any], value: Element) -> BuyingSpend:
    purchases, n = int(row["purchases"]), int(row["n"])
    if row["level"] is None:
        return BuyingSpend(purchases, 0.0, n)
    amount = float(row["value"]) if value.scale is None else whole(row["value"]) / 10**value.scale
    return BuyingSpend(purchases, amount / (n * purchases), n)
