"""The report as one page that needs nothing else: no network, no script, figures and style within it.

The page is made from the Markdown, so that both say the same; what Markdown has no words for (which cell is a heading,
what scrolls, what is a warning) is added here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from unicodedata import east_asian_width

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token

from holdfast.model.result import Analysis
from holdfast.report.draw import figures
from holdfast.report.locales import LOCALES
from holdfast.report.markdown import render_markdown
from holdfast.report.view import View
from holdfast.report.words import Voice

_ALERT = re.compile(r"\[!(TIP|NOTE|IMPORTANT|WARNING|CAUTION)\]")
_NOT_A_WORD = re.compile(r"[^\w]+")
_BRACKET = r"[(（](?=[^()（）]*\d)[^()（）]{1,28}[)）]"
_DIGITS = r"[+−±]?[¥$€£]?\d+(?:[,.]\d+)*"
_UNIT = r"%ポイント|日目|時点|時間|項目|世帯|店舗|ドル|ユーロ|ポンド|[%円人件回社台点分日]| (?:[mb]illion|points?)\b"
_AMOUNT = rf"{_DIGITS}(?:[兆億万](?:\d+(?:,\d+)*)?)*(?:{_UNIT})?"
_MONTHS = "|".join(month for locale in LOCALES.values() for month in locale.months if month.isalpha())
_DAY = rf"(?:\d+年)?\d+月\d+日|\d+ (?:{_MONTHS})\b(?: \d{{4}})?"
_WHOLE = rf"p [=<>] [\d.]+|{_DAY}|{_AMOUNT}(?:～{_AMOUNT})?"
_IN_TEXT, _IN_NUMBERS = re.compile(f"({_WHOLE})"), re.compile(f"({_BRACKET}|{_WHOLE})")
_PLAIN_NUMBER = re.compile(r"[\d.,]*")
_LONGEST_LABEL = 120
_SHORT, _SHORT_HEAD, _LONG, _WIDE = 14, 12, 26, 8
"""Cells of so few characters stay on one line, those of so many get room for several words on one, and tables of so
many columns are set smaller."""
_VALUES = ("one", "two", "three", "four")
_PHONE, _WORD = 44, 8
"""Letters that a line of a table has room for on a phone, and those of a head that never breaks."""
_ENDS = (".", "。", ":", "：", "!", "?")
_ROLES = {"thead_open": "rowgroup", "tbody_open": "rowgroup", "tr_open": "row"}
_HEADS = {"col": "column", "row": "row"}


def render_html(analysis: Analysis, drawn: Mapping[str, bytes] | None = None, language: str | None = None) -> str:
    """The report of an analysis as one HTML page.

    Args:
        analysis: what it tells.
        drawn: its figures by path, where they are at hand; otherwise they are drawn.
        language: of the text; default: the experiment's.
    """
    view = View.of(analysis, language=language)
    plain = View.of(analysis, markdown=False, language=language)
    own = analysis.experiment.language if drawn is not None else language
    tokens = parser().parse(render_markdown(analysis, language, drawn_in=own))
    page = _Page(view.voice, figures(analysis, language) if drawn is None else drawn)
    body = parser().renderer.render(page.built(tokens), parser().options, {})
    style = files("holdfast.report").joinpath("templates", "page.css").read_text("utf-8")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            language=view.voice.locale.code,
            title=plain.voice.text(analysis.experiment.title or analysis.experiment.slug),
            skip=plain.voice.say("page.skip"),
            style=style,
            digest=base64.b64encode(sha256(style.encode()).digest()).decode(),
            body=body,
        )
    )


@cache
def parser() -> MarkdownIt:
    """What reads the report's Markdown."""
    # Markup in the text stays text: a tag is shown, never obeyed.
    return MarkdownIt("commonmark", {"html": False}).enable("table")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("holdfast.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


class _Page:
    """Turns the tokens of the Markdown into those of the page."""

    def __init__(self, voice: Voice, drawn: Mapping[str, bytes]) -> None:
        self.voice = voice
        self.drawn = drawn
        self.names: dict[str, int] = {}
        self.labels: dict[str, int] = {}
        self.heading = ""

    def built(self, tokens: Sequence[Token]) -> list[Token]:
        """All tokens of the page, with the list of its sections before the first of them."""
        found = list(self._blocks(tokens))
        sections = [(token, found[place + 1]) for place, token in enumerate(found) if _opens(token, "h2")]
        place = next((place for place, token in enumerate(found) if _opens(token, "h2")), len(found))
        return [*found[:place], *self._contents(sections), *found[place:]]

    def _blocks(self, tokens: Sequence[Token]) -> Iterator[Token]:
        place = 0
        while place < len(tokens):
            token = tokens[place]
            if token.type == "heading_open":
                self.heading = _words(tokens[place + 1])
                token.attrSet("id", self._unique(_NOT_A_WORD.sub("-", self.heading.lower()).strip("-") or "section"))
                inline = tokens[place + 1]
                inline.children = [part for child in inline.children or [] for part in _unbroken(child)]
            if token.type in {"blockquote_open", "table_open"}:
                end = _end(tokens, place)
                inner = list(tokens[place : end + 1])
                before = tokens[place - 1 : place] and tokens[max(0, place - 3) : place]
                yield from self._alert(inner) if token.type == "blockquote_open" else self._table(inner, before)
                place = end + 1
            elif token.type == "paragraph_open":
                yield from self._paragraph(list(tokens[place : place + 3]))
                place += 3
            else:
                yield token
                place += 1

    def _unique(self, name: str) -> str:
        """A name for a place in the page that no other has."""
        self.names[name] = self.names.get(name, 0) + 1
        return name if self.names[name] == 1 else f"{name}-{self.names[name]}"

    def _contents(self, sections: Sequence[tuple[Token, Token]]) -> Iterator[Token]:
        """The list of sections, each a link."""
        if not sections:
            return
        yield _tag("nav", 1, {"aria-label": self._plain("page.contents"), "class": "contents"})
        yield _tag("ul", 1)
        for opening, inline in sections:
            yield _tag("li", 1)
            yield _tag("a", 1, {"href": f"#{opening.attrGet('id')}"})
            yield _text(_words(inline))
            yield _tag("a", -1)
            yield _tag("li", -1)
        yield _tag("ul", -1)
        yield _tag("nav", -1)

    def _plain(self, key: str, **values: str | int) -> str:
        """A sentence without marks of Markdown: what goes into the page is escaped when it is printed."""
        return replace(self.voice, markdown=False).say(key, **values)

    def _alert(self, tokens: list[Token]) -> Iterator[Token]:
        """A quote that GitHub colours becomes a note, named by the words in bold that it begins with."""
        children = tokens[2].children or [] if len(tokens) > 2 else []
        found = _ALERT.fullmatch(children[0].content) if children else None
        if found is None:
            yield from self._blocks_of(tokens)
            return
        kind = found[1].lower()
        tokens[2].children = children[2:]
        attributes = {"class": f"alert {kind}", "role": "note"}
        lead = next((child for child in tokens[2].children if child.type == "strong_open"), None)
        if lead is not None:
            attributes["aria-labelledby"] = self._unique(f"alert-{kind}")
            lead.attrs = {"class": "word", "id": attributes["aria-labelledby"]}
        yield _tag("div", 1, attributes)
        yield from self._blocks_of(tokens)
        yield _tag("div", -1)

    def _blocks_of(self, tokens: Sequence[Token]) -> Iterator[Token]:
        return self._blocks(tokens[1:-1])

    def _table(self, tokens: list[Token], before: Sequence[Token]) -> Iterator[Token]:
        """A table that scrolls by itself where it is wide, with a caption, and a heading for each column and row."""
        label = self._unique("table")
        region = {"class": "scroll", "role": "region", "tabindex": "0", "aria-labelledby": label}
        yield _tag("div", 1, region)
        columns = sum(token.type == "th_open" for token in tokens)
        if columns >= _WIDE:
            tokens[0].attrSet("class", "wide")
        elif 1 < columns <= len(_VALUES) + 1 and _width(tokens, columns) > _PHONE:
            tokens[0].attrSet("class", f"stack {_VALUES[columns - 2]}")
        tokens[0].attrSet("role", "table")
        yield tokens[0]
        yield _tag("caption", 1, {"id": label})
        yield _text(self._label(before))
        yield _tag("caption", -1)
        column, body = 0, False
        for place, token in enumerate(tokens[1:], start=1):
            body = body or token.type == "tbody_open"
            column = 0 if token.type == "tr_open" else column
            if token.type in {"th_open", "td_open"}:
                _cell(token, tokens[place + 1], "col" if not body else "row" if column == 0 else "")
                column += 1
            if token.type == "td_close" and column == 1:
                token.tag = "th"
            if token.type in _ROLES:  # a browser may take a row that is laid out otherwise for no row at all
                token.attrSet("role", _ROLES[token.type])
            yield token
        yield _tag("div", -1)

    def _label(self, before: Sequence[Token]) -> str:
        """The words of a table: those of the short line right above it, or else of its section, numbered."""
        words = ""
        if len(before) == 3 and before[0].type == "paragraph_open":
            words = _words(before[1])
        if not words or len(words) > _LONGEST_LABEL or words.endswith(_ENDS):
            words = self.heading
        self.labels[words] = self.labels.get(words, 0) + 1
        number = self.labels[words]
        return words if number == 1 else self._plain("page.table", name=words, number=number)

    def _paragraph(self, tokens: list[Token]) -> Iterator[Token]:
        """A paragraph; one that is an image becomes a figure, and one that only leads to another file goes."""
        opening, inline, closing = tokens
        children = list(self._inline(inline.children or []))
        inline.children = children
        if all(child.type in {"text", "softbreak"} and not child.content.strip() for child in children):
            return
        if [child.type for child in children] == ["image"]:
            opening.tag = closing.tag = "figure"
        yield from tokens

    def _inline(self, children: Sequence[Token]) -> Iterator[Token]:
        """Images carry their figure with them; links to files beside the page are left out."""
        left_out = False
        for child in children:
            if child.type == "link_open":
                left_out = not str(child.attrGet("href")).startswith(("https://", "http://"))
            elif child.type == "image":
                child.attrSet("src", self._embedded(str(child.attrGet("src"))))
            if not left_out:
                yield from _unbroken(child)
            elif child.type == "link_close":
                left_out = False

    def _embedded(self, source: str) -> str:
        """A figure as the address that holds it, sharp at every size; nothing where there is none."""
        drawn = self.drawn.get(source.removesuffix(".png") + ".svg")
        return "" if drawn is None else f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"


def _opens(token: Token, tag: str) -> bool:
    return token.type == "heading_open" and token.tag == tag


def _end(tokens: Sequence[Token], start: int) -> int:
    """The place of the token that closes the one at a place."""
    depth = 0
    for place in range(start, len(tokens)):
        depth += tokens[place].nesting
        if depth == 0:
            return place
    raise ValueError("a block of the report does not end")


def _cell(token: Token, inline: Token, scope: str) -> None:
    """Give a cell its scope, and as classes how it stands and breaks."""
    number, length = "right" in str(token.attrGet("style") or ""), len(_words(inline))
    token.attrs = {"scope": scope, "role": f"{_HEADS[scope]}header"} if scope else {"role": "cell"}
    token.tag = "th" if scope else "td"
    inline.children = [part for child in inline.children or [] for part in _unbroken(child, numbers=number)]
    if scope == "col" and _letters(_words(inline)) <= _WORD:
        inline.children = [_tag("span", 1, {"class": "keep"}), *inline.children, _tag("span", -1)]
    short = length <= (_SHORT_HEAD if scope == "col" else _SHORT)
    kinds = {"number": number, "keep": short and scope != "row", "long": length > _LONG and not number and not scope}
    if names := [name for name, holds in kinds.items() if holds]:
        token.attrSet("class", " ".join(names))


def _width(tokens: Sequence[Token], columns: int) -> int:
    """Letters that the columns of a table take, as far as their cells stay on one line."""
    cells = [_words(tokens[place + 1]) for place, token in enumerate(tokens) if token.type in {"th_open", "td_open"}]
    widths = (max(min(_letters(cell), _LONG) for cell in cells[column::columns]) for column in range(columns))
    return sum(widths) + 2 * (columns - 1)


def _letters(text: str) -> int:
    """The width of a text in letters: a character of Japanese takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _unbroken(child: Token, *, numbers: bool = False) -> Iterator[Token]:
    """The text with each number in one piece with its sign and unit, and among numbers each short bracket."""
    if child.type != "text":
        yield child
        return
    for place, words in enumerate((_IN_NUMBERS if numbers else _IN_TEXT).split(child.content)):
        if place % 2 and not _PLAIN_NUMBER.fullmatch(words):
            yield _tag("span", 1, {"class": "keep"})
            yield _text(words)
            yield _tag("span", -1)
        elif words:
            yield _text(words)


def _words(inline: Token) -> str:
    """The text of a line without its marks."""
    return "".join(child.content for child in inline.children or [] if child.type in {"text", "code_inline"}).strip()


def _tag(tag: str, nesting: int, attributes: Mapping[str, str] | None = None) -> Token:
    ending = {1: "open", -1: "close"}[nesting]
    return Token(f"{tag}_{ending}", tag, nesting, attrs=dict(attributes or {}), block=tag not in {"a", "span"})  # type: ignore[arg-type]


def _text(words: str) -> Token:
    return Token("text", "", 0, content=words)
