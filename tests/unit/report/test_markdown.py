"""The report as a reader gets it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from holdfast.model import outcome, plan, result, tactic
from holdfast.model.reading import LeftOut
from holdfast.model.result import Analysis, Check, Estimate, Verdict
from holdfast.report import render_index, render_markdown, summary_lines
from holdfast.report.verdict import KINDS
from holdfast.report.view import interval
from holdfast.report.words import LANGUAGES, catalogue

GOLDEN = Path(__file__).parent / "golden"
NUMBER = r"[+−]?[¥$]?([\d,]+(?:\.\d+)?)"
REASONS = (
    "primary_better", "primary_not_worse", "harm", "primary_worse", "no_worthwhile_effect",
    "inconclusive", "inconclusive_open", "guardrail_cannot_tell", "check_failed", "not_mature", "not_crossed",
    "primary_missing",
)  # fmt: skip


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher"])
def test_the_report_reads_as_agreed(name: str, request: pytest.FixtureRequest) -> None:
    """Set HOLDFAST_UPDATE_GOLDEN=1 to write the files again, then read what changed."""
    text = render_markdown(request.getfixturevalue(name))
    path = GOLDEN / f"{name}.md"
    if os.environ.get("HOLDFAST_UPDATE_GOLDEN") == "1":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def tables(text: str) -> Iterator[list[list[str]]]:
    """The cells of every Markdown table, without the rule."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in block.splitlines()]
        yield [[cell.strip() for cell in row] for row in (rows[0], *rows[2:])]


def value(text: str) -> float:
    """A printed number as a number."""
    found = re.search(NUMBER, text)
    assert found, text
    return float(found[1].replace(",", "")) * (-1 if text.startswith("−") else 1)


def rounds_to(text: str, exact: float) -> bool:
    """Whether a printed number is the exact one, rounded to the digits that are printed."""
    found = re.search(r"\.(\d+)", text)
    decimals = len(found[1]) if found else 0
    return abs(value(text) - exact) <= 0.5 * math.pow(10, -decimals) + 1e-9


def factor(analysis: Analysis, row: Estimate) -> float:
    """Percent and points are printed times 100."""
    info = next(metric for metric in analysis.metrics if metric.key == row.metric)
    return 100.0 if row.estimand == "lift" or info.family == "proportion" else 1.0


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher"])
def test_every_number_of_the_scorecard_is_that_of_the_analysis(name: str, request: pytest.FixtureRequest) -> None:
    analysis: Analysis = request.getfixturevalue(name)
    scorecard = next(table for table in tables(render_markdown(analysis)) if "Relative change (interval)" in table[0])
    head, body = scorecard[0], scorecard[1:]
    wanted = [
        (metric.key, variant.key)
        for metric in analysis.metrics
        if metric.role in {"primary", "secondary"}
        for variant in analysis.variants
        if not variant.is_control
    ]
    assert len(body) == len(wanted)
    control = next(variant.key for variant in analysis.variants if variant.is_control)
    first = 1 + ("Variant" in head)
    for cells, (metric, variant) in zip(body, wanted, strict=True):
        for cell, key in zip(cells[first : first + 2], (control, variant), strict=True):
            level = analysis.level(metric, key)
            assert level is not None
            assert level.value is not None
            row = analysis.find(metric, variant)
            assert row is not None
            assert rounds_to(cell, level.value * factor(analysis, row))
        for cell, estimand in zip(cells[first + 2 : first + 4], ("difference", "lift"), strict=True):
            found = analysis.find(metric, variant, "lift" if estimand == "lift" else "difference")
            assert found is not None
            shown = interval(found)
            assert shown is not None
            middle, lower, upper = re.findall(r"[+−]?[¥$]?[\d,]+(?:\.\d+)?", cell)
            exact = (found.estimate or 0.0, shown.lower, shown.upper)
            for text, number in zip((middle, lower, upper), exact, strict=True):
                assert rounds_to(text, number * factor(analysis, found))
        sizes = [analysis.level(metric, key) for key in (control, variant)]
        assert cells[-1] == " / ".join(f"{size.n:,}" for size in sizes if size is not None)


