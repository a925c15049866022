"""Figures of differences and money, analysis.plot, and what a notebook shows of an analysis."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from holdfast.errors import UsageError
from holdfast.model.found import Quantity
from holdfast.model.result import Analysis
from holdfast.project.analysis import MetricView
from holdfast.project.forms import Forms
from holdfast.report import figures, metric_card, metric_html, render_markdown, to_json
from tests.unit.report import fuller

NAMES = ("forest", "retention", "difference", "by_week", "exposures")
TIME = "Time until the account was closed"


@pytest.fixture
def full(voucher: Analysis) -> Analysis:
    return fuller.fuller(voucher)


@pytest.fixture
def forms(full: Analysis, tmp_path: Path) -> Forms:
    return Forms(full, tmp_path)


def test_each_figure_stands_in_the_report_with_its_numbers_as_a_table(full: Analysis) -> None:
    text, drawn = render_markdown(full), figures(full)
    for name in ("retention-difference", "survival-difference", "effect-by-week", "money"):
        assert {f"figures/{name}.png", f"figures/{name}.svg"} <= set(drawn)
        _, _, after = text.partition(f"](figures/{name}.png)\n")
        lines = [line for line in after.split("\n") if line][:4]
        assert lines[0] == f"[As SVG](figures/{name}.svg)"
        assert lines[1].startswith("| ")
    assert drawn == figures(full), "the same bytes"
    assert "Voucher +¥41 (+27 to +55) on days 0 to 6 and −¥3 (−17 to +11) on days 84 to 89" in text
    assert "messages sent +¥9, leaves +¥81 (+28 to +134)" in text


def test_nothing_is_drawn_of_what_is_not_known(full: Analysis) -> None:
    """A document of an older version has no differences; a margin without a number is no bar; one week is no course."""
    unknown = Quantity(reason="no_units")
    bare = replace(
        full,
        curves=tuple(replace(curve, differences=()) for curve in full.curves),
        survival=tuple(replace(row, differences=()) for row in full.survival),
        pays=tuple(replace(row, margin=unknown) for row in full.pays),
        periods=full.periods[:1],
    )
    missing = ("retention-difference", "survival-difference", "effect-by-week", "money")
    assert not [name for name in figures(bare) if any(f"/{each}." in name for each in missing)]
    assert not any(f"figures/{each}." in render_markdown(bare) for each in missing)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_drawn_on_its_own_or_into_axes(forms: Forms, name: str) -> None:
    alone = getattr(forms.plot, name)()
    assert alone.figure.axes == [alone]
    figure = Figure(figsize=(5, 4))
    FigureCanvasAgg(figure)
    mine = figure.add_subplot()
    assert getattr(forms.plot, name)(ax=mine) is mine
    assert mine.get_title(loc="left")
    assert mine.get_xlim() == alone.get_xlim()
    assert mine.get_ylim() == alone.get_ylim()
    assert len(mine.lines) == len(alone.lines)


def test_what_is_drawn_are_the_numbers_of_the_analysis(forms: Forms, full: Analysis) -> None:
    weeks = [row.difference.estimate for row in full.periods]
    assert any(list(line.get_ydata()) == weeks for line in forms.plot.by_week().lines)
    shares = [row.difference.estimate for row in full.survival[0].differences]
    assert any(list(line.get_ydata()) == [0.0, *shares] for line in forms.plot.difference(curve=TIME).lines)


def test_the_nearest_curve_is_named_and_what_is_missing_is_said(
    forms: Forms, full: Analysis, interim: Analysis
) -> None:
    with pytest.raises(UsageError, match=f'no curve "Time until.*{TIME}'):
        forms.plot.retention(curve="Time until the account was close")
    none = Forms(replace(full, curves=(), survival=(), periods=(), enrolment=()), Path())
    for name, why in (("retention", "curves"), ("difference", "curve"), ("by_week", "week"), ("exposures", "dates")):
        with pytest.raises(UsageError, match=why):
            getattr(none.plot, name)()
    early = Forms(interim, Path())
    with pytest.raises(UsageError, match="before the readout"):
        early.plot.forest()
    assert early.plot.exposures().lines


def test_pyplot_stays_unloaded(full: Analysis, tmp_path: Path) -> None:
    """In a process of its own, since other tests may have loaded it."""
    path = tmp_path / "results.json"
    path.write_text(to_json(full), encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from holdfast import report; "
        f"report.plot(report.from_json(Path({str(path)!r}).read_text('utf-8')), 'forest'); "
        "assert 'matplotlib.figure' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_notebook_shows_verdict_and_first_table(forms: Forms, full: Analysis) -> None:
    card = forms._repr_markdown_()
    assert "Ship Voucher" in card
    assert "| +¥81 (+28 to +134) |" in card
    assert len(card) < 3000
    assert "| Margin per customer, days 0 to 89 | ¥684 | ¥765 | +¥81 (+28 to +134) |" in metric_card(
        full, "margin", "voucher"
    )


def test_what_a_notebook_shows_is_escaped(full: Analysis) -> None:
    nasty = "<script>alert(1)</script> a | b\n# c"
    variants = tuple(replace(info, title=nasty) for info in full.variants)
    metrics = tuple(replace(info, title=nasty) for info in full.metrics)
    bad = replace(full, experiment=replace(full.experiment, title=nasty), variants=variants, metrics=metrics)
    for card in (Forms(bad, Path())._repr_markdown_(), metric_card(bad, "margin", "voucher")):
        assert "<script" not in card
        assert "&lt;script" in card
        assert "\n# c" not in card
        widths = {line.replace("\\|", "").count("|") for line in card.splitlines() if line.startswith("| ")}
        assert len(widths) == 1


def test_html_for_a_notebook_says_the_same(forms: Forms, full: Analysis) -> None:
    """Every word and number of the Markdown, rows and columns with their headings, and no colour of its own."""
    for page, card in (
        (forms._repr_html_(), forms._repr_markdown_()),
        (metric_html(full, "margin", "voucher"), metric_card(full, "margin", "voucher")),
    ):
        root = ElementTree.fromstring(page)
        assert root.attrib["lang"] == "en"
        rows = [[cell.text for cell in row] for row in root.iter("tr")]
        assert [len(row) for row in rows] == [line.count(" | ") + 1 for line in told_lines(card)]
        assert {cell.attrib["scope"] for cell in root.iter("th")} == {"col", "row"}
        assert "+¥81 (+28 to +134)" in page
        assert not re.search(r"<script|<style|<link|https?:|#[0-9a-f]{3}|var\(", page)
        assert "text-align: right" in page


def told_lines(card: str) -> list[str]:
    """Heads and rows of the tables of a card."""
    return [line for line in card.splitlines() if line.startswith("| ")]


def test_html_for_a_notebook_is_escaped(full: Analysis) -> None:
    nasty = "<script>alert(1)</script><img src=x onerror=y> [a](javascript:b) | b"
    variants = tuple(replace(info, title=nasty) for info in full.variants)
    metrics = tuple(replace(info, title=nasty) for info in full.metrics)
    bad = replace(full, experiment=replace(full.experiment, title=nasty), variants=variants, metrics=metrics)
    for page in (Forms(bad, Path())._repr_html_(), metric_html(bad, "margin", "voucher")):
        root = ElementTree.fromstring(page)
        assert {element.tag for element in root.iter()} <= {
            "div", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
        }  # fmt: skip
        assert "&lt;script&gt;" in page


def test_one_metric_of_a_document_is_shown_as_a_row(full: Analysis) -> None:
    difference, lift = full.find("margin", "voucher"), full.find("margin", "voucher", "lift")
    level = full.level("margin", "voucher")
    assert difference is not None and lift is not None and level is not None
    shown = MetricView(difference, lift, level, level, analysis=full)._repr_markdown_()
    assert shown == metric_card(full, "margin", "voucher")
    assert MetricView(difference, lift, level, level)._repr_markdown_() is None
