"""A few lines of Markdown as a piece of HTML for a notebook: no script, no sheet of styles, no colours of its own."""

from __future__ import annotations

from collections.abc import Iterator

from markdown_it.token import Token

from holdfast.report.html import parser

# Colours are the notebook's, light or dark; lines are grey on both. Everything else a notebook would set otherwise.
_LINE = "1px solid rgba(128, 128, 128, 0.45)"
_CELL = f"padding: 0.25em 0.75em; border: 0; border-bottom: {_LINE}; color: inherit; background: transparent;"
_TABLE = "border-collapse: collapse; border: 0; margin: 0.5em 0; color: inherit; background: transparent;"
_NUMBER = "text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums;"
_WORDS = "text-align: left;"


def fragment(markdown: str, language: str) -> str:
    """The same as HTML that stands by itself: markup in the text is shown, never obeyed."""
    found = parser()
    body = found.renderer.render(list(_blocks(found.parse(markdown))), found.options, {})
    return f'<div lang="{language}" style="color: inherit; overflow-x: auto; max-width: 100%;">\n{body}</div>\n'


def _blocks(tokens: list[Token]) -> Iterator[Token]:
    """The blocks, each cell of a table with its scope and in its place."""
    first, body = True, False
    for token in tokens:
        if token.type == "table_open":
            token.attrSet("style", _TABLE)
            body = False
        elif token.type == "tbody_open":
            body = True
        elif token.type == "tr_open":
            token.attrSet("style", "background: transparent;")
            first = True
        elif token.type in {"th_open", "td_open"}:
            _placed(token, row=body and first)
        elif token.type == "td_close" and first:
            token.tag = "th"
        if token.type in {"th_close", "td_close"}:
            first = False
        yield token


def _placed(token: Token, *, row: bool) -> None:
    """Give a cell its scope, and set numbers below each other."""
    number = "right" in str(token.attrGet("style") or "")
    scope = "row" if row else "col" if token.type == "th_open" else ""
    token.attrs = {"scope": scope} if scope else {}
    token.tag = "th" if scope else "td"
    weight = " font-weight: normal;" if row else ""
    token.attrSet("style", f"{_CELL} {_NUMBER if number else _WORDS}{weight}")
