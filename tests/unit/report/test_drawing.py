"""How figures are drawn: lines of text set from glyphs, and images saved with a palette."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import Image

from holdfast.report import canvas
from holdfast.report.lettering import Line, width, write

FAMILIES = ("DejaVu Sans",)
TEXTS = ("Retained, days 0 to 89", "AVATAR fi Wolf", "+¥1,370 (−28 to +134)", "naïve Ångström")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_a_line_is_as_wide_as_matplotlib_draws_it(text: str, weight: str) -> None:
    """Ink ends within the last letter's side bearing, which is less than a fifth of the size of the type."""
    ink = TextPath((0, 0), text, size=12, prop=FontProperties(family="DejaVu Sans", weight=weight)).get_extents()
    assert 72 * width(text, FAMILIES, 12, weight) == pytest.approx(ink.x1, abs=2.4)
    assert width("", FAMILIES, 12) == 0


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_letters_stand_where_matplotlib_puts_them(text: str, side: Any) -> None:
    """The same line beside a text of matplotlib's own: both dark in the same columns, to a few dots of 200 an inch."""
    found = []
    for own in (True, False):
        figure, axes = _sheet()
        if own:
            write(axes, [Line(text, 0.5, side=side, offset=0.25, size=20)], FAMILIES)
        else:
            edge = 0.25 / 4 if side == "left" else 1 - 0.25 / 4
            style: dict[str, Any] = {"ha": side, "va": "center", "fontsize": 20, "family": "DejaVu Sans"}
            axes.text(edge, 0.5, text, transform=axes.transAxes, **style)
        dark = np.nonzero((_pixels(figure) < 128).any(axis=0))[0]
        found.append((dark.min(), dark.max(), len(dark)))
    own_ink, usual = np.array(found[0]), np.array(found[1])
    assert abs(own_ink - usual)[:2].max() <= 11  # matplotlib hints each letter to whole dots
    assert own_ink[2] == pytest.approx(usual[2], rel=0.06)


def test_letters_keep_their_size_at_any_resolution() -> None:
    inches = []
    for dpi in (100, 300):
        figure, axes = _sheet()
        write(axes, [Line("Wolf", 0.5, size=30)], FAMILIES)
        figure.set_dpi(dpi)
        dark = np.nonzero((_pixels(figure) < 128).any(axis=0))[0]
        inches.append((dark.max() - dark.min()) / dpi)
    assert inches[0] == pytest.approx(inches[1], abs=0.02)


def test_a_palette_changes_no_colour_that_an_eye_would_see() -> None:
    with canvas.styled():
        figure = canvas.paper(2.0)
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        for place, colour in enumerate(canvas.COLOURS):
            axes.fill_between([place, place + 1], 0, 1, color=colour, alpha=0.16)
            axes.plot([place, place + 1], [0, 1], color=colour)
        saved = canvas._pressed(*canvas._pixels(figure))
        whole = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].astype(int)
    with Image.open(BytesIO(saved)) as image:
        assert image.mode == "P"
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert shown.shape == whole.shape
    assert tuple(shown[0, 0]) == (255, 255, 255)
    assert abs(shown - whole).max() <= 20
    assert abs(shown - whole).mean() < 1.0


def test_text_is_cut_to_its_room() -> None:
    text = "Average order value of customers who bought in days 0 to 89"
    cut = canvas.fitted(text, 2.0, 9.5)
    assert cut.endswith("…")
    assert text.startswith(cut[:-1].rstrip())
    assert 1.8 < canvas.breadth(cut, 9.5) <= 2.0
    assert canvas.fitted(text, 20.0, 9.5) == text


def _sheet() -> tuple[Any, Any]:
    """Empty axes of four inches that fill a figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0, 1.0), dpi=200)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_ylim(1, 0)
    return figure, axes


def _pixels(figure: Any) -> Any:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[:, :, 0]
