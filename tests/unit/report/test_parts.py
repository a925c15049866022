"""The sections beside the scorecard: what they say is what the Analysis holds, and nothing without it."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from holdfast.model import found, outcome
from holdfast.model.found import Alarm, CostPart, Look, Quantity, SegmentRow
from holdfast.model.result import Analysis, Deviation, Verdict
from holdfast.report import figures, from_json, render_markdown, summary_lines, to_json, waterfall
from holdfast.report.view import View
from holdfast.report.words import catalogue
from tests.unit.report import fuller as parts

GOLDEN = Path(__file__).parent / "golden" / "fuller.md"
HEADINGS = (
    "Retention and churn over time",
    "Effect by days since assignment",
    "Money",
    "Lifetime value",
    "Who it works for",
    "Bayesian view",
)
NASTY = "a | b || c\n| x |\n# head <script>alert(1)</script> ![i](http://x.example) [l](javascript:x) `c` **b** \u202e"


@pytest.fixture
def full(voucher: Analysis) -> Analysis:
    """The voucher experiment with all that a result may hold."""
    return parts.fuller(voucher)


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its kind."""
    level = "###" if heading.startswith("### ") else "##"
    _, rest = text.split(f"{level} {heading.removeprefix('### ')}\n", 1)
    return re.split(rf"^#{{2,{len(level)}}} ", rest, maxsplit=1, flags=re.M)[0]


