"""One table that somebody hands over, a file or a frame: its columns, and what stands in those that are asked for."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.project import Connection
from holdfast.model.source_state import Kind
from holdfast.warehouse.engine import Engine, Progress, connect, quoted, refused
from holdfast.warehouse.source_state import column_of
from holdfast.warehouse.textfile import Mark, TextFile, asked_twice, out_of_order, text_file
from holdfast.warehouse.written import Sight, marks, read_as_numbers, sight, writings

TABLE = "handed_over"
"""What the table is called while it is analysed."""
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet", ".pq")
MOST_LABELS = 20
"""A column with more values than this does not say who got what: it may hold ids, and is never printed."""
_LARGEST = 10**13
"""Beyond this, in units of the last digit that is kept, numbers are summed as floating ones: no sum may overflow."""
_EXACT = 2**53
"""Beyond this floating numbers do not hold every whole one."""
_DIGITS = (0, 2, 4)
_MOST_DIGITS = 9
_NUMBERS = ("whole numbers", "numbers", "true or false")


@dataclass(frozen=True, slots=True)
class ColumnState:
    """What stands in a column."""

    kind: Kind
    words: str
    """Its type in the reader's words."""
    filled: int
    """Rows with a value."""
    not_finite: int = 0
    """Values that are infinite or no number."""
    binary: bool = False
    """Whether every value is 0 or 1, or true or false."""
    digits: int | None = None
    """Digits after the point that keep every value as it is; None where only floating numbers do."""
    beyond: bool = False
    """Whether there are whole numbers so large that their last digits are lost."""
    sight: Sight | None = None
    """Of text where numbers are wanted: what is seen in it."""

    @property
    def is_number(self) -> bool:
        return self.kind in _NUMBERS


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What stands in a table, as far as an analysis of it wants to know beforehand."""

    rows: int
    columns: Mapping[str, ColumnState]
    labels: tuple[tuple[str, int], ...]
    """The values of the variant column with their rows, most frequent first; rows without one are not among them."""
    many_labels: bool
    """Whether there are more values than variants can be."""
    units: int | None
    """Different units; None where each row is one."""
    without_unit: int


def file_columns(path: Path) -> tuple[str, ...]:
    """The columns of a CSV or Parquet file, in order. Of a text file only the header is read.

    Raises:
        DataError: it is empty, or is no such file.
    """
    if _is_parquet(path):
        from pyarrow import ArrowException, parquet

        try:
            names = list(parquet.read_schema(path).names)
        except ArrowException as error:
            raise DataError(f"{path.name} cannot be read as Parquet; write it again") from error
    else:
        return text_file(path).names
    return tuple(names)


def refuse_repeated(names: Sequence[str], asked: Sequence[str], where: str) -> None:
    """Refuse columns that are asked for and whose names others have too; the engine does not tell A from a.

    Raises:
        DataError: saying which, by their places: a file without a header has data there.
    """
    if found := asked_twice(names, asked):
        first, place = found
        raise DataError(
            f"{where}: columns {first} and {place} have the same name but for upper and lower case; rename one"
        )


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith((".parquet", ".pq"))


def connect_files(folder: Path, progress: Progress | None = None) -> Engine:
    """An engine of this process's own that reads files of a folder."""
    escaped = Path(glob.escape(str(folder)))
    return connect(Connection(), escaped, escaped, progress)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a file, and how it is written where that was said."""

    columns: Sequence[str]
    """Those that are held."""
    texts: Sequence[str] = ()
    """Those of them that are kept as they are written, such as ids with leading zeros."""
    numbers: Sequence[str] = ()
    """Those that are numbers, or may be."""
    empty: Sequence[str] = ()
    """Words of a text file that stand for no value, such as NA."""
    decimal: Mark | None = None
    """The decimal mark of a text file; None: its values tell."""


def hold_file(engine: Engine, path: Path, wanted: Wanted) -> None:
    """Read the columns of a file once, and hold them as TABLE.

    Raises:
        DataError: the file cannot be read; of a text file with the line that is out of order.
    """
    if _is_parquet(path):
        read = f"read_parquet([{quoted(glob.escape(str(path)))}])"
        _hold(engine, path, engine.relation(f"SELECT * FROM {read}", path.name).select(*wanted.columns))  # noqa: S608 (quoted literals)
        return
    file = text_file(path)
    try:
        _hold(engine, path, _of_text(engine, file, wanted))
    except DataError as error:
        if path.name in str(error) and (reason := out_of_order(file)):
            raise DataError(f"{path.name} cannot be read: {reason}") from error
        raise


def _hold(engine: Engine, path: Path, table: Any) -> None:
    engine.hold(f"the columns of {path.name} that are asked for", table, TABLE)


def _of_text(engine: Engine, file: TextFile, wanted: Wanted) -> Any:
    """The columns of a text file; numbers with a decimal comma or a mark between thousands are read as such."""
    found = _read_text(engine, file, wanted, wanted.texts).select(*wanted.columns)
    kinds = found.schema()
    floating = [name for name in wanted.numbers if kinds[name].is_floating()]
    # Where commas part the columns, what was read with a decimal point was meant so.
    meant = floating if file.delimiter == "," and wanted.decimal != "," else []
    texts = [name for name in wanted.numbers if kinds[name].is_string() and name not in wanted.texts]
    doubted = [name for name in (*floating, *texts) if name not in meant]
    if not doubted:
        return found
    raw = _read_text(engine, file, wanted, [*wanted.texts, *doubted]).select(*wanted.columns)
    besides: set[Mark] = {"."} if meant else set()
    chosen = marks(writings(engine, raw, doubted), wanted.decimal, besides)
    # What was read as numbers already stays, unless its points stand between thousands.
    chosen = {name: mark for name, mark in chosen.items() if name not in floating or mark == ","}
    if not chosen:
        return found
    raw = _read_text(engine, file, wanted, [*wanted.texts, *chosen]).select(*wanted.columns)
    return raw.mutate(**{name: read_as_numbers(raw[name], mark) for name, mark in chosen.items()})


def _read_text(engine: Engine, file: TextFile, wanted: Wanted, texts: Sequence[str]) -> Any:
    """A text file as a relation, some columns of it as they are written."""
    names = file.names
    given = ""
    if len({name.casefold() for name in names}) < len(names):
        # The engine would give other names to those that repeat, maybe the one of a column that is asked for.
        own = [
            name if name in wanted.columns else f"column {place} of {len(names)}" for place, name in enumerate(names)
        ]
        given = f", names = [{', '.join(map(quoted, own))}]"
    kinds = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in texts)
    nothing = ", ".join(quoted(word) for word in ("", *wanted.empty))
    types = f", types = {{{kinds}}}" if kinds else ""
    read = (
        f"read_csv([{quoted(glob.escape(str(file.path)))}], delim = {quoted(file.delimiter)}, header = true, "
        f"sample_size = -1, skip = {file.skip}, quote = '\"', strict_mode = true, null_padding = false, "
        f"nullstr = [{nothing}]{given}{types})"
    )
    return engine.relation(f"SELECT * FROM {read}", file.path.name)  # noqa: S608 (quoted literals)


def hold_frame(engine: Engine, table: Any) -> None:
    """Make an Arrow table known to the engine as TABLE; nothing is copied."""
    with refused("the frame"):
        engine.backend.con.register(TABLE, table)


def look_at(engine: Engine, *, variant: str, unit: str | None, numbers: Sequence[str]) -> HandedOver:
    """What stands in TABLE: rows, units, the values of the variant column, and what kind of numbers there are.

    Args:
        engine: an engine that holds the table.
        variant: the column that says who got what.
        unit: the column that identifies a unit; None where each row is one.
        numbers: the columns that are measured or adjusted for.
    """
    table = engine.table(TABLE, "the table")
    kinds = {name: column_of(kind) for name, kind in table.schema().items()}
    measured = [name for name in numbers if kinds[name].kind in _NUMBERS]
    measures: dict[str, Any] = {"n": table.count()}
    measures |= {f"filled{place}": table[name].count() for place, name in enumerate(kinds)}
    for place, name in enumerate(measured):
        measures |= _of_number(table[name], place)
    if unit is not None:
        text = table[unit].cast("string")
        measures["units"] = text.nullif("").nunique()
        measures["blank"] = ibis.coalesce(text == "", ibis.literal(True)).ifelse(1, 0).sum()
    row = engine.rows("rows, units, and what kind of numbers there are", table.aggregate(**measures))[0]
    labels = _labels(engine, table, variant)
    states = {
        name: ColumnState(kinds[name].kind, kinds[name].words, int(row[f"filled{place}"]))
        for place, name in enumerate(kinds)
    }
    states |= {name: _number(states[name], table[name].type(), row, place) for place, name in enumerate(measured)}
    for name in numbers:
        if states[name].kind == "text" and states[name].filled:
            states[name] = replace(states[name], sight=sight(engine, table[name]))
    return HandedOver(
        rows=int(row["n"]),
        columns=states,
        labels=labels[:MOST_LABELS],
        many_labels=len(labels) > MOST_LABELS,
        units=int(row["units"] or 0) if unit is not None else None,
        without_unit=int(row.get("blank") or 0),
    )


def _labels(engine: Engine, table: Any, variant: str) -> tuple[tuple[str, int], ...]:
    text = table.select(label=table[variant].cast("string"))
    counts = text.filter(text.label.notnull()).group_by("label").aggregate(n=lambda each: each.count())
    counts = counts.order_by(counts.n.desc(), counts.label).limit(MOST_LABELS + 1)
    return tuple((row["label"], int(row["n"])) for row in engine.rows("rows of each variant", counts))


def _of_number(column: Any, place: int) -> dict[str, Any]:
    kind = column.type()
    value = column.cast("int8") if kind.is_boolean() else column
    if not kind.is_floating():
        return {f"most{place}": value.cast("float64").abs().max(), f"other{place}": _count(~value.isin([0, 1]))}
    value = value.cast("float64")
    finite = ~(value.isnan() | value.isinf())
    value = finite.ifelse(value, ibis.null("float64"))
    # Larger ones are summed as floating numbers anyway, and cannot be rounded to whole ones by every engine.
    small = (value.abs() <= _LARGEST).ifelse(value, ibis.null("float64"))
    lost = {f"lost{digits}_{place}": _count(small.round(digits) != small) for digits in _DIGITS}
    return {
        f"most{place}": value.abs().max(),
        f"other{place}": _count(~value.isin([0, 1])),
        f"wild{place}": _count(~finite),
        **lost,
    }


def _count(condition: Any) -> Any:
    return ibis.coalesce(condition, ibis.literal(False)).ifelse(1, 0).sum()


def _number(state: ColumnState, kind: Any, row: Mapping[str, Any], place: int) -> ColumnState:
    """The state of a column of numbers, with what was counted of its values."""
    if kind.is_floating():
        kept = next((digits for digits in _DIGITS if not row[f"lost{digits}_{place}"]), None)
    else:
        kept = kind.scale if kind.is_decimal() else 0
    if kept is None or kept > _MOST_DIGITS or float(row[f"most{place}"] or 0) * 10**kept > _LARGEST:
        kept = None
    wild = int(row.get(f"wild{place}") or 0)
    beyond = kind.is_integer() and float(row[f"most{place}"] or 0) > _EXACT
    binary = state.filled > 0 and not row[f"other{place}"]
    return replace(state, not_finite=wild, binary=binary, digits=kept, beyond=beyond)
