"""The audience: which units could enrol on a date, what is known of each by then, and who is eligible."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

import ibis

from holdfast import hashing
from holdfast.errors import DataError
from holdfast.model.clock import midnight
from holdfast.model.predicate import Condition
from holdfast.model.source import EventSource, UnitSource
from holdfast.model.study import Study
from holdfast.warehouse.contacts import caps, over_cap
from holdfast.warehouse.dialects import literal, local_date, purpose_bucket, unit_text
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.properties import with_properties
from holdfast.warehouse.relations import (
    FACT,
    events,
    happened,
    holds,
    joined,
    key_column,
    matches,
    moment,
    relation,
    unit_name,
)


def candidates(engine: Engine, study: Study, as_of: dt.date, names: Sequence[str]) -> Any:
    """Every unit that could enrol, with the time at which it would: columns unit, t0 and own_<column> for what the
    named properties need."""
    enroll = study.experiment.enroll
    if enroll is None:
        raise DataError(f"{study.slug}: there is no enrolment; add enroll to the experiment")
    if enroll.at is None:
        t0 = literal(midnight(as_of, study.timezone))
        return unit_rows(engine, study, t0, names)
    assert enroll.start is not None
    assert enroll.length is not None
    source = study.sources[enroll.at.source]
    assert isinstance(source, EventSource)
    column = source.facts[enroll.at.fact].column
    facts = events(engine, study, enroll.at.source, [column] if column else [])
    end = min(midnight(enroll.start + enroll.length.timedelta, study.timezone), midnight(as_of, study.timezone))
    facts = facts.filter(facts.ts >= literal(midnight(enroll.start, study.timezone)), facts.ts < literal(end))
    if column:
        facts = facts.filter(happened(facts[FACT + column]))
    first = facts.group_by("unit").aggregate(t0=facts.ts.min())
    return joined(first, unit_rows(engine, study, None, names), enroll.at.source)


def unit_rows(engine: Engine, study: Study, t0: Any | None, names: Sequence[str], *, checked: bool = True) -> Any:
    """The units with the own columns that the named properties need; with a t0, only the units known by then. Keys are
    checked first, unless the caller sees for itself that none repeats."""
    name = unit_name(study)
    unit = study.project.units[name]
    source = study.sources[unit.source]
    key = key_column(study, unit.source, name)
    if isinstance(source, EventSource):
        if t0 is None:
            raise DataError(f'unit "{name}": enrolment at an event needs a unit source of grain unit')
        facts = events(engine, study, unit.source, [])
        _keys(engine, unit.source, facts, "unit", unique=False)
        return facts.filter(facts.ts < t0).select("unit").distinct().mutate(t0=t0)
    assert isinstance(source, UnitSource)
    known = (source.known_from,) if source.known_from else ()
    own = _own_columns(study, names)
    table = relation(engine, study, unit.source, [key, *own, *unit.exclude, *known])
    if checked:
        _keys(engine, unit.source, table, key, unique=True)
    rows = table.filter(~matches(table, unit.exclude)) if unit.exclude else table
    if t0 is not None and source.known_from:
        rows = rows.filter(moment(rows, study, unit.source, source.known_from) < t0)
    selected = {"unit": rows[key]} | {f"own_{column}": rows[column] for column in own}
    return rows.select(**selected) if t0 is None else rows.select(**selected, t0=t0)


def _keys(engine: Engine, name: str, table: Any, key: str, *, unique: bool) -> None:
    """Refuse keys that are empty texts and, for a source of grain unit, keys that repeat or are missing."""
    blank = ibis.coalesce(table[key].cast("string").length() == 0, ibis.literal(False))
    counts = table.aggregate(n=table.count(), keys=table[key].nunique(), blank=blank.sum())
    found = engine.rows(f"keys of source {name}", counts)[0]
    if found["blank"]:
        raise DataError(f'source "{name}": {found["blank"]:,} rows have an empty text as key "{key}"; correct the data')
    if unique and found["n"] != found["keys"]:
        raise DataError(
            f'source "{name}": {found["n"] - found["keys"]:,} rows repeat the key "{key}" of another row or have none; '
            "a source of grain unit needs one row a unit"
        )


def _own_columns(study: Study, names: Sequence[str]) -> list[str]:
    """Columns of the unit source that properties are, or are derived from."""
    columns = [name for name in names if name not in study.properties]
    derived = [study.properties[name] for name in names if name in study.properties]
    derived += [study.properties[item.of] for item in derived if item.of]
    columns += [item.column for item in derived if item.column and item.fact is None]
    return list(dict.fromkeys(columns))


def properties_needed(study: Study) -> list[str]:
    """Every property that enrolment asks of a unit: for the audience, consent, strata and cluster."""
    assignment = study.experiment.assignment
    names = [*study.experiment.audience, *study.consents]
    for name in assignment.strata:
        names += study.segments.get(name, [name])
    if assignment.cluster:
        names.append(assignment.cluster)
    if assignment.rerandomise:
        names += assignment.rerandomise.on
    return list(dict.fromkeys(names))


def in_segment(study: Study, people: Any, name: str) -> Any:
    """Whether each unit lies in a named segment, as a boolean column that is never null."""
    conditions = study.segments[name].items()
    plain = [holds(people[f"own_{column}"], item) for column, item in conditions if item.top is None]
    tops = [_among_top(people, f"own_{column}", item) for column, item in conditions if item.top is not None]
    return reduce(and_, [*plain, *tops])


def eligible(engine: Engine, study: Study, people: Any, enrolled: Any | None, *, capped: bool = True) -> Any:
    """The candidates that meet the audience at their own t0, from facts before it, and are not enrolled yet; with those
    whom a contact cap keeps out when `capped` is off."""
    audience = study.experiment.audience
    tops = {name: item for name, item in audience.items() if item.top is not None}
    relative = bool(tops) or any(_relative(study, name) for name in properties_needed(study))
    if enrolled is not None and not relative:
        people = people.anti_join(enrolled, "unit")
    table = with_properties(engine, study, people, properties_needed(study))
    plain = [holds(table[f"own_{name}"], item) for name, item in audience.items() if item.top is None]
    plain += [ibis.coalesce(table[f"own_{name}"].cast("boolean"), ibis.literal(False)) for name in study.consents]
    plain += _kept_out(study, table)
    if plain:
        table = table.filter(reduce(and_, plain))
    if capped and (bound := caps(study)):
        table = table.anti_join(over_cap(engine, study, table, bound), "unit")
    if tops:
        table = table.filter(reduce(and_, [_among_top(table, f"own_{name}", item) for name, item in tops.items()]))
    # A place among all is one among everybody, enrolled earlier or not: among those left alone, a fifth would be the
    # top fifth every day until everybody had been.
    return table.anti_join(enrolled, "unit") if enrolled is not None and relative else table


def _relative(study: Study, name: str) -> bool:
    """Whether a property compares a unit with all others."""
    return name in study.properties and study.properties[name].operation in {"quantiles", "rfm"}


def _among_top(table: Any, column: str, condition: Condition) -> Any:
    """Whether a value is among the largest share; a missing value never is."""
    assert condition.top is not None
    known = table.filter(table[column].notnull())
    cut = known[column].quantile(1 - condition.top).as_scalar()
    found = ibis.coalesce(table[column] >= cut, ibis.literal(False))
    return ~found if condition.negated else found


def _kept_out(study: Study, table: Any) -> list[Any]:
    """Conditions that keep holdouts and other experiments' slots of the exclusion group away."""
    assignment = study.experiment.assignment
    found = []
    for holdout in study.holdouts.values():
        day = local_date(table.t0, study.timezone)
        running = (day >= ibis.date(holdout.start)) & (day <= ibis.date(holdout.until))
        place = purpose_bucket(holdout.salt, "holdout", hashed_text(study, table))
        drawn = place < hashing.share_limit(holdout.share.value)
        found.append(~(running & drawn))
    if assignment.exclusion_group:
        group = study.project.exclusion_groups[assignment.exclusion_group.name]
        slot = assignment.exclusion_group.slot
        place = purpose_bucket(group.salt, "slot", hashed_text(study, table))
        found += [place >= hashing.share_limit(slot.low.value), place < hashing.share_limit(slot.high.value)]
    return found


def hashed_text(study: Study, table: Any) -> Any:
    """The text of each unit's id that is hashed."""
    try:
        return unit_text(table.unit)
    except TypeError as error:
        raise DataError(f'unit "{unit_name(study)}": {error}') from error
