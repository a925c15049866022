"""One table that somebody hands over, a file or a frame: its columns, and what stands in those that are asked for."""

from __future__ import annotations

import csv
import glob
import gzip
import zlib
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

TABLE = "handed_over"
"""What the table is called while it is analysed."""
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet", ".pq")
MOST_LABELS = 20
"""A column with more values than this does not say who got what: it may hold ids, and is never printed."""
_DELIMITERS = (",", ";", "\t", "|")
_LARGEST = 10**13
"""Beyond this, in units of the last digit that is kept, numbers are summed as floating ones: no sum may overflow."""
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
        DataError: it is empty, is no such file, or names a column twice.
    """
    if _is_parquet(path):
        from pyarrow import ArrowException, parquet

        try:
            names = list(parquet.read_schema(path).names)
        except ArrowException as error:
            raise DataError(f"{path.name} cannot be read as Parquet; write it again") from error
    else:
        names = _header(path)[1]
    refuse_repeated(names, path.name)
    return tuple(names)


def refuse_repeated(names: Sequence[str], where: str) -> None:
    """Refuse columns whose names are the same to the engine, which does not tell A from a.

    Raises:
        DataError: saying which, by their places: a file without a header has data there.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        first = places.setdefault(name.casefold(), place)
        if first != place:
            raise DataError(
                f"{where}: columns {first} and {place} have the same name but for upper and lower case; rename one"
            )


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith((".parquet", ".pq"))


def _header(path: Path) -> tuple[str, list[str]]:
    """The delimiter of a text file, which is the one that its header has most of, and the names in the header."""
    opened = gzip.open if path.name.lower().endswith(".gz") else Path.open
    try:
        found = []
        for delimiter in _DELIMITERS:
            with opened(path, mode="rt", encoding="utf-8-sig", newline="") as file:
                found.append((delimiter, next(csv.reader(file, delimiter=delimiter), [])))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} is not UTF-8 text; save it as UTF-8") from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path.name} is not gzip, or is cut off; write it again") from error
    delimiter, names = max(found, key=lambda item: len(item[1]))
    if not any(names):
        raise DataError(f"{path.name} is empty: its first line must hold the names of the columns")
    return delimiter, names


def connect_files(folder: Path, progress: Progress | None = None) -> Engine:
    """An engine of this process's own that reads files of a folder."""
    escaped = Path(glob.escape(str(folder)))
    return connect(Connection(), escaped, escaped, progress)


def hold_file(
    engine: Engine, path: Path, columns: Sequence[str], texts: Sequence[str], empty: Sequence[str] = ()
) -> None:
    """Read the columns of a file once, and hold them as TABLE.

    Args:
        engine: an open engine.
        path: the file.
        columns: those that are held.
        texts: those of them that are kept as they are written, such as ids with leading zeros.
        empty: words of a text file that stand for no value, such as NA.

    Raises:
        DataError: the file cannot be read.
    """
    name = quoted(glob.escape(str(path)))
    if _is_parquet(path):
        read = f"read_parquet([{name}])"
    else:
        kinds = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in texts)
        nothing = ", ".join(quoted(word) for word in ("", *empty))
        types = f", types = {{{kinds}}}" if kinds else ""
        read = (
            f"read_csv([{name}], delim = {quoted(_header(path)[0])}, header = true, sample_size = -1, skip = 0, "
            f"quote = '\"', strict_mode = true, null_padding = false, nullstr = [{nothing}]{types})"
        )
    table = engine.relation(f"SELECT * FROM {read}", path.name)  # noqa: S608 (quoted literals)
    engine.hold(f"the columns of {path.name} that are asked for", table.select(*columns), TABLE)


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
        numbers: the columns that are measured.
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
    return replace(state, not_finite=wild, binary=state.filled > 0 and not row[f"other{place}"], digits=kept)
