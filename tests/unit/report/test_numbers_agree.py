"""Every number of the scorecard and of the verdict is that of results.json, to the digits that are printed, and every
reading is what its interval says. The check itself is shown to find what it should: values that are exchanged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.model.result import Analysis, Estimate, Level
from holdfast.report import LANGUAGES, from_json, render_markdown
from holdfast.report.view import View, interval
from tests.conftest import ROOT
from tests.unit.report import fuller as parts

REPORTS = sorted((ROOT / "reports").glob("*/*/results.json"))
_NUMBER = re.compile(r"([+−-]?)[¥$€£]?(\d[\d,]*(?:\.\d+)?)(万|億|(?: million)| billion)?")
_LARGE = {"万": 1e4, "億": 1e8, " million": 1e6, " billion": 1e9}
_COUNTS = re.compile(r"[\d,]+ / [\d,]+")


def numbers(cell: str) -> list[tuple[float, float]]:
    """Each number of a text, and half of its last digit."""
    found = []
    for sign, digits, large in _NUMBER.findall(cell):
        plain = digits.replace(",", "")
        unit = _LARGE.get(large, 1.0)
        value = float(plain) * unit * (-1 if sign in {"−", "-"} else 1)
        found.append((value, 0.5 * unit * 10.0 ** -len(plain.partition(".")[2])))
    return found


def same(told: tuple[float, float], exact: float | None) -> bool:
    return exact is not None and abs(told[0] - exact) <= told[1] * (1 + 1e-9) + 1e-12


def rows(text: str, view: View) -> Iterator[list[str]]:
    """The rows of the scorecard's tables: metric, variant, both values, both effects, both p-values, reading, counts.
    Where there is one variant or one p-value it stands for both."""
    for line in text.splitlines():
        cells = [cell.replace("**", "").replace("\\", "").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) < 8 or not _COUNTS.fullmatch(cells[-1]):
            continue
        if len(view.treated) == 1:
            cells.insert(1, str(view.name(view.treated[0].key)))
        if len(cells) == 9:
            cells.insert(7, cells[6])
        assert len(cells) == 10, line
        yield cells


def complaints(text: str, analysis: Analysis, language: str) -> list[str]:
    """What a report says otherwise than the document."""
    view = View.of(analysis, markdown=False, language=language)
    titles = {str(view.titled(info)): info for info in analysis.metrics}
    titles |= {str(view.title(info.key)): info for info in analysis.metrics}
    variants = {str(view.name(info.key)): info.key for info in analysis.variants}
    found: list[str] = []
    for cells in rows(text, view):
        info = titles.get(cells[0])
        if info is None or cells[1] not in variants:
            continue
        difference = analysis.find(info.key, variants[cells[1]], "difference")
        lift = analysis.find(info.key, variants[cells[1]], "lift")
        assert difference is not None
        factor = 100.0 if view.scale(info.key).kind == "share" else 1.0
        found += [f"{cells[0]}, {cells[1]}: {each}" for each in _row(view, cells, difference, lift, factor)]
    return [*found, *_verdict(view, text)]


def _row(view: View, cells: list[str], difference: Estimate, lift: Estimate | None, factor: float) -> Iterator[str]:
    levels = (
        view.analysis.level(difference.metric, difference.baseline),
        view.analysis.level(difference.metric, difference.variant),
    )
    for cell, level in zip(cells[2:4], levels, strict=True):
        yield from _value(cell, level, factor)
    yield from _effect(cells[4], difference, factor)
    yield from _effect(cells[5], lift, 100.0) if lift else ()
    yield from _p(cells[6], difference.p if difference.p_adjusted is None else difference.p_adjusted)
    yield from _p(cells[7], difference.p)
    yield from _reading(view, cells[8], difference)
    told = [round(value) for value, _ in numbers(cells[9])]
    if told != [difference.n_baseline, difference.n]:
        yield f"{told} units are {difference.n_baseline} and {difference.n}"


def _value(cell: str, level: Level | None, factor: float) -> Iterator[str]:
    told = numbers(cell)
    if told and (level is None or level.value is None or not same(told[0], level.value * factor)):
        yield f"{cell} is {level.value if level else None}"


def _effect(cell: str, row: Estimate, factor: float) -> Iterator[str]:
    told, shown = numbers(cell), interval(row)
    if not told or row.status != "estimated" or row.estimate is None:
        return
    exact = [row.estimate] + ([shown.lower, shown.upper] if shown else [])
    for each, value in zip(told, exact, strict=False):
        if not same(each, value * factor):
            yield f"{cell} is {[number * factor for number in exact]}"
            return


def _p(cell: str, exact: float | None) -> Iterator[str]:
    told = numbers(cell)
    if not told or exact is None:
        return
    right = exact < 1e-4 if "<" in cell else exact > 0.99 if ">" in cell else same(told[0], exact)
    if not right:
        yield f"{cell} is {exact}"


def _reading(view: View, cell: str, row: Estimate) -> Iterator[str]:
    if row.status != "estimated":
        return
    if cell != view.voice.say(f"state.{row.state}"):
        yield f"{cell} is {row.state}"
    shown, info = interval(row), view.metric(row.metric)
    if shown is None or info is None or row.state not in {"better", "worse", "cannot_tell"}:
        return
    side = "better" if shown.lower > 0 else "worse" if shown.upper < 0 else "cannot_tell"
    if info.direction == "decrease":
        side = {"better": "worse", "worse": "better"}.get(side, side)
    if side != row.state and info.role != "guardrail":
        yield f"{cell} for an interval from {shown.lower} to {shown.upper}"


def _verdict(view: View, text: str) -> Iterator[str]:
    """The primary effect of the verdict's variant stands in the first paragraph."""
    analysis, verdict = view.analysis, view.analysis.verdict
    if verdict.variant is None or analysis.plan.interim:
        return
    row = analysis.find(analysis.plan.primary, verdict.variant, "difference")
    if row is None or row.estimate is None or (shown := interval(row)) is None:
        return
    factor = 100.0 if view.scale(row.metric).kind == "share" else 1.0
    told = numbers(next(line for line in text.splitlines() if line.startswith("> ") and not line.startswith("> [")))
    levels = (analysis.level(row.metric, key) for key in (row.variant, row.baseline))
    wanted = [level.value for level in levels if level is not None and level.value is not None]
    signed = [abs(row.estimate), *wanted, shown.lower, shown.upper]
    for exact in signed:
        if not any(same((abs(value), half), abs(exact * factor)) for value, half in told):
            yield f"the verdict does not say {exact * factor}"


