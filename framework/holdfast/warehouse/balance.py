"""Exact moments, by variant, of what was known of the units before their assignment: one scan of their properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, Literal

import ibis

from holdfast.model.reading import Balance, KnownBefore, LeftOut, Moments
from holdfast.model.study import Study
from holdfast.warehouse.before import OWN, Named, before, named
from holdfast.warehouse.dialects import adds_whole
from holdfast.warehouse.engine import Engine, refused
from holdfast.warehouse.exact import NARROW, total, total_of_product, whole
from holdfast.warehouse.units import Units

MAX_COLUMNS = 20
"""Columns that are compared together; properties beyond are left out, by name."""
MAX_PROPERTIES = 30
"""Properties that are looked at: of so many some are no categories, and the others fill the columns."""
MAX_CELLS = 10
"""Cells of a category that stand alone; the rest is one."""
MAX_VALUES = 200
"""A text with more values than this is a name, a place or an id, and no category."""
EXPECTED = 10
"""Units that the smallest variant must be expected to have in a cell: with fewer, the test is not to be trusted."""
_HELD = "holdfast_known_before"
_DIGITS = 6
"""Digits after the point that are kept of numbers with a fraction."""
_LARGEST = 10**14
"""Integers beyond this count as missing: they are no plausible property, and no sum of squares may overflow."""
LOG_DIGITS = 4
"""Digits after the point that are kept of a logarithm."""


@dataclass(frozen=True, slots=True)
class _Property:
    """One property as it is held: its column, and for numbers the digits after the point."""

    name: str
    column: str
    kind: Literal["number", "category"]
    scale: int

    @property
    def log(self) -> str:
        """The column that holds the logarithm of a number."""
        return f"log_{self.column}"


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What decides, over all variants, whether a cell can be judged."""

    smallest: float
    """The smallest variant's share of the units."""
    minimum: int

    def enough(self, units: int) -> bool:
        """Whether so many units are a cell of their own."""
        return units >= self.minimum and units * self.smallest >= EXPECTED


def read_balance(engine: Engine, study: Study, base: Units) -> Balance | None:
    """What the variants of a draw would be like; None where nothing is known of the units."""
    found = named(study, keyed=base.keyed, timed=base.timed)
    if not found.compared:
        return None
    with refused("what was known of the units before their assignment"):
        relation = before(engine, study, base.table, found)
    return balance_of(engine, study, relation, found)


def balance_of(
    engine: Engine, study: Study, relation: Any, found: Named | None, *, held: bool = False
) -> Balance | None:
    """What the variants were like before the experiment, from one row a unit with its properties as own_<name>; None
    where nothing is known of the units.

    Args:
        held: the relation is the table of units, where each variant stands as its place in the experiment.
    """
    if found is None or not found.compared:
        return None
    variants = study.experiment.variants
    # A few units in a variant that nobody may have would leave no cell large enough in all variants.
    planned = {place if held else key: key for place, key in enumerate(variants) if variants[key].weight}
    people = relation.filter(relation.variant.isin(list(planned)))
    columns = {name: OWN + name for name in found.compared}
    made = balance(engine, people, columns, study.project.privacy.minimum_cell, held=held)
    vectors = {planned[variant]: moments for variant, moments in made.vectors.items()}
    numbers = {(name, planned[variant]): moments for (name, variant), moments in made.numbers.items()}
    made = replace(made, vectors=vectors, numbers=numbers)
    left_out: dict[str, LeftOut] = {**made.left_out, **dict.fromkeys(found.unknown, "unknown")}
    left_out |= dict.fromkeys(found.skipped, "audience_only")
    return replace(made, left_out=left_out)


