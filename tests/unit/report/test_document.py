"""results.json: canonical, exact, and refused when it is not what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from holdfast.errors import DataError
from holdfast.model.result import Analysis
from holdfast.report import from_json, to_json


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher", "interim"])
def test_a_document_reads_back_as_what_was_written(name: str, request: pytest.FixtureRequest) -> None:
    text = to_json(request.getfixturevalue(name))
    assert to_json(from_json(text)) == text
    assert from_json(to_json(from_json(text))) == from_json(text)
    assert text.endswith("}\n")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_numbers_carry_twelve_digits_and_whole_ones_no_point(voucher: Analysis) -> None:
    money = replace(voucher.money[0], value=1 / 3, lower=-0.0, upper=7.0)
    read = json.loads(to_json(replace(voucher, money=(money,))))["money"][0]
    assert (read["value"], read["lower"], read["upper"]) == (0.333333333333, 0, 7)
    assert '"upper": 7\n' in to_json(replace(voucher, money=(money,))).replace(",", "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_is_refused_by_name(voucher: Analysis, value: float) -> None:
    broken = replace(voucher, money=(replace(voucher.money[0], upper=value),))
    with pytest.raises(ValueError, match=r"results\.money\[0\]\.upper"):
        to_json(broken)


def damaged(document: dict[str, Any], how: str) -> str:
    """A results.json with one thing wrong."""
    if how == "no json":
        return "{"
    if how == "other schema":
        document["schema"] = "holdfast.results/2"
    if how == "missing":
        del document["verdict"]
    if how == "unknown field":
        document["plan"]["surprise"] = 1
    if how == "text for number":
        document["levels"][0]["n"] = "12"
    if how == "unknown metric":
        document["levels"][0]["metric"] = "nope"
    if how == "two controls":
        document["variants"][1]["is_control"] = True
    if how == "no date":
        document["as_of"] = "yesterday"
    if how == "impossible":
        document["estimates"][0]["estimate"] = 1e300
    text = json.dumps(document)
    return text.replace("3400000", "NaN") if how == "nan" else text


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("no json", "JSON"),
        ("other schema", "schema"),
        ("missing", "verdict"),
        ("unknown field", r"results\.plan\.surprise: unknown field"),
        ("text for number", r"levels\.0\.n"),
        ("unknown metric", 'unknown metric "nope"'),
        ("two controls", "2 variants are the control"),
        ("nan", "money"),
        ("no date", r"results\.as_of: no date such as 2026-06-01"),
        ("impossible", r"estimates\[0\]\.lower: the interval does not hold the estimate of margin"),
    ],
)
def test_a_damaged_document_is_told_in_words(voucher: Analysis, how: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        from_json(damaged(json.loads(to_json(voucher)), how))
