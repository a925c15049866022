"""Who was assigned to what, and when: the relation that every number hangs on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.metric import columns_of
from holdfast.model.plan import Plan
from holdfast.model.reading import BatchCounts
from holdfast.model.source import EventSource
from holdfast.model.study import Study
from holdfast.warehouse.before import OWN, own_columns
from holdfast.warehouse.dialects import literal, local_date
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.relations import FACT, events, happened, joined, key_column, matches, moment, relation

MAX_BATCHES = 10_000
"""More cells of batch and variant than this are no sends: nothing is made of them."""
MAX_NAMED_BATCHES = 50
"""Of more batches than this only dates are named: the column may hold ids."""
MAX_LABELS = 20
"""More distinct unlisted labels than this are only counted: the column may hold ids, which must not reach a report."""


@dataclass(frozen=True, slots=True)
class Units:
    """One row a unit: unit (unless each row is one), variant, t0 (naive UTC, where known) and outcome columns."""

    table: Any
    keyed: bool
    timed: bool
    clustered: bool = False
    """Whether units were drawn as clusters: the column `cluster` says which."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How many units there are, by variant and day, and what did not fit."""

    assigned: Mapping[str, int]
    by_day: Mapping[dt.date, Mapping[str, int]]
    unlisted: Mapping[str, int]
    crossovers: int
    duplicates: int
    first: dt.datetime | None
    last: dt.datetime | None
    """Earliest and latest assignment, as UTC instants."""
    by_batch: tuple[BatchCounts, ...] = ()
    clusters: Mapping[dt.date, Mapping[str, int]] = field(default_factory=dict)
    """Clusters by the day on which their first unit was assigned, and by variant; empty where there are none."""


def units(engine: Engine, plan: Plan, assigned: Any | None) -> Units:
    """The assigned units: the manifest's, or those of the table that another system wrote."""
    if plan.study.experiment.assignment.method == "external":
        return external(engine, plan.study, outcome_columns(plan))
    assert assigned is not None
    clustered = plan.study.experiment.assignment.cluster is not None
    columns = ["unit", "variant", *(["cluster"] if clustered else [])]
    return Units(assigned.select(*columns, t0=assigned.assigned_at, label=assigned.variant), True, True, clustered)


def external(engine: Engine, study: Study, outcomes: tuple[str, ...] = ()) -> Units:
    """The rows of the table that another system wrote, with the outcomes that stand in it."""
    assignment = study.experiment.assignment
    name = assignment.source or ""
    source = study.sources[name]
    keyed = not getattr(source, "row", False)
    key = key_column(study, name, assignment.unit or "unit") if keyed else None
    conditions = [column for rule in assignment.rules.values() for column in rule]
    own = own_columns(study)
    wanted = [key, assignment.variant, assignment.assigned_at, assignment.batch, *conditions, *outcomes, *own]
    table = relation(engine, study, name, [column for column in wanted if column])
    columns: dict[str, Any] = {_outcome(column): table[column] for column in outcomes}
    columns |= dict(zip(("variant", "label"), _variant(table, study), strict=True))
    columns |= {OWN + column: table[column] for column in own}
    if key:
        columns["unit"] = table[key]
    if assignment.batch:
        columns["batch"] = _batch(table, study, name, assignment.batch)
    if assignment.assigned_at:
        columns["t0"] = moment(table, study, name, assignment.assigned_at)
    return Units(table.select(**columns), keyed, bool(assignment.assigned_at))


def _variant(table: Any, study: Study) -> tuple[Any, Any]:
    """The variant of each row (null where its label is not one), and the label as it stands."""
    assignment = study.experiment.assignment
    if assignment.rules:
        pairs = [(matches(table, rule), variant) for variant, rule in assignment.rules.items()]
        return ibis.cases(*pairs), ibis.cases(*pairs, else_="(no rule matches)")
    label = table[assignment.variant or ""].cast("string")
    known = {variant: variant for variant in study.experiment.variants} | dict(assignment.labels)
    variant = ibis.cases(*((label == text, variant) for text, variant in known.items()))
    return variant, ibis.coalesce(label, ibis.literal("(empty)"))