NASTY = (
    "a | b || c\n| x | y |\n\n# head <script>alert(1)</script> <img src=x> & [l](javascript:x) `code` **b** __u__ "
    "- > 1. \u202e\u2066 ![i](http://x.example/y.png) \\| \\\\| {brace} {0} %s {{ 7*7 }} {% x %} " + "=" * 300
)


def hostile(item: Any, keep: frozenset[str]) -> Any:
    """The same value with hostile text in place of all text that is not a code or a key."""
    if is_dataclass(item) and not isinstance(item, type):
        codes = {field.name for field in fields(item)} & keep
        changed = {
            field.name: hostile(getattr(item, field.name), keep) for field in fields(item) if field.name not in codes
        }
        return replace(item, **changed)
    if isinstance(item, tuple):
        return tuple(hostile(part, keep) for part in item)
    if isinstance(item, dict):
        return {key: hostile(part, keep) for key, part in item.items()}
    return NASTY if isinstance(item, str) else item


CODES = frozenset(
    {
        "schema", "key", "metric", "variant", "baseline", "role", "trio", "operation", "family", "direction", "clock",
        "id", "status", "estimand", "reason", "state", "recommendation", "primary", "comparisons", "enrolment",
        "looks", "policy", "correction", "by_variant", "language", "method", "checks",
    }
)  # fmt: skip


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher"])
def test_hostile_text_cannot_break_out(name: str, request: pytest.FixtureRequest) -> None:
    analysis = request.getfixturevalue(name)
    bad = replace(hostile(analysis, CODES), checks=analysis.checks)
    plain, text = render_markdown(analysis), render_markdown(bad)
    assert not re.search(r"<(?! 0\.0001)", text)
    assert "javascript" not in re.sub(r"\\\[l\\\]\(javascript:x\)", "", text)
    assert "{{ 7\\*7 }}" in text
    assert [[len(row) for row in table] for table in tables(text)] == [
        [len(row) for row in table] for table in tables(plain)
    ]
    assert len(re.findall(r"^#", text, re.M)) == len(re.findall(r"^#", plain, re.M))
    assert "\u202e" not in text


def test_hostile_text_cannot_break_the_index_or_the_terminal(hillstrom: Analysis) -> None:
    bad = hostile(hillstrom, CODES)
    index = render_index([bad, hillstrom])
    assert all(len({len(row) for row in table}) == 1 for table in tables(index))
    assert not re.search(r"<(?! 0\.0001)", index)
    assert all("\n" not in line and "\x1b" not in line for line in summary_lines(bad))


def literals(module: Any) -> dict[str, tuple[str, ...]]:
    """The codes of a module by the name of their type."""
    return {name: get_args(kind) for name, kind in vars(module).items() if get_origin(kind) is Literal}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_sentence(language: str) -> None:
    sentences = catalogue(language)
    codes = literals(result) | literals(outcome) | literals(plan) | literals(tactic)
    groups = {
        "CheckId": ("check", "figure", "todo", "alert"),
        "CheckStatus": ("status",),
        "State": ("state", "harm"),
        "Recommendation": ("verdict", "other", "next", "symbol"),
        "Reason": ("reason",),
        "Trio": ("trio", "glossary"),
        "Stage": ("stage",),
        "ChurnDriver": ("driver",),
    }
    for kind, places in groups.items():
        for code in codes[kind]:
            for place in places:
                keys = [f"{place}.{code}"] if place != "alert" else [f"alert.{code}.note", f"alert.{code}.block"]
                assert all(key in sentences for key in keys), keys
    assert all(f"balance.left_out_{code}" in sentences for code in get_args(LeftOut))
    deviations = get_args(get_type_hints(result.Deviation)["id"])
    assert deviations
    assert all(f"deviation.{code}" in sentences for code in deviations)
    assert all(f"because.{code}" in sentences for code in REASONS)
    assert set(KINDS) == set(codes["Recommendation"])
    types = [code for kind in get_args(get_args(tactic.Tactic)[0]) for code in get_args(get_type_hints(kind)["type"])]
    assert "loyalty_programme" in types
    assert all(f"tactic_type.{code}" in sentences for code in types)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("recommendation", get_args(result.Recommendation))