@pytest.fixture(name="full")
def _full(voucher: Analysis) -> Analysis:
    return parts.fuller(voucher)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parts[-3])
def test_real_reports_say_what_their_results_are(path: Path, language: str) -> None:
    analysis = from_json(path.read_text("utf-8"))
    text = render_markdown(analysis, language)
    view = View.of(analysis, markdown=False, language=language)
    assert len(list(rows(text, view))) >= len(list(view.tested()))
    assert complaints(text, analysis, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fullest_report_says_what_its_results_are(full: Analysis, language: str) -> None:
    text = render_markdown(full, language)
    assert list(rows(text, View.of(full, markdown=False, language=language)))
    assert complaints(text, full, language) == []


def _swapped_levels(analysis: Analysis) -> Analysis:
    control = next(info.key for info in analysis.variants if info.is_control)
    other = next(info.key for info in analysis.variants if not info.is_control)
    names = {control: other, other: control}
    levels = tuple(replace(row, variant=names.get(row.variant, row.variant)) for row in analysis.levels)
    return replace(analysis, levels=levels)


def _changed(analysis: Analysis, **changes: str) -> Analysis:
    """The rows with one number in the place of another."""
    rows = tuple(
        replace(row, **{name: getattr(row, other) for name, other in changes.items()}) for row in analysis.estimates
    )
    return replace(analysis, estimates=rows)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "mutation",
    [
        {"lower_adjusted": "upper_adjusted", "upper_adjusted": "lower_adjusted"},
        {"estimate": "upper_adjusted"},
        {"lower_adjusted": "lower", "upper_adjusted": "upper"},
        {"p_adjusted": "p"},
        {"n": "n_baseline", "n_baseline": "n"},
    ],
    ids=["ends", "estimate", "nominal", "p", "n"],
)
def test_numbers_in_each_others_place_are_found(mutation: dict[str, str], language: str) -> None:
    path = next(path for path in REPORTS if "hillstrom" in str(path))
    analysis = from_json(path.read_text("utf-8"))
    text = render_markdown(analysis, language)
    assert complaints(text, _changed(analysis, **mutation), language)
    assert complaints(text, _swapped_levels(analysis), language)
    worse = tuple(replace(row, state="worse") if row.state == "better" else row for row in analysis.estimates)
    assert complaints(text, replace(analysis, estimates=worse), language)
