"""Who was assigned to what, and when: the relation that every number hangs on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.clock import midnight
from holdfast.model.metric import columns_of
from holdfast.model.plan import Plan
from holdfast.model.reading import BatchCounts, Exposure
from holdfast.model.study import Study
from holdfast.warehouse.before import OWN, own_columns
from holdfast.warehouse.clock import DAY, date_of, day_number, micros_of, wall_clock
from holdfast.warehouse.dialects import literal, local_date, micros
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.facts import Reach, Use, read_facts
from holdfast.warehouse.labels import told_labels
from holdfast.warehouse.relations import joined, key_column, matches, moment, relation
from holdfast.warehouse.split_clusters import refuse_split_clusters

MAX_BATCHES = 10_000
"""More cells of batch and variant than this are no sends: nothing is made of them."""
MAX_NAMED_BATCHES = 50
"""Of more batches than this only dates are named: the column may hold ids."""

_NO_VARIANT = -1
"""In place of a variant, for a label that is none."""
_LONG_AGO = micros_of(dt.datetime(1900, 1, 1, tzinfo=dt.UTC))
_FAR_AHEAD = micros_of(dt.datetime(9000, 1, 1, tzinfo=dt.UTC))
ASSIGNED, EXPOSED = "holdfast_assigned", "holdfast_exposed"
"""Tables that are held while an analysis runs."""


@dataclass(frozen=True, slots=True)
class Units:
    """unit (unless each row is one), variant, t0 (where known) and the columns that came with them."""

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
    exposure: Exposure | None = None
    clusters: Mapping[dt.date, Mapping[str, int]] = field(default_factory=dict)
    """Clusters by the day on which their first unit was assigned, and by variant; empty where there are none."""


def units(engine: Engine, plan: Plan, assigned: Any | None) -> Units:
    """The assigned units: the manifest's, or those of the table that another system wrote."""
    if not plan.study.experiment.assignment.by_holdfast:
        return external(engine, plan.study, outcome_columns(plan))
    assert assigned is not None
    clustered = plan.study.experiment.assignment.cluster is not None
    columns = ["unit", "variant", *(["cluster"] if clustered else [])]
    return Units(assigned.select(*columns, t0=assigned.assigned_at), True, True, clustered)


