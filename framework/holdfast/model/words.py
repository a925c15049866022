"""What a business calls what the report speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from holdfast.model.source import FORBID

Language = Literal["en", "ja"]


@dataclass(frozen=True, kw_only=True)
class Words:
    """A business's own words in one language; what is left out keeps the report's word."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    unit: str = ""
    """One of what is randomised: donor, 寄付者."""
    units: str = ""
    """Many of them, where adding an s is wrong: people."""
    counter: str = ""
    """For Japanese, what counts them: 人, 世帯; default: that of unit_name, or 件."""
    retained: str = ""
    """The share that stays: Gave again, 寄付継続率."""
    churned: str = ""
    """The share that leaves: Gave nothing, 寄付離脱率."""
    average_order_value: str = ""
    """The average of what is counted: Average gift, 平均寄付額."""
    revenue_per_unit: str = ""
    """What an average order value is taken apart from: given per donor, 寄付者1人あたりの寄付額."""
    share_who_bought: str = ""
    """Its first part: share who gave, 寄付した人の割合."""
    orders_per_buyer: str = ""
    """Its second part: gifts a giver, 寄付した人あたりの寄付回数."""
    buyers: str = ""
    """Those whom that average is over: givers, 寄付した人."""


def merged(*layers: Mapping[Language, Words] | None) -> dict[str, dict[str, str]]:
    """The words of each language by name, later layers over earlier ones; nothing for what no layer names."""
    found: dict[str, dict[str, str]] = {}
    for layer in layers:
        for language, words in (layer or {}).items():
            named = {item.name: getattr(words, item.name) for item in fields(words)}
            found.setdefault(language, {}).update({name: word for name, word in named.items() if word})
    return found
