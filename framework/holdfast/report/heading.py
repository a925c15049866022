"""What stands over a figure: its title on one line or two."""

from __future__ import annotations

from typing import Any

from holdfast.report.canvas import INK, WIDTH, breadth, fitted, weight

LINE = 0.2
"""Inches from one line of a title to the next."""
_SIZE = 11
_LONGEST = 2
"""Lines of a title; what is left is cut."""
_FEWEST = 0.5
"""A line is not broken at a space before this part of what it could hold."""


def title_lines(text: str, inches: float) -> tuple[str, ...]:
    """A title in at most two lines of such a width, broken at a space where there is one."""
    heavy, lines = weight(text), []
    while text and breadth(text, _SIZE, heavy) > inches and len(lines) < _LONGEST - 1:
        cut = next(end for end in range(len(text), 0, -1) if end == 1 or breadth(text[:end], _SIZE, heavy) <= inches)
        space = text.rfind(" ", 0, cut + 1)
        cut = space if space >= _FEWEST * cut else cut
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return (*lines, fitted(text, inches, _SIZE, heavy))


def write_title(figure: Any, lines: tuple[str, ...], left: float) -> None:
    """Write a title from the top of a figure on; `left` is in inches."""
    height, heavy = figure.get_figheight(), weight("".join(lines))
    for place, line in enumerate(lines):
        y = 1 - (0.22 + LINE * place) / height
        figure.text(left / WIDTH, y, line, va="center", color=INK, fontsize=_SIZE, fontweight=heavy)
