"""Reading what a report prints: numbers, dates and p-values out of its words, without the functions that wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = {"¥": "JPY", "円": "JPY", "$": "USD", "ドル": "USD", "€": "EUR", "ユーロ": "EUR", "£": "GBP", "ポンド": "GBP"}
_UNITS |= {"%": "%", "%ポイント": "pt", " points": "pt", " point": "pt"}
_STEPS = {"万": 1e4, "億": 1e8, "兆": 1e12, " million": 1e6, " billion": 1e9, "": 1.0}
_DIGITS = r"\d[\d,]*(?:\.\d+)?"
_TOKEN = re.compile(
    rf"(?P<english>(?P<d1>\d{{1,2}}) (?P<m1>{'|'.join(MONTHS)})(?: (?P<y1>\d{{4}}))?)"
    r"|(?P<japanese>(?:(?P<y2>\d{4})年)?(?P<m2>\d{1,2})月(?P<d2>\d{1,2})日)"
    r"|p (?P<side>[=<>]) (?P<p>\d\.\d+)"
    r"|(?P<sign>[+−-]?)(?P<symbol>[¥$€£]?)"
    rf"(?P<parts>(?:{_DIGITS}[万億兆])+(?:\d[\d,]*)?|{_DIGITS})"
    r"(?P<large> million| billion)?(?P<unit>%ポイント|%| points?|円|ドル|ユーロ|ポンド)?"
)


@dataclass(frozen=True)
class Token:
    """One thing that is printed and can be wrong."""

    kind: Literal["day", "p", "number"]
    text: str
    value: float = 0.0
    half: float = 0.0
    """Half of the last digit that is printed."""
    side: str = "="
    """Of a p-value: equal to, below or above."""
    unit: str = ""
    day: tuple[int | None, int, int] = (None, 0, 0)


@dataclass(frozen=True)
class Number:
    """A number that has to be printed, in the unit of its print: percent, points, a currency."""

    value: float
    unit: str = ""
    coarse: bool = False
    """Rounded to tens of its step, where the last digit is a zero."""

    def fits(self, token: Token) -> bool:
        half = token.half * (10 if self.coarse and re.search(r"0[万億]", token.text) else 1)
        known = token.kind == "number" and token.unit in {"", self.unit}
        return known and abs(token.value - self.value) <= half * (1 + 1e-9) + 1e-9 * abs(self.value)


@dataclass(frozen=True)
class Day:
    """A date that has to be printed; the year may be left out where it was printed before."""

    iso: str

    def fits(self, token: Token) -> bool:
        year, month, day = map(int, self.iso[:10].split("-"))
        return token.kind == "day" and token.day[1:] == (month, day) and token.day[0] in {None, year}


@dataclass(frozen=True)
class P:
    """A p-value that has to be printed, in its digits or beyond a limit."""

    value: float

    def fits(self, token: Token) -> bool:
        if token.kind != "p":
            return False
        if token.side == "=":
            return abs(token.value - self.value) <= token.half * (1 + 1e-9) and 1e-4 <= self.value <= 0.99
        return self.value < 1e-4 == token.value if token.side == "<" else self.value > 0.99 == token.value


Item = Number | Day | P


def tokens(text: str) -> Iterator[Token]:
    """All numbers, dates and p-values of a text, in their order."""
    for found in _TOKEN.finditer(text):
        if found["english"]:
            year = int(found["y1"]) if found["y1"] else None
            yield Token("day", found[0], day=(year, MONTHS.index(found["m1"]) + 1, int(found["d1"])))
        elif found["japanese"]:
            year = int(found["y2"]) if found["y2"] else None
            yield Token("day", found[0], day=(year, int(found["m2"]), int(found["d2"])))
        elif found["p"]:
            half = 0.5 * 10.0 ** -len(found["p"].partition(".")[2])
            yield Token("p", found[0], float(found["p"]), half, found["side"])
        else:
            yield _number(found)


def _number(found: re.Match[str]) -> Token:
    value, half = 0.0, 0.0
    for digits, step in re.findall(rf"({_DIGITS})([万億兆]?)", found["parts"]):
        plain = digits.replace(",", "")
        unit = _STEPS[step] * _STEPS[found["large"] or ""]
        value += float(plain) * unit
        half = 0.5 * unit * 10.0 ** -len(plain.partition(".")[2])
    sign = -1 if found["sign"] in {"−", "-"} else 1
    return Token("number", found[0], sign * value, half, unit=_UNITS.get(found["symbol"] or found["unit"] or "", ""))


@dataclass(frozen=True)
class Told:
    """A sentence or a cell as it has to read: words as they are, and in each gap these numbers in this order."""

    pattern: str
    gaps: tuple[tuple[Item, ...], ...] = ()

    def reads(self, text: str) -> list[str] | None:
        """What is wrong in a text that has these words; None for a text that has others."""
        found = re.fullmatch(self.pattern, text)
        if found is None:
            return None
        return [each for gap, wanted in zip(found.groups(), self.gaps, strict=True) for each in wrong(gap, wanted)]


def wrong(text: str, wanted: Sequence[Item]) -> list[str]:
    """Each number of a text that is not the one that is wanted in its place."""
    seen = list(tokens(text))
    if len(seen) != len(wanted):
        return [f'"{text}" does not tell {list(wanted)}']
    return [f'"{token.text}" is {item}' for token, item in zip(seen, wanted, strict=True) if not item.fits(token)]


@dataclass
class Section:
    """The lines of a section below its heading, and those of its tables, that have not been accounted for yet."""

    lines: list[str] = field(default_factory=list)
    heads: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def plain(line: str) -> str:
    """A line of Markdown without its marks."""
    line = re.sub(r"^(?:> |- |#+ )", "", line)
    line = re.sub(r"!\[(.*)\]\([^()]*\)", r"\1", line)
    line = re.sub(r"\[([^\]]*)\]\([^()]*\)", r"\1", line).replace("**", "").replace("`", "")
    line = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", line)
    return line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def sections(text: str) -> dict[str, Section]:
    """The sections of a report in Markdown by heading; the first screen has an empty one."""
    found: dict[str, Section] = {"": Section()}
    current = found[""]
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if line.startswith("## "):
            current = found.setdefault(plain(line), Section())
        elif line.startswith("|"):
            if re.fullmatch(r"[|:-]+", line):
                continue
            cells = [plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            is_head = place + 1 < len(lines) and re.fullmatch(r"[|:-]+", lines[place + 1]) is not None
            (current.heads if is_head else current.rows).append(cells)
        elif line.strip() and not line.startswith("> [!"):
            current.lines.append(plain(line))
    return found
