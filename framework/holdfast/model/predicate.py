"""Conditions on properties: one grammar for audience, where, exclude and labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

Scalar = str | int | float | bool
TRUE_WORDS = ("true", "t", "yes", "y", "1")
FALSE_WORDS = ("false", "f", "no", "n", "0")
"""Texts that stand for true and false, in any case, where a condition says true or false of a column of texts."""
Operator = Literal[">=", ">", "<=", "<"]

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_SHOWN_RANGE = re.compile(rf"({_NUMBER}) to ({_NUMBER})")
_TOP = re.compile(r"top (\d+(?:\.\d+)?)%")
_COMPARE = re.compile(rf"(>=|>|<=|<)\s*({_NUMBER})")


@dataclass(frozen=True, slots=True)
class Condition:
    """What one property must be. A missing value matches only `none`.

    Written as a value, a list (any of), `55..65` (both ends included), `">= 3"`, `top 20%`, `none`, or `{not: ...}`.
    """

    any_of: tuple[Scalar, ...] = ()
    low: float | None = None
    high: float | None = None
    comparison: tuple[Operator, float] | None = None
    missing: bool = False
    negated: bool = False
    top: float | None = None
    """The share with the largest values among the eligible, such as 0.2 for `top 20%`."""
    examples: ClassVar[tuple[str, ...]] = ("JP", "55..65", ">= 3", "top 20%", "none")

    @classmethod
    def parse(cls, value: object) -> Condition:
        """Read a condition as YAML gives it."""
        if isinstance(value, Condition):
            return value
        if isinstance(value, Mapping):
            if set(value) != {"not"}:
                raise ValueError("a condition is a value, a list, a range such as 55..65, a comparison or {not: ...}")
            inner = cls.parse(value["not"])
            return cls(
                inner.any_of, inner.low, inner.high, inner.comparison, inner.missing, not inner.negated, inner.top
            )
        if isinstance(value, list | tuple):
            if not value or not all(isinstance(item, Scalar) for item in value):
                raise ValueError("a list of values must hold at least one, and only plain ones")
            return cls(any_of=tuple(value))
        if isinstance(value, str):
            return cls._from_text(value)
        if isinstance(value, bool | int | float):
            return cls(any_of=(value,))
        raise ValueError('a condition is missing; write "none" for customers without a value')

    @classmethod
    def _from_text(cls, text: str) -> Condition:
        if match := _RANGE.fullmatch(text.strip()):
            low, high = float(match[1]), float(match[2])
            if low > high:
                raise ValueError(f'"{text}" is an empty range: the first number is above the second')
            return cls(low=low, high=high)
        if match := _COMPARE.fullmatch(text.strip()):
            operator: Any = match[1]
            return cls(comparison=(operator, float(match[2])))
        if match := _TOP.fullmatch(text.strip()):
            share = float(match[1]) / 100
            if not 0 < share < 1:
                raise ValueError(f'"{text}" must lie between top 0% and top 100%')
            return cls(top=share)
        return cls(missing=True) if text == "none" else cls(any_of=(text,))

    @classmethod
    def readings(cls, text: str) -> tuple[Condition, ...]:
        """Every condition that is shown as this text, of those that do not compare units with each other; a value that
        holds " or " reads like two."""
        found: list[Condition] = []
        for negated in (False, True):
            body = text.removeprefix("not ") if negated else text
            found.append(cls(any_of=(_typed(body),), negated=negated))
            found.append(cls(any_of=tuple(_worded(part) for part in body.split(" or ")), negated=negated))
            found.append(cls(missing=True, negated=negated))
            if match := _SHOWN_RANGE.fullmatch(body):
                found.append(cls(low=float(match[1]), high=float(match[2]), negated=negated))
            if match := _COMPARE.fullmatch(body):
                operator: Any = match[1]
                found.append(cls(comparison=(operator, float(match[2])), negated=negated))
        return tuple(dict.fromkeys(item for item in found if str(item) == text))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.parse)

    @property
    def compares(self) -> bool:
        """Whether it compares numbers: a comparison, a range or a rank."""
        return self.comparison is not None or self.low is not None or self.top is not None

    def __str__(self) -> str:
        prefix = "not " if self.negated else ""
        if self.missing:
            return f"{prefix}none"
        if self.top is not None:
            return f"{prefix}top {self.top:.4%}".replace(".0000", "")
        if self.comparison:
            return f"{prefix}{self.comparison[0]} {_digits(self.comparison[1])}"
        if self.low is not None and self.high is not None:
            return f"{prefix}{_digits(self.low)} to {_digits(self.high)}"
        return prefix + " or ".join(
            "yes" if item is True else "no" if item is False else str(item) for item in self.any_of
        )


def _typed(text: str) -> Scalar:
    """The number that a text is exactly how it is shown, otherwise the text."""
    for kind in (int, float):
        try:
            if str(number := kind(text)) == text:
                return number
        except ValueError:
            continue
    return text


def _worded(text: str) -> Scalar:
    return text == "yes" if text in {"yes", "no"} else _typed(text)


def _digits(number: float) -> str:
    """A number with all of its digits and no exponent: locks compare conditions by their text."""
    return f"{Decimal(repr(number)):f}".removesuffix(".0")


Predicate = Mapping[str, Condition]
"""Property name to condition; all must hold."""
