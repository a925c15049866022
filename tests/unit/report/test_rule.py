"""A decision rule of the experiment's own: each condition is told with what it asks for and what was read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.model.result import Analysis, AskedReading
from holdfast.report import render_markdown, render_slack, render_summary, summary_lines
from tests.unit.report import languages

RULE = (
    AskedReading(metric="margin", reads=("better",)),
    AskedReading(metric="unsubscribed", reads=("safe",)),
    AskedReading(metric="average_order_value", reads=("better", "cannot_tell")),
    AskedReading(metric="margin_after", reads=("safe", "cannot_tell")),
)
HELD = {
    "en": (
        "✔ Margin per customer: the rule asks for better (the whole interval on the better side of zero). It reads"
        " ▲ better: +¥81 (95% interval +¥28 to +¥134).",
        "✔ Unsubscribed: the rule asks for safe (no more harm than the tolerated +0.4 points). It reads ✔ safe:"
        " +0.07 points (90% interval −0.17 to +0.31 points).",
        "✔ Average order value: the rule asks for better (the whole interval on the better side of zero) or cannot tell"
        " (an interval that holds zero). It reads ● cannot tell: −¥170 (95% interval −¥458 to +¥118).",
        "✔ Margin after the voucher expired: the rule asks for safe (no more harm than the tolerated −10%) or cannot"
        " tell (an interval that holds the tolerated −10%). It reads ✔ safe: +1.2% (90% interval −5.6% to +8.0%).",
    ),
    "ja": (
        "✔ 1人あたり限界利益：条件は「改善」（信頼区間の全体がゼロより改善の側）。判定は「▲ 改善」で、変化は+81円です"
        "（95%信頼区間：+28円～+134円）。",
        "✔ 配信停止率：条件は「許容範囲内」（許容は+0.4%ポイントまで）。判定は「✔ 許容範囲内」で、変化は+0.07%ポイント"
        "です（90%信頼区間：−0.17～+0.31%ポイント）。",
    ),
}


def ruled(analysis: Analysis, reason: str, *failed: str) -> Analysis:
    """The voucher judged by a rule of its own."""
    own = replace(analysis, plan=replace(analysis.plan, policy="custom", ship_if=RULE))
    return languages.judged(own, "ship" if reason == "conditions_met" else "discuss", reason, *failed)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_condition_says_what_was_asked_and_what_was_read(voucher: Analysis, language: str) -> None:
    said = languages.in_japanese(voucher) if language == "ja" else voucher
    met = ruled(said, "conditions_met", *(each.metric for each in RULE))
    forms = (
        render_markdown(met),
        render_summary(met, "report.md"),
        render_slack(met, "report.md"),
        "\n".join(summary_lines(met)),
    )
    for text in forms:
        for sentence in HELD[language]:
            assert sentence in text.replace("\n>\n", "\n")


def test_a_condition_that_does_not_hold_is_marked(voucher: Analysis) -> None:
    rows = tuple(
        replace(row, state="cannot_tell") if row.metric == "unsubscribed" else row for row in voucher.estimates
    )
    text = render_markdown(ruled(replace(voucher, estimates=rows), "conditions_not_met", "unsubscribed"))
    assert "This experiment's own rule is not met: Unsubscribed did not read as it asks." in text
    assert "✘ Unsubscribed: the rule asks for safe (no more harm than the tolerated +0.4 points). It reads" in text
    assert "It reads ● cannot tell: +0.07 points (90% interval −0.17 to +0.31 points)." in text
    assert text.count("✘") == 1


def test_a_condition_that_cannot_be_read_says_why(voucher: Analysis) -> None:
    rows = tuple(
        replace(row, status="not_estimable", reason="no_mature_units", state="not_estimable")
        if row.metric == "unsubscribed"
        else row
        for row in voucher.estimates
    )
    text = render_markdown(ruled(replace(voucher, estimates=rows), "conditions_not_met", "unsubscribed"))
    assert "It cannot be read: nobody has been observed for the whole window yet." in text


def test_other_rules_and_older_documents_list_no_conditions(voucher: Analysis) -> None:
    own = replace(voucher, plan=replace(voucher.plan, policy="custom", ship_if=RULE))
    assert "the rule asks for" not in render_markdown(languages.judged(own, "do_not_ship", "harm", "unsubscribed"))
    without = replace(ruled(voucher, "conditions_met", "margin"), plan=voucher.plan)
    text = render_markdown(without)
    assert "the rule asks for" not in text
    assert "Every condition of this experiment's own rule holds (Margin per customer)." in text
