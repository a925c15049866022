"""Sentences that once said too much, twice, or unevenly."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from holdfast.model.result import Analysis
from holdfast.report import render_html, render_markdown, render_slack
from holdfast.report.conditions import condition
from holdfast.report.monospace import lines
from holdfast.report.text import Safe
from holdfast.report.view import Table
from holdfast.report.words import Voice
from tests.unit.report import fuller, languages
from tests.unit.report.printed import sections


@pytest.mark.parametrize(
    ("text", "english", "japanese"),
    [
        ("1", "exactly 1", "ちょうど1"),
        ("2.5", "exactly 2.5", "ちょうど2.5"),
        ("not 1", "not 1", "1以外"),
        ("JP", "JP", "JP"),
    ],
)
def test_a_number_alone_is_said_to_be_exact(text: str, english: str, japanese: str) -> None:
    assert condition(Voice.of("en"), text) == english
    assert condition(Voice.of("ja"), text) == japanese


def test_one_day_of_enrolment_has_no_table(voucher: Analysis) -> None:
    day = (("2026-10-01", (("control", 12012), ("voucher", 11988))),)
    text = render_markdown(replace(voucher, enrolment=day))
    assert "All enrolled on 1 Oct 2026." in text
    assert "Least on a day" not in text
    assert "Least on a day" in render_markdown(voucher)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_row_over_time_has_one_number_of_decimals(voucher: Analysis, language: str) -> None:
    found = sections(render_markdown(fuller.fuller(voucher), language))
    rows = [row for section in found.values() for row in section.rows if re.fullmatch(r"[\d,]+ days?|[\d,]+日", row[0])]
    assert len(rows) > 10
    for row in rows:
        decimals = {len(number.partition(".")[2]) for cell in row[1:] for number in re.findall(r"\d+\.\d+", cell)}
        assert len(decimals) == 1, row


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_ratio_is_not_called_an_average_over_all(voucher: Analysis, language: str) -> None:
    text = render_markdown(voucher, language)
    assert ("no average over all customers: Average order value" in text) == (language == "en")
    assert ("すべてのお客様についての平均ではありません：Average order value" in text) == (language == "ja")
    without = replace(voucher, metrics=tuple(info for info in voucher.metrics if info.family != "ratio"))
    assert "no average over all" not in render_markdown(without)


def test_the_message_ends_with_the_language_s_own_colon(voucher: Analysis) -> None:
    assert render_slack(voucher, "a/report.md").endswith("Full report: `a/report.md`\n")
    assert render_slack(voucher, "a/report.md", language="ja").endswith("レポート全文： `a/report.md`\n")


def test_a_range_of_days_is_not_broken() -> None:
    cell = Safe("1人あたりの限界利益（税抜・送料込み）（0～89日目）")
    table = Table((Safe("指標"), Safe("値")), "lr", ((cell, Safe("765円")),))
    for width in range(24, 60):
        told = lines(table, width)
        assert sum("0～89日目" in line for line in told) == 1, "\n".join(told)
        assert "\u2060" not in "".join(told)


def test_the_page_keeps_a_range_of_days_together(voucher: Analysis) -> None:
    page = render_html(languages.in_japanese(voucher))
    outside = re.sub(r"<span class=\"keep\">[^<]*</span>|alt=\"[^\"]*\"|<title>.*?</title>|<h\d.*?</h\d>", "", page)
    assert '<span class="keep">0～89日目</span>' in page
    assert not re.search(r"\d+～\d+日", outside.partition("<body>")[2])
