"""Durations, shares, effects and references: what is read, what is refused, and that text survives the round trip."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from holdfast.model.values import Duration, Effect, FactRef, MetricRef, Share

quiet = settings(derandomize=True, max_examples=60, deadline=None, database=None)


@pytest.mark.parametrize(
    ("text", "hours", "shown"),
    [
        ("7d", 168, "7d"),
        ("4w", 672, "28d"),
        ("36h", 36, "36h"),
        ("48h", 48, "2d"),
        ("0d", 0, "0d"),
        (" 7 d ", 168, "7d"),
        ("007d", 168, "7d"),
    ],
)
def test_durations(text: str, hours: int, shown: str) -> None:
    duration = Duration.parse(text)
    assert (duration.hours, str(duration), duration.timedelta) == (hours, shown, timedelta(hours=hours))


@pytest.mark.parametrize("text", ["7", "", "d", "-7d", "+7d", "7.5d", "7D", "7 days", "1m", "1y", "7d7d", "1e3d", 7, 0])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        Duration.parse(text)


def test_whole_days() -> None:
    assert Duration.parse("4w").whole_days == 28
    with pytest.raises(ValueError, match='"36h" is not a whole number of days'):
        _ = Duration.parse("36h").whole_days


def test_durations_compare_by_length() -> None:
    assert max(Duration.parse("1w"), Duration.parse("170h")) == Duration(170)
    assert Duration.parse("1w") == Duration.parse("7d") == Duration.parse("168h")


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("50%", "0.5", "50%"),
        ("0%", "0", "0%"),
        ("100%", "1", "100%"),
        ("100.0%", "1", "100%"),
        ("0.1%", "0.001", "0.1%"),
        ("99.9 %", "0.999", "99.9%"),
        ("10.50%", "0.105", "10.5%"),
        ("0.000000000000001%", "1e-17", "0.000000000000001%"),
    ],
)
def test_shares(text: str, value: str, shown: str) -> None:
    share = Share.parse(text)
    assert share.value == Decimal(value)
    assert str(share) == shown
    assert float(share) == float(value)


@pytest.mark.parametrize(
    "text", ["0.5", "50", 50, 0.5, "-1%", "+1%", "100.1%", "101%", "%", "", ".5%", "5.%", "1e1%", "50%%", "1,5%"]
)
def test_what_is_no_share(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not a share|more than the whole"):
        Share.parse(text)


@pytest.mark.parametrize(
    ("text", "plain", "unit", "relative", "shown"),
    [
        ("1.5pt", 0.015, "pt", False, "1.5pt"),
        ("0.2 pt", 0.002, "pt", False, "0.2pt"),
        ("-0.5pt", -0.005, "pt", False, "-0.5pt"),
        ("3%", 0.03, "%", True, "3%"),
        ("+3%", 0.03, "%", True, "3%"),
        ("80 JPY", 80.0, "JPY", False, "80 JPY"),
        ("80JPY", 80.0, "JPY", False, "80 JPY"),
        ("0.10 USD", 0.1, "USD", False, "0.10 USD"),
        ("0.5 days", 0.5, "days", False, "0.5 days"),
        ("1 day", 1.0, "days", False, "1 days"),
        ("1000000 JPY", 1e6, "JPY", False, "1000000 JPY"),
    ],
)
def test_effects(text: str, plain: float, unit: str, relative: bool, shown: str) -> None:
    effect = Effect.parse(text)
    assert (effect.plain, effect.unit, effect.is_relative, str(effect)) == (plain, unit, relative, shown)


@pytest.mark.parametrize("text", ["3", 3, 0.03, "pt", "", "3 jpy", "3 JP", "3 YENS", "JPY 3", "1,5pt", "3 %%", "--3pt"])
def test_what_is_no_effect(text: object) -> None:
    with pytest.raises(ValueError, match="is not an effect"):
        Effect.parse(text)


def test_references() -> None:
    assert FactRef.parse("orders.revenue") == FactRef("orders", "revenue")
    assert str(FactRef("orders", "revenue")) == "orders.revenue"
    assert MetricRef.parse("retained") == MetricRef("retained")
    assert MetricRef.parse("margin@2w") == MetricRef("margin", Duration(336))
    assert str(MetricRef.parse("margin@2w")) == "margin@14d"
    assert str(MetricRef.parse("margin@0d")) == "margin@0d"


@pytest.mark.parametrize("text", ["", "orders", "orders.", ".revenue", "a.b.c", ".", "..", None, 3])
def test_what_is_no_fact(text: object) -> None:
    with pytest.raises(ValueError, match="is not a fact"):
        FactRef.parse(text)


@pytest.mark.parametrize("text", ["", "@30d", "margin@", "margin@30", "margin@30d@60d", "margin@x"])
def test_what_is_no_metric(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (metric|duration)"):
        MetricRef.parse(text)


@quiet
@given(st.integers(min_value=0, max_value=10**6))
def test_durations_survive_their_text(hours: int) -> None:
    assert Duration.parse(str(Duration(hours))) == Duration(hours)


@quiet
@given(st.decimals(min_value=0, max_value=100, places=6))
def test_shares_survive_their_text(percent: Decimal) -> None:
    share = Share.parse(f"{percent:f}%")
    assert share.value == percent / 100
    assert Share.parse(str(share)) == share


@quiet
@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4), st.sampled_from(["pt", "%", "days", "JPY"]))
def test_effects_survive_their_text(value: Decimal, unit: str) -> None:
    effect = Effect(value, unit)
    assert Effect.parse(str(effect)) == effect


@pytest.mark.parametrize("kind", [Duration, Share, Effect, FactRef, MetricRef])
def test_examples_are_read_and_other_types_are_refused_at_the_door(kind: Any) -> None:
    door: TypeAdapter[Any] = TypeAdapter(kind)
    for example in kind.examples:
        value = door.validate_python(example)
        assert isinstance(value, kind)
        assert door.validate_python(value) is value
        assert door.validate_json(door.dump_json(value)) == value
    wrongs: list[Any] = [True, None, [], {}, ["7d"]]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            door.validate_python(wrong)
