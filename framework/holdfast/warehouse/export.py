"""Audience files: the rows of an assignment as CSV. They go from the engine to the disk and never through Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.audience import Format
from holdfast.model.source import UnitSource
from holdfast.model.study import Study
from holdfast.warehouse.dialects import unit_text
from holdfast.warehouse.engine import Engine, quoted, refused
from holdfast.warehouse.relations import joined, key_column, relation, unit_name

_RUNS = r"\A[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""How a value begins that a spreadsheet runs as a formula; the last four are the full-width forms of the first four."""
_SIGNED_NUMBER = r"\A[+-][0-9]+(\.[0-9]+)?\z"
"""What begins with a sign and is harmless: a number, or a telephone number in digits."""
_CSV = """FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """What a staged audience holds, in counts."""

    rows: Mapping[str, int]
    """Rows by variant."""
    units: int
    """Different units."""
    empty: int
    """Rows whose id is missing or an empty text."""
    repeated: int
    """Rows whose id another row has, too, beyond the first of each."""
    formulas: int
    """Ids that a spreadsheet would run; also those that were escaped."""
    unfit: int
    """Ids that are not what the format asks for."""


def stage_audience(
    engine: Engine, study: Study, assigned: Any, target: Path, *, column: str | None, escape: bool
) -> None:
    """Write the units of an assignment to a Parquet file, with the id by which a tool knows them.

    Columns: unit, variant, id (text), formula (whether a spreadsheet would run the id). Whatever else is asked of the
    assignment is asked of this file, so that a source that changes meanwhile cannot come between.

    Raises:
        DataError: the column is missing, is not of a unit source, or holds no ids.
    """
    rows = assigned.select("unit", "variant")
    rows = rows.mutate(id=unit_text(rows.unit)) if column is None else _with_column(engine, study, rows, column)
    with refused("the audience"):
        rows = engine.brought("the audience", rows.select("unit", "variant", "id"))
    runs = rows.id.re_search(_RUNS) & ~rows.id.re_search(_SIGNED_NUMBER)
    rows = rows.mutate(formula=ibis.coalesce(runs, ibis.literal(False)))
    if escape:
        rows = rows.mutate(id=rows.formula.ifelse(ibis.literal("'") + rows.id, rows.id))
    _copy(engine.local, "the audience", rows.select("unit", "variant", "id", "formula"), target, "FORMAT parquet")


def _with_column(engine: Engine, study: Study, rows: Any, column: str) -> Any:
    """The rows with an id from a column of the unit's source; units that the source does not list are left out."""
    name = unit_name(study)
    source = study.project.units[name].source
    if not isinstance(study.sources[source], UnitSource):
        raise DataError(f'source "{source}" has many rows a unit: an id can only be taken from a source of grain unit')
    key = key_column(study, source, name)
    table = relation(engine, study, source, [key, column])
    kind = table[column].type()
    if not (kind.is_string() or kind.is_integer() or kind.is_uuid()):
        raise DataError(
            f'source "{source}": column "{column}" holds {kind}; an id is a text, a whole number or a UUID: convert it '
            "in the data, or with sql in the source"
        )
    return joined(table.select(unit=table[key], id=unit_text(table[column])), rows, source)


def read_audience(engine: Engine, staged: Path, form: Format) -> Audience:
    """What is in a staged audience."""
    engine = engine.local
    table = engine.parquet([staged])
    present = ibis.coalesce(table.id.length() > 0, ibis.literal(False))
    same = table.id.lower() if form.ignores_case else table.id
    fits = table.id.re_search(rf"\A({form.id_pattern})\z") if form.id_pattern else ibis.literal(True)
    counts = table.aggregate(
        units=table.unit.nunique(),
        present=present.sum(),
        distinct=same.nunique(where=present),
        formulas=table.formula.sum(),
        unfit=(present & ~fits).sum(),
    )
    found = {key: int(n or 0) for key, n in engine.rows("ids of the audience", counts)[0].items()}
    by_variant = table.group_by("variant").aggregate(n=table.count()).order_by("variant")
    rows = {row["variant"]: int(row["n"]) for row in engine.rows("rows of the audience by variant", by_variant)}
    return Audience(
        rows=rows,
        units=found["units"],
        empty=sum(rows.values()) - found["present"],
        repeated=found["present"] - found["distinct"],
        formulas=found["formulas"],
        unfit=found["unfit"],
    )


def write_audience(engine: Engine, staged: Path, variant: str, header: tuple[str, str], target: Path) -> None:
    """Write one variant of a staged audience as CSV: UTF-8 without a mark, lines ending in LF, in the order of the ids'
    bytes, so that the same audience is the same file."""
    engine = engine.local
    table = engine.parquet([staged])
    rows = table.filter(table.variant == variant).order_by("id")
    _copy(
        engine, f"the audience of {variant}", rows.select(**{header[0]: rows.id, header[1]: rows.variant}), target, _CSV
    )


def _copy(engine: Engine, purpose: str, expression: Any, target: Path, options: str) -> None:
    engine.progress(purpose)
    statement = f"COPY ({ibis.to_sql(expression, dialect=engine.dialect)}) TO {quoted(str(target))} ({options})"
    with refused(purpose):
        engine.backend.raw_sql(statement).fetchall()
