"""The business's own words: in both languages, wherever a report would speak of a shop, and only as words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from holdfast.model.result import Analysis
from holdfast.model.words import Language, Words, merged
from holdfast.report import from_json, render_html, render_markdown, to_json
from holdfast.report.view import View

GIFTS = {
    "en": {
        "unit": "donor", "retained": "Donor retention", "churned": "Donor churn", "average_order_value": "Average gift",
        "revenue_per_unit": "given per donor",
        "share_who_bought": "share who gave",
        "orders_per_buyer": "gifts per giver", "buyers": "givers",
    },
    "ja": {
        "unit": "支援者", "counter": "名", "retained": "寄付継続率", "churned": "寄付離脱率",
        "average_order_value": "平均寄付額",
        "revenue_per_unit": "支援者1名あたりの寄付額", "share_who_bought": "寄付した人の割合",
        "orders_per_buyer": "寄付した人あたりの寄付回数", "buyers": "寄付した人",
    },
}  # fmt: skip


@pytest.fixture
def gifts(voucher: Analysis) -> Analysis:
    """The voucher experiment in the words of a charity."""
    return replace(voucher, experiment=replace(voucher.experiment, words=GIFTS))


def test_the_first_screen_speaks_of_gifts(gifts: Analysis) -> None:
    text = render_markdown(gifts, "en")
    assert "**Who and what.** 24,000 donors." in text
    assert "| **Donor retention**" in text
    assert "(givers only)" in text
    assert re.search(
        r"Given per donor \(without any cap\) \+7\.6%.*: share who gave \+12\.1%, gifts per giver −1\.4%", text
    )
    assert "average gift −2.6%." in text
    assert not re.search(r"buyer|who bought|Revenue per", text)


def test_so_it_does_in_japanese(gifts: Analysis) -> None:
    text = render_markdown(gifts, "ja")
    assert "対象は支援者2万4,000名です。" in text
    assert "（12,012名）" in text
    assert "支援者1名あたりの寄付額（上限なし）の増減率は+7.6%でした" in text
    assert "### 平均寄付額の内訳" in text
    assert not re.search("お客様|購入者|購入した人|売上の増減率|平均注文額", text)


def test_words_that_are_not_named_stay(voucher: Analysis) -> None:
    plain = render_markdown(voucher, "ja")
    assert (
        render_markdown(replace(voucher, experiment=replace(voucher.experiment, words={"en": GIFTS["en"]})), "ja")
        == plain
    )
    view = View.of(
        replace(voucher, experiment=replace(voucher.experiment, words={"ja": {"unit": "会員の方"}})), language="ja"
    )
    assert (view.unit, view.counter(12)) == ("会員の方1人", "12人")
    household = replace(voucher.experiment, unit="home", words={"ja": {"unit": "世帯", "counter": "世帯"}})
    assert View.of(replace(voucher, experiment=household), language="ja").unit == "1世帯"
    people = replace(voucher.experiment, words={"en": {"unit": "person", "units": "people"}})
    assert View.of(replace(voucher, experiment=people), language="en").units == "people"


def test_words_are_kept_in_results(gifts: Analysis) -> None:
    assert from_json(to_json(gifts)).experiment.words == GIFTS


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_word_is_only_a_word(gifts: Analysis, language: str) -> None:
    """Neither markup nor a placeholder of the catalogue."""
    bad = dict.fromkeys(GIFTS["en"], "{unit} | <b>x</b> **{0}")
    hostile = replace(gifts, experiment=replace(gifts.experiment, words={language: bad}))
    text = render_markdown(hostile, language)
    assert "{unit} \\| &lt;b&gt;x&lt;/b&gt; \\*\\*{0}" in text
    assert "<b>" not in render_html(hostile, {}, language)


def test_an_experiment_goes_before_its_project() -> None:
    project: dict[Language, Words] = {"en": Words(retained="Stayed", buyers="donors"), "ja": Words(retained="継続")}
    experiment: dict[Language, Words] = {"en": Words(retained="Gave again")}
    assert merged(project, experiment) == {
        "en": {"retained": "Gave again", "buyers": "donors"},
        "ja": {"retained": "継続"},
    }
    assert merged(None, None) == {}


def test_a_title_repeats_neither_word_nor_days_in_another_language(voucher: Analysis) -> None:
    titles = {"retained": "Retention: bought in days 56 to 89", "average_order_value": "Average order value"}
    metrics = tuple(replace(metric, title=titles.get(metric.key, metric.title)) for metric in voucher.metrics)
    text = render_markdown(replace(voucher, metrics=metrics), "ja")
    assert "| **顧客維持率**：bought in days 56 to 89 |" in text
    assert "| **平均注文額**（0～89日目）（購入者のみ） |" in text


def test_the_first_screen_names_few_metrics_that_cannot_be_told(voucher: Analysis) -> None:
    rows = tuple(replace(row, state="cannot_tell") for row in voucher.estimates)
    line = next(
        line for line in render_markdown(replace(voucher, estimates=rows)).splitlines() if "Still unknown" in line
    )
    assert line.count(";") == 4
    assert line.endswith("; and on others, see the scorecard.")


def test_a_title_that_says_another_day_does_not_say_its_own(voucher: Analysis) -> None:
    """Day 9 stands beside a title that says day 90."""
    metrics = tuple(
        replace(metric, title="Left by day 90", first_day=9, end_day=10) if metric.key == "churned" else metric
        for metric in voucher.metrics
    )
    found = replace(voucher, metrics=metrics)
    assert "Left by day 90, day 9 |" in render_markdown(found)
    assert "Left by day 90（9日目） |" in render_markdown(found, "ja")
