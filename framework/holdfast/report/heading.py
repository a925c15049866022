"""What stands over a figure: its title on one line or two."""

from __future__ import annotations

from typing import Any

from holdfast.report.canvas import INK, LONGEST, WIDTH, breadth, fitted, fitting, weight

LINE = 0.2
"""Inches from one line of a title to the next."""
_SIZE = 11
_FEWEST = 0.5
"""A line is not broken at a space before this part of what it could hold."""


def title_lines(text: str, inches: float) -> tuple[str, ...]:
    """A title in at most two lines of such a width: at the space that makes them most alike, else where one is full."""
    heavy = weight(text)

    def fits(line: str) -> bool:
        return breadth(line, _SIZE, heavy) <= inches

    if len(text) <= LONGEST and fits(text):
        return (text,)
    text = text[: 2 * LONGEST]  # more than two lines hold
    halves = [(text[:place], text[place + 1 :]) for place, letter in enumerate(text) if letter == " "]
    whole = [pair for pair in halves if max(map(len, pair)) <= LONGEST and all(map(fits, pair))]
    if whole:
        return min(whole, key=lambda pair: abs(len(pair[0]) - len(pair[1])))
    full = fitting(text, inches, _SIZE, heavy)
    space = text.rfind(" ", 0, full + 1)
    cut = space if space >= _FEWEST * full else full
    return text[:cut].rstrip(), fitted(text[cut:].lstrip(), inches, _SIZE, heavy)


def write_title(figure: Any, lines: tuple[str, ...], left: float) -> None:
    """Write a title from the top of a figure on; `left` is in inches."""
    height, heavy = figure.get_figheight(), weight("".join(lines))
    for place, line in enumerate(lines):
        y = 1 - (0.22 + LINE * place) / height
        figure.text(left / WIDTH, y, line, va="center", color=INK, fontsize=_SIZE, fontweight=heavy)