def balance(
    engine: Engine, relation: Any, properties: Mapping[str, str], minimum_cell: int = 20, *, held: bool = False
) -> Balance:
    """What the units of each variant are like, in moments.

    Args:
        engine: an open engine.
        relation: one row a unit, with a column `variant`; units without a variant are left out.
        properties: what is compared, the most important first: name to column of the relation.
        minimum_cell: cells of fewer units are put together with others.
        held: the relation is held already, so that it is read as it stands and not written once more.

    Numbers count by sign(x) log(1 + |x|), which keeps a few large sums from deciding; their own means and variances
    stand beside. A missing number stands at the mean, and whether it is missing is a column of its own. Texts and flags
    become cells: the ten most common, the rest, and one for none. Cells too small to be judged are put together by
    their size over all variants, which says nothing of how they were split.
    """
    columns, usable, left_out = _usable(relation, properties)
    nothing = Balance(properties=(), vectors={}, numbers={}, left_out=left_out)
    if not usable:
        return nothing
    narrow = relation.select("variant", **columns)
    logs = {item.log: logarithm(narrow[item.column], item.scale) for item in usable if item.kind == "number"}
    narrow = narrow.mutate(**logs).filter(narrow.variant.notnull())
    table = narrow if held else engine.hold("what was known of each unit before its assignment", narrow, _HELD)
    counts: dict[str, list[dict[str, Any]]] = {}
    for row in engine.rows("how many units have which property", _counts(table, usable)):
        counts.setdefault(row["part"], []).append(row)
    units = [int(row["n"]) for row in counts.get("variant", [])]
    if not units:
        return nothing
    sizes = _Sizes(min(units) / sum(units), minimum_cell)
    known: list[tuple[_Property, KnownBefore]] = []
    vector: list[tuple[Any, int]] = []
    for item in usable:
        make = _number if item.kind == "number" else _cells
        made = make(table, counts[item.column], item, sizes)
        if isinstance(made, str) or len(vector) + len(made) > MAX_COLUMNS:
            left_out[item.name] = made if isinstance(made, str) else "too_many"
            continue
        places = tuple(range(len(vector), len(vector) + len(made)))
        known.append((item, KnownBefore(name=item.name, kind=item.kind, columns=places)))
        vector += made
    largest = {
        name: max(abs(int(row["least"])), abs(int(row["most"])))
        for name, rows in counts.items()
        for row in rows
        if row["least"] is not None
    }
    return replace(_moments(engine, table, known, vector, largest), left_out=left_out) if known else nothing


def _usable(relation: Any, properties: Mapping[str, str]) -> tuple[dict[str, Any], list[_Property], dict[str, LeftOut]]:
    """The properties that can be compared, with the columns that hold them, and why others cannot."""
    held: dict[str, Any] = {}
    usable: list[_Property] = []
    left_out: dict[str, LeftOut] = {}
    for name, column in properties.items():
        found = _prepared(relation[column])
        if isinstance(found, str) or len(usable) == MAX_PROPERTIES:
            left_out[name] = found if isinstance(found, str) else "too_many"
            continue
        kind, value, scale = found
        usable.append(_Property(name, f"p{len(usable)}", kind, scale))
        held[usable[-1].column] = value
    return held, usable, left_out


def _prepared(column: Any) -> tuple[Literal["number", "category"], Any, int] | LeftOut:
    """A property as it is held: a text for categories, an integer in units of 10**-scale for numbers."""
    kind = column.type()
    if kind.is_boolean() or kind.is_string():
        return "category", column.cast("string"), 0
    if kind.is_integer():
        return "number", column.between(-_LARGEST, _LARGEST).ifelse(column, ibis.null(kind)).cast("int64"), 0
    if kind.is_numeric():
        value = column.cast("float64")
        limit = _LARGEST / 10**_DIGITS
        # Neither infinity nor what is no number lies between.
        plausible = value.between(-limit, limit).ifelse(value, ibis.null("float64"))
        return "number", (plausible * 10**_DIGITS).round().cast("int64"), _DIGITS
    return "date" if kind.is_date() or kind.is_timestamp() else "kind"


def logarithm(column: Any, scale: int) -> Any:
    """sign(x) log(1 + |x|) as an integer."""
    value = (column.abs().cast("float64") / 10**scale + 1).log() * 10**LOG_DIGITS
    return value.round().cast("int64") * column.sign().cast("int64")


def _counts(table: Any, properties: list[_Property]) -> Any:
    """One row for each variant, each value of each category, and the known (0) and the missing (1) of each number."""

    def part(name: str, value: Any, number: Any | None = None, raw: Any | None = None) -> Any:
        grouped = table.mutate(value=value)
        if number is not None:
            grouped = grouped.mutate(number=number, raw=raw)
        none = ibis.null("int64")
        measures = {
            "n": grouped.count(),
            "low": none if number is None else grouped.number.min(),
            "high": none if number is None else grouped.number.max(),
            "middle": none if number is None else grouped.number.mean().round().cast("int64"),
            "least": none if number is None else grouped.raw.min(),
            "most": none if number is None else grouped.raw.max(),
        }
        found = grouped.group_by("value").aggregate(**measures)
        found = found.order_by(found.n.desc(), found.value.asc(nulls_first=True)).limit(MAX_VALUES + 1)
        # As text only here, where there are few of them.
        return found.select(
            part=ibis.literal(name), value=found.value.cast("string"), **{key: found[key] for key in measures}
        )

    parts = [part("variant", table.variant)]
    for item in properties:
        column = table[item.column]
        if item.kind == "category":
            parts.append(part(item.column, column))
        else:
            parts.append(part(item.column, column.isnull().ifelse(1, 0), table[item.log], column))
    return reduce(lambda first, more: first.union(more), parts)


