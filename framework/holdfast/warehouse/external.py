"""The table that another system wrote, counted and summed up, so that a later look can tell whether it is the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.study import Study
from holdfast.warehouse.dialects import SECOND, literal, micros, unit_text
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.labels import told_labels
from holdfast.warehouse.manifest import hash_sum, with_hash
from holdfast.warehouse.units import Units, external


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """What an assignment by another system says as of a date."""

    counts: Mapping[str, int]
    """Units by variant; those seen in several are in none."""
    rows: int
    unlisted: Mapping[str, int]
    """Rows by label that is no variant; only their number where there are many, since they may be ids."""
    duplicates: int
    """Rows beyond the first of a unit."""
    crossovers: int
    """Units seen in more than one variant."""
    checksum: str
    """The sum over rows of a 52-bit hash of unit, label and time of assignment."""


def look_at_table(engine: Engine, study: Study, before: dt.datetime) -> TableState:
    """The table of an external assignment, with what was assigned before an instant; all of it where it has no time.

    Raises:
        DataError: the table or a column is missing, or some rows have no key or no time of assignment.
    """
    base = external(engine, study)
    table = base.table
    if base.timed:
        table = table.filter(table.t0.isnull() | (table.t0 < literal(before)))
    _refuse_gaps(engine, study, table, base)
    hashed = with_hash(table, _text(study, table, base))
    found = engine.rows(
        "rows of the external assignment by label, with a checksum",
        hashed.group_by("variant", "label")
        .aggregate(n=hashed.count(), total=hashed.h.sum().cast("string"))
        .order_by("variant", "label"),
    )
    unlisted = {row["label"]: row["n"] for row in found if row["variant"] is None}
    unlisted = told_labels(study, unlisted)
    counts = dict.fromkeys(study.experiment.variants, 0)
    rows = sum(row["n"] for row in found)
    duplicates = crossovers = 0
    if base.keyed:
        by_variant = _by_unit(engine, table)
        counts |= {row["variant"]: row["n"] for row in by_variant if row["variant"] is not None and row["seen_in"] == 1}
        crossovers = sum(row["n"] for row in by_variant if row["seen_in"] > 1)
        duplicates = rows - sum(row["n"] for row in by_variant)
    else:
        for row in found:
            if row["variant"] is not None:
                counts[row["variant"]] += row["n"]
    return TableState(
        counts=counts,
        rows=rows,
        unlisted=unlisted,
        duplicates=duplicates,
        crossovers=crossovers,
        checksum=hash_sum(found),
    )


def _refuse_gaps(engine: Engine, study: Study, table: Any, base: Units) -> None:
    """Refuse rows that belong to nobody, or to no time."""
    wanted = {"key": "unit"} if base.keyed else {}
    wanted |= {"time of assignment": "t0"} if base.timed else {}
    if not wanted:
        return
    empty = {column: ibis.coalesce(table[column].isnull().sum(), 0) for column in wanted.values()}
    counts = engine.rows("rows without a key or a time of assignment", table.aggregate(**empty))[0]
    for what, column in wanted.items():
        if counts[column]:
            raise DataError(
                f'source "{study.experiment.assignment.source}": {counts[column]:,} rows have no {what}; correct the '
                "data"
            )


def _by_unit(engine: Engine, table: Any) -> list[dict[str, Any]]:
    """Units by the variant and the number of variants that they were seen in, as the analysis counts them."""
    by_unit = table.group_by("unit").aggregate(
        variant=table.variant.min(), seen_in=ibis.coalesce(table.variant, table.label).nunique()
    )
    return engine.rows(
        "units of the external assignment by variant",
        by_unit.group_by("variant", "seen_in").aggregate(n=by_unit.count()).order_by("variant", "seen_in"),
    )


def _text(study: Study, table: Any, base: Units) -> Any:
    """What identifies a row: its unit, or its place in the file where each row is one."""
    if base.keyed:
        try:
            text = unit_text(table.unit)
        except TypeError as error:
            raise DataError(f'source "{study.experiment.assignment.source}": {error}') from error
    else:
        text = ibis.row_number().cast("string")
    text = text + "|" + table.label
    if base.timed:
        moment = micros(table.t0)
        text = text + "|" + (moment // SECOND).cast("string") + "." + (moment % SECOND).cast("string")
    return text
