"""Curves by day since assignment: a few numbers a day and variant, whatever the number of units."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import ibis

from holdfast.model.plan import Plan, PlannedDays
from holdfast.model.reading import Curve
from holdfast.warehouse.activity import Activity
from holdfast.warehouse.clock import DAY, day_of, micros_of
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.measures import curve_columns
from holdfast.warehouse.units import variant_of

_OTHER = "other"
"""The cause of events whose reason none of the named causes lists."""


def read_curve(
    engine: Engine, plan: Plan, table: Any, days: PlannedDays, activity: Activity | None
) -> dict[tuple[str, str], Curve]:
    """A curve of each variant, from the table of units."""
    read = _events if days.first_only else _active
    found = read(engine, plan, table, days, activity)
    empty = Curve(at_risk=(0,) * days.days, events=(0,) * days.days, censored=(0,) * days.days)
    return {(days.key, variant): found.get(variant, empty) for variant in plan.study.experiment.variants}


def _followed(plan: Plan, table: Any, days: PlannedDays) -> Any:
    """How many whole days each unit is followed, from its time of assignment alone; at most those of the curve."""
    if days.clock == "elapsed":
        followed = (micros_of(days.observed_until) - table.t0) // DAY
    else:
        followed = day_of(days.observed_until, plan.study.timezone) - table.day0
    return ibis.greatest(ibis.least(followed, days.days), 0).cast("int32")


def _active(engine: Engine, plan: Plan, table: Any, days: PlannedDays, activity: Activity | None) -> dict[str, Curve]:
    """Who was active on each day, among those who are followed on it."""
    assert activity is not None
    wide = table.mutate(followed=_followed(plan, table, days))
    sums = {f"d{day}": activity.day(wide, day).sum() for day in range(days.days)}
    rows = engine.rows(
        f"{days.key}: units by variant and days followed, and how many of them were active on each day",
        wide.group_by("variant", "followed").aggregate(n=wide.count(), **sums).order_by("variant", "followed"),
    )
    found: dict[str, Curve] = {}
    for row in rows:
        followed, n = row["followed"], row["n"]
        risk = tuple(n if day < followed else 0 for day in range(days.days))
        events = tuple(int(row[f"d{day}"]) if day < followed else 0 for day in range(days.days))
        last = tuple(n if day == followed - 1 else 0 for day in range(days.days))
        variant = variant_of(plan, row["variant"])
        curve = Curve(at_risk=risk, events=events, censored=last)
        found[variant] = found[variant] + curve if variant in found else curve
    return found


def _events(engine: Engine, plan: Plan, table: Any, days: PlannedDays, activity: Activity | None) -> dict[str, Curve]:
    """When the event came: who was at risk on each day, whose event it was, and who is not followed any longer."""
    assert activity is None
    at, why, there = curve_columns(days)
    wide = table.filter(table[there].notnull()) if there in table.columns else table
    wide = wide.mutate(followed=_followed(plan, wide, days), day=(wide[at] // DAY).cast("int32"))
    happened = ibis.coalesce(wide.day < wide.followed, ibis.literal(False))
    cause = _cause(wide[why], days.causes) if days.causes and why in wide.columns else ibis.null("string")
    wide = wide.mutate(
        happened=happened.ifelse(1, 0),
        until=happened.ifelse(wide.day, wide.followed),
        cause=happened.ifelse(cause, ibis.null("string")),
    )
    rows = engine.rows(
        f"{days.key}: units by variant, the day of the event or the number of days followed, and the cause",
        wide.group_by("variant", "happened", "until", "cause")
        .aggregate(n=wide.count())
        .order_by("variant", "happened", "until", "cause"),
    )
    by_variant: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_variant.setdefault(variant_of(plan, row["variant"]), []).append(row)
    return {variant: _curve(found, days) for variant, found in by_variant.items()}


def _cause(reason: Any, causes: Mapping[str, tuple[str, ...]]) -> Any:
    pairs = ((reason.isin(list(values)), ibis.literal(name)) for name, values in causes.items())
    return ibis.cases(*pairs, else_=ibis.literal(_OTHER))


def _curve(rows: list[Mapping[str, Any]], days: PlannedDays) -> Curve:
    events, censored = [0] * days.days, [0] * days.days
    causes = {name: [0] * days.days for name in (*days.causes, _OTHER)} if days.causes else {}
    entering = 0
    for row in rows:
        n = int(row["n"])
        if row["happened"]:
            events[row["until"]] += n
            if causes:
                causes[row["cause"]][row["until"]] += n
        elif row["until"]:
            censored[row["until"] - 1] += n
        else:
            continue  # Not followed for a whole day.
        entering += n
    # Whoever leaves on a day, by an event or unseen, was at risk on it and is not on the next.
    gone = [0, *accumulate(map(sum, zip(events, censored, strict=True)))]
    return Curve(
        at_risk=tuple(entering - gone[day] for day in range(days.days)),
        events=tuple(events),
        censored=tuple(censored),
        causes={name: tuple(counts) for name, counts in causes.items() if any(counts)},
    )
