"""What was known of the units before their assignment: which properties the experiment names, and their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from holdfast.errors import UsageError
from holdfast.model.exploration import EARLIER, WITHIN
from holdfast.model.metric import columns_of
from holdfast.model.predicate import Predicate, Scalar
from holdfast.model.source import UnitSource
from holdfast.model.source_state import COMPARABLE
from holdfast.model.study import Study
from holdfast.warehouse.audience import unit_rows
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.properties import by_source, value, with_alone, with_properties
from holdfast.warehouse.relations import matches, unit_name
from holdfast.warehouse.source_state import column_of

_SPELT = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d+)?", re.ASCII)
MOST_OF_AUDIENCE = 1
"""Properties that are compared though only the audience names them and each takes a scan of facts: the analysis itself
should take longer than its checks."""
OWN = "own_"
"""What columns with the units' properties are called inside a query."""


@dataclass(frozen=True, slots=True)
class Named:
    """The properties that an experiment names, the most important first, and segments, which are conditions on some."""

    properties: tuple[str, ...]
    segments: tuple[tuple[str, Predicate], ...]
    unknown: tuple[str, ...]
    """Properties and segments that cannot be had for these units."""
    skipped: tuple[str, ...]
    """Properties that only the audience names, beyond the first that is derived from facts."""

    @property
    def compared(self) -> tuple[str, ...]:
        """The properties and segments that the variants are compared by."""
        return (*self.properties, *(name for name, _ in self.segments))

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every property whose values are needed."""
        conditions = [name for _, predicate in self.segments for name in predicate]
        return tuple(dict.fromkeys([*self.properties, *conditions]))


def named(study: Study, *, keyed: bool, timed: bool) -> Named:
    """The properties that strata, segments, covariates and the audience name, and those that the source lists."""
    experiment = study.experiment
    asked = [*experiment.assignment.strata, *experiment.analysis.segments, *experiment.adjusted_for]
    derived = [name for name in experiment.audience if name in study.properties and name not in asked]
    skipped = derived[MOST_OF_AUDIENCE:]
    kept = [name for name in experiment.audience if name not in skipped]
    names = [name for name in dict.fromkeys([*asked, *kept, *_listed(study)]) if name not in study.segments]
    columns = _columns(study, asked)

    def usable(name: str) -> bool:
        return _known(study, name, columns, keyed=keyed, timed=timed)

    segments = {name: study.segments[name] for name in dict.fromkeys(asked) if name in study.segments}
    plain = {
        name: predicate
        for name, predicate in segments.items()
        if all(usable(each) and condition.top is None for each, condition in predicate.items())
    }
    lost = [name for name in names if not usable(name)] + [name for name in segments if name not in plain]
    found = tuple(name for name in names if name not in lost)
    return Named(found, tuple(plain.items()), tuple(lost), tuple(skipped))


def own_columns(study: Study) -> tuple[str, ...]:
    """Columns of an assignment that another system wrote which are properties of its units."""
    found = named(study, keyed=True, timed=True)
    return tuple(name for name in found.wanted if name not in study.properties)


def _listed(study: Study) -> Iterator[str]:
    """The properties that the source of the units lists, without its keys and what the assignment or a metric uses."""
    source, assignment = _source(study), study.experiment.assignment
    if isinstance(source, UnitSource):
        taken = {*source.keys.values(), source.known_from, assignment.variant, assignment.assigned_at, assignment.batch}
        taken |= {column for rule in assignment.rules.values() for column in rule}
        taken |= {column for metric in study.metrics.values() for column in columns_of(metric)}
        yield from (name for name in source.properties if name not in taken)


def _source(study: Study) -> object:
    assignment = study.experiment.assignment
    if assignment.by_holdfast:
        return study.sources[study.project.units[unit_name(study)].source]
    return study.sources[assignment.source or ""]


def _columns(study: Study, asked: Iterable[str]) -> set[str]:
    """Columns of the units' source that are properties: those that it lists, and where another system assigned also
    those that the plan asks for and no other source has: a file that is named in place lists none."""
    source = _source(study)
    if not isinstance(source, UnitSource):
        return set()
    if study.experiment.assignment.by_holdfast:
        return set(source.properties)
    elsewhere = {name for other in study.sources.values() if isinstance(other, UnitSource) for name in other.properties}
    conditions = {name for segment in asked for name in study.segments.get(segment, {})}
    return set(source.properties) | ({*asked, *conditions} - elsewhere)


def _known(study: Study, name: str, columns: set[str], *, keyed: bool, timed: bool) -> bool:
    """Whether a property can be had for these units: as a column of their source, or from facts before assignment."""
    if name not in study.properties:
        return name in columns
    spec = study.properties[name]
    if not (keyed and timed):
        return False
    if spec.of:
        return _known(study, spec.of, columns, keyed=keyed, timed=timed)
    # Days since a date of the unit's own row need that row, which only the project's own units have.
    dated = spec.fact is None and spec.operation != "sql"
    return not dated or (study.experiment.assignment.by_holdfast and isinstance(_source(study), UnitSource))


def before(engine: Engine, study: Study, units: Any, found: Named) -> Any:
    """The units (unit, variant, t0 and the own columns of an external assignment) with every property that is named as
    it was before the unit's own t0, as own_<name>; segments are true or false."""
    table = _with_rows(engine, study, units, found)
    derived = [name for name in found.wanted if name in study.properties]
    table = with_properties(engine, study, table, derived)
    return table.select("variant", **_chosen(table, found))


