"""A flag: all that a service needs to give a unit the variant of an experiment. Plain values, no engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from holdfast.model.predicate import Predicate

Payload = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagVariant:
    """One variant, in the order of the file."""

    key: str
    weight: int
    is_control: bool = False
    payload: Payload = field(default_factory=dict)
    """What the flag returns: the tactic's payload, with the variant's own values over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSlot:
    """The experiment's place in its exclusion group."""

    name: str
    salt: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagHoldout:
    """Units that stay out, and when."""

    name: str
    salt: str
    share: Decimal
    start: dt.datetime
    """From this instant on."""
    end: dt.datetime | None = None
    """Up to this instant; None when the holdout lasts to the end of the enrolment, and so for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """An experiment as a service sees it."""

    experiment: str
    """The slug."""
    names: tuple[str, ...]
    """What the flag can be asked by: the slug first, then the `flag` of its tactics."""
    problem: str = ""
    """Why it cannot be evaluated for one unit, in a sentence; empty when it can."""
    readable: bool = True
    """Whether its files could be read; without that nothing below is known."""
    version: int = 1
    config_hash: str = ""
    hash_version: int = 1
    salt: str | None = None
    """None when no file gives one and nobody was assigned yet."""
    traffic: Decimal = Decimal(1)
    variants: tuple[FlagVariant, ...] = ()
    audience: Predicate = field(default_factory=dict)
    exclude: Predicate = field(default_factory=dict)
    """Units for which all of these hold never take part."""
    consents: tuple[str, ...] = ()
    """Properties that must be true: consent to the channels of the experiment's tactics."""
    cluster: str | None = None
    """The property by which variant and traffic are drawn in place of the unit; slots and holdouts are of units."""
    slot: FlagSlot | None = None
    holdouts: tuple[FlagHoldout, ...] = ()
    opens: dt.datetime | None = None
    """The start of the enrolment; None when there is none."""
    closes: dt.datetime | None = None
    """The readout; None when no metric sets one."""
