"""What a reader of a figure has to see: whole words, which way is better, what is off the scale, what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from matplotlib.lines import Line2D

from holdfast.model.found import Quantity
from holdfast.model.result import Analysis
from holdfast.report import canvas, difference_lines, forest, heading, lines, segment_forest, waterfall
from holdfast.report.differences import week_gaps
from holdfast.report.forest import LONG, SHORT, rows_of
from holdfast.report.segments import segment_figures
from holdfast.report.view import View
from tests.unit.report import fuller as parts
from tests.unit.report import languages

ROOM = canvas.WIDTH - 2 * forest.SIDE


@pytest.fixture
def view(voucher: Analysis) -> View:
    return View.of(parts.fuller(voucher), markdown=False)


def renamed(view: View, metric: str, title: str) -> View:
    known = tuple(replace(info, title=title) if info.key == metric else info for info in view.analysis.metrics)
    return View.of(replace(view.analysis, metrics=known), markdown=False)


def words(figure: Any) -> list[str]:
    """All texts of a figure that are not of an axis."""
    return [text.get_text() for text in figure.texts]


def test_type_is_as_large_on_a_phone_as_the_smallest_of_a_page() -> None:
    """GitHub shows a figure 358 pixels wide on a phone of 390; 72 points are an inch."""
    assert 9 * 358 / (canvas.WIDTH * 72) >= 8.9
    assert canvas.WIDTH * canvas.DPI <= 1200


def test_numbers_stand_under_a_title_that_leaves_them_no_room(view: View) -> None:
    short = [line for line in forest.forest(view)[0] if line.title.startswith("Unsubscribed")]
    assert rows_of(short, ROOM) == SHORT
    wide = renamed(view, "unsubscribed", "Unsubscribed from all newsletters")
    found = forest.forest(wide)[0]
    assert rows_of(found, ROOM) == LONG
    (line,) = (line for line in found if line.title.startswith("Unsubscribed from all"))
    assert canvas.breadth(line.title + line.tail, 9.5) + canvas.breadth(line.effect, 9.5) > ROOM
    told = [part.text for part in forest._words(line, 0, ROOM, LONG)]
    assert line.title + line.tail in told
    assert line.effect in told


def test_a_title_that_is_cut_still_says_that_it_is_a_guardrail(view: View) -> None:
    long = renamed(view, "unsubscribed", "Unsubscribed from all newsletters, by mail or on any page of the site")
    (line,) = (line for line in forest.forest(long)[0] if line.title.startswith("Unsubscribed"))
    drawn = next(part for part in forest._words(line, 0, ROOM, LONG) if part.text.startswith("Unsubscribed"))
    assert drawn.text.endswith("… (guardrail)")
    assert drawn.offset + canvas.breadth(drawn.text, 9.5) <= ROOM


def test_every_row_says_which_way_is_better_where_rows_differ(view: View) -> None:
    found, sheet = forest.forest(view)
    ways = {line.title.split(",")[0]: line.better for line in found}
    assert ways["Margin per customer"] == "better →"
    assert ways["No order for 60 days at day 90"] == "← better"
    assert "better" not in sheet.axis
    alone = replace(view.analysis, metrics=tuple(info for info in view.analysis.metrics if info.key == "margin"))
    found, sheet = forest.forest(View.of(alone, markdown=False))
    assert sheet.axis.endswith("; better →")
    assert not any(line.better for line in found)
    name, metric, rows = segment_figures(view)[0]
    assert name == "segments"
    assert segment_forest.draw(view, metric, rows).axes[0].get_xlabel() == "Difference, with its interval; better →"


def test_differences_say_which_way_is_better_and_what_zero_is(view: View) -> None:
    gaps = week_gaps(view)
    assert gaps is not None
    told = words(difference_lines.draw(view, gaps))
    assert "Difference, with its interval; better ↑" in told
    assert "Line at zero: No voucher" in told


def test_an_interval_beyond_the_figure_ends_in_arrows_that_point_outwards(view: View) -> None:
    wide = {"lower": -9.0, "upper": 14.0, "lower_adjusted": -9.0, "upper_adjusted": 14.0}
    rows = tuple(
        replace(row, **wide) if (row.metric, row.estimand) == ("margin", "lift") else row  # type: ignore[arg-type]
        for row in view.analysis.estimates
    )
    axes = forest.draw(View.of(replace(view.analysis, estimates=rows), markdown=False)).axes[0]
    found: list[Any] = [item for item in axes.get_children() if isinstance(item, Line2D)]
    arrows = [(line.get_marker(), list(line.get_xdata())) for line in found if line.get_marker() in {"<", ">"}]
    low, high = axes.get_xlim()
    assert sorted(arrows) == [("<", [low]), (">", [high])]


def test_ticks_stand_within_the_paper(view: View) -> None:
    net = Quantity(estimate=-20.3, lower=-300_273.0, upper=300_233.0)
    row = parts.pays(net=net, margin=parts.between(38.8, 250.0))
    figure = waterfall.draw(view, row)
    axes, paper = figure.axes[0], figure.bbox
    boxes = [label.get_window_extent(figure.canvas.get_renderer()) for label in axes.get_xticklabels()]
    assert len(boxes) > 1
    assert all(paper.x0 <= box.x0 and box.x1 <= paper.x1 for box in boxes)


def test_a_long_title_has_two_lines_and_a_longer_one_is_cut() -> None:
    with canvas.styled():
        title = "What is left of the margin: Voucher against No voucher"
        assert heading.title_lines("Short", 4.0) == ("Short",)
        first, second = heading.title_lines(title, 4.0)
        assert f"{first} {second}" == title
        first, second = heading.title_lines("手元に残る利益" * 12, 4.0)
        assert second.endswith("…")
        for line in (first, second):
            assert canvas.breadth(line, 11, canvas.weight(line)) <= 4.0


def test_weeks_that_are_not_known_leave_their_place_empty(view: View) -> None:
    unknown = Quantity(reason="no_mature_units")
    rows = tuple(
        replace(row, difference=unknown) if row.first_day in {21, 28} else row for row in view.analysis.periods
    )
    less = View.of(replace(view.analysis, periods=rows), markdown=False)
    gaps = week_gaps(less)
    assert gaps is not None
    drawn = [line for line in difference_lines.draw(less, gaps).axes[0].lines if len(line.get_xdata()) == 11]
    assert list(drawn[0].get_xdata()) == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12]


def test_control_is_told_apart_without_colour(view: View) -> None:
    """Control's grey is as dark as the first variant's blue on a print."""
    axes = lines.enrolment(view).axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-"]
    few = [line.get_markevery() for line in axes.lines]
    assert len({start for start, _ in few}) == 2, "marks of one variant hide those of another"
    assert all(every > 1 for _, every in few)


def test_enrolment_over_many_days_is_the_mean_of_each_seven(view: View) -> None:
    days = tuple(
        (f"2026-{1 + day // 28:02}-{1 + day % 28:02}", (("control", day), ("voucher", 7))) for day in range(94)
    )
    long = View.of(replace(view.analysis, enrolment=days), markdown=False)
    axes = lines.enrolment(long).axes[0]
    assert list(axes.lines[0].get_ydata()) == [3 + 7 * week for week in range(13)] + [92.0]
    assert set(axes.lines[1].get_ydata()) == {7}
    assert "Customers enrolled a day, mean of each 7 days" in words(axes.figure)
    few = View.of(replace(view.analysis, enrolment=days[:90]), markdown=False)
    assert len(lines.enrolment(few).axes[0].lines[0].get_ydata()) == 90


def test_names_that_are_too_long_stand_under_each_other(view: View) -> None:
    title = "Persönlicher Gutschein mit Versandkostenbefreiung"
    named = tuple(replace(info, title=title) if info.key == "voucher" else info for info in view.analysis.variants)
    long = View.of(replace(view.analysis, variants=named), markdown=False)
    figure = lines.enrolment(long)
    (name,) = (text for text in figure.texts if text.get_text() == title)
    (control,) = (text for text in figure.texts if text.get_text() == "No voucher")
    assert name.get_position()[1] < control.get_position()[1]
    assert name.get_position()[0] == control.get_position()[0]


def test_japanese_says_it_too(view: View) -> None:
    japanese = View.of(languages.in_japanese(view.analysis), markdown=False, language="ja")
    assert {line.better for line in forest.forest(japanese)[0]} == {"改善 →", "← 改善"}
