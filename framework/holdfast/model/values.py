"""Scalars that carry their unit: durations, shares and effects. Each is written in YAML as one short text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

_DURATION = re.compile(r"(\d+)\s*(h|d|w)")
_EFFECT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(pt|%|days?|[A-Z]{3})")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_HOURS = {"h": 1, "d": 24, "w": 168}


class _Text:
    """Makes a value type readable from text by pydantic, without the model importing pydantic."""

    examples: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        def read(value: object) -> _Text:
            if isinstance(value, cls):
                return value
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError(f"expected a short text such as {cls.examples[0]}")
            return cls.parse(value)

        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.to_string_ser_schema(when_used="json")
        )


@dataclass(frozen=True, slots=True, order=True)
class Duration(_Text):
    """A length of time in whole hours: `36h`, `7d`, `4w`."""

    hours: int
    examples: ClassVar[tuple[str, ...]] = ("7d", "4w", "36h")

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Read `36h`, `7d` or `4w`; a number without a unit is an error that names the units."""
        match = _DURATION.fullmatch(str(text).strip())
        if not match:
            raise ValueError(f'"{text}" is not a duration: write a whole number and a unit, such as 7d, 4w or 36h')
        return cls(int(match[1]) * _HOURS[match[2]])

    @property
    def whole_days(self) -> int:
        """The length in days; an error when it is not a whole number of them."""
        if self.hours % 24:
            raise ValueError(f'"{self}" is not a whole number of days')
        return self.hours // 24

    @property
    def timedelta(self) -> timedelta:
        return timedelta(hours=self.hours)

    def __str__(self) -> str:
        return f"{self.hours}h" if self.hours % 24 else f"{self.hours // 24}d"


@dataclass(frozen=True, slots=True, order=True)
class Share(_Text):
    """A share of a whole, written `50%` and kept exact: 0 to 1."""

    value: Decimal
    examples: ClassVar[tuple[str, ...]] = ("50%", "99.9%")

    @classmethod
    def parse(cls, text: object) -> Share:
        """Read `50%`; a bare number is an error, since 0.5 and 50 are both plausible."""
        match = _SHARE.fullmatch(str(text).strip())
        if not match:
            raise ValueError(f'"{text}" is not a share: write it in percent, such as 50%')
        value = Decimal(match[1]) / 100
        if value > 1:
            raise ValueError(f'"{text}" is more than the whole: a share lies between 0% and 100%')
        return cls(value)

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return f"{(self.value * 100).normalize():f}%"


@dataclass(frozen=True, slots=True)
class ShareRange(_Text):
    """A range of shares, `0%..50%`: from the first (included) to the second (excluded)."""

    low: Share
    high: Share
    examples: ClassVar[tuple[str, ...]] = ("0%..50%",)

    @classmethod
    def parse(cls, text: object) -> ShareRange:
        """Read `0%..50%`."""
        low, separator, high = str(text).partition("..")
        if not separator:
            raise ValueError(f'"{text}" is not a range of shares: write it as 0%..50%')
        found = cls(Share.parse(low), Share.parse(high))
        if found.low >= found.high:
            raise ValueError(f'"{text}" is an empty range: the first share is not below the second')
        return found

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class Effect(_Text):
    """A size of effect with its unit: `0.2pt` (points), `3%` (relative to control), `80 JPY`, `0.5 days`."""

    value: Decimal
    unit: str
    """`pt`, `%`, `days` or a three-letter currency code."""
    examples: ClassVar[tuple[str, ...]] = ("1.5pt", "3%", "80 JPY", "0.5 days")

    @classmethod
    def parse(cls, text: object) -> Effect:
        """Read a number with its unit; without one it is an error that names the choices."""
        match = _EFFECT.fullmatch(str(text).strip())
        if not match:
            raise ValueError(
                f'"{text}" is not an effect: give its unit, such as 1.5pt (percentage points), 3% (relative to '
                "control), 80 JPY (a currency) or 0.5 days"
            )
        unit = "days" if match[2].startswith("day") else match[2]
        return cls(Decimal(match[1]), unit)

    @property
    def is_relative(self) -> bool:
        return self.unit == "%"

    @property
    def plain(self) -> float:
        """The number on the metric's own scale: points and percent as fractions, everything else as it stands."""
        return float(self.value / 100 if self.unit in {"pt", "%"} else self.value)

    def __str__(self) -> str:
        number = f"{self.value:f}"
        return f"{number}{self.unit}" if self.unit in {"pt", "%"} else f"{number} {self.unit}"


@dataclass(frozen=True, slots=True)
class FactRef(_Text):
    """One kind of fact of one source, written `orders.revenue`."""

    source: str
    fact: str
    examples: ClassVar[tuple[str, ...]] = ("orders.order", "orders.revenue")

    @classmethod
    def parse(cls, text: object) -> FactRef:
        """Read `source.fact`."""
        parts = str(text).split(".")
        if len(parts) != 2 or not all(parts):
            raise ValueError(f'"{text}" is not a fact: write source.fact, such as orders.revenue')
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.source}.{self.fact}"


@dataclass(frozen=True, slots=True)
class MetricRef(_Text):
    """A metric by name, optionally over another window than its own: `margin_per_customer@90d`."""

    name: str
    window: Duration | None = None
    examples: ClassVar[tuple[str, ...]] = ("retained", "margin_per_customer@90d")

    @classmethod
    def parse(cls, text: object) -> MetricRef:
        """Read `name` or `name@60d`."""
        name, separator, window = str(text).partition("@")
        if not name or (separator and not window):
            raise ValueError(f'"{text}" is not a metric: write its name, or name@60d for another window')
        return cls(name, Duration.parse(window) if separator else None)

    def __str__(self) -> str:
        return f"{self.name}@{self.window}" if self.window else self.name
