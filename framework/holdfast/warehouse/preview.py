"""What a draw looks like before it is written: counts, overlap with other experiments, and contact pressure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import ibis

from holdfast.model.preview import Pressure
from holdfast.model.reading import Balance
from holdfast.model.study import Study
from holdfast.model.tactic import contact_days
from holdfast.warehouse.audience import candidates, eligible, properties_needed
from holdfast.warehouse.balance import read_balance
from holdfast.warehouse.contacts import Cap, caps, over_cap, recent_contacts
from holdfast.warehouse.draw import within_traffic
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.units import Units


def counted(engine: Engine, table: Any, by: str) -> dict[str, dict[str, int]]:
    """Units (or other things) by the values of a column and by variant; rows where the column is null are left out."""
    known = table.filter(table[by].notnull())
    rows = engine.rows(
        f"new units by {by} and variant",
        known.group_by(by, "variant").aggregate(n=known.count()).order_by(by, "variant"),
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(str(row[by]), {})[row["variant"]] = row["n"]
    return found


def clusters_of(engine: Engine, table: Any) -> dict[str, int]:
    """Clusters by variant; empty where units are assigned one by one."""
    known = table.filter(table.cluster.notnull())
    rows = engine.rows(
        "new clusters by variant", known.group_by("variant").aggregate(n=known.cluster.nunique()).order_by("variant")
    )
    return {row["variant"]: row["n"] for row in rows}


def known_before(engine: Engine, study: Study, drawn: Any) -> Balance | None:
    """What the variants of a draw would be like; None where nothing is known of the units."""
    base = Units(drawn.select("unit", "variant", t0=drawn.assigned_at), keyed=True, timed=True)
    return read_balance(engine, study, base)


def shared(engine: Engine, here: Any, there: Any, slug: str) -> dict[str, dict[str, int]]:
    """Units that are in both of two assignments, by variant here and variant there.

    Raises:
        DataError: the ids of the two cannot be compared.
    """
    other = there.select(unit=there.unit.cast("string"), other=there.variant)
    both = here.mutate(unit=here.unit.cast("string")).join(other, "unit")
    rows = engine.rows(
        f"new units that are in {slug} too",
        both.group_by("variant", "other").aggregate(n=both.count()).order_by("variant", "other"),
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["variant"], {})[row["other"]] = row["n"]
    return found


def pressure(engine: Engine, study: Study, drawn: Any, left_out: Mapping[str, int]) -> tuple[Pressure, ...]:
    """For every capped channel of the tactics, how often it reached the new units of late.

    `drawn` has unit, variant and assigned_at; `left_out` is what `kept_out_by_caps` found.
    """
    return tuple(_pressure(engine, study, drawn, cap, left_out.get(cap.channel, 0)) for cap in caps(study))


def _pressure(engine: Engine, study: Study, drawn: Any, cap: Cap, left_out: int) -> Pressure:
    people = drawn.select("unit", t0=drawn.assigned_at)
    recent = recent_contacts(engine, study, people, cap).select("unit", "contacts")
    table = people.left_join(recent, "unit").mutate(contacts=lambda both: ibis.coalesce(both.contacts, 0))
    rows = engine.rows(
        f"messages by {cap.channel} in the {cap.hours / 24:g} days before, by new units",
        table.group_by("contacts").aggregate(n=table.count()).order_by("contacts"),
    )
    planned = dict.fromkeys(study.experiment.variants, 0)
    planned |= {key: len(contact_days(tactic, cap.channel)) for key, tactic in study.variant_tactics.items()}
    return Pressure(
        channel=cap.channel,
        cap=cap.contacts,
        days=cap.hours / 24,
        planned=planned,
        recent={row["contacts"]: row["n"] for row in rows},
        left_out=left_out,
    )


def kept_out_by_caps(engine: Engine, study: Study, as_of: dt.date, earlier: Any | None) -> dict[str, int]:
    """Units of the audience of a batch that each channel's cap keeps out, by channel."""
    found: dict[str, int] = {}
    bound = caps(study)
    if not bound:
        return found
    everybody = candidates(engine, study, as_of, properties_needed(study))
    people = within_traffic(study, eligible(engine, study, everybody, earlier, capped=False))
    for cap in bound:
        tired = over_cap(engine, study, people, [cap])
        rows = engine.rows(
            f"units that the cap on {cap.channel} keeps out as of {as_of}", tired.aggregate(n=tired.count())
        )
        found[cap.channel] = rows[0]["n"]
    return found
