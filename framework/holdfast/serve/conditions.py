"""Conditions on the attributes of one unit: the same answers that the engine gives at enrolment."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any
from uuid import UUID

from holdfast.model.predicate import FALSE_WORDS, TRUE_WORDS, Condition, Predicate, Scalar

Attributes = Mapping[str, Any]
Check = Callable[[Attributes], bool]
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}


class UnfitAttribute(Exception):
    """An attribute is of a kind that its condition cannot be checked on. Names the attribute, never its value."""


def holds(name: str, condition: Condition) -> Check:
    """Whether one attribute meets a condition, as a function of all attributes; a missing value meets only `none`.

    Raises:
        ValueError: `top n%` compares units with each other, which cannot be told from one of them.
    """
    negated = condition.negated
    if condition.top is not None:
        raise ValueError(f"{name}: {condition} cannot be told from one unit")
    if condition.missing:
        return lambda attributes: (attributes.get(name) is None) is not negated
    test = _test(name, condition)

    def check(attributes: Attributes) -> bool:
        value = attributes.get(name)
        return value is not None and test(value) is not negated

    return check


def all_hold(predicate: Predicate) -> Check:
    """Whether all conditions hold, as one function."""
    checks = [holds(name, condition) for name, condition in predicate.items()]
    return lambda attributes: all(check(attributes) for check in checks)


def agreed(name: str) -> Check:
    """Whether a consent is given; a missing one is not.

    Texts are read as the engine reads them: true, t, yes, y and 1, in any case.
    """

    def check(attributes: Attributes) -> bool:
        value = attributes.get(name)
        if value is True:
            return True
        if isinstance(value, str):
            word = value.lower()
            if word not in TRUE_WORDS and word not in FALSE_WORDS:
                raise UnfitAttribute(f'the attribute "{name}" must be true or false')
            return word in TRUE_WORDS
        if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return bool(value)
        raise UnfitAttribute(f'the attribute "{name}" must be true or false')

    return check


def _test(name: str, condition: Condition) -> Callable[[Any], bool]:
    if condition.comparison:
        operator, bound = condition.comparison
        compare = _OPERATORS[operator]
        return lambda value: compare(_number(name, value), bound)
    if condition.low is not None and condition.high is not None:
        low, high = condition.low, condition.high
        return lambda value: low <= _number(name, value) <= high
    return _any_of(name, condition.any_of)


def _any_of(name: str, wanted: tuple[Scalar, ...]) -> Callable[[Any], bool]:
    """Whether a value is one of those, compared as its own kind: 1 is both a number and, of a boolean, true."""
    texts = frozenset(str(item) for item in wanted if not isinstance(item, bool))
    words = frozenset(
        word for item in wanted if isinstance(item, bool) for word in (TRUE_WORDS if item else FALSE_WORDS)
    )
    numbers = frozenset(item for item in wanted if not isinstance(item, str))
    number_texts = frozenset(item for item in wanted if isinstance(item, str))
    truths = frozenset(bool(item) for item in wanted if item in (0, 1))

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return value in texts or value.lower() in words
        if isinstance(value, bool):
            return value in truths
        if isinstance(value, int | float | Decimal):
            if not math.isnan(value):
                return value in numbers or str(value) in number_texts
        elif isinstance(value, dt.date | UUID):
            return str(value) in texts
        raise UnfitAttribute(f'the attribute "{name}" must be a text, a number, or true or false')

    return test


def _number(name: str, value: Any) -> float:
    """The attribute as a number; texts that hold one count, as they do in the engine."""
    if isinstance(value, int | float | Decimal | str):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if not math.isnan(number):
            return number
    raise UnfitAttribute(f'the attribute "{name}" must be a number')