def rows(text: str) -> dict[str, list[str]]:
    """Cells by the first cell of their row, over all tables of a section."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_the_fuller_report_reads_as_agreed(full: Analysis) -> None:
    """Set HOLDFAST_UPDATE_GOLDEN=1 to write the file again, then read what changed."""
    text = render_markdown(full)
    if os.environ.get("HOLDFAST_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8")


def test_sections_stand_in_their_order_and_only_where_there_is_something(full: Analysis, voucher: Analysis) -> None:
    text, plain = render_markdown(full), render_markdown(voucher)
    wanted = ["Health", "Scorecard", HEADINGS[0], "Precision", *HEADINGS[1:], "Deviations from the plan"]
    assert re.findall(r"^## (.*)$", text, re.M)[: len(wanted)] == wanted
    assert not any(f"## {heading}" in plain for heading in (*HEADINGS, "Harm alarm"))
    assert "**Cost.**" not in plain
    assert "adjust" not in plain


def test_the_interim_report_holds_none_of_it(full: Analysis, interim: Analysis) -> None:
    """All of these parts are effects."""
    early = replace(full, plan=interim.plan, verdict=interim.verdict)
    assert render_markdown(early) == render_markdown(interim)
    assert figures(early) == figures(interim)
    assert summary_lines(early) == summary_lines(interim)


def test_both_figures_of_an_adjusted_metric_stand_side_by_side(full: Analysis) -> None:
    text = section(render_markdown(full), "### With and without adjustment")
    cells = rows(text)["Margin per customer, days 0 to 89"]
    row = full.find("margin", "voucher")
    assert row is not None
    assert row.unadjusted is not None
    assert cells[0] == f"¥{684 * 1.002:.0f}"
    assert cells[1] == f"¥{765 * 1.01:.0f}"
    assert cells[2] == f"+¥{row.unadjusted:.0f} (+{row.unadjusted_lower:.0f} to +{row.unadjusted_upper:.0f})"
    assert cells[3] == f"+¥{row.estimate:.0f} (+{row.lower:.0f} to +{row.upper:.0f})"
    assert cells[4] == "41%"
    assert "they decide" in text
    assert "- **Adjusted**" in section(render_markdown(full), "Glossary")


def test_an_adjustment_that_saved_nothing_is_told_with_its_sign(full: Analysis) -> None:
    estimates = tuple(replace(row, variance_saved=-0.034) if row.unadjusted else row for row in full.estimates)
    text = section(render_markdown(replace(full, estimates=estimates)), "### With and without adjustment")
    assert rows(text)["Margin per customer, days 0 to 89"][4] == "−3%"


def test_parts_of_the_order_value_have_their_intervals(full: Analysis) -> None:
    cells = rows(section(render_markdown(full), "### Average order value and its parts"))
    assert cells["Revenue per customer"][1] == "¥1,802 (+7.6%, +3.0 to +12.2)"
    assert cells["Share who bought"][1] == "20.4% (+12.1%, +9.0 to +15.2)"
    assert cells["Orders a buyer"][1].startswith("1.40 (−1.4%; no interval: all values are the same")
    # The first screen keeps its form.
    assert "share who bought +12.1%, orders a buyer −1.4%, average order value −2.6%." in render_markdown(full)


def test_days_kept_are_an_ordinary_row_of_the_scorecard(full: Analysis) -> None:
    cells = rows(section(render_markdown(full), "Scorecard").split("###")[0])["Days with an account, days 0 to 89"]
    assert cells[:3] == ["71.8", "75.3", "+3.5 days (+2.7 to +4.2)"]


def test_a_share_that_is_kept_is_written_as_a_share(full: Analysis) -> None:
    metrics = tuple(replace(info, unit=None) if info.family == "survival" else info for info in full.metrics)
    levels = tuple(replace(row, value=0.7184) if row.metric == "days_kept" else row for row in full.levels)
    text = render_markdown(replace(full, metrics=metrics, levels=levels))
    assert rows(section(text, "Scorecard").split("###")[0])["Days with an account, days 0 to 89"][0] == "72%"


def test_survival_is_told_on_few_days_with_the_numbers_at_risk(full: Analysis) -> None:
    text = section(render_markdown(full), "### Time until the account was closed")
    found_rows = rows(text)
    days = [1, 7, 14, 30, 60, 90]
    assert [title for title in found_rows if re.match(r"\d", title)] == ["1 day", *(f"{day} days" for day in days[1:])]
    by_day = {(point.variant, point.day): point for point in full.survival[0].points}
    for day in days[1:]:
        cells = found_rows[f"{day} days"]
        for place, variant in ((0, "control"), (2, "voucher")):
            point = by_day[variant, day]
            assert point.share is not None
            shown = float(cells[place].split("%")[0])
            assert abs(shown - 100 * point.share) <= 0.05
            assert cells[place + 1] == f"{point.at_risk:,}"
    assert found_rows["Voucher against No voucher"] == ["p < 0.0001", "0.79 (0.73 to 0.85)", "p = 0.012"]


@pytest.mark.parametrize(("p", "warned"), [(0.0499, True), (0.05, False), (None, False)])
def test_one_hazard_ratio_is_warned_of_where_it_does_not_describe_all_days(
    full: Analysis, p: float | None, warned: bool
) -> None:
    (row,) = full.survival
    compared = replace(row.comparisons[0], proportional_p=p)
    text = render_markdown(replace(full, survival=(replace(row, comparisons=(compared,)),)))
    assert ("one hazard ratio does not describe all days" in text) == warned


@pytest.mark.parametrize(
    ("days", "told"),
    [(5, [1, 2, 3, 4, 5]), (30, [1, 7, 14, 30]), (95, [1, 7, 14, 30, 60, 95]), (800, [14, 30, 60, 90, 180, 365, 800])],
)
def test_the_days_of_the_table_are_few_and_end_with_the_window(full: Analysis, days: int, told: list[int]) -> None:
    text = render_markdown(replace(full, survival=(parts.survival(days),)))
    text = section(text, "### Time until the account was closed")
    shown = [int(found) for found in re.findall(r"^\| (\d+) days? \|", text, re.M)]
    assert shown[-1] == told[-1]
    assert len(shown) <= 8
    assert set(told) <= set(shown)


def test_causes_stand_beside_each_other(full: Analysis) -> None:
    text = section(render_markdown(full), "### Time until the account was closed")
    assert rows(text)["price"] == [
        "22.6%", "16.0%", "−6.6 points (−7.6 to −5.6)", "p < 0.0001", "2,711 / 1,920",
    ]  # fmt: skip
    assert rows(text)["moved"][3] == "p = 0.61"


def test_money_is_that_of_the_analysis(full: Analysis) -> None:
    text = render_markdown(full)
    table = section(text, "Money")
    cells = {title: values[0] for title, values in rows(table).items()}
    assert cells["Margin before the tactic's cost"] == "+¥140 (+87 to +193)"
    assert cells["Cost of the tactic"] == "+¥59.1 (+55.5 to +62.7)"
    assert cells["– of which vouchers and rewards used"] == "+¥50.1 (+46.5 to +53.7)"
    assert cells["– of which messages sent"] == "+¥9"
    assert cells["**Left over** (margin less cost)"] == "+¥81 (+28 to +134)"
    assert cells["Returned on top of each ¥1 spent"] == "+¥1.37 (+0.49 to +2.26)"
    assert cells["Break-even: cost per customer at which nothing is left"] == "¥140 (¥87 to ¥193)"
    assert cells["Cost of each customer retained who would not have stayed"] == "¥4,538 (¥3,051 to ¥8,954)"
    (loss,) = (value for title, value in cells.items() if title.startswith("Probability of losing money (prior: none"))
    assert loss == "0.1%"
    assert cells["Whole effect as a part of that while the offer ran"] == "87% (40% to 144%)"
    assert table.count("without any cap") == 1
    assert "left out: ¥150,000 once and ¥12 for each contact by a person." in table
    line = next(line for line in text.splitlines() if line.startswith("**Cost.**"))
    assert "¥59.1 per assigned customer; each ¥1 spent returned ¥1.37 on top (95% interval ¥0.49 to ¥2.26)." in line
    assert "Not included: ¥150,000 once and ¥12 for each contact by a person." in line
    assert text.index("**Harm checks.**") < text.index("**Cost.**") < text.index("**Can it be trusted?**")


def test_the_waterfall_has_a_bar_for_each_kind_of_cost(full: Analysis) -> None:
    view = View.of(full, markdown=False)
    (money,) = full.pays
    bars = [
        (round(bar.get_x(), 6), round(bar.get_x() + bar.get_width(), 6))
        for bar in waterfall.draw(view, money).axes[0].patches
    ]
    assert bars == [(0.0, 140.2), (90.1, 140.2), (81.1, 90.1), (0.0, 81.1)]
    alt = next(line for line in render_markdown(full).splitlines() if line.startswith("![Waterfall"))
    assert "less the cost of vouchers and rewards used +¥50.1 (+46.5 to +53.7) and messages sent +¥9, leaves" in alt


@pytest.mark.parametrize("costs", [(), (CostPart(kind="per_send", cost=Quantity(reason="no_units")),)])
def test_costs_that_are_not_known_by_kind_are_one_bar(full: Analysis, costs: tuple[CostPart, ...]) -> None:
    """So it is in results of before there were kinds."""
    older = replace(full, pays=(parts.pays(costs=costs),))
    figure = waterfall.draw(View.of(older, markdown=False), older.pays[0])
    assert len(figure.axes[0].patches) == 3
    assert "less cost +¥59.1 (+55.5 to +62.7), leaves" in (text := render_markdown(older))
    assert "of which" not in section(text, "Money")


def money_line(full: Analysis, **changes: Any) -> str:
    """The line of cost for another result."""
    text = render_markdown(replace(full, pays=(parts.pays(**changes),)))
    return next(line for line in text.splitlines() if line.startswith("**Cost.**"))


@pytest.mark.parametrize(
    ("cost", "back", "told"),
    [
        (
            0.3,
            Quantity(reason="baseline_not_positive"),
            "**Cost.** The measured costs are the same as with No voucher.",
        ),
        (-7.2, Quantity(reason="baseline_not_positive"), "no more was spent than with No voucher."),
        (59.1, Quantity(estimate=-0.45, lower=-0.73, upper=-0.18), "¥0.45 was lost (95% interval ¥0.18 to ¥0.73)."),
        (59.1, Quantity(estimate=-0.45, lower=-0.73, upper=0.18), "¥0.45 was lost (95% interval −¥0.73 to +¥0.18)."),
    ],
)
def test_the_line_of_cost_says_what_was_spent(full: Analysis, cost: float, back: Quantity, told: str) -> None:
    row = parts.pays(cost=parts.between(cost, 3.6), return_on_cost=back, not_measured=())
    text = render_markdown(replace(full, pays=(row,)))
    assert told in text
    assert "baseline is not above zero" not in text


def test_a_rollout_that_would_lose_money_is_told_as_a_loss(full: Analysis) -> None:
    (money,) = full.money
    text = render_markdown(replace(full, money=(replace(money, value=-9.4e6, lower=-15.1e6, upper=-3.7e6),)))
    assert "Voucher would lose about ¥9.4 million each time (¥3.7 million to ¥15.1 million)." in text


@pytest.mark.parametrize(
    ("policy", "expect", "told"),
    [
        ("clear_signals", "80 JPY", "The interval holds both zero and the effect worth having (¥80)"),
        ("do_no_harm", "80 JPY", "had to show that nothing gets worse, and the interval does not yet lie within"),
        ("do_no_harm", None, "Its plan does not say how large an effect would be worth having"),
    ],
)
def test_what_is_inconclusive_says_what_was_asked(full: Analysis, policy: str, expect: str | None, told: str) -> None:
    verdict = Verdict(recommendation="discuss", reason="inconclusive", rule="9 inconclusive", variant="voucher")
    plan = replace(full.plan, policy=policy, expect=expect)
    assert told in render_markdown(replace(full, plan=plan, verdict=verdict))


def test_nobody_is_named_where_there_is_no_owner(full: Analysis) -> None:
    assert "(owner: growth-retention)" in render_markdown(full)
    text = render_markdown(replace(full, experiment=replace(full.experiment, owner="")))
    assert "owner" not in text.split("**Next step.**")[1].splitlines()[0]


def test_a_loss_is_told_as_a_loss(full: Analysis) -> None:
    line = money_line(full, return_on_cost=Quantity(estimate=-0.4, lower=-0.9, upper=0.1))
    assert "of each ¥1 spent ¥0.40 was lost (95% interval −¥0.90 to +¥0.10)" in line
    line = money_line(full, return_on_cost=Quantity(reason="baseline_too_close_to_zero"))
    assert "cannot be said: what it would be divided by is too close to zero" in line
    line = money_line(full, cost=Quantity(estimate=30.0, reason="zero_variance"), currency="USD", not_measured=())
    assert line.startswith("**Cost.** $30.00 per assigned customer; each $1 spent returned $1.37 on top")
    assert "Not included" not in line
    line = money_line(full, cost=Quantity(reason="no_units"))
    assert "What it cost per assigned customer cannot be said: no units in one of the groups." in line


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ((-40.0, 10.0), "so part of the sales only came earlier"),
        ((40.0, 10.0), "none seen"),
        ((0.0, 10.0), "not enough evidence that sales only came earlier"),
        (None, "cannot be judged: too few units"),
    ],
)
def test_pull_forward_is_read_from_the_interval_after_the_offer(full: Analysis, after: Any, told: str) -> None:
    quantity = parts.between(*after) if after else Quantity(reason="too_few_units")
    text = section(render_markdown(replace(full, pays=(parts.pays(after=quantity),))), "Money")
    assert told in text
    bare = section(
        render_markdown(replace(full, pays=(parts.pays(during=None, after=None, persistence=None),))), "Money"
    )
    assert "Pull-forward" not in bare
    assert "while the offer ran" not in bare


@pytest.mark.parametrize(("probability", "told"), [(1e-9, "below 0.1%"), (0.25, "25%"), (1 - 1e-9, "above 99.9%")])
def test_no_probability_is_told_as_certain(full: Analysis, probability: float, told: str) -> None:
    text = section(render_markdown(replace(full, pays=(parts.pays(loss_probability=probability),))), "Money")
    assert f"beforehand) | {told} |" in text


def test_lifetime_value_keeps_what_was_realised_apart(full: Analysis) -> None:
    text = section(render_markdown(full), "Lifetime value")
    assert rows(text)["Voucher"] == ["¥779", "¥5,304 (¥4,984 to ¥5,624)", "+¥183 (−263 to +629)"]
    assert rows(text)["No voucher"][2] == "–"
    assert "A model never decides." in text
    assert "Projected over 2 years by a model of purchases (BG/NBD)" in text


def test_segments_are_those_of_the_analysis(full: Analysis) -> None:
    text = section(render_markdown(full), "Who it works for")
    found_rows = rows(text)
    assert found_rows["JP"] == [
        "¥684", "¥786", "+¥102 (+38 to +167)", "+15.0% (+5.6 to +24.4)", "+¥94 (+42 to +145)", "8,044 / 8,020",
    ]  # fmt: skip
    assert found_rows["not known"][-1] == "484 / 460"
    assert "No evidence that the effect differs by country (p = 0.41, corrected, 4 segments)." in text
    assert "**The effect differs by last year's spend** (p = 0.0084, corrected, 2 segments)." in text
    assert "Test that it helps in one segment and harms in another: p = 0.21." in text
    assert "no effect" not in text.lower()
    assert "pre-registered" in text


def test_a_suppressed_segment_has_no_number_even_if_the_row_does(full: Analysis) -> None:
    """The report does not trust that nobody filled the row in."""
    leak = parts.segment("KR", 7, 31.4159, 1.0, suppressed=True)
    others = tuple(row for row in full.segments if not row.suppressed)
    analysis = replace(full, segments=(*others, leak))
    text = section(render_markdown(analysis), "Who it works for")
    assert rows(text)["KR"] == ["–", "–", "not shown: too few", "–", "–", "–"]
    assert "31" not in text.split("| KR |")[1].splitlines()[0]
    assert "KR" not in text.split("![")[1]
    assert figures(analysis)["figures/segments.svg"] == figures(replace(full, segments=others))["figures/segments.svg"]


def test_segments_that_nobody_fixed_beforehand_are_called_exploratory(full: Analysis) -> None:
    text = section(render_markdown(replace(full, deviations=(Deviation(id="not_pre_registered"),))), "Who it works for")
    assert "exploratory" in text
    assert "(pre-registered)" not in text


def test_an_interaction_that_cannot_be_tested_says_why(full: Analysis) -> None:
    rows_ = tuple(replace(row, p=None, reason="too_few_units") for row in full.interactions)
    text = section(render_markdown(replace(full, interactions=rows_, segments=())), "Who it works for")
    assert text.count("cannot be tested: too few units in one of the groups.") == 2


def test_a_belief_stands_beside_its_prior(full: Analysis) -> None:
    text = section(render_markdown(full), "Bayesian view")
    assert rows(text)["Margin per customer"] == [
        "Voucher against No voucher", "mean 0.0%, standard deviation 5.0%", "+6.9% (+0.6 to +13.2)", "98.4%", "0.02%",
    ]  # fmt: skip
    assert "never decides" in text
    relative = replace(full, plan=replace(full.plan, expect="3%"), beliefs=(replace(full.beliefs[0], worthwhile=0.88),))
    text = section(render_markdown(relative), "Bayesian view")
    assert "Probability of at least 3%" in text
    assert rows(text)["Margin per customer"][4] == "88%"


def test_the_words_are_those_that_were_agreed(full: Analysis, interim: Analysis) -> None:
    """Probabilities are told only beside their prior."""
    texts = [render_markdown(replace(full, look=LOOK)), render_markdown(replace(interim, alarms=ALARMS))]
    for text in (text.lower() for text in texts):
        for word in ("no effect", "winner", "significant", "observed power", "95% probability"):
            assert word not in text
        assert not re.search(r"\{[a-z_]+\}(?!/)", text)
        for line in text.splitlines():
            assert "probability" not in line or "prior" in line, line


LOOK = Look(method="group_sequential", spending="obrien_fleming", number=2, of=4, fraction=0.553, critical=2.9626)


def test_a_look_says_which_it_is_and_what_it_takes(full: Analysis) -> None:
    text = render_markdown(replace(full, look=replace(LOOK, crossed=("voucher",))))
    first = text.split("**Who and what.**")[0]
    assert "> **Look 2 of 4.** It has 55% of the planned information. Voucher crossed the boundary" in first
    assert "The intervals and p-values that decide are adjusted for the looks." in first
    precise = section(text, "Precision")
    assert "the statistic of Margin per customer has to reach 2.96 in either direction" in precise
    assert "O'Brien and Fleming" in precise
    assert any(line.startswith("Look 2 of 4.") for line in summary_lines(replace(full, look=LOOK)))


def test_a_look_that_has_not_crossed_goes_on(full: Analysis) -> None:
    verdict = Verdict(recommendation="keep_running", reason="not_crossed", rule="6 not_crossed", variant=None)
    whole = render_markdown(replace(full, look=LOOK, verdict=verdict))
    assert "**Next step.** Read again at the next look (owner: growth-retention)." in whole
    text = whole.split("**Who and what.**")[0]
    assert "There is no conclusion at this look, and there are more looks to come." in text
    assert "No variant has crossed the boundary of the primary metric." in text
    assert "have been observed for the whole window" not in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"last": True, "number": 4, "fraction": 1.041}, "**Look 4 of 4, the last one.** It has 104% of the planned"),
        ({"of": None, "fraction": None, "method": "always_valid", "spending": ""}, "**Look 2.** No variant"),
        ({"spending": "pocock"}, "**Look 2 of 4.**"),
    ],
)
def test_every_kind_of_look_can_be_told(full: Analysis, changes: dict[str, Any], told: str) -> None:
    text = render_markdown(replace(full, look=replace(LOOK, **changes)))
    assert told in text
    assert ("hold on any day" in text) == (changes.get("method") == "always_valid")


ALARMS = (
    Alarm(metric="margin", variant="voucher", crossed=False),
    Alarm(metric="unsubscribed", variant="voucher", crossed=True),
    Alarm(metric="margin_after", variant="voucher", crossed=False, readable=False),
)


def test_an_alarm_says_crossed_or_not_and_nothing_else(interim: Analysis) -> None:
    analysis = replace(interim, alarms=ALARMS)
    text = render_markdown(analysis)
    assert rows(section(text, "Harm alarm")) == {
        "Metric": ["Alarm"],
        "---": ["---"],
        "Margin per customer": ["● not crossed"],
        "Unsubscribed": ["✘ crossed"],
        "Margin after the voucher expired": ["… too early to look"],
    }
    assert not re.search(r"\d", section(text, "Harm alarm"))
    assert "**Harm checks.** The alarm of harm is **crossed** for Unsubscribed." in text
    assert "The alarm of harm is crossed for Unsubscribed." in summary_lines(analysis)
    assert "> [!WARNING]\n> **The alarm of harm is crossed for Unsubscribed.**" in text
    quiet = render_markdown(replace(interim, alarms=ALARMS[:1]))
    assert "WARNING" not in quiet
    assert "**Harm checks.** The alarm of harm is not crossed." in quiet
    early = render_markdown(replace(interim, alarms=ALARMS[2:]))
    assert "**Harm checks.** It is too early to look at the alarm of harm." in early


def several(hillstrom: Analysis) -> Analysis:
    """Parts for two variants beside control."""
    shown: dict[str, Any] = {"metric": "spend", "baseline": "control"}
    segments = tuple(
        parts.segment(level, 900, effect, 0.8, variant=variant, value=1.2 + effect, baseline_value=1.2, **shown)
        for level, effect in (("urban", 0.61), ("rural", 0.4))
        for variant in ("mens_email", "womens_email")
    )
    pays = tuple(
        parts.pays(variant=variant, currency="USD", metric="spend") for variant in ("mens_email", "womens_email")
    )
    tests = tuple(
        replace(parts.interactions()[0], metric="spend", variant=variant) for variant in ("mens_email", "womens_email")
    )
    alarms = (Alarm(metric="spend", variant="womens_email", crossed=True),)
    return replace(hillstrom, segments=segments, pays=pays, interactions=tests, alarms=alarms)


def test_several_variants_are_told_apart(hillstrom: Analysis) -> None:
    text = render_markdown(several(hillstrom))
    assert "- Men's e-mail: $59.10 per assigned customer; each $1 spent" in text
    assert "### Women's e-mail against No e-mail" in section(text, "Money") + "### "
    assert "- Women's e-mail: No evidence that the effect differs by country" in text
    assert "| urban | Women's e-mail against No e-mail | $1.20 | $1.81 |" in text
    assert "| Spend per customer | Women's e-mail | ✘ crossed |" in text
    assert "country: urban, Men's e-mail +$0.61" in text


@pytest.mark.parametrize("reason", get_args(outcome.Reason))
def test_what_cannot_be_had_says_why_in_words(full: Analysis, reason: Any) -> None:
    """Every quantity of every part is missing."""
    none = Quantity(reason=reason, detail="secret detail of the engine")

    def without(item: Any) -> Any:
        if isinstance(item, Quantity):
            return none
        if is_dataclass(item) and not isinstance(item, type):
            return replace(item, **{part.name: without(getattr(item, part.name)) for part in fields(item)})
        return tuple(without(part) for part in item) if isinstance(item, tuple) else item

    names = ("survival", "segments", "pays", "lifetime")
    bare = replace(full, **{name: without(getattr(full, name)) for name in names})
    text = render_markdown(bare)
    words = catalogue("en")[f"reason.{reason}"]
    for heading in ("Retention and churn over time", "Money", "Lifetime value", "Who it works for"):
        assert words in section(text, heading), heading
    assert "None" not in text.replace("None: the analysis", "")
    assert "figures/segments.png" not in text
    assert figures(bare)
    assert reason not in text.replace(words, "")


def test_every_code_of_the_parts_has_its_sentence() -> None:
    sentences = catalogue("en")
    methods = get_args(get_type(found.Look, "method"))
    assert methods
    assert all(f"{group}.{method}" in sentences for method in methods for group in ("look", "correction"))
    models = get_args(get_type(found.LifetimeRow, "model"))
    assert all(f"lifetime.model_{model}" in sentences for model in models)
    assert all(f"spending.{name}" in sentences for name in ("obrien_fleming", "pocock"))
    kinds = ("per_send", "per_redemption", "per_contact", "once")
    assert all(f"cost_kind.{kind}" in sentences for kind in kinds)


def get_type(owner: type, name: str) -> Any:
    """The type of a field."""
    from typing import get_type_hints

    return get_type_hints(owner)[name]


def nasty(item: Any) -> Any:
    """The same with hostile text wherever others may have written it."""
    texts = {"title", "dimension", "level", "cause", "not_measured", "model", "spending"}
    if isinstance(item, tuple):
        return tuple(nasty(part) for part in item)
    if not is_dataclass(item) or isinstance(item, type):
        return item
    changed: dict[str, Any] = {}
    for part in fields(item):
        value = getattr(item, part.name)
        if part.name == "not_measured":
            changed[part.name] = ((NASTY, NASTY),) if value else value
        elif part.name in texts and isinstance(value, str):
            # Two dimensions, or two causes, stay two.
            changed[part.name] = f"{value} {NASTY}"
        else:
            changed[part.name] = nasty(value)
    return replace(item, **changed)


def shapes(text: str) -> list[int]:
    """How many bars each line of a table has."""
    return [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("which", ["full", "several"])
def test_hostile_text_cannot_break_out_of_the_parts(which: str, full: Analysis, hillstrom: Analysis) -> None:
    analysis = full if which == "full" else several(hillstrom)
    analysis = replace(analysis, look=LOOK)
    names = ("survival", "segments", "interactions", "pays", "lifetime", "beliefs", "look")
    bad = replace(analysis, **{name: nasty(getattr(analysis, name)) for name in names})
    plain, text = render_markdown(analysis), render_markdown(bad)
    assert shapes(text) == shapes(plain)
    assert len(re.findall(r"^#", text, re.M)) == len(re.findall(r"^#", plain, re.M))
    assert not re.search(r"<(?! 0\.0001)", text)
    assert len(re.findall(r"(?<!\\)!\[", text)) == len(re.findall(r"(?<!\\)!\[", plain))
    assert "](javascript" not in text.replace("\\](javascript", "")
    assert "\u202e" not in text
    assert figures(bad)


def test_the_parts_read_back_as_they_were_written(full: Analysis) -> None:
    whole = from_json(to_json(replace(full, look=LOOK, alarms=ALARMS)))
    again = from_json(to_json(whole))
    assert render_markdown(again) == render_markdown(whole)


def test_figures_of_the_parts_are_the_same_bytes_every_time(full: Analysis, hillstrom: Analysis) -> None:
    drawn, again = figures(full), figures(full)
    assert drawn == again
    assert {f"figures/{name}.{end}" for name in ("survival", "segments") for end in ("png", "svg")} <= set(drawn)
    for name, content in drawn.items():
        if name.endswith("png"):
            assert struct.unpack(">I", content[16:20])[0] <= 1200
        else:
            assert b"<dc:date>" not in content
    assert "figures/segments.png" in figures(several(hillstrom))
    two = replace(full, survival=(full.survival[0], replace(full.survival[0], title="Again")))
    assert "figures/survival-2.png" in figures(two)
    assert "](figures/survival-2.png)" in render_markdown(two)


def test_curves_without_points_are_left_out(full: Analysis) -> None:
    (row,) = full.survival
    empty = replace(row, points=tuple(replace(point, share=None, lower=None, upper=None) for point in row.points))
    analysis = replace(full, survival=(empty,))
    assert "figures/survival.png" not in figures(analysis)
    assert "## Retention over time" in render_markdown(analysis)
    start = tuple(replace(point, day=0, share=1.0) for point in row.points if point.day == 1)
    assert "figures/survival.png" not in figures(replace(full, survival=(replace(row, points=start),)))
    one = tuple(point for point in row.points if point.variant == "control" and point.day == 1)
    assert "figures/survival.png" in figures(replace(full, survival=(replace(row, points=one),)))


def test_a_segment_row_may_hold_nothing(full: Analysis) -> None:
    row = SegmentRow(metric="margin", dimension="country", level="JP", variant="voucher", baseline="control")
    text = section(render_markdown(replace(full, segments=(row,), interactions=())), "Who it works for")
    assert rows(text)["JP"][:2] == ["–", "–"]
    assert "no reason was given" in text
