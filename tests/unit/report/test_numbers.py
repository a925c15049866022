"""Numbers and text as they are printed."""

from __future__ import annotations

import pytest

from holdfast.report import numbers
from holdfast.report.numbers import LIFT, Numbers, Scale
from holdfast.report.text import Safe, clean, escape

EN = Numbers()
SHARE, YEN, DOLLAR = Scale("share"), Scale("money", "JPY"), Scale("money", "USD")


@pytest.mark.parametrize(
    ("width", "scale", "expected"),
    [
        (0.016, SHARE, 1),
        (0.004, SHARE, 2),
        (0.5, SHARE, 0),
        (106.0, YEN, 0),
        (0.64, DOLLAR, 2),
        (5.0, DOLLAR, 2),
        (45.0, DOLLAR, 0),
        (None, YEN, 0),
        (0.0, DOLLAR, 2),
        (1e-30, Scale("plain"), 6),
    ],
)
def test_digits_come_from_the_width_of_the_interval(width: float | None, scale: Scale, expected: int) -> None:
    assert numbers.places(width, scale) == expected


def test_signs_units_and_separators() -> None:
    assert EN.change(-170, YEN, 0) == "−¥170"
    assert EN.change(0.0133, SHARE, 1) == "+1.3 points"
    assert EN.change(0.076, LIFT, 1) == "+7.6%"
    assert EN.change(-1.234, Scale("plain", "rounds"), 1) == "−1.2 rounds"
    assert EN.change(0.00001, SHARE, 1) == "0.0 points"
    assert EN.change(-0.4, DOLLAR, 0) == "$0"
    assert EN.level(6480, YEN, 0) == "¥6,480"
    assert EN.level(-12.5, Scale("money", "CHF"), 2) == "−CHF 12.50"
    assert EN.span(-0.013, -0.003, SHARE, 1) == ("−1.3", "−0.3 points")
    assert EN.span(28, 134, YEN, 0) == ("+¥28", "+¥134")
    assert numbers.count(12012) == "12,012"


@pytest.mark.parametrize(
    ("p", "log10_p", "expected"),
    [
        (0.008608, None, "p = 0.0086"),
        (0.8768, None, "p = 0.88"),
        (0.0303, None, "p = 0.030"),
        (1e-12, None, "p < 0.0001"),
        (0.0, -345.2, "p < 0.0001"),
        (None, -345.2, "p < 0.0001"),
        (1.0, None, "p > 0.99"),
        (None, None, "–"),
    ],
)
def test_a_p_value_is_never_zero(p: float | None, log10_p: float | None, expected: str) -> None:
    assert numbers.p_value(p, log10_p) == expected


def test_amounts_that_stand_together_share_a_scale() -> None:
    assert EN.large_money((3.4e6, 1.2e6, 5.6e6), "JPY") == ("¥3.4 million", "¥1.2 million", "¥5.6 million")
    assert EN.large_money((2.1e6, -3e5, 4.5e6), "JPY")[1] == "−¥0.3 million"
    assert EN.large_money((820.0, 110.0, 1530.0), "USD") == ("$820", "$110", "$1,530")


def test_dates_and_planned_effects() -> None:
    assert EN.day("2026-10-01") == "1 Oct 2026"
    assert EN.day_before("2027-01-01") == "31 Dec 2026"
    assert EN.day("no | date") == "no \\| date"
    assert EN.planned_effect("80 JPY") == "¥80"
    assert EN.planned_effect("1.5pt") == "1.5 points"
    assert EN.planned_effect("4000 JPY") == "¥4,000"
    assert EN.planned_effect("<b>") == "&lt;b&gt;"


def test_text_of_others_cannot_become_markup() -> None:
    assert escape("a | b\n<i>*x*</i> [l](u) `c` #1 _e_") == (
        "a \\| b &lt;i&gt;\\*x\\*&lt;/i&gt; \\[l\\](u) \\`c\\` \\#1 \\_e\\_"
    )
    assert escape("- item") == "\\- item"
    assert escape("1. item") == "1\\. item"
    assert escape("1..12") == "1..12"
    assert escape("> quote") == "&gt; quote"
    assert escape("see https://example.com") == "see https\\://example.com"
    assert escape("it costs $5") == "it costs \\$5"
    assert escape(Safe("+5")) == "+5"


def test_invisible_and_endless_text_is_cut() -> None:
    assert clean("a\u202eb\u200b\u2066c") == "abc"
    assert clean("a\r\n\t b\x00c\x1b[31m") == "a b c [31m"
    assert len(clean("x" * 5000)) < 10
    assert len(clean("abc" * 5000)) < 70
    assert len(clean("word " * 5000)) == 2000
    assert clean("half \ud800") == "half"


@pytest.mark.parametrize(
    ("text", "words"),
    [("1pt", "1 point"), ("+1.5pt", "1.5 points"), ("1 days", "1 day"), ("3%", "3%"), ("1 JPY", "¥1")],
)
def test_one_point_is_a_point(text: str, words: str) -> None:
    assert EN.planned_effect(text) == words
