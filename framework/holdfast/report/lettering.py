"""Many lines of text in a figure, set from glyphs.

matplotlib lays out and draws every letter of every text by itself, which is most of the time of a figure of sixty rows.
Here a line is laid out once, the outline of each glyph is made once, and it is placed wherever the letter stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

_EM = 100.0
"""Points in which outlines are made, before they are scaled."""
_RISE = 0.36
"""Half the height of a capital letter, in sizes of the type: text is centred on its capitals, as an eye sees it."""

_OUTLINES: dict[str, Any] = {}
"""Vertices and codes of the glyphs met so far; a glyph's name holds that of its font."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text within axes."""

    text: str
    row: float
    """Where its middle stands on the vertical axis."""
    side: Literal["left", "right"] = "left"
    """From which edge of the axes it starts or at which it ends."""
    offset: float = 0.0
    """Inches from that edge."""
    size: float = 10.0
    weight: str = "normal"
    colour: str = "#000000"


@dataclass(frozen=True, slots=True)
class _Set:
    """A line that has been laid out at `_EM` points: its glyphs, where each stands, and how wide all are."""

    glyphs: tuple[tuple[str, float, float], ...]
    width: float


_Places = dict[tuple[str, float], list[tuple[float, float]]]
"""Where a glyph stands, by its name and how far it is lifted off the line."""


def width(text: str, families: tuple[str, ...], size: float, weight: str = "normal") -> float:
    """How wide a line of text is, in inches."""
    return _laid_out(text, families, weight).width * size / _EM / 72


def write(axes: Any, lines: Iterable[Line], families: tuple[str, ...]) -> None:
    """Draw lines of text into axes; sizes hold whatever the figure's resolution."""
    axes.add_artist(_artist()(axes, _by_glyph(lines, families)))


@cache
def _artist() -> Any:
    """The class of the artist, made when something is drawn: a report without figures never loads matplotlib."""
    from matplotlib.artist import Artist
    from matplotlib.colors import to_rgb
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D, ScaledTranslation, blended_transform_factory

    class Lettering(Artist):
        """Glyphs, each drawn once and copied to all its places."""

        zorder = 3

        def __init__(self, sheet: Any, groups: dict[Any, _Places]) -> None:
            super().__init__()
            self._sheet = sheet
            self._groups = groups

        def draw(self, renderer: Any) -> None:
            gc = renderer.new_gc()
            gc.set_linewidth(0)
            for (side, size, _, colour), placed in self._groups.items():
                where, scaled = self._where(side, size), Affine2D().scale(size / _EM / 72) + self._inches()
                for (glyph, lift), places in placed.items():
                    vertices, codes = _OUTLINES[glyph]
                    if len(vertices):  # a space has none
                        outline, shape = Path(vertices, codes), Affine2D().translate(0, lift) + scaled
                        renderer.draw_markers(gc, outline, shape.frozen(), Path(places), where, to_rgb(colour))
            gc.restore()
            self.stale = False

        def _inches(self) -> Any:
            return self._sheet.figure.dpi_scale_trans

        def _where(self, side: str, size: float) -> Any:
            """Across in inches from an edge of the axes; down in rows, with the type's middle on the row."""
            across = self._inches() + ScaledTranslation(int(side == "right"), 0, self._sheet.transAxes)
            down = self._sheet.transData + ScaledTranslation(0, -_RISE * size / 72, self._inches())
            return blended_transform_factory(across, down)

    return Lettering


def _by_glyph(lines: Iterable[Line], families: tuple[str, ...]) -> dict[Any, _Places]:
    """Where each glyph stands, by all that its copies share."""
    found: dict[Any, _Places] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        laid_out = _laid_out(line.text, families, line.weight)
        scale = line.size / _EM / 72
        start = line.offset if line.side == "left" else -line.offset - laid_out.width * scale
        group = found[line.side, line.size, line.weight, line.colour]
        for glyph, x, lift in laid_out.glyphs:
            group[glyph, lift].append((start + x * scale, line.row))
    return found


@lru_cache(10_000)
def _laid_out(text: str, families: tuple[str, ...], weight: str) -> _Set:
    from matplotlib.textpath import text_to_path

    if not text:
        return _Set((), 0.0)
    font = _font(families, weight)
    placed, new, _ = text_to_path.get_glyphs_with_font(font, text, glyph_map=_OUTLINES, return_new_glyphs_only=True)
    _OUTLINES.update(new)
    font.set_text(text, 0.0)
    return _Set(tuple((glyph, x, y) for glyph, x, y, _ in placed), font.get_width_height()[0] / 64)


def _font(families: tuple[str, ...], weight: str) -> Any:
    """The fonts as one, each character drawn by the first that has it."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font([findfont(FontProperties(family=family, weight=weight)) for family in families])
    font.set_size(_EM, 72)
    return font