def _batch(table: Any, study: Study, name: str, column: str) -> Any:
    """The send or batch of each row, as text; a time counts as its local date."""
    kind = table[column].type()
    if kind.is_date():
        return table[column].cast("string")
    if kind.is_timestamp():
        return local_date(moment(table, study, name, column), study.timezone).cast("string")
    return table[column].cast("string")


def outcome_columns(plan: Plan) -> tuple[str, ...]:
    """Columns of the assignment's own source that metrics measure."""
    return tuple(dict.fromkeys(column for planned in plan.metrics for column in columns_of(planned.metric)))


def _outcome(column: str) -> str:
    return f"outcome_{column}"


def outcome(table: Any, column: str) -> Any:
    """An outcome column of the units relation."""
    return table[_outcome(column)]


def enrolled(engine: Engine, plan: Plan, base: Units) -> tuple[Enrolled, Units]:
    """Counts of the assignment, and the units that take part: each once, in the one variant it was seen in.

    Raises:
        DataError: a unit appears twice in a table that also holds its outcomes, or rules overlap.
    """
    if base.timed:
        # What happens on or after the as-of date has not happened yet, enrolment included.
        known = base.table
        base = replace(base, table=known.filter(known.t0.isnull() | (known.t0 < literal(plan.cutoff))))
    crossovers, duplicates, base = _once(engine, plan, base)
    base = exposed(engine, plan, base)
    zone = plan.study.timezone
    table = base.table
    if base.timed:
        table = table.mutate(day=local_date(table.t0, zone))
        rows = engine.rows(
            "units by variant and day of assignment",
            table.group_by("variant", "label", "day")
            .aggregate(n=table.count(), first=table.t0.min(), last=table.t0.max())
            .order_by("day", "variant", "label"),
        )
    else:
        rows = engine.rows(
            "units by variant",
            table.group_by("variant", "label").aggregate(n=table.count()).order_by("variant", "label"),
        )
    taking_part = table.filter(table.variant.notnull())
    undated = sum(row["n"] for row in rows if base.timed and row["day"] is None)
    if undated:
        raise DataError(
            f'source "{plan.study.experiment.assignment.source}": {undated:,} units have no time of assignment; '
            "correct the data, or leave assigned_at out"
        )
    found = _counts(plan, rows, crossovers, duplicates)
    found = replace(found, by_batch=_by_batch(engine, taking_part))
    if base.clustered:
        found = replace(found, clusters=_clusters(engine, taking_part, zone))
    return found, replace(base, table=taking_part)


def _clusters(engine: Engine, table: Any, zone: str) -> dict[dt.date, dict[str, int]]:
    """Clusters by day and variant: where they were drawn as one, they are what the split is of."""
    first = table.group_by("variant", "cluster").aggregate(t0=table.t0.min())
    first = first.mutate(day=local_date(first.t0, zone))
    rows = engine.rows(
        "clusters by variant and day of their first unit",
        first.group_by("variant", "day").aggregate(n=first.count()).order_by("day", "variant"),
    )
    found: dict[dt.date, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["day"], {})[row["variant"]] = row["n"]
    return found


def exposed(engine: Engine, plan: Plan, base: Units) -> Units:
    """The units that met the fact of the exposure, each from its first one after assignment; everybody without such a
    population. Both variants are read alike, so the comparison stays randomised."""
    population = plan.study.experiment.population
    if population == "assigned":
        return base
    if not base.keyed or not base.timed:
        raise DataError("an exposed population needs a key and a time of assignment for every unit")
    name = population.exposed.source
    source = plan.study.sources[name]
    assert isinstance(source, EventSource)
    column = source.facts[population.exposed.fact].column
    facts = events(engine, plan.study, name, [column] if column else [])
    if column:
        facts = facts.filter(happened(facts[FACT + column]))
    facts = joined(facts, base.table, name)
    facts = facts.filter(facts.ts >= facts.t0)
    same = {column: facts[column].max() for column in base.table.columns if column not in {"unit", "t0"}}
    first = facts.group_by("unit").aggregate(**same, t0=facts.ts.min(), entered=facts.t0.min())
    return replace(base, table=first)


