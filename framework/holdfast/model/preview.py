"""What an assignment would do, before it does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from holdfast.model.result import BalanceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Customers who would be in another running experiment too."""

    slug: str
    """The other experiment."""
    units: Mapping[str, Mapping[str, int]] | None
    """Variant here to variant there to customers; None when its assignment is not on this machine."""
    contacts: Mapping[str, int]
    """Channel to the contacts that both plan for the same customer."""

    @property
    def total(self) -> int | None:
        """Customers in both."""
        return None if self.units is None else sum(sum(there.values()) for there in self.units.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """How often a channel has reached these customers of late, and what the tactic adds."""

    channel: str
    cap: int | None
    """Contacts that the project allows within the days; None without a cap."""
    days: float
    """Days before the assignment that are counted."""
    planned: Mapping[str, int]
    """Variant to the contacts that its tactic plans for this channel."""
    recent: Mapping[int, int]
    """Contacts within the days before to customers."""
    left_out: int
    """Customers who meet the audience and stay out because of the cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Who would get what as of a date: nothing is written."""

    slug: str
    as_of: date
    salt: str
    drawn: bool
    """Whether the salt is the experiment's own; if not another will be drawn, with counts that are alike."""
    variants: tuple[str, ...]
    """The variants in the order of the file."""
    batches: Mapping[date, Mapping[str, int]]
    """As-of date of each batch that is due to customers by variant."""
    assigned: Mapping[str, int]
    """Customers who have a variant already."""
    strata: Mapping[str, Mapping[str, int]]
    """Stratum to new customers by variant; empty without strata."""
    clusters: Mapping[str, int]
    """New clusters by variant; empty where customers are assigned one by one."""
    balance: tuple[BalanceRow, ...]
    """How far each variant would be from control on what is known of the customers."""
    balance_p: float | None
    """How probable variants as different as these are by chance; None where that cannot be told."""
    overlaps: tuple[Overlap, ...]
    pressure: tuple[Pressure, ...]
