"""Looking at the data: what experiments ask of each source, compared with what is there. Each source is read once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from holdfast import config, planning, warehouse
from holdfast.config.demands import demands
from holdfast.config.marks import place as place_of
from holdfast.errors import DataError, Finding, HoldfastError, UsageError, WrongData
from holdfast.model.clock import midnight
from holdfast.model.demand import Demand, Need, Place
from holdfast.model.predicate import Condition, Predicate
from holdfast.model.source import EventSource, SpanSource, UnitSource
from holdfast.model.source_state import Column, Looked
from holdfast.model.study import Study
from holdfast.project import data_findings as found_by

Progress = Callable[[str], None]


def check_data(
    catalogue: config.Catalogue, slugs: Sequence[str], as_of: dt.date | None, progress: Progress
) -> list[Finding]:
    """Every finding about the data that experiments read, sorted.

    Args:
        catalogue: the project.
        slugs: the experiments; those whose files are wrong are passed over.
        as_of: the date as of which facts should have arrived; default: today.
        progress: called with each step.

    Raises:
        TransientError: the database is busy, or failed.
    """
    wanted = demands(catalogue, loadable(catalogue, slugs))
    if not wanted:
        return []
    try:
        engine = warehouse.connect(catalogue.project.connection, catalogue.root, catalogue.files, progress)
    except DataError as error:
        return [found_by.finding(_connection(catalogue), "connection-fails", str(error))]
    with engine:
        columns, findings = _columns(engine, wanted, scan=True)
        readable = [item for item in wanted if item.label in columns]
        now = dt.datetime.now(dt.UTC)
        for number, demand in enumerate(readable, start=1):
            what = f"{demand.label} ({number} of {len(readable)})"
            found = _Look(engine, demand, columns[demand.label], what, now, as_of).findings()
            if any(item.rule == "no-rows" for item in found):
                # A text file without rows has no types either.
                columns[demand.label] = {name: Column("unknown", "something") for name in columns[demand.label]}
            findings += found
        findings += _misfits(wanted, columns)
    return sorted(set(findings))


def check_columns(catalogue: config.Catalogue, study: Study, engine: warehouse.Engine) -> None:
    """Refuse data whose tables, columns or types do not fit an experiment, with every finding at once.

    Nothing is scanned: of text files only the header is read, so that their types are not looked at.

    Raises:
        WrongData: with every finding.
    """
    try:
        wanted = demands(catalogue, [study.slug])
    except HoldfastError:
        return  # the file was changed since it was loaded: what was loaded is analysed
    columns, findings = _columns(engine, wanted, scan=False)
    findings += _misfits(wanted, columns)
    wrong = [item for item in findings if item.severity == "error" and item.rule != "condition-not-comparable"]
    if wrong:
        raise WrongData(set(wrong))


def loadable(catalogue: config.Catalogue, slugs: Iterable[str]) -> list[str]:
    """The experiments whose files are right."""
    found = []
    for slug in slugs:
        with suppress(HoldfastError):
            config.load_plain_study(catalogue, slug)
            found.append(slug)
    return found


def _connection(catalogue: config.Catalogue) -> Place:
    sheet = catalogue.shared.sheets[0]
    mark = place_of(sheet.tree, ("connection", "database"))
    return Place(sheet.path, mark.line, mark.column)


def _columns(
    engine: warehouse.Engine, wanted: Sequence[Demand], *, scan: bool
) -> tuple[dict[str, Mapping[str, Column]], list[Finding]]:
    """The columns of every source that can be read, by label, and a finding for each that cannot."""
    columns: dict[str, Mapping[str, Column]] = {}
    findings: list[Finding] = []
    for demand in wanted:
        if scan:
            engine.progress(f"looking at the columns of {demand.label}")
        try:
            columns[demand.label] = warehouse.columns(engine, demand.study, demand.name, scan=scan)
        except DataError as error:
            findings.append(found_by.finding(demand.location, "source-not-found", str(error)))
    return columns, findings


def _misfits(wanted: Sequence[Demand], columns: Mapping[str, Mapping[str, Column]]) -> list[Finding]:
    """What is wrong with the columns and types of the sources that can be read."""
    readable = [demand for demand in wanted if demand.label in columns]
    found = [item for demand in readable for item in found_by.of_columns(demand, columns[demand.label])]
    return found + [item for demand in readable for item in found_by.of_keys(demand, columns)]


@dataclass(frozen=True)
class _Look:
    """One source that can be read, and what is asked of it."""

    engine: warehouse.Engine
    demand: Demand
    columns: Mapping[str, Column]
    what: str
    now: dt.datetime
    as_of: dt.date | None

    def findings(self) -> list[Finding]:
        """What its rows say; one that the engine cannot read says so."""
        try:
            return list(self._findings())
        except DataError as error:
            return [found_by.finding(self.demand.location, "source-not-found", str(error))]

    def _findings(self) -> Iterator[Finding]:
        demand, source = self.demand, self.demand.study.sources[self.demand.name]
        if all(need.column in self.columns for need in demand.needs):
            yield from found_by.of_times(demand, self.columns)
        asked = list(self._values())
        rules = self._rules()
        key, times = self._key(), self._times()
        looked = warehouse.look(
            self.engine,
            demand.study,
            demand.name,
            what=self.what,
            key=key,
            unique=isinstance(source, UnitSource),
            times=times,
            counted=[need.column for need in self._usable() if need.use in {"number", "time"}],
            conditions=[*({need.column: value} for need, value in asked), *(rule for _, rule in rules)],
            now=self.now,
        )
        yield from found_by.of_rows(demand, looked, key)
        if not looked.rows:
            return
        yield from found_by.of_freshness(demand, looked, self._until())
        if key and times and isinstance(source, EventSource | SpanSource):
            yield from self._repeats(key, times, looked)
        for place, (need, value) in enumerate(asked):
            if not looked.matches[place]:
                yield self._missing(need, value)
        matched = {variant: looked.matches[len(asked) + place] for place, (variant, _) in enumerate(rules)}
        yield from self._labels(matched, looked.rows)

    def _usable(self) -> list[Need]:
        """What is asked of columns that are there and of a type that fits."""
        wrong = {(found.path, found.line, found.column) for found in found_by.of_columns(self.demand, self.columns)}
        return [
            need
            for need in self.demand.needs
            if (need.place.path, need.place.line, need.place.column) not in wrong and need.column in self.columns
        ]

    def _key(self) -> str | None:
        """The column that identifies a unit: the one that is joined or assigned by, or else the first."""
        usable = [need for need in self._usable() if need.use in {"id", "key"}]
        joined = [join.column for join in self.demand.joins]
        ids = [need.column for need in usable if need.use == "id"] or [need.column for need in usable]
        return next((column for column in [*joined, *ids] if column in self.columns), None)

    def _times(self) -> list[str]:
        source = self.demand.study.sources[self.demand.name]
        names = ["timestamp"] if isinstance(source, EventSource) else ["start", "end"]
        usable = {need.what: need.column for need in self._usable() if need.use == "time"}
        return [usable[name] for name in names] if all(name in usable for name in names) else []

    def _values(self) -> Iterator[tuple[Need, Condition]]:
        """Each value that a condition names, by itself: true and false may well not occur."""
        for need in self._usable():
            if need.condition is None or self.columns[need.column].kind == "true or false":
                continue
            for value in need.condition.any_of:
                if not isinstance(value, bool):
                    yield need, Condition(any_of=(value,))

    def _rules(self) -> list[tuple[str, Predicate]]:
        """The rules by which another system's assignment is read."""
        usable = {need.column for need in self._usable()}
        return [
            (variant, rule)
            for item in self.demand.assigned
            for variant, rule in item.study.experiment.assignment.rules.items()
            if set(rule) <= usable
        ]

    def _until(self) -> dt.datetime:
        """Up to when facts should have arrived: the last date at which somebody reads them."""
        ends = []
        for study in self.demand.readers:
            today = self.as_of or self.now.astimezone(ZoneInfo(study.timezone)).date()
            try:
                readout = planning.readout(study)
            except UsageError:
                readout = None
            ends.append(midnight(min(today, readout) if readout else today, study.timezone))
        return max(ends)

    def _repeats(self, key: str, times: Sequence[str], looked: Looked) -> Iterator[Finding]:
        demand = self.demand
        asked = [need.column for need in demand.needs if need.use in {"any", "number"} and need.column in self.columns]
        same = [column for column in dict.fromkeys([*times[1:], *asked]) if column not in {key, times[0]}]
        found = warehouse.repeats(
            self.engine, demand.study, demand.name, what=self.what, key=key, same=same, time=times[0], looked=looked
        )
        yield from found_by.of_repeats(demand, found, [key, times[0], *same])

    def _missing(self, need: Need, value: Condition) -> Finding:
        """A value that never occurs; the others are looked at only where they are words and no ids."""
        demand, found = self.demand, None
        keys = {item.column for item in demand.needs if item.use in {"key", "id"}}
        if self.columns[need.column].kind == "text" and need.column not in keys:
            found = warehouse.values(
                self.engine, demand.study, demand.name, need.column, what=self.what, most=found_by.FEW
            )
        return found_by.of_value(demand, need, value, found)

    def _labels(self, matched: Mapping[str, int], rows: int) -> Iterator[Finding]:
        for item in self.demand.assigned:
            assignment = item.study.experiment.assignment
            if assignment.variant in self.columns and assignment.variant is not None:
                found = warehouse.values(
                    self.engine,
                    item.study,
                    self.demand.name,
                    assignment.variant,
                    what=self.what,
                    most=found_by.FEW,
                )
                yield from found_by.of_labels(self.demand, item, found)
            elif assignment.rules and set(assignment.rules) <= set(matched):
                mine = {variant: matched[variant] for variant in assignment.rules}
                yield from found_by.of_rules(self.demand, item, mine, rows)
