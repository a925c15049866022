"""Text files that somebody hands over: delimiter and header, how they write numbers, and what is wrong with them."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from holdfast.errors import DataError, UsageError

Mark = Literal[".", ","]
MARKS: tuple[Mark, ...] = (".", ",")
_DELIMITERS = (",", ";", "\t", "|")
_SPOKEN = re.compile(r"sep=(.)", re.IGNORECASE)
"""How Excel says the delimiter, on a line before the header."""
_KINDS = (
    (b"\x1f\x8b", ".gz", "gzip"),
    (b"PAR1", ".parquet", "Parquet"),
    (b"PK\x03\x04", ".xlsx", "a workbook; save its sheet as CSV UTF-8"),
)
_NOT_UTF8 = (
    "is not UTF-8 text; save it as UTF-8, or say how it is written: --encoding cp932 (Japanese Windows), "
    "cp1252 (Western Windows) or utf-16"
)
_BROKEN = (gzip.BadGzipFile, zlib.error, EOFError)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file as its first lines show it."""

    path: Path
    delimiter: str
    names: tuple[str, ...]
    """As the header has them."""
    skip: int
    """Lines before the header."""


def text_file(path: Path) -> TextFile:
    """A file's delimiter, which is the one that its header has most of, and the names in the header.

    Raises:
        DataError: it is no text, or has no header.
    """
    _refuse_other_kinds(path)
    with _told(path), opened(path) as file:
        spoken = _SPOKEN.fullmatch(file.readline().rstrip("\r\n"))
    skip = 1 if spoken else 0
    found = []
    for delimiter in (spoken[1],) if spoken else _DELIMITERS:
        with _told(path), opened(path) as file:
            reader = csv.reader(file, delimiter=delimiter)
            rows = [next(reader, []) for _ in range(skip + 1)]
            found.append((delimiter, rows[-1]))
    delimiter, names = max(found, key=lambda item: len(item[1]))
    if not any(names):
        raise DataError(f"{path.name} is empty: its first line must hold the names of the columns")
    return TextFile(path, delimiter, tuple(names), skip)


def opened(path: Path, encoding: str = "utf-8-sig") -> IO[str]:
    """The file as text, unpacked where it is packed."""
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, mode="rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def rewritten(path: Path, encoding: str, folder: Path) -> Path:
    """A copy of a text file in UTF-8, unpacked, under its own name in a folder of our own.

    Raises:
        UsageError: there is no such encoding.
        DataError: the file is not written in it.
    """
    try:
        codecs.lookup(encoding)
        with opened(path, encoding) as source:
            source.read(0)
    except LookupError:
        raise UsageError(
            f'--encoding: "{encoding}" is not an encoding; write cp932, shift_jis, cp1252, latin-1 or utf-16'
        ) from None
    target = folder / re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE)
    try:
        with opened(path, encoding) as source, target.open("w", encoding="utf-8", newline="") as out:
            while piece := source.read(1 << 20):
                out.write(piece.removeprefix("\ufeff"))
    except UnicodeError as error:
        raise DataError(f"{path.name} is not written in {encoding}; name another one, or save it as UTF-8") from error
    except _BROKEN as error:
        raise DataError(f"{path.name} is not gzip, or is cut off; write it again") from error
    return target


def out_of_order(file: TextFile) -> str | None:
    """What is wrong with the lines of a file that an engine cannot read, by line; None where nothing is to be seen."""
    after = 0
    try:
        with _told(file.path), opened(file.path) as source:
            for line, last, width in _widths(source, file.delimiter):
                after = last
                if line > file.skip and width not in {0, len(file.names)}:
                    return (
                        f"line {line} has {width:,} values and the header {len(file.names):,} names; correct the line "
                        "(a value with a delimiter in it stands in quotes)"
                    )
    except csv.Error:
        return f"line {after + 1} begins a quoted value that does not end; correct the quotes"
    except DataError as error:
        return f"it {str(error).removeprefix(f'{file.path.name} ')}"
    return None


def _widths(source: IO[str], delimiter: str) -> Iterator[tuple[int, int, int]]:
    """First and last line of each row, and how many values it has."""
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        yield before + 1, reader.line_num, len(row)
        before = reader.line_num


def _refuse_other_kinds(path: Path) -> None:
    """Refuse what is no text although it is called so, with what it is."""
    with path.open("rb") as file:
        head = file.read(4)
    for begins, suffix, kind in _KINDS:
        if head.startswith(begins) and not path.name.lower().endswith(suffix):
            hint = "" if ";" in kind else f"; name it so, ending in {suffix}"
            raise DataError(f"{path.name} is no text but {kind}{hint}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turns what Python says of a file that it cannot read into words."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} {_NOT_UTF8}") from error
    except _BROKEN as error:
        raise DataError(f"{path.name} is not gzip, or is cut off; write it again") from error


def asked_twice(names: Sequence[str], asked: Sequence[str]) -> tuple[int, int] | None:
    """The places of two columns of one name, among them one that is asked for; case does not tell columns apart."""
    wanted = {name.casefold() for name in asked}
    places: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        key = name.casefold()
        first = places.setdefault(key, place)
        if first != place and key in wanted:
            return first, place
    return None
