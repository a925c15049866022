"""Conditions: every written form, what is refused, and words that tell two conditions apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from holdfast.model.predicate import Condition

quiet = settings(derandomize=True, max_examples=60, deadline=None, database=None)


@pytest.mark.parametrize(
    ("written", "meant", "shown"),
    [
        ("JP", Condition(any_of=("JP",)), "JP"),
        (3, Condition(any_of=(3,)), "3"),
        (0, Condition(any_of=(0,)), "0"),
        (2.5, Condition(any_of=(2.5,)), "2.5"),
        (True, Condition(any_of=(True,)), "yes"),
        (False, Condition(any_of=(False,)), "no"),
        (["JP", "KR"], Condition(any_of=("JP", "KR")), "JP or KR"),
        ([1, True], Condition(any_of=(1, True)), "1 or yes"),
        (("JP",), Condition(any_of=("JP",)), "JP"),
        ("55..65", Condition(low=55.0, high=65.0), "55 to 65"),
        ("-5..-1", Condition(low=-5.0, high=-1.0), "-5 to -1"),
        ("0.5..1.5", Condition(low=0.5, high=1.5), "0.5 to 1.5"),
        ("5..5", Condition(low=5.0, high=5.0), "5 to 5"),
        (">= 3", Condition(comparison=(">=", 3.0)), ">= 3"),
        (">3", Condition(comparison=(">", 3.0)), "> 3"),
        ("<=-2.5", Condition(comparison=("<=", -2.5)), "<= -2.5"),
        ("<  0", Condition(comparison=("<", 0.0)), "< 0"),
        ("none", Condition(missing=True), "none"),
        ({"not": "none"}, Condition(missing=True, negated=True), "not none"),
        ({"not": ["a", "b"]}, Condition(any_of=("a", "b"), negated=True), "not a or b"),
        ({"not": "55..65"}, Condition(low=55.0, high=65.0, negated=True), "not 55 to 65"),
        ({"not": {"not": "JP"}}, Condition(any_of=("JP",)), "JP"),
        ("", Condition(any_of=("",)), ""),
        ("55...65", Condition(any_of=("55...65",)), "55...65"),
    ],
)
def test_every_form(written: object, meant: Condition, shown: str) -> None:
    condition = Condition.parse(written)
    assert condition == meant
    assert str(condition) == shown
    assert Condition.parse(condition) is condition


@pytest.mark.parametrize(
    "written", [None, [], [None], [["a"]], [{}], {}, {"in": [1]}, {"not": "a", "or": "b"}, {"not": None}, "65..55"]
)
def test_what_is_no_condition(written: object) -> None:
    with pytest.raises(ValueError, match=r"condition|list of values|empty range"):
        Condition.parse(written)


def test_the_door_uses_the_same_grammar() -> None:
    door: TypeAdapter[Any] = TypeAdapter(Condition)
    assert door.validate_python(">= 3") == Condition.parse(">= 3")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (">= 1234567", ">= 1234568"),
        ("> 0.1234567", "> 0.1234568"),
        ("1000000..2000000", "1000001..2000000"),
        ("0..20261001", "0..20261002"),
    ],
)
def test_neighbouring_numbers_read_differently(one: str, other: str) -> None:
    """The lock compares these texts: two conditions that mean different customers never share one."""
    assert str(Condition.parse(one)) != str(Condition.parse(other))


def test_large_numbers_are_written_out() -> None:
    assert str(Condition.parse(">= 1234567")) == ">= 1234567"
    assert str(Condition.parse("20260101..20261001")) == "20260101 to 20261001"


@quiet
@given(
    st.sampled_from([">=", ">", "<=", "<"]),
    st.decimals(min_value=-(10**9), max_value=10**9, places=5),
)
def test_comparisons_survive_their_text(operator: str, number: Any) -> None:
    condition = Condition.parse(f"{operator} {number:f}")
    assert Condition.parse(str(condition)) == condition


@quiet
@given(st.text(max_size=12))
def test_any_text_is_a_condition_or_a_value_error(text: str) -> None:
    try:
        condition = Condition.parse(text)
    except ValueError:
        return
    assert Condition.parse({"not": {"not": text}}) == condition
