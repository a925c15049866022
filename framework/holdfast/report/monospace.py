"""A table as lines of equal characters, where Markdown tables are not understood; wide characters count as two."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from holdfast.report.view import Table

_GAP = "  "
_JOINED = "\u00a0"
_SHORT = 14
"""Cells of so few columns stay on one line where there is room."""
_TIED = "\u2060"
"""Stands, unseen, where a range of days must not be broken."""
_DAYS = re.compile(r"\d+～\d+日目?")
_NEVER_FIRST = tuple("）」』】、。，．・：；！？ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ")
_NEVER_LAST = tuple("（「『【")
"""Marks that Japanese puts neither at the beginning nor at the end of a line."""
_BRACKET = re.compile(r"[(（][^()（）]{1,28}[)）]")


def columns_of(text: str) -> int:
    """How many columns a text takes: none for marks that combine, two for wide characters."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Cf", "Me", "Mn"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def lines(table: Table, width: int) -> list[str]:
    """The table in lines of at most that many columns; cells that are too long go on in the next line."""
    rows = [[_tied(cell) for cell in table.head], *([_joined(cell) for cell in row] for row in table.rows)]
    widths = _fitted(rows, table.align, width)
    head, *body = (list(_row(row, widths, table.align)) for row in rows)
    rule = _GAP.join("-" * each for each in widths)
    return [*head, rule, *(line for row in body for line in row)]


def _joined(cell: str) -> str:
    """The cell with what should stay together joined: ranges of days, and all of it when short, otherwise each interval
    in its brackets."""
    cell = _tied(cell)
    if columns_of(cell) <= _SHORT:
        return cell.replace(" ", _JOINED)
    return _BRACKET.sub(lambda found: found[0].replace(" ", _JOINED), cell)


def _tied(cell: str) -> str:
    """The cell with its ranges of days in one piece."""
    return _DAYS.sub(lambda found: _TIED.join(found[0]), cell)


def _fitted(rows: Sequence[Sequence[str]], align: str, width: int) -> list[int]:
    """Widths of columns that fit together: numbers give way as far as they stay whole, then words do."""
    places = range(len(align))
    natural = [max(columns_of(row[place]) for row in rows) for place in places]
    room = width - len(_GAP) * (len(align) - 1)
    if sum(natural) <= room:
        return natural
    least = [max(columns_of(word) for row in rows for word in row[place].split(" ")) for place in places]
    fitted = [least[place] if align[place] == "r" else natural[place] for place in places]
    while sum(fitted) > room and max(fitted) > 1:
        # Whatever can be wider than its longest word goes first; when nothing can, words are broken.
        spare = [place for place in places if fitted[place] > least[place]] or list(places)
        fitted[max(spare, key=lambda place: fitted[place])] -= 1
    for place in places:
        fitted[place] += max(0, min(natural[place] - fitted[place], room - sum(fitted)))
    return fitted


def _row(cells: Sequence[str], widths: Sequence[int], align: str) -> Iterator[str]:
    """The lines of one row."""
    wrapped = [list(wrap(cell, width)) for cell, width in zip(cells, widths, strict=True)]
    for place in range(max(len(each) for each in wrapped)):
        parts = [each[place] if place < len(each) else "" for each in wrapped]
        padded = (_padded(part, width, side) for part, width, side in zip(parts, widths, align, strict=True))
        yield _GAP.join(padded).replace(_JOINED, " ").replace(_TIED, "").rstrip()


def _padded(text: str, width: int, side: str) -> str:
    space = " " * (width - columns_of(text))
    return space + text if side == "r" else text + space


def wrap(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most so many columns, broken at spaces, between wide characters, or where it must."""
    line = ""
    for piece in _pieces(text, width):
        if line and columns_of(line + piece) > width:
            yield line
            line = ""
        line = line + piece if line else piece.lstrip(" ")
    yield line


def _pieces(text: str, width: int) -> Iterator[str]:
    """What stays together: words, each with the space before it, and wide characters one by one, with the marks that
    begin and end no line; never wider than a line."""
    piece = ""
    for character in text:
        fits = columns_of(piece.lstrip(" ") + character) <= width
        tied = fits and (character in (*_NEVER_FIRST, _TIED) or piece[-1:] in (*_NEVER_LAST, _TIED))
        wide = _columns(character) > 1 or any(_columns(last) > 1 for last in piece[-1:])
        if piece and not tied and (wide or character == " " or not fits):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece
