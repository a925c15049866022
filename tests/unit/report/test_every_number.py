"""Every number that a report prints is one of results.json, in the place where it belongs, to the digits that are
printed, and the words beside it say what it says. The check works from the document and the catalogue alone."""

from __future__ import annotations

import html
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.model.found import CostPart, ExposureDays, ExposureResult, Quantity
from holdfast.model.result import Analysis
from holdfast.report import LANGUAGES, from_json, render_markdown, render_slack, render_summary, to_json
from holdfast.report.document import _adapter
from tests.conftest import ROOT
from tests.unit.report import fuller as parts
from tests.unit.report import languages
from tests.unit.report.agreement import disagreements
from tests.unit.report.printed import sections
from tests.unit.report.test_rule import RULE, ruled
from tests.unit.report.test_vocabulary import GIFTS

REPORTS = sorted((ROOT / "reports").glob("*/*/results.json"))


def by_rule(analysis: Analysis) -> Analysis:
    """The voucher shipped by a rule of its own."""
    return ruled(analysis, "conditions_met", *(each.metric for each in RULE))


def whole(analysis: Analysis) -> Analysis:
    """Everything that a result may hold, and who was exposed."""
    return parts.exposed(parts.fuller(analysis))


def worse_exposed(analysis: Analysis) -> Analysis:
    """Over many days, and the check that finds a fault."""
    found = parts.exposed(analysis)
    assert found.exposure is not None
    days = tuple(
        ExposureDays(first_day=day, last_day=day, counts=(("control", 400 + 3 * day), ("voucher", 390 - 2 * day)))
        for day in range(23)
    )
    checks = tuple(
        replace(check, status="block", value=0.0002) if check.id == "exposure" else check for check in found.checks
    )
    return replace(found, checks=checks, exposure=replace(found.exposure, days=days))


def hardly_exposed(analysis: Analysis) -> Analysis:
    """One step, and a variant that may not be shown."""
    found = parts.exposed(analysis)
    assert found.exposure is not None
    step = replace(found.exposure.days[0], counts=found.exposure.days[0].counts[:1])
    return replace(found, exposure=ExposureResult(offered=found.exposure.offered[:1], days=(step,)))


def in_gifts(analysis: Analysis) -> Analysis:
    """All of it in the words of a charity."""
    return replace(whole(analysis), experiment=replace(analysis.experiment, words=GIFTS))


def in_numbers(analysis: Analysis) -> Analysis:
    """Words that hold numbers of their own."""
    own = {name: f"{word} 24" for name, word in GIFTS["en"].items()}
    words = {"en": own | {"units": "people of 18 to 34"}, "ja": own | {"unit": "世帯", "counter": "世帯"}}
    return replace(whole(analysis), experiment=replace(analysis.experiment, words=words))


def subscribed(analysis: Analysis) -> Analysis:
    """Of a subscription, whose titles speak another language and begin with its words."""
    titles = {"retained": "Retention: days 56 to 89", "churned": "Churn by day 90", "margin": "Margin in days 0 to 890"}
    metrics = tuple(replace(info, title=titles.get(info.key, info.title)) for info in analysis.metrics)
    # One day, of which another day in a title says nothing.
    metrics = tuple(replace(i, first_day=9, end_day=10) if i.key == "churned" else i for i in metrics)
    return replace(analysis, metrics=metrics, experiment=replace(analysis.experiment, business="subscription"))


def paid_otherwise(analysis: Analysis) -> Analysis:
    """Costs whose kinds are not all known, and quotients that cannot be formed."""
    found = parts.fuller(analysis)
    unknown = CostPart(kind="per_send", cost=Quantity(reason="no_mature_units"))
    row = replace(found.pays[0], costs=(found.pays[0].costs[0], unknown))
    reasons: dict[str, Any] = {
        "return_on_cost": "baseline_too_close_to_zero",
        "cost_per_retained": "baseline_not_positive",
        "because": "baseline_too_close_to_zero",
        "persistence": "baseline_not_positive",
    }
    changed: dict[str, Any] = {name: Quantity(reason=reason) for name, reason in reasons.items()}
    return replace(found, pays=(replace(row, **changed),))


OWN: dict[str, Callable[[Analysis], Analysis]] = {
    "fuller": parts.fuller,
    "rule": by_rule,
    "whole": whole,
    "worse_exposed": worse_exposed,
    "hardly_exposed": hardly_exposed,
    "in_gifts": in_gifts,
    "in_numbers": in_numbers,
    "subscribed": subscribed,
    "paid_otherwise": paid_otherwise,
}


def agreed(analysis: Analysis, language: str) -> None:
    """The report and the summary say what the document holds."""
    found = disagreements(render_markdown(analysis, language), analysis, language)
    assert not found, "\n".join(found)
    summary = render_summary(analysis, "report.md", language=language)
    found = disagreements(summary, analysis, language, summary=True)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parts[-3])
def test_real_reports_say_what_their_results_are(path: Path, language: str) -> None:
    analysis = from_json(path.read_text("utf-8"))
    agreed(analysis, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher", "interim"])
def test_reports_say_what_their_results_are(name: str, language: str, request: pytest.FixtureRequest) -> None:
    analysis: Analysis = request.getfixturevalue(name)
    agreed(analysis, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*languages.VERDICTS, *OWN])