def external(engine: Engine, study: Study, outcomes: tuple[str, ...] = ()) -> Units:
    """The rows of the table that another system wrote, with the outcomes that stand in it."""
    assignment = study.experiment.assignment
    name = assignment.source or ""
    source = study.sources[name]
    keyed = not getattr(source, "row", False)
    key = key_column(study, name, assignment.unit or "unit") if keyed else None
    conditions = [column for rule in assignment.rules.values() for column in rule]
    own = own_columns(study)
    columns_named = [key, assignment.variant, assignment.assigned_at, assignment.batch, assignment.cluster]
    wanted = [*columns_named, *conditions, *outcomes, *own]
    table = relation(engine, study, name, [column for column in wanted if column])
    columns: dict[str, Any] = {_outcome(column): table[column] for column in outcomes}
    columns |= dict(zip(("variant", "label"), _variant(table, study), strict=True))
    # A UUID has no smallest one on every engine, and as a property it is a text anyway.
    columns |= {OWN + name: table[name].cast("string") if table[name].type().is_uuid() else table[name] for name in own}
    if key:
        columns["unit"] = table[key]
    if assignment.batch:
        columns["batch"] = _batch(table, study, name, assignment.batch)
    if assignment.assigned_at:
        columns["t0"] = moment(table, study, name, assignment.assigned_at)
    if assignment.cluster:
        columns["cluster"] = table[assignment.cluster]
    return Units(table.select(**columns), keyed, bool(assignment.assigned_at), bool(assignment.cluster))


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

    The units are held: unit, variant (its place in the experiment), t0 and entered (microseconds since 1970), day0 (the
    day number of t0's local date), and the columns that came with them.

    Raises:
        DataError: a unit appears twice in a table that also holds its outcomes, or rules overlap.
    """
    if base.timed:
        # What happens on or after the as-of date has not happened yet, enrolment included.
        known = base.table
        base = replace(base, table=known.filter(known.t0.isnull() | (known.t0 < literal(plan.cutoff))))
    coded = _coded(plan, base)
    crossovers, duplicates, base = _once(engine, plan, replace(base, table=coded))
    offered, base = base, exposed(engine, plan, base)
    table = base.table
    with_label = ["label"] if "label" in table.columns else []
    if base.timed:
        rows = engine.rows(
            f"units by variant and day of assignment, as days since 1970-01-01\n{_places(plan)}",
            table.group_by("variant", *with_label, "day0")
            .aggregate(n=table.count(), first=table.t0.min(), last=table.t0.max())
            .order_by("day0", "variant", *with_label),
        )
    else:
        rows = engine.rows(
            f"units by variant\n{_places(plan)}",
            table.group_by("variant", *with_label).aggregate(n=table.count()).order_by("variant", *with_label),
        )
    outside = not plan.study.experiment.assignment.by_holdfast
    taking_part = table.filter(table.variant.notnull()) if outside else table
    if not with_label and any(row["variant"] is None for row in rows):
        rows = [row for row in rows if row["variant"] is not None] + _unlisted(engine, coded, table)
    # Of units in no variant the day is not asked.
    undated = sum(row["n"] for row in rows if base.timed and row.get("day0", 0) is None)
    if undated:
        raise DataError(
            f'source "{plan.study.experiment.assignment.source}": {undated:,} units have no time of assignment; '
            "correct the data, or leave assigned_at out"
        )
    found = _counts(plan, rows, crossovers, duplicates)
    found = replace(found, by_batch=_by_batch(engine, plan, taking_part))
    if base is not offered:
        found = replace(found, exposure=_exposure(engine, plan, offered.table, taking_part))
    if base.clustered:
        if outside:
            refuse_split_clusters(engine, plan, taking_part)
        found = replace(found, clusters=_clusters(engine, plan, taking_part, timed=base.timed))
    return found, replace(base, table=taking_part)


def _coded(plan: Plan, base: Units) -> Any:
    """The units with small numbers in place of the texts and moments that every statement reads."""
    table, variants = base.table, list(plan.study.experiment.variants)
    code = ibis.cases(*((table.variant == key, ibis.literal(place)) for place, key in enumerate(variants)))
    columns = {name: table[name] for name in table.columns if name not in {"variant", "label", "t0"}}
    columns["variant"] = code.cast("int16")
    if not plan.study.experiment.assignment.by_holdfast:
        # Only a label that is no variant is ever told.
        columns["label"] = table.variant.isnull().ifelse(table.label, ibis.null("string"))
    if base.timed:
        columns["t0"] = micros(table.t0)
    coded = table.select(**columns)
    return coded.mutate(day0=_day(plan, coded.t0)) if base.timed else coded


def _day(plan: Plan, moment: Any) -> Any:
    """The day number of a moment's local date. Nobody is assigned before enrolment begins, where Holdfast assigns: the
    zone's changes of long ago then play no part."""
    begun = plan.enrolled_from if plan.study.experiment.assignment.by_holdfast else None
    since = midnight(begun - dt.timedelta(days=2), plan.study.timezone) if begun else None
    return day_number(wall_clock(moment, plan.study.timezone, plan.cutoff, since))


def _unlisted(engine: Engine, coded: Any, units: Any) -> list[dict[str, Any]]:
    """Units that were seen in no variant at all, by label; seldom any, so that nobody else's label is ever held."""
    outside = units.filter(units.variant.isnull()).select("unit")
    labels = coded.filter(coded.variant.isnull()).group_by("unit").aggregate(label=coded.label.min())
    told = labels.semi_join(outside, "unit")
    rows = engine.rows(
        "units whose label is no variant", told.group_by("label").aggregate(n=told.count()).order_by("label")
    )
    return [{**row, "variant": None} for row in rows]


def _places(plan: Plan) -> str:
    variants = enumerate(plan.study.experiment.variants)
    return "variant: " + ", ".join(f"{place} is {key}" for place, key in variants)


def variant_of(plan: Plan, place: int) -> str:
    """The variant at a place of the experiment."""
    return list(plan.study.experiment.variants)[place]


def _clusters(engine: Engine, plan: Plan, table: Any, *, timed: bool) -> dict[dt.date, dict[str, int]]:
    """Clusters by day and variant: where they were drawn as one, they are what the split is of. Without times of
    assignment all of them stand on the day of the analysis."""
    if not timed:
        once = table.select("variant", "cluster").distinct()
        rows = engine.rows(
            "clusters by variant", once.group_by("variant").aggregate(n=once.count()).order_by("variant")
        )
        return {plan.as_of: {variant_of(plan, row["variant"]): row["n"] for row in rows}}
    first = table.group_by("variant", "cluster").aggregate(day0=table.day0.min())
    rows = engine.rows(
        "clusters by variant and day of their first unit, as days since 1970-01-01",
        first.group_by("variant", "day0").aggregate(n=first.count()).order_by("day0", "variant"),
    )
    found: dict[dt.date, dict[str, int]] = {}
    for row in rows:
        found.setdefault(date_of(row["day0"]), {})[variant_of(plan, row["variant"])] = row["n"]
    return found


def exposed(engine: Engine, plan: Plan, base: Units) -> Units:
    """The units that met the fact of the exposure, each from its first one after assignment; everybody without such a
    population. Both variants are read alike, so the comparison stays randomised."""
    population = plan.study.experiment.population
    if population == "assigned":
        return base
    if not base.keyed or not base.timed:
        raise DataError("an exposed population needs a key and a time of assignment for every unit")
    fact = Use(population.exposed)
    facts = read_facts(engine, plan.study, fact.fact.source, [fact], Reach(None, plan.cutoff))
    if (counts := facts.counts(fact)) is not None:
        facts = facts.beside(facts.table.filter(counts))
    met = joined(facts.table.select("unit", "us"), base.table, fact.fact.source)
    met = met.filter(met.us >= met.t0, met.us < micros_of(plan.cutoff))
    same = {name: met[name].max() for name in base.table.columns if name not in {"unit", "t0", "day0"}}
    first = met.group_by("unit").aggregate(**same, t0=met.us.min(), entered=met.t0.min())
    first = first.mutate(day0=_day(plan, first.t0))
    return replace(base, table=engine.hold("the units that met the exposure, each from its first one", first, EXPOSED))


def _exposure(engine: Engine, plan: Plan, offered: Any, met: Any) -> Exposure:
    """How many units of each variant were assigned, and how many days later they met the exposure."""
    known = offered.filter(offered.variant.notnull())
    counted = known.group_by("variant").aggregate(n=known.count()).order_by("variant")
    later = met.mutate(day=((met.t0 - met.entered) // DAY).cast("int32"))
    by_day: dict[int, dict[str, int]] = {}
    for row in engine.rows(
        "exposed units by variant and whole days since assignment",
        later.group_by("variant", "day").aggregate(n=later.count()).order_by("day", "variant"),
    ):
        by_day.setdefault(int(row["day"]), {})[variant_of(plan, row["variant"])] = int(row["n"])
    rows = engine.rows("assigned units by variant, exposed or not", counted)
    return Exposure({variant_of(plan, row["variant"]): int(row["n"]) for row in rows}, by_day)


def _counts(plan: Plan, rows: list[dict[str, Any]], crossovers: int, duplicates: int) -> Enrolled:
    assigned = dict.fromkeys(plan.study.experiment.variants, 0)
    by_day: dict[dt.date, dict[str, int]] = {}
    unlisted: dict[str, int] = {}
    for row in rows:
        if row["variant"] is None:
            unlisted[row["label"]] = unlisted.get(row["label"], 0) + row["n"]
            continue
        variant = variant_of(plan, row["variant"])
        assigned[variant] += row["n"]
        if "day0" in row and row["day0"] is not None:
            counts = by_day.setdefault(date_of(row["day0"]), {})
            counts[variant] = counts.get(variant, 0) + row["n"]
    unlisted = told_labels(plan.study, unlisted)
    listed = [row for row in rows if row["variant"] is not None and row.get("first") is not None]
    first = min((row["first"] for row in listed), default=None)
    last = max((row["last"] for row in listed), default=None)
    return Enrolled(assigned, by_day, unlisted, crossovers, duplicates, _instant(first), _instant(last))


def _by_batch(engine: Engine, plan: Plan, table: Any) -> tuple[BatchCounts, ...]:
    """Units by send or batch; none where the data name no batches, or so many that they are something else."""
    if "batch" not in table.columns:
        return ()
    grouped = table.group_by("batch", "variant").aggregate(n=table.count()).order_by("batch", "variant")
    rows = engine.rows("units by send or batch", grouped.limit(MAX_BATCHES + 1))
    if len(rows) > MAX_BATCHES:
        return ()
    counts: dict[str | None, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row["batch"], {})[variant_of(plan, row["variant"])] = row["n"]
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


def _instant(moment: int | None) -> dt.datetime | None:
    """A moment as a date and time; the year 1, which some systems write for none, is as good as 1900."""
    if moment is None:
        return None
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=min(max(moment, _LONG_AGO), _FAR_AHEAD))


def _once(engine: Engine, plan: Plan, base: Units) -> tuple[int, int, Units]:
    """Crossovers, surplus rows, and the units each once, held. A manifest holds each unit once by construction."""
    what = "the assigned units"
    if not base.keyed or plan.study.experiment.assignment.by_holdfast:
        return 0, 0, replace(base, table=engine.hold(what, base.table, ASSIGNED))
    outcomes = outcome_columns(plan)
    table = engine.hold(what, base.table, ASSIGNED) if outcomes else base.table
    by_unit = _by_unit(table, timed=base.timed)
    if not outcomes:
        by_unit = engine.hold("the assigned units, each once, from its first assignment", by_unit, ASSIGNED)
    found = engine.rows(
        "units seen more than once, and in more than one variant; rows without a key",
        by_unit.aggregate(
            crossovers=by_unit.crossed.sum(),
            duplicates=(by_unit.seen - 1).sum(),
            empty=by_unit.unit.isnull().sum(),
        ),
    )[0]
    where = f'source "{plan.study.experiment.assignment.source}"'
    if found["empty"]:
        raise DataError(f"{where}: the key is empty on some rows; correct the data")
    crossovers, duplicates = int(found["crossovers"] or 0), int(found["duplicates"] or 0)
    if outcomes:
        if duplicates:
            raise DataError(
                f"{where}: {duplicates:,} rows repeat the key of another row, {crossovers:,} units of them in more "
                "than one variant; with outcomes in the same table every unit must stand on one row"
            )
        return 0, 0, replace(base, table=table)
    once = by_unit.filter(~by_unit.crossed) if crossovers else by_unit
    return crossovers, duplicates, replace(base, table=once.select(_kept(once, "seen", "crossed")))


def _kept(table: Any, *left_out: str) -> list[str]:
    """The columns without some; named, since Ibis writes several that it drops in an order of its own every time."""
    return [name for name in table.columns if name not in left_out]


def _by_unit(table: Any, *, timed: bool) -> Any:
    """One row a unit. t0 is the first time that it was seen in any variant: first assignment counts.

    Whoever was seen in a variant and elsewhere crossed over; elsewhere alone is no variant, whatever its labels.
    """
    table = table.mutate(place=ibis.coalesce(table.variant, ibis.literal(_NO_VARIANT)).cast("int16"))
    columns = {"seen": table.count()}
    columns |= {
        name: table[name].min() for name in table.columns if name in {"batch", "cluster"} or name.startswith(OWN)
    }
    if timed:
        columns |= {"t0": table.t0.min(), "day0": table.day0.min()}
    grouped = table.group_by("unit").aggregate(**columns, low=table.place.min(), high=table.place.max())
    # Held by millions: nothing that is not needed later, and nothing wider than it has to be.
    narrow = {name: grouped[name] for name in ("unit", *columns) if name != "seen"}
    return grouped.select(
        **narrow,
        variant=(grouped.low == _NO_VARIANT).ifelse(ibis.null("int16"), grouped.low),
        seen=grouped.seen.cast("int32"),
        crossed=grouped.low != grouped.high,
    )
