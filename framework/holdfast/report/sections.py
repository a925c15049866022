"""What a section of the report is made of: a heading, and parts with a table, lines, a figure."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.report.pictures import Picture
from holdfast.report.text import Safe
from holdfast.report.view import Table


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a section; whatever is empty is left out."""

    title: Safe = Safe("")
    intro: Safe = Safe("")
    picture: Picture | None = None
    link: Safe = Safe("")
    """To the figure as SVG."""
    table: Table | None = None
    lines: tuple[Safe, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its parts."""

    heading: Safe
    intro: Safe
    parts: tuple[Part, ...]