def test_every_verdict_says_what_its_results_are(name: str, language: str, voucher: Analysis) -> None:
    analysis = {**languages.VERDICTS, **OWN}[name](voucher)
    analysis = languages.in_japanese(analysis) if language == "ja" else analysis
    agreed(analysis, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_interim_report_says_who_was_exposed(interim: Analysis, voucher: Analysis, language: str) -> None:
    found = parts.exposed(voucher)
    check = next(check for check in found.checks if check.id == "exposure")
    agreed(replace(interim, checks=(*interim.checks, check), exposure=found.exposure), language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher"])
def test_the_message_says_what_the_report_says(name: str, language: str, request: pytest.FixtureRequest) -> None:
    """Lines of the message are lines of the first screen, and its tables hold the numbers of the first tables."""
    analysis: Analysis = request.getfixturevalue(name)
    first = sections(render_markdown(analysis, language))[""]
    message = html.unescape(render_slack(analysis, "report.md", language=language))
    tables = re.findall(r"```\n(.*?)\n```", message, re.S)
    for line in re.sub(r"```.*?```", "", message, flags=re.S).splitlines():
        told = re.sub(r"^[•⚠▲✘●…] ", "", line).replace("*", "").replace(" ", "")
        if re.search(r"\d", told) and not told.endswith("`report.md`"):
            assert any(told in each.replace(" ", "") for each in first.lines), told
    rows = [cell for row in first.rows for cell in row[1:]]
    assert Counter(re.findall(r"\d+", "".join(tables))) >= Counter(re.findall(r"\d+", " ".join(rows)))
    assert tables


# Whether the check finds what it should.

_ONLY_DIGITS = {"se", "unit_variance", "slope_se"}
"""Numbers that are not printed: they set how many digits others have."""


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All numbers and dates of a document with their places."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))
        elif _changeable(value):
            yield (*path, key), value


def _changeable(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def kinds(document: Any) -> dict[tuple[str, ...], list[tuple[tuple[Any, ...], Any]]]:
    """The leaves by the names of their fields, whatever row they are in."""
    found: dict[tuple[str, ...], list[tuple[tuple[Any, ...], Any]]] = {}
    for path, value in leaves(document):
        if path[-1] not in _ONLY_DIGITS:
            name = (*(part for part in path if isinstance(part, str)), "date" if isinstance(value, str) else "number")
            found.setdefault(name, []).append((path, value))
    return found


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def other(value: Any) -> Any:
    """Another value of the same kind, far enough away to be seen."""
    if isinstance(value, str):
        return (date.fromisoformat(value) + timedelta(days=3)).isoformat()
    return value + 3 + value // 2 if isinstance(value, int) else value * 1.6 + (0.013 if abs(value) < 1 else 0.0)


def unnoticed(text: str, changed: str, language: str) -> bool:
    """Whether a report that was made from another document is taken for that of this one."""
    # As the types alone read it: intervals that do not hold their estimates are refused before a report is made.
    analysis = _adapter().validate_json(changed, strict=True)
    return not disagreements(text, analysis, language) and render_markdown(analysis, language) != text


def test_any_number_that_is_changed_is_noticed(voucher: Analysis, language: str = "en") -> None:
    """One number or date of each kind of field is changed in the document; where the report of the changed document
    reads otherwise, the report of the first must be found to be wrong."""
    original = to_json(whole(voucher))
    text = render_markdown(from_json(original), language)
    draw, missed = random.Random(20261122), []
    for found in kinds(json.loads(original)).values():
        for path, value in draw.sample(found, 1):
            document = json.loads(original)
            put(document, path, other(value))
            missed += [path] if unnoticed(text, json.dumps(document), language) else []
    assert missed == []


def test_any_two_numbers_that_are_exchanged_are_noticed(voucher: Analysis, language: str = "ja") -> None:
    original = to_json(whole(voucher))
    text = render_markdown(from_json(original), language)
    draw, missed = random.Random(11), []
    for found in kinds(json.loads(original)).values():
        first = draw.choice(found)
        others = [each for each in found if each[1] != first[1]]
        if not others:
            continue
        second, document = draw.choice(others), json.loads(original)
        put(document, first[0], second[1])
        put(document, second[0], first[1])
        missed += [(first[0], second[0])] if unnoticed(text, json.dumps(document), language) else []
    assert missed == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("wrong", ["better", "worse", "cannot_tell", "safe", "harm"])
def test_a_reading_that_its_interval_denies_is_noticed(voucher: Analysis, wrong: Any, language: str) -> None:
    for place, row in enumerate(voucher.estimates):
        own = {"safe", "harm", "cannot_tell"} if row.role == "guardrail" else {"better", "worse", "cannot_tell"}
        relative = row.role == "guardrail" and row.margin is None
        if row.estimand != "difference" or row.state == wrong or wrong not in own or relative:
            continue
        rows = list(voucher.estimates)
        rows[place] = replace(row, state=wrong)
        changed = replace(voucher, estimates=tuple(rows))
        assert disagreements(render_markdown(changed, language), changed, language), row.metric


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_business_s_word_is_noticed(voucher: Analysis, language: str) -> None:
    analysis = in_gifts(voucher)
    text = render_markdown(analysis, language)
    for name in GIFTS[language]:
        words = {**GIFTS, language: GIFTS[language] | {name: "another"}}
        changed = replace(analysis, experiment=replace(analysis.experiment, words=words))
        assert disagreements(text, changed, language), name
