"""What is asked of each source of data, while the files are gone through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.config.catalogue import Catalogue
from holdfast.config.experiments import Reading
from holdfast.config.marks import Path, place
from holdfast.config.shared import Entry
from holdfast.model.demand import Assigned, Demand, Join, Need, Place, Use
from holdfast.model.predicate import Condition
from holdfast.model.source import EventSource, Source, SpanSource, UnitSource
from holdfast.model.study import Study


@dataclass
class Asked:
    """One source while it is gathered what is asked of it."""

    name: str
    study: Study
    source: Source
    tree: Any
    path: Path
    file: str
    label: str
    needs: dict[Need, None] = field(default_factory=dict)
    joins: dict[Join, None] = field(default_factory=dict)
    assigned: list[Assigned] = field(default_factory=list)
    readers: dict[str, Study] = field(default_factory=dict)
    units: bool = False

    def spot(self, *inner: str | int, at: Literal["key", "value"] = "value") -> Place:
        """Where a part of the source's definition stands."""
        return spot(self.tree, self.file, (*self.path, *inner), at)

    def need(
        self,
        column: str,
        use: Use,
        what: str,
        where: Place,
        *,
        condition: Condition | None = None,
        may_be_empty: bool = False,
    ) -> None:
        """Ask for a column."""
        self.needs[
            Need(column=column, use=use, what=what, place=where, condition=condition, may_be_empty=may_be_empty)
        ] = None

    def demand(self) -> Demand:
        """What was gathered."""
        location = next(word for word in ("table", "path", "sql") if getattr(self.source, word) is not None)
        return Demand(
            name=self.name,
            label=self.label,
            study=self.study,
            place=self.spot(at="key"),
            location=self.spot(location),
            needs=tuple(self.needs),
            joins=tuple(self.joins),
            assigned=tuple(self.assigned),
            readers=tuple(self.readers.values()),
            units=self.units,
        )


class Gathered:
    """What is asked of every source so far."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.found: dict[tuple[str, str], Asked] = {}

    def source(self, study: Study, reading: Reading | None, name: str) -> Asked:
        """A source, with all that its own definition names asked for."""
        entry = self._catalogue.shared.sources.get(name)
        owner = "" if entry is not None else study.slug
        if (owner, name) not in self.found:
            if entry is not None:
                asked = Asked(name, study, study.sources[name], entry.sheet.tree, entry.path, entry.sheet.path, name)
            else:
                assert reading is not None
                assert reading.resolved is not None
                label = f"{name} of {study.slug}"
                asked = Asked(name, study, study.sources[name], reading.resolved.data, (), reading.sheet.path, label)
            _declared(asked)
            self.found[owner, name] = asked
        asked = self.found[owner, name]
        if study.slug:
            asked.readers[study.slug] = study
        return asked


def _declared(asked: Asked) -> None:
    """What the definition of a source names by itself."""
    source = asked.source
    for unit, key in source.keys.items():
        asked.need(key, "key", f"the key of {unit}", asked.spot("keys", unit))
    for index, name in enumerate(source.properties):
        asked.need(name, "any", "properties", asked.spot("properties", index))
    times: Mapping[str, str | None] = {}
    match source:
        case UnitSource():
            times = {"known_from": source.known_from}
        case SpanSource():
            times = {"start": source.start, "end": source.end}
            if source.reason:
                asked.need(source.reason.column, "any", "reason", asked.spot("reason", "column"))
        case EventSource():
            times = {"timestamp": source.timestamp}
            for fact, item in source.facts.items():
                if item.column:
                    asked.need(item.column, "any", f"fact {fact}", asked.spot("facts", fact, "column"))
    for word, column in times.items():
        if column:
            asked.need(column, "time", word, asked.spot(word))


@dataclass(frozen=True)
class Written:
    """A named thing as it stands in a file."""

    tree: Any
    file: str
    path: Path

    @classmethod
    def entry(cls, entry: Entry[Any]) -> Written:
        """One of a shared file."""
        return cls(entry.sheet.tree, entry.sheet.path, entry.path)

    def spot(self, *inner: str | int) -> Place:
        """Where a part of it stands."""
        return spot(self.tree, self.file, (*self.path, *inner))

    def inside(self, path: Path) -> Written:
        """A part of it."""
        return Written(self.tree, self.file, (*self.path, *path))


def spot(tree: Any, file: str, path: Path, at: Literal["key", "value"] = "value") -> Place:
    """Where a path stands; an inherited value stands in the file that it comes from."""
    mark = place(tree, path, at)
    return Place(mark.file or file, mark.line, mark.column)
