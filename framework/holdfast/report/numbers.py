"""How every number of the product is written: digits from the width of the interval, forms from the locale."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from holdfast.report.locales import ENGLISH, Locale
from holdfast.report.text import Safe, escape

MINUS = "−"
_CURRENCY = re.compile(r"[A-Z]{3}")
_EFFECT = re.compile(r"(\d+(?:\.\d+)?)\s*(pt|%|days|[A-Z]{3})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOST_DECIMALS = 6
_COARSE_PERCENT = 20.0
"""Intervals wider than this many percent carry no decimals."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What a number counts, and so how it is written."""

    kind: Literal["share", "money", "plain"]
    unit: str = ""
    """A currency code, or a noun for plain numbers."""

    @classmethod
    def of(cls, family: str, unit: str | None) -> Scale:
        """The scale of a metric, from its family and unit."""
        if family == "proportion" or (family == "survival" and not unit):
            return cls("share")
        if unit and _CURRENCY.fullmatch(unit):
            return cls("money", unit)
        return cls("plain", unit or "")


LIFT = Scale("share", "%")
"""Relative changes: percent where a difference of shares has points."""


def places(width: float | None, scale: Scale) -> int:
    """How many decimals an interval of that width deserves: two significant digits of the width."""
    if width is None or not width > 0:
        return {"share": 1, "money": 0 if scale.unit == "JPY" else 2, "plain": 2}[scale.kind]
    shown = width * 100 if scale.kind == "share" else width
    decimals = min(max(0, 1 - math.floor(math.log10(shown))), _MOST_DECIMALS)
    if scale.kind == "share":
        return decimals if shown >= _COARSE_PERCENT else max(1, decimals)
    if scale.kind == "money" and scale.unit != "JPY" and decimals == 1:
        return 2
    return decimals


def interval_places(lower: float, upper: float, scale: Scale) -> int:
    """Decimals for an interval: those of its width, and more where an end beside zero would be shown as zero."""
    decimals = places(upper - lower, scale)
    nearest = min(abs(lower), abs(upper)) * (100 if scale.kind == "share" else 1)
    if lower <= 0 <= upper:
        return decimals
    most = max(decimals, _MOST_DECIMALS)
    return next((more for more in range(decimals, most) if round(nearest, more)), most)


def bare(value: float, scale: Scale, decimals: int) -> Safe:
    """A difference with its sign but no unit, for intervals beside a number that has it: +28."""
    number = _digits(value * 100 if scale.kind == "share" else value, decimals)
    return Safe(_sign(value, number, plus=True) + number)


def count(number: int) -> Safe:
    """A whole number: 12,012."""
    return Safe(f"{MINUS if number < 0 else ''}{abs(number):,}")


def percent(share: float) -> Safe:
    """A confidence level or a limit, with no more digits than it has: 95%, 97.5%, 0.1%."""
    text = f"{share * 100:.1f}" if abs(share) >= 0.001 else f"{share * 100:.2g}"
    return Safe(f"{text.removesuffix('.0')}%")


