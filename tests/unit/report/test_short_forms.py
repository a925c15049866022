"""The report made short: for a pull request, a CI job and Slack. Always within its limit, and never half a table."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from benchmarks.render import large
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.result import Analysis
from holdfast.report import render_slack, render_summary
from holdfast.report.monospace import columns_of, lines, wrap
from holdfast.report.slack import WIDTH
from holdfast.report.text import Safe
from holdfast.report.view import Table
from tests.unit.report import fuller as parts
from tests.unit.report.test_markdown import CODES, hostile, tables

NAMES = ["hillstrom", "cookie_cats", "voucher", "interim", "full", "huge"]
PATH = "reports/winback/2027-02-14/report.md"
LONG = "呼び戻し<!channel> @here *b* _i_ ~s~ `c` ``` & <script> https://evil.example | [l](javascript:x) " * 40


@pytest.fixture
def full(voucher: Analysis) -> Analysis:
    """The voucher experiment with all that a result may hold."""
    return parts.fuller(voucher)


@pytest.fixture
def huge() -> Analysis:
    """20 metrics, 4 variants, 10 segments."""
    return large()


@pytest.fixture(params=NAMES)
def analysis(request: pytest.FixtureRequest) -> Analysis:
    """Each of the experiments."""
    found: Analysis = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def longest(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> Analysis:
    """The same with text that is as long and as hostile as can be."""
    monkeypatch.setattr("tests.unit.report.test_markdown.NASTY", LONG)
    changed: Analysis = replace(hostile(analysis, CODES), checks=analysis.checks)
    return changed


def whole_tables(text: str) -> bool:
    """Whether every line of every table has as many cells as its head, and every table has rows."""
    return all(len({len(row) for row in table}) == 1 and len(table) > 1 for table in tables(text))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_is_linked_before_the_report_is_written(analysis: Analysis, language: str) -> None:
    """What writes it stands in the place of the link, even where an address is given."""
    command = f"`{analysis.provenance.command}`"
    assert command.startswith("`holdfast analyze ")
    for render in (render_summary, render_slack):
        text = render(analysis, "", "https://our.example", language)
        assert "report.md" not in text
        assert "our.example" not in text
        assert (
            text.rstrip().splitlines()[-1]
            == {
                "en": f"The full report is not written yet; {command} writes it.",
                "ja": f"レポート全文はまだ作成されていません。{command}で作成できます。",
            }[language]
        )


def test_an_analysis_of_a_frame_is_written_by_a_call(analysis: Analysis) -> None:
    made = replace(analysis, provenance=replace(analysis.provenance, command="holdfast.analyze_frame(...)"))
    assert "`analysis.write(folder)`" in render_summary(made, "")


def test_a_summary_has_the_first_screen_and_the_link(analysis: Analysis) -> None:
    text = render_summary(analysis, PATH, "https://example.com/shop/blob/main/")
    assert len(text.encode()) < 60_000
    assert text.startswith("# ")
    assert "> [!" in text
    assert "**Can it be trusted?**" in text
    assert "**Next step.**" in text
    assert "![" not in text
    assert "figures/" not in text
    assert whole_tables(text)
    assert text.endswith(f"Full report: [{PATH}](https://example.com/shop/blob/main/{PATH})\n")
    assert f"]({PATH})" in render_summary(analysis, PATH)


def test_a_large_summary_has_every_variant_and_every_guardrail(huge: Analysis) -> None:
    text = render_summary(huge, PATH)
    assert len(list(tables(text))) == 3
    assert text.count("tolerated") == 5 * 3
    assert "left out" not in text


def test_a_summary_stays_short_whatever_the_plan_holds(longest: Analysis) -> None:
    text = render_summary(longest, PATH)
    assert len(text.encode()) < 60_000
    assert whole_tables(text)
    assert text.startswith("# ")
    assert "> [!" in text
    assert text.endswith(f"]({PATH})\n")
    assert longest.plan.interim or "Parts are left out here" in text
    assert not re.search(r"<(?! 0\.0001)", text)


def test_deviations_stand_in_the_summary(hillstrom: Analysis, voucher: Analysis) -> None:
    assert "## Deviations from the plan\n\n- Not pre-registered" in render_summary(hillstrom, PATH)
    assert "Not pre-registered" in render_slack(hillstrom, PATH)
    assert "Deviations" not in render_summary(voucher, PATH) + render_slack(voucher, PATH)


def blocks(text: str) -> list[str]:
    """What stands in code blocks."""
    pieces = text.split("```")
    assert len(pieces) % 2 == 1
    return pieces[1::2]


def unescaped(text: str) -> str:
    """What Slack shows."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def check_message(text: str) -> None:
    """The message is short, its tables are narrow, and it calls nobody."""
    assert len(text) <= 4_000
    for block in blocks(text):
        assert all(columns_of(unescaped(line)) <= WIDTH for line in block.splitlines())
    bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not re.search(r"[<>&]", bare)
    assert not re.search(r"(?<!\w)@", text)
    assert "://" not in text