@pytest.mark.parametrize("variant", [None, "womens_email"])
def test_every_verdict_can_be_told(hillstrom: Analysis, reason: str, recommendation: Any, variant: str | None) -> None:
    verdict = Verdict(recommendation=recommendation, reason=reason, rule="1", variant=variant, until="2027-01-05")
    analysis = replace(hillstrom, verdict=verdict)
    text = render_markdown(analysis)
    assert f"> [!{KINDS[recommendation]}]" in text
    assert summary_lines(analysis)
    assert reason not in text.replace("`", "")
    if recommendation == "ship" and variant:
        assert "**Ship Women's e-mail.**" in text


@pytest.mark.parametrize("status", ["note", "block"])
@pytest.mark.parametrize("id", get_args(result.CheckId))
def test_a_check_that_needs_a_look_stands_under_the_verdict(cookie_cats: Analysis, id: Any, status: Any) -> None:
    check = result.Check(id=id, status=status, value=0.004, details={"labels": "gate|50: 3", "variants": "gate_40"})
    text = render_markdown(replace(cookie_cats, checks=(check,)))
    first_screen = text.split("**Who and what.**")[0]
    assert first_screen.count("> [!") == 2
    assert first_screen.split("> [!")[2].startswith("WARNING]")


def test_an_interim_run_shows_no_effects(interim: Analysis) -> None:
    text = render_markdown(interim)
    assert "Keep running until 12 Feb 2027." in text
    assert "## Scorecard" not in text
    assert "## Health" in text
    assert "figures/enrolment.png" in text
    assert "figures/forest.png" not in text
    assert "figures/retention.png" not in text
    assert "interval" not in text.split("## Caveats")[0]
    assert "¥765" not in text
    assert not any("¥" in line for line in summary_lines(interim))
    assert "not read yet" in render_index([interim])


@pytest.mark.parametrize("reason", get_args(outcome.Reason))
def test_what_cannot_be_estimated_says_why(cookie_cats: Analysis, reason: Any) -> None:
    rows = tuple(
        Estimate(
            metric=row.metric,
            role=row.role,
            variant=row.variant,
            baseline=row.baseline,
            estimand=row.estimand,
            status="not_estimable",
            reason=reason,
            state="not_estimable",
        )
        for row in cookie_cats.estimates
    )
    levels = tuple(replace(level, n=0, value=None, se=None) for level in cookie_cats.levels)
    text = render_markdown(replace(cookie_cats, estimates=rows, levels=levels))
    assert catalogue("en")[f"reason.{reason}"] in text
    assert "None" not in text.split("## Deviations")[0]
    assert "nan" not in re.findall(r"\bnan\b", text)


def test_nothing_at_all_still_makes_a_report(voucher: Analysis) -> None:
    bare = replace(voucher, checks=(), levels=(), estimates=(), curves=(), decomposition=(), money=(), enrolment=())
    assert render_markdown(bare).startswith("# Win-back voucher")
    assert summary_lines(bare)
    assert render_index([]).startswith("# Experiments")


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher", "interim"])
def test_the_words_are_those_that_were_agreed(name: str, request: pytest.FixtureRequest) -> None:
    text = render_markdown(request.getfixturevalue(name)).lower()
    for word in ("no effect", "a winner", "probability", "significant", "observed power"):
        assert word not in text
    assert not re.search(r"\{[a-z_]+\}(?!/)", text)