def p_value(p: float | None, log10_p: float | None = None) -> Safe:
    """A p-value: p = 0.0086, p < 0.0001; never p = 0."""
    # Below 1e-300 a double has lost the number, or is about to: its logarithm still has it.
    small = log10_p is not None and log10_p < -300
    if p is None and not small:
        return Safe("–")
    if small or p is None or p < 0.0001:
        return Safe("p < 0.0001")
    if p > 0.99:
        return Safe("p > 0.99")
    return Safe(f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.3f}" if p >= 0.01 else f"p = {p:.4f}")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is written differently from language to language; the examples are English and Japanese."""

    locale: Locale = ENGLISH

    def level(self, value: float, scale: Scale, decimals: int) -> Safe:
        """What a variant reached: 11.8%, ¥684 or 684円, 52.5."""
        number = _digits(value * 100 if scale.kind == "share" else value, decimals)
        return self._with_unit(_sign(value, number, plus=False), number, scale, level=True)

    def change(self, value: float, scale: Scale, decimals: int) -> Safe:
        """A difference with its sign and unit: +1.3 points, +¥81 or +81円, −1.2 rounds; relative changes: +7.6%."""
        number = _digits(value * 100 if scale.kind == "share" else value, decimals)
        return self._with_unit(_sign(value, number, plus=True), number, scale, level=False)

    def size(self, value: float, scale: Scale, decimals: int) -> Safe:
        """A difference without its sign: 1.3 points, ¥81 or 81円."""
        number = _digits(value * 100 if scale.kind == "share" else value, decimals)
        return self._with_unit("", number, scale, level=False)

    def span(self, lower: float, upper: float, scale: Scale, decimals: int) -> tuple[Safe, Safe]:
        """Both ends of an interval that stands alone: +¥28, +¥134; a unit in words only once: −1.3, −0.3 points."""
        wordy = scale.kind == "plain" or scale == Scale("share")
        first = bare(lower, scale, decimals) if wordy else self.change(lower, scale, decimals)
        return first, self.change(upper, scale, decimals)

    def tick(self, value: float, scale: Scale) -> str:
        """A difference on an axis: points without their word, money with its symbol."""
        number = f"{abs(value * 100 if scale.kind == 'share' else value):,.6g}"
        sign = MINUS if value < 0 and number != "0" else ""
        known = scale.kind == "money" and scale.unit in self.locale.symbols
        return self._money(sign, number, scale.unit) if known else f"{sign}{number}"

    def noun(self, unit: str) -> str:
        """What a metric counts, without a number: rounds, 日."""
        form = self.locale.nouns.get(unit)
        return form.format(number="") if form else unit

    def _with_unit(self, sign: str, number: str, scale: Scale, *, level: bool) -> Safe:
        if scale.kind == "money":
            return Safe(self._money(sign, number, scale.unit))
        if scale.kind == "share":
            return Safe(f"{sign}{number}%" if level or scale.unit else sign + self.locale.points.format(number=number))
        if level or not scale.unit:
            return Safe(f"{sign}{number}")
        form = self.locale.nouns.get(scale.unit, self.locale.measure)
        return Safe(sign + form.format(number=number, noun=escape(scale.unit)))

    def _money(self, sign: str, number: str, currency: str) -> str:
        symbol = self.locale.symbols.get(currency)
        form = self.locale.other_money if symbol is None else self.locale.money
        return form.format(sign=sign, number=number, symbol=symbol or escape(currency))

    def large_money(self, values: tuple[float, ...], currency: str) -> tuple[Safe, ...]:
        """Amounts that stand together, on one scale: ¥3.4 million, ¥1.2 million, or 340万円, 120万円."""
        largest = max(abs(value) for value in values)
        step = next((step for step in self.locale.large if largest >= step.start), None)
        if step is None:
            scale = Scale("money", currency)
            decimals = places(max(values) - min(values), scale)
            return tuple(self.level(value, scale, decimals) for value in values)
        scaled = [value / step.step for value in values]
        if max(scaled) - min(scaled) >= step.coarse:
            scaled = [round(value, -1) for value in scaled]
        decimals = min(max(places(max(scaled) - min(scaled), Scale("plain")), step.least), 2)
        digits = [_digits(value, decimals) for value in scaled]
        signs = [_sign(value, number, plus=False) for value, number in zip(scaled, digits, strict=True)]
        shown = [step.words.format(number=number) for number in digits]
        return tuple(Safe(self._money(sign, number, currency)) for sign, number in zip(signs, shown, strict=True))

    def told(self, number: int) -> Safe:
        """A count in running text: 24,000 or 2万4,000; tables and counts that are compared keep all digits."""
        rest, text = number, ""
        for step, word in self.locale.grouped:
            if rest >= step:
                text += f"{rest // step:,}{word}"
                rest %= step
        return Safe(text + count(rest) if rest or not text else text)

    def day(self, text: str) -> Safe:
        """A date for people: 1 Oct 2026 or 2026年10月1日; text that is no date is shown as it is."""
        return self._date(text, self.locale.date)

    def short_day(self, text: str) -> Safe:
        """A date whose year is known: 1 Oct or 10月1日."""
        return self._date(text, self.locale.short_date)

    def _date(self, text: str, form: str) -> Safe:
        try:
            moment = date.fromisoformat(text[:10])
        except ValueError:
            return escape(text)
        month = self.locale.months[moment.month - 1]
        return Safe(form.format(day=moment.day, month=month, year=moment.year))

    def period(self, first: str, last: str) -> tuple[Safe, Safe]:
        """Both days of a period; where the language leaves it out, a year that they share stands once."""
        short = self.locale.year_once and first[:4] == last[:4]
        return self.day(first), self.short_day(last) if short else self.day(last)

    def label(self, text: str) -> Safe:
        """A name from the data; a date in the words for dates."""
        return self.day(text) if is_day(text) else escape(text)

    def day_before(self, text: str) -> Safe:
        """The last day of a period whose end is given as the day after it."""
        return self.day(last_day(text))

    def planned_effect(self, text: str) -> Safe:
        """An effect as its author wrote it, in the report's words: 80 JPY is ¥80 or 80円, 1.5pt is 1.5 points."""
        plain = text.strip().lstrip("+")
        if plain.startswith("-"):
            return Safe(f"{MINUS}{self.planned_effect(plain[1:])}")
        match = _EFFECT.fullmatch(plain)
        if not match:
            return escape(text)
        number, unit = match[1], match[2]
        whole, _, fraction = number.partition(".")
        grouped = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
        if _CURRENCY.fullmatch(unit):
            return Safe(self._money("", grouped if fraction else self.told(int(whole)), unit))
        if unit == "%":
            return Safe(f"{grouped}%")
        point, day = (
            (self.locale.one_point, self.locale.one_day) if number == "1" else (self.locale.points, self.locale.days)
        )
        return Safe((point if unit == "pt" else day).format(number=grouped))


def last_day(text: str) -> str:
    """The day before a date, in the same form; text that is no date stays as it is."""
    try:
        return (date.fromisoformat(text[:10]) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return text


def is_day(text: str) -> bool:
    """Whether a text is written as a date."""
    return _DATE.fullmatch(text) is not None


def planned_is_relative(text: str) -> bool:
    """Whether an effect is relative to control, as 3% is."""
    return text.strip().endswith("%")


def _digits(value: float, decimals: int) -> str:
    return f"{abs(value):,.{decimals}f}"


def _sign(value: float, number: str, *, plus: bool) -> str:
    if not number.strip("0.,"):  # rounded to zero: a sign would claim more than the digits show
        return ""
    return MINUS if value < 0 else "+" if plus else ""