def test_a_message_is_short_and_calls_nobody(analysis: Analysis) -> None:
    text = render_slack(analysis, PATH)
    check_message(text)
    assert bool(blocks(text)) != analysis.plan.interim
    assert text.endswith(f"Full report: `{PATH}`\n")
    assert "**" not in text
    assert "|" not in text


def test_a_message_has_the_verdict_and_the_table(voucher: Analysis) -> None:
    text = render_slack(voucher, PATH, "https://example.com/shop")
    first, second, *_ = text.splitlines()
    assert first == "*Win-back voucher at 60 days of inactivity*"
    assert second.startswith("▲ *Ship Voucher.* Margin per customer is ¥81 higher with Voucher")
    (block,) = blocks(text)
    assert "(+28 to +134)" in block
    assert text.endswith(f"<https://example.com/shop/{PATH}|Full report>\n")


def test_a_message_stays_harmless_whatever_the_plan_holds(longest: Analysis) -> None:
    text = render_slack(longest, PATH)
    check_message(text)
    assert "_i_" not in text
    assert "*b*" not in text
    assert "`c`" not in text


def test_a_long_message_leaves_out_whole_parts(huge: Analysis) -> None:
    text = render_slack(huge, PATH)
    assert "*Next step.*" in text
    assert "*Can it be trusted?*" in text
    assert "*Harm checks.*" not in text
    assert blocks(text)


CELLS = st.text(alphabet=st.sampled_from("abcdefghij (+0.1)–呼び戻し客"), max_size=60).map(
    lambda text: Safe(" ".join(text.split()))
)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=2, max_size=4)))
def test_every_line_fits_and_no_character_is_lost(rows: list[list[Safe]]) -> None:
    table = Table(tuple(rows[0]), "lrrrl"[: len(rows[0])], tuple(tuple(row) for row in rows[1:]))
    drawn = lines(table, 40)
    assert all(columns_of(line) <= 40 for line in drawn)
    kept = sorted("".join(line for line in drawn if set(line) - {"-", " "}).replace(" ", ""))
    assert kept == sorted("".join("".join(row) for row in rows).replace(" ", ""))


def test_no_line_begins_or_ends_with_a_mark_that_may_not() -> None:
    broken = list(wrap("判断に使う指標（購入者のみ）、まだ判断できない。", 10))
    assert "".join(broken) == "判断に使う指標（購入者のみ）、まだ判断できない。"
    assert not [line for line in broken if line[0] in "）、。っ" or line[-1] in "（「"]
    assert max(map(columns_of, broken)) <= 10


def test_wide_characters_count_twice_and_break_anywhere() -> None:
    assert columns_of("呼び戻し") == 8
    assert columns_of("e\u0301") == 1
    assert list(wrap("呼び戻しクーポン", 7)) == ["呼び戻", "しクー", "ポン"]
    assert list(wrap("to be or", 5)) == ["to be", "or"]
    assert list(wrap("abcdefgh", 3)) == ["abc", "def", "gh"]


def test_intervals_stay_in_one_piece() -> None:
    table = Table(
        (Safe("Metric"), Safe("Difference")),
        "lr",
        ((Safe("a metric with many words in it"), Safe("+0.68 points (+0.50 to +0.86)")),),
    )
    assert any(line.endswith("(+0.50 to +0.86)") for line in lines(table, 34))
