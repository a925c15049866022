"""Contact caps: how often channels have reached each unit, and whom a tactic would reach too often on top of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import ibis

from holdfast.model.source import EventSource
from holdfast.model.study import Study
from holdfast.model.tactic import contact_days
from holdfast.model.values import FactRef
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.relations import FACT, events, happened, joined


@dataclass(frozen=True, slots=True)
class Cap:
    """A channel whose contacts are capped, and that a variant's tactic uses."""

    channel: str
    sent: FactRef
    contacts: int
    hours: int
    room: dict[int, int]
    """Day of a planned contact to how many earlier messages may still lie within the window when it is sent."""


def caps(study: Study) -> tuple[Cap, ...]:
    """Every cap that binds this experiment: for the channels of its tactics, where the project says what was sent."""
    found = []
    for name, settings in study.project.channels.items():
        plans = [contact_days(tactic, name) for tactic in study.variant_tactics.values()]
        if settings.cap is None or settings.sent is None or not any(plans):
            continue
        contacts, hours = settings.cap.contacts, settings.cap.within.hours
        room: dict[int, int] = {}
        for days in plans:
            for last, day in enumerate(days, start=1):
                within = sum(1 for other in days[:last] if (day - other) * 24 < hours)
                room[day] = min(room.get(day, contacts), contacts - within)
        found.append(Cap(name, settings.sent, contacts, hours, room))
    return tuple(found)


def recent_contacts(engine: Engine, study: Study, people: Any, cap: Cap) -> Any:
    """Messages that a channel sent to each unit within the cap's window before its t0: columns unit, contacts and, for
    each day of a planned contact, how many of them still count then (day_<n>). Units without any have no row."""
    source = study.sources[cap.sent.source]
    assert isinstance(source, EventSource)
    column = source.facts[cap.sent.fact].column
    facts = events(engine, study, cap.sent.source, [column] if column else [])
    if column:
        facts = facts.filter(happened(facts[FACT + column]))
    facts = joined(facts, people.select("unit", "t0"), cap.sent.source)
    window = ibis.interval(hours=cap.hours)
    facts = facts.filter(facts.ts < facts.t0, facts.ts > facts.t0 - window)
    counted = {
        f"day_{day}": (facts.ts > facts.t0 + ibis.interval(hours=24 * day) - window).sum() for day in sorted(cap.room)
    }
    return facts.group_by("unit").aggregate(contacts=facts.count(), **counted)


def over_cap(engine: Engine, study: Study, people: Any, capped: Sequence[Cap]) -> Any:
    """The units whom the contacts of some variant would reach more often than a cap allows; there is at least one cap.

    They stay out of every variant alike, control included, so that the comparison stays randomised.
    """
    found = []
    for cap in capped:
        recent = recent_contacts(engine, study, people, cap)
        too_many = reduce(or_, (recent[f"day_{day}"] > room for day, room in cap.room.items()))
        found.append(recent.filter(too_many).select("unit"))
    return reduce(lambda left, right: left.union(right, distinct=True), found)