def with_named(engine: Engine, study: Study, people: Any, table: Any, found: Named) -> Any:
    """The table of units, which has the aggregates of properties that were read with everything else, with every
    property and segment that is named, as own_<name>. `people` are the units themselves, with their anchor."""
    anchor = "entered" if "entered" in table.columns else "t0"
    table = _with_rows(engine, study, table, found, checked=False)
    scanned = [name for names in by_source(study, found.wanted).values() for name in names]
    if scanned:
        table = table.mutate(**{OWN + name: value(study, name, table, table[anchor]) for name in scanned})
    alone = [name for name in found.wanted if name in study.properties and name not in scanned]
    if alone:
        known = [name for name in people.columns if name.startswith(OWN)]
        rows = people.select("unit", *known, anchor=people[anchor])
        table = with_alone(engine, study, _with_rows(engine, study, rows, found, checked=False), table, alone)
    chosen = _chosen(table, found)
    return table.select(*(name for name in table.columns if not name.startswith(OWN)), **chosen)


def _with_rows(engine: Engine, study: Study, units: Any, found: Named, *, checked: bool = True) -> Any:
    """The units with what their own rows say, where a property needs it."""
    needed = _from_units(study, found)
    if not needed or not study.experiment.assignment.by_holdfast:
        return units
    rows = unit_rows(engine, study, None, needed, checked=checked)
    # Who has left the source since is still compared, as unknown.
    return units.left_join(rows, "unit").drop("unit_right")


def _chosen(table: Any, found: Named) -> dict[str, Any]:
    """The columns of every property and segment that is named."""
    inside = {}
    for name, predicate in found.segments:
        if name == WITHIN:
            _comparable(table, predicate)
        asked = _spelt(table, predicate) if name.startswith((WITHIN, EARLIER)) else predicate
        inside[name] = matches(table, asked, OWN)
    return {OWN + name: table[OWN + name] for name in found.properties} | {
        OWN + name: column for name, column in inside.items()
    }


def _comparable(table: Any, predicate: Predicate) -> None:
    """Refuse a question that compares what is no number: the engine would say so of one value, in words of its own."""
    for name, condition in predicate.items():
        column = column_of(table[OWN + name].type())
        if condition.compares and column.kind not in COMPARABLE:
            raise UsageError(
                f'condition-not-comparable: the property "{name}" holds {column.words}, so "{condition}" compares no '
                f"numbers; ask for a value of {name} as it stands in the data, or name a property of numbers"
            )


def _spelt(table: Any, predicate: Predicate) -> Predicate:
    """The conditions with each text that spells a number as that number, where the property holds numbers: somebody who
    types 1.50 for a price means 1.5, while 007 is another article than 7."""

    def read(column: Any, value: Scalar) -> Scalar:
        spells = isinstance(value, str) and column.type().is_numeric() and _SPELT.fullmatch(value)
        return float(value) if spells else value

    return {
        name: replace(condition, any_of=tuple(read(table[OWN + name], value) for value in condition.any_of))
        for name, condition in predicate.items()
    }


def _from_units(study: Study, found: Named) -> list[str]:
    """The named properties that need the units' own row."""
    derived = {name: study.properties[name] for name in found.wanted if name in study.properties}
    inner = {name: study.properties[spec.of] if spec.of else spec for name, spec in derived.items()}
    return [name for name in found.wanted if name not in derived or (inner[name].column and inner[name].fact is None)]


__all__ = ["OWN", "Named", "before", "named", "own_columns", "with_named"]
