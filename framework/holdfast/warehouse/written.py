"""Numbers that stand in a table as text: whether they are some, with which decimal mark, and what else is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.textfile import MARKS, Mark

_SPACES = " '\u2019\u00a0\u202f"
"""What may stand between thousands, besides the other one of comma and point."""
_OTHER: Mapping[Mark, Mark] = {".": ",", ",": "."}
NO_VALUE = ("NA", "N/A", "#N/A", "NAN", "NULL", "NONE", "NIL", "-", "--", "?", ".", "(NULL)", "UNKNOWN", "MISSING")
"""Words that stand for no value where they are found among numbers; they tell nothing of anybody."""
_AS: Mapping[Mark, str] = {".": "a decimal point", ",": "a decimal comma"}
_LONGEST = 20


@dataclass(frozen=True, slots=True)
class Writing:
    """How the values of a column are written, by their number."""

    filled: int
    point: int
    """Numbers only with a decimal point: 12.50, 1,234.5."""
    comma: int
    """Numbers only with a decimal comma: 12,50, 1.234,5."""
    either: int
    """Numbers that differ by a thousand with one or the other: 1.234, 1,234."""
    other: int
    """No numbers."""

    @property
    def says(self) -> set[Mark]:
        """The decimal marks that there is evidence of."""
        return {mark for mark, n in ((MARKS[0], self.point), (MARKS[1], self.comma)) if n}


@dataclass(frozen=True, slots=True)
class Sight:
    """What stands in a column of text, without a value of it."""

    numbers: int
    """How many values are numbers with a decimal point."""
    others: int
    seen: str
    """The commonest shape of the others: 9 for any digit, A and a for letters; or a word that stands for no value."""
    is_word: bool


def _is_number(column: Any, mark: Mark) -> Any:
    between = f"[{_OTHER[mark]}{_SPACES}]"
    whole = rf"(\d+|\d{{1,3}}({between}\d{{3}})+)"
    point = rf"\{mark}"
    return column.strip().re_search(rf"^[+\-\x{{2212}}]?({whole}({point}\d*)?|{point}\d+)([eE][+\-]?\d+)?$")


def writings(engine: Engine, raw: Any, names: Sequence[str]) -> dict[str, Writing]:
    """How the values of columns of text are written."""
    measures: dict[str, Any] = {}
    for place, name in enumerate(names):
        column = raw[name]
        point, comma = (_is_number(column, mark) for mark in MARKS)
        separated = column.re_search("[.,]")
        measures |= {
            f"filled{place}": column.count(),
            f"point{place}": _count(point & ~comma),
            f"comma{place}": _count(comma & ~point),
            f"either{place}": _count(point & comma & separated),
            f"other{place}": _count(~point & ~comma),
        }
    (row,) = engine.rows("how numbers are written", raw.aggregate(**measures))
    parts = ("filled", "point", "comma", "either", "other")
    return {name: Writing(*(int(row[f"{part}{place}"] or 0) for part in parts)) for place, name in enumerate(names)}


def marks(found: Mapping[str, Writing], decimal: Mark | None, besides: set[Mark]) -> dict[str, Mark]:
    """The decimal mark of each column whose values are all numbers; others stay text.

    A column's own values say it, or else those of the others.

    Args:
        found: how each column is written.
        decimal: what was said; None: the values tell.
        besides: marks that other columns of the same file show.

    Raises:
        DataError: the values may be read either way, and differ by a thousand.
    """
    clean = {name: writing for name, writing in found.items() if writing.filled and not writing.other}
    if decimal is not None:
        for name, writing in clean.items():
            if writing.says - {decimal}:
                raise DataError(
                    f'column "{name}" has numbers with {_AS[_OTHER[decimal]]}, and --decimal says otherwise; leave '
                    "--decimal out, or correct the data"
                )
        return dict.fromkeys(clean, decimal)
    everywhere = besides.union(*(writing.says for writing in clean.values()))
    chosen: dict[str, Mark] = {}
    for name, writing in clean.items():
        says = writing.says or everywhere
        if len(says) > 1 and (writing.says or writing.either):
            raise DataError(
                f'column "{name}" may be read with a decimal comma or a decimal point: some numbers speak for one and '
                'some for the other; say which, with --decimal "," or --decimal ".", or correct the data'
            )
        if not says and writing.either:
            raise DataError(
                f'column "{name}" holds {writing.either:,} numbers with one mark and three digits after it, as in '
                "1.234 or 1,234, and no other: more than a thousand, or a little more than one? Say which mark is the "
                'decimal one: --decimal "," or --decimal "."'
            )
        chosen[name] = min(says, default=".")
    return chosen


def read_as_numbers(column: Any, mark: Mark) -> Any:
    """A column of text as numbers."""
    plain = column.re_replace(rf"[+\{_OTHER[mark]}{_SPACES}]", "").replace("\u2212", "-")
    return plain.replace(mark, ".").cast("float64")


def sight(engine: Engine, column: Any) -> Sight:
    """What a column of text holds, told by its shape: values could tell who somebody is."""
    text = column.strip()
    word = text.upper().isin(NO_VALUE)
    shape = text.re_replace(r"\p{Nd}", "9").re_replace(r"\p{Lu}", "A").re_replace(r"[\p{Ll}\p{Lo}\p{Lt}\p{Lm}]", "a")
    table = column.as_table().select(
        seen=ibis.ifelse(word, text, shape.substr(0, _LONGEST + 1)), number=_is_number(column, "."), word=word
    )
    known = table.filter(table.seen.notnull())
    counts = known.group_by(["number", "word", "seen"]).aggregate(n=lambda each: each.count())
    counts = counts.order_by(counts.number, counts.n.desc(), counts.seen).limit(1)
    total = known.aggregate(numbers=_count(known.number), n=known.count())
    (every,) = engine.rows("how many texts are numbers", total)
    first = engine.rows("what the others look like", counts)
    numbers, n = int(every["numbers"] or 0), int(every["n"])
    if not first or first[0]["number"]:
        return Sight(numbers, n - numbers, "", is_word=False)
    seen = str(first[0]["seen"])
    shown = seen if len(seen) <= _LONGEST else seen[:_LONGEST] + "…"
    return Sight(numbers, n - numbers, shown, is_word=bool(first[0]["word"]))


def _count(condition: Any) -> Any:
    return ibis.coalesce(condition, ibis.literal(False)).ifelse(1, 0).sum()