def test_the_index_links_to_each_report(hillstrom: Analysis, voucher: Analysis) -> None:
    index = render_index([hillstrom, voucher])
    assert "(hillstrom-email/2008-03-15/report.md)" in index
    assert "Margin per customer: +¥81 (+28 to +134)" in index


def told(analysis: Analysis, *checks: Check) -> str:
    """What stands above the first line of the report proper."""
    return render_markdown(replace(analysis, checks=checks)).split("**Who and what.**")[0]


def test_two_tests_of_one_split_are_told_once(voucher: Analysis) -> None:
    """The one that says more speaks; the table below shows both."""
    details: dict[str, str | float] = {"looks": 42.0, "day": "2026-10-09"}
    late = Check(id="srm_sequential", status="block", value=0.0001, limit=0.0005, details=details)
    fixed = Check(id="srm", status="note", value=0.004, limit=0.01)
    both = told(voucher, fixed, late)
    assert both.count("The split") == 1
    assert "p = 0.0001 over 42 looks, below 0.0005 since 9 Oct 2026" in both
    worse = told(voucher, replace(fixed, status="block"), late)
    assert worse.count("The split") == 1
    assert "42 looks" not in worse
    alone = told(voucher, late)
    assert "The split is wrong" in alone


def test_an_early_look_is_not_told_as_the_last_one(interim: Analysis) -> None:
    early = Check(id="srm", status="note", value=0.0002, limit=0.0005, details={"early": "yes"})
    text = told(interim, early)
    assert "**The split looks uneven so far.**" in text
    assert "chance alone rarely" not in text
    # The line that sums up takes the p-value that allows for looks.
    looks = Check(id="srm_sequential", status="ok", value=0.31, limit=0.01, details={"looks": 9.0})
    text = render_markdown(replace(interim, checks=(early, looks)))
    assert "(p = 0.31)" in text.split("**Can it be trusted?**")[1].splitlines()[0]


@pytest.mark.parametrize("id", ["batch_split", "segment_split", "balance"])
def test_what_stands_out_is_named_once_there_is_something_to_see(voucher: Analysis, id: Any) -> None:
    details: dict[str, str | float] = {
        "batch": "2026-10-09",
        "batch_last": "2026-10-11",
        "segment": "a|b",
        "property": "a|b",
        "difference": 0.254,
    }
    names = {"batch_split": "9 Oct 2026 to 11 Oct 2026", "segment_split": "a\\|b", "balance": "a\\|b (0.25 standard"}
    noted = Check(id=id, status="note", value=0.002, limit=0.01, details=details)
    assert f"most of all {names[id]}" in told(voucher, noted)
    assert "most of all" not in render_markdown(replace(voucher, checks=(replace(noted, status="ok"),)))
    assert "most of all" not in told(voucher, replace(noted, details={}))


def test_large_differences_stand_in_bold(voucher: Analysis) -> None:
    first, second, third = voucher.balance
    rows = (replace(first, difference=-0.1), replace(second, difference=None), replace(third, difference=0.0999))
    text = render_markdown(replace(voucher, balance=rows))
    assert "| Spend in 365 days | **−0.10** |" in text
    assert "| Orders in 365 days | – |" in text
    assert "| Country | 0.10 |" in text


def test_a_closed_variant_is_in_no_table(voucher: Analysis) -> None:
    closed = replace(voucher.variants[1], key="old", title="Old voucher", weight=0, assigned=0)
    text = render_markdown(replace(voucher, variants=(*voucher.variants, closed)))
    assert "- **Old voucher**: closed, nobody was to get it." in text
    assert "12,012, 11,988 and 0 for 50:50:0" in text
    assert [[len(row) for row in table] for table in tables(text)] == [
        [len(row) for row in table] for table in tables(render_markdown(voucher))
    ]