def _number(
    table: Any, counts: list[dict[str, Any]], item: _Property, sizes: _Sizes
) -> list[tuple[Any, int]] | LeftOut:
    """The columns of a number: its logarithm, and whether it is missing where that is neither rare nor the rule."""
    by_missing = {int(row["value"]): row for row in counts}
    known, missing = by_missing.get(0), int(by_missing.get(1, {}).get("n", 0))
    if known is None or not sizes.enough(int(known["n"])):
        return "hardly_varies"
    found = []
    if known["low"] != known["high"]:
        # Around the middle, so that nothing is lost to a large mean and what is missing says nothing here.
        middle = ibis.literal(int(known["middle"]), type="int64")
        found.append((ibis.coalesce(table[item.log], middle) - middle, LOG_DIGITS))
    if sizes.enough(missing):
        found.append((table[item.column].isnull().ifelse(1, 0), 0))
    return found or "hardly_varies"


def _cells(table: Any, counts: list[dict[str, Any]], item: _Property, sizes: _Sizes) -> list[tuple[Any, int]] | LeftOut:
    """The columns of a category: whether a unit is in each of its cells but the largest."""
    if len(counts) > MAX_VALUES:
        return "many_values"
    ordered = sorted(counts, key=lambda row: (-int(row["n"]), row["value"] is not None, row["value"] or ""))
    alone = [row for row in ordered if sizes.enough(int(row["n"]))][:MAX_CELLS]
    rest = sum(int(row["n"]) for row in ordered) - sum(int(row["n"]) for row in alone)
    while rest and alone and not sizes.enough(rest):
        rest += int(alone.pop()["n"])
    column = table[item.column]
    found = [_equals(column, row["value"]).ifelse(1, 0) for row in alone[1:]]
    if rest and alone:
        found.append(reduce(or_, (_equals(column, row["value"]) for row in alone)).ifelse(0, 1))
    return [(value, 0) for value in found] or "hardly_varies"


def _equals(column: Any, value: str | None) -> Any:
    """Whether a value is the one of a cell; never null."""
    return column.isnull() if value is None else ibis.coalesce(column == value, ibis.literal(False))


def _coarser(largest: int) -> int:
    """Last digits of a number that are dropped so that its square fits into 64 bits: nine are left of the largest."""
    dropped = 0
    while (largest // 10**dropped + 1) ** 2 >= NARROW:
        dropped += 1
    return dropped


def _moments(
    engine: Engine,
    table: Any,
    known: list[tuple[_Property, KnownBefore]],
    vector: list[tuple[Any, int]],
    largest: Mapping[str, int],
) -> Balance:
    """Exact sums of all columns and of their products, by variant; `largest` is the largest absolute value of each
    number."""
    whole_sums = adds_whole(engine.backend.name)
    size = range(len(vector))
    wide = table.mutate(**{f"c{place}": value.cast("int64") for place, (value, _) in enumerate(vector)})
    sums: dict[str, Any] = {"n": wide.count()}
    sums |= {f"s{i}": wide[f"c{i}"].sum().cast("string") for i in size}
    sums |= {f"s{i}_{j}": (wide[f"c{i}"] * wide[f"c{j}"]).sum().cast("string") for i in size for j in size if i <= j}
    numbers = [item for item, _ in known if item.kind == "number"]
    coarser = {item.name: _coarser(largest.get(item.column, 0)) for item in numbers}
    for item in numbers:
        column = wide[item.column]
        if coarser[item.name]:
            column = (column // 10 ** coarser[item.name]).cast("int64")
        sums[f"{item.column}_n"] = column.count()
        sums[f"{item.column}_s"] = total(column, None, narrow=whole_sums)
        sums[f"{item.column}_q"] = total_of_product(column, column, None, narrow=whole_sums)
    listed = "\n".join(f"  {item.column}: {item.name}" for item, _ in known)
    purpose = f"what the variants were like before: sums and sums of products\n{listed}"
    rows = engine.rows(purpose, wide.group_by("variant").aggregate(**sums).order_by("variant"))
    scales = tuple(scale for _, scale in vector)
    vectors = {}
    own = {}
    for row in rows:
        pairs = {(i, j): whole(row[f"s{i}_{j}"]) for i in size for j in size if i <= j}
        totals = tuple(whole(row[f"s{i}"]) for i in size)
        vectors[row["variant"]] = Moments.from_sums(int(row["n"]), totals, pairs, scales)
        for item in numbers:
            step = 10 ** coarser[item.name]
            one = {(0, 0): whole(row[f"{item.column}_q"]) * step**2}
            added = (whole(row[f"{item.column}_s"]) * step,)
            own[item.name, row["variant"]] = Moments.from_sums(int(row[f"{item.column}_n"]), added, one, (item.scale,))
    return Balance(properties=tuple(each for _, each in known), vectors=vectors, numbers=own)
