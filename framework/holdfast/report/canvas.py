"""What all figures share: paper, type, colours with shapes, and bytes that do not change from run to run."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from holdfast.report.lettering import width
from holdfast.report.numbers import MINUS
from holdfast.report.view import View

WIDTH = 5.0
"""Inches; a phone shows them on 358 px, where 9 points are as large as the smallest type of a page."""
DPI = 220
INK = "#222222"
SOFT = "#6b6b6b"
LINE = "#d9d9d9"
CONTROL_COLOUR = "#555555"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's palette, which people with colour-blindness can tell apart; shapes say it a second time."""
SHAPES = ("o", "s", "D", "^", "v", "P")
CONTROL_SHAPE = "X"
LONGEST = 300
"""Characters of a line of text that no width of ours holds."""
_FONT = "DejaVu Sans"
_JAPANESE_FONT = "IPAexGothic"
_STYLE: dict[str, Any] = {
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a title is money
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.unicode_minus": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "holdfast",
    "svg.fonttype": "path",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Colour and shape of a variant, the same in all figures of a report."""

    colour: str
    shape: str


def marks(control: str, treated: tuple[str, ...]) -> dict[str, Mark]:
    """The mark of each variant by key."""
    pairs = {key: Mark(COLOURS[place % 6], SHAPES[place % 6]) for place, key in enumerate(treated)}
    return {control: Mark(CONTROL_COLOUR, CONTROL_SHAPE)} | pairs


def mark_of(view: View, variant: str) -> Mark:
    """The mark of one variant."""
    return marks(view.control.key, tuple(info.key for info in view.treated))[variant]


def load() -> None:
    """Import what figures are drawn with, which takes most of a second: while an engine reads, for example."""
    for name in ("figure", "backends.backend_agg", "backends.backend_svg"):
        import_module(f"matplotlib.{name}")


@contextmanager
def styled() -> Iterator[None]:
    """The settings that figures are drawn with; a user's own matplotlibrc must not change a report."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(_STYLE | {"font.family": list(families())})
        yield


def both(name: str, draw: Callable[[], Any]) -> dict[str, bytes]:
    """A figure as PNG and SVG by file name, always the same bytes."""
    with styled():
        figure = draw()
        pixels = _pixels(figure)
        with ThreadPoolExecutor(1) as beside:  # an image is pressed together while the other file is drawn
            image = beside.submit(_pressed, *pixels)
            drawn = _svg(figure)
        return {f"figures/{name}.png": image.result(), f"figures/{name}.svg": drawn}


def _pixels(figure: Any) -> tuple[bytes, tuple[int, int]]:
    """The figure as drawn, with its width and height."""
    figure.canvas.draw()
    return bytes(figure.canvas.buffer_rgba()), figure.canvas.get_width_height()


def _pressed(pixels: bytes, size: tuple[int, int]) -> bytes:
    """With a palette: flat colours and their edges need few, and the file is a quarter as large, and sooner written."""
    from PIL import Image

    image = Image.frombuffer("RGBA", size, pixels).convert("RGB")
    small = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette, paper_colour = small.getpalette() or [], int(small.tobytes()[0])
    palette[3 * paper_colour : 3 * paper_colour + 3] = [255] * 3  # the paper is white, not nearly so
    small.putpalette(palette)
    buffer = BytesIO()
    small.save(buffer, "png", dpi=(DPI, DPI))
    return buffer.getvalue()


def _svg(figure: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def paper(height: float) -> Any:
    """An empty figure of the report's width."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def readable(text: str, otherwise: str = "") -> str:
    """The text if the font can draw all of it; else the other text, with a question mark for what cannot be drawn."""
    fonts = [_drawn_by(family) for family in families()]

    def known(character: str) -> bool:
        return any(ord(character) in font for font in fonts)

    if all(map(known, text)):
        return text
    return "".join(character if known(character) else "?" for character in otherwise or text)


@cache
def _drawn_by(family: str) -> frozenset[int]:
    """The characters that a font has; asked for every label of a figure."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(family)).get_charmap())


@cache
def japanese_font() -> Path | None:
    """The font of the extra [ja]; None where that is not installed."""
    # Importing the package would change matplotlib's settings for the whole process.
    found = find_spec("matplotlib_fontja")
    places = found.submodule_search_locations if found else None
    path = Path(places[0], "fonts", "ipaexg.ttf") if places else None
    return path if path and path.is_file() else None


def language_of_figures(language: str) -> str:
    """The language of the words in figures: the report's, or English where no font can draw it."""
    return "en" if language == "ja" and japanese_font() is None else language


def families() -> tuple[str, ...]:
    """The fonts of figures; each character is drawn by the first that has it. The Japanese one lacks ≤ and ✗."""
    from matplotlib.font_manager import fontManager

    path = japanese_font()
    if path is None:
        return (_FONT,)
    if _JAPANESE_FONT not in fontManager.get_font_names():
        fontManager.addfont(path)
        # It has one weight only: without an entry for bold, every bold word would be noted in the log.
        fontManager.ttflist.append(replace(fontManager.ttflist[-1], weight=700))
    return (_FONT, _JAPANESE_FONT)


def weight(text: str) -> str:
    """Bold, unless a font without bold draws some of it: digits alone in bold would stand out."""
    return "bold" if all(ord(character) in _drawn_by(_FONT) for character in text) else "normal"


def fitted(text: str, inches: float, size: float, weight: str = "normal") -> str:
    """The text cut to a width, with an ellipsis where something was cut."""
    if len(text) <= LONGEST and breadth(text, size, weight) <= inches:
        return text
    room = inches - breadth("…", size, weight)
    return f"{text[: fitting(text, room, size, weight)].rstrip()}…"


def fitting(text: str, inches: float, size: float, weight: str = "normal") -> int:
    """How many characters from the start of a text fit into a width: one at least."""
    lengths = range(1, min(len(text), LONGEST) + 1)
    return max(bisect_right(lengths, False, key=lambda length: breadth(text[:length], size, weight) > inches), 1)


def breadth(text: str, size: float, weight: str = "normal") -> float:
    """How wide a text is, in inches."""
    return width(text, families(), size, weight)


def percent_tick(value: float, _: int | None = None) -> str:
    """A tick of an axis in percent, with a real minus sign."""
    number = f"{abs(value) * 100:.6g}"
    return f"{MINUS if value < 0 and number != '0' else ''}{number}%"


def percent_label(value: float) -> str:
    """A share beside its point."""
    return f"{value * 100:.1f}%"


def count_tick(value: float, _: int | None = None) -> str:
    """A tick of an axis that counts."""
    return f"{value:,.0f}"
