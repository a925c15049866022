"""How each language writes numbers, money, dates and nouns. Sentences stand in the catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Large:
    """How large amounts of money are shortened."""

    start: float
    """From this amount on."""
    step: float
    """What one of it is worth."""
    words: str
    least: int
    """Decimals that are kept, or a loss that is small beside the rest would read as zero."""
    coarse: float = math.inf
    """Amounts that lie so many of it apart are rounded to tens: 340万円, 120万円."""


@dataclass(frozen=True, slots=True)
class Locale:
    """The forms of one language; {sign}, {number} and the like are filled in."""

    code: str
    """The name of its catalogue."""
    money: str
    other_money: str
    """For currencies without a symbol."""
    symbols: Mapping[str, str]
    points: str
    """Differences of shares."""
    one_point: str
    measure: str
    """A number with the noun that it counts."""
    days: str
    one_day: str
    date: str
    short_date: str
    months: tuple[str, ...]
    large: tuple[Large, ...]
    grouped: tuple[tuple[int, str], ...] = ()
    """Steps that counts in running text are read by, such as 10,000."""
    nouns: Mapping[str, str] = field(default_factory=dict)
    """What metrics count, with the number before it, where the language has its own form."""
    inflected: bool = True
    """Whether nouns have a plural and sentences begin with a capital."""
    year_once: bool = False
    """Whether a period within a year names it once."""
    full_stops: str = ""
    """Marks after which no space stands between sentences."""


ENGLISH = Locale(
    code="en",
    money="{sign}{symbol}{number}",
    other_money="{sign}{symbol} {number}",
    symbols={"JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£"},
    points="{number} points",
    one_point="{number} point",
    measure="{number} {noun}",
    days="{number} days",
    one_day="{number} day",
    date="{day} {month} {year}",
    short_date="{day} {month}",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    large=(Large(1e9, 1e9, "{number} billion", 1), Large(1e6, 1e6, "{number} million", 1)),
)

JAPANESE = Locale(
    code="ja",
    money="{sign}{number}{symbol}",
    other_money="{sign}{number} {symbol}",
    symbols={"JPY": "円", "USD": "ドル", "EUR": "ユーロ", "GBP": "ポンド"},
    points="{number}%ポイント",
    one_point="{number}%ポイント",
    measure="{number} {noun}",
    days="{number}日",
    one_day="{number}日",
    date="{year}年{month}月{day}日",
    short_date="{month}月{day}日",
    months=tuple(str(month) for month in range(1, 13)),
    # Below 100,000 the digits are read as fast as the word.
    large=(Large(1e8, 1e8, "{number}億", 1), Large(1e5, 1e4, "{number}万", 0, coarse=100.0)),
    grouped=((10**12, "兆"), (10**8, "億"), (10**4, "万")),
    nouns={
        "days": "{number}日",
        "orders": "{number}件",
        "sessions": "{number}回",
        "visits": "{number}回",
        "rounds": "{number}ラウンド",
        "items": "{number}点",
        "tickets": "{number}件",
        "minutes": "{number}分",
        "hours": "{number}時間",
    },
    inflected=False,
    year_once=True,
    full_stops="。．！？」』）",
)

LOCALES: Mapping[str, Locale] = {locale.code: locale for locale in (ENGLISH, JAPANESE)}
"""Every language that has a catalogue."""