def _counts(plan: Plan, rows: list[dict[str, Any]], crossovers: int, duplicates: int) -> Enrolled:
    assigned = dict.fromkeys(plan.study.experiment.variants, 0)
    by_day: dict[dt.date, dict[str, int]] = {}
    unlisted: dict[str, int] = {}
    for row in rows:
        if row["variant"] is None:
            unlisted[row["label"]] = unlisted.get(row["label"], 0) + row["n"]
            continue
        assigned[row["variant"]] += row["n"]
        if "day" in row:
            counts = by_day.setdefault(row["day"], {})
            counts[row["variant"]] = counts.get(row["variant"], 0) + row["n"]
    if len(unlisted) > MAX_LABELS:
        unlisted = {f"({len(unlisted)} different labels)": sum(unlisted.values())}
    listed = [row for row in rows if row["variant"] is not None and row.get("first")]
    first = min((row["first"] for row in listed), default=None)
    last = max((row["last"] for row in listed), default=None)
    return Enrolled(assigned, by_day, unlisted, crossovers, duplicates, _instant(first), _instant(last))


def _by_batch(engine: Engine, table: Any) -> tuple[BatchCounts, ...]:
    """Units by send or batch; none where the data name no batches, or so many that they are something else."""
    if "batch" not in table.columns:
        return ()
    grouped = table.group_by("batch", "variant").aggregate(n=table.count()).order_by("batch", "variant")
    rows = engine.rows("units by send or batch", grouped.limit(MAX_BATCHES + 1))
    if len(rows) > MAX_BATCHES:
        return ()
    counts: dict[str | None, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row["batch"], {})[row["variant"]] = row["n"]
    few = len(counts) <= MAX_NAMED_BATCHES
    return tuple(
        BatchCounts("(empty)" if label is None else label if few or _is_date(label) else "", by_variant)
        for label, by_variant in counts.items()
    )


def _is_date(label: str) -> bool:
    try:
        return len(label) == len("2026-01-01") and bool(dt.date.fromisoformat(label))
    except ValueError:
        return False


def _instant(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment else None


def _once(engine: Engine, plan: Plan, base: Units) -> tuple[int, int, Units]:
    """Crossovers, surplus rows, and the units each once. A manifest holds each unit once by construction."""
    if not base.keyed or plan.study.experiment.assignment.by_holdfast:
        return 0, 0, base
    table = base.table
    if _empty_keys(engine, table):
        raise DataError(
            f'source "{plan.study.experiment.assignment.source}": the key is empty on some rows; correct the data'
        )
    # t0 here is the first time that a unit was seen in any variant: first assignment counts.
    columns = {
        "variant": table.variant.min(),
        "label": table.label.min(),
        "seen_in": ibis.coalesce(table.variant, table.label).nunique(),
        "rows": table.count(),
    }
    columns |= {name: table[name].min() for name in table.columns if name == "batch" or name.startswith(OWN)}
    if base.timed:
        columns["t0"] = table.t0.min()
    by_unit = table.group_by("unit").aggregate(**columns)
    found = engine.rows(
        "units seen more than once, and in more than one variant",
        by_unit.aggregate(
            crossovers=(by_unit.seen_in > 1).sum(), duplicates=(by_unit.rows - 1).sum(), units=by_unit.count()
        ),
    )[0]
    crossovers, duplicates = int(found["crossovers"] or 0), int(found["duplicates"] or 0)
    if not duplicates:
        return 0, 0, base
    if outcome_columns(plan):
        raise DataError(
            f'source "{plan.study.experiment.assignment.source}": {duplicates:,} rows repeat the key of another row, '
            f"{crossovers:,} units of them in more than one variant; with outcomes in the same table every unit must "
            "stand on one row"
        )
    once = by_unit.filter(by_unit.seen_in == 1).drop("seen_in", "rows")
    return crossovers, duplicates, replace(base, table=once)


def _empty_keys(engine: Engine, table: Any) -> bool:
    return bool(engine.rows("rows without a key", table.aggregate(n=table.unit.isnull().sum()))[0]["n"])
