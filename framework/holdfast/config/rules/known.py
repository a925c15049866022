"""What can be referred to while a file is checked, and the checks that every reference shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.config.marks import Path, Sheet, scalars
from holdfast.config.words import is_todo
from holdfast.errors import nearest
from holdfast.model.metric import Metric
from holdfast.model.predicate import Predicate
from holdfast.model.project import Project
from holdfast.model.source import EventSource, Property, Source, UnitSource
from holdfast.model.values import Duration, FactRef

NAME = re.compile(r"[a-z][a-z0-9_]*")
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
CURRENCY = re.compile(r"[A-Z]{3}")
ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_TEN_YEARS = Duration(24 * 3660)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Every name of the project. A name with None is defined, but what it stands for cannot be read."""

    project: Project | None
    sources: Mapping[str, Source | None]
    properties: Mapping[str, Property | None]
    metrics: Mapping[str, Metric | None]
    tactics: Iterable[str]
    partial: frozenset[str] = frozenset()
    """Kinds of which a file cannot be read at all, so that an unknown name may well stand there."""

    def lacks_property(self, name: str) -> bool:
        """Whether no property of units has that name, neither derived nor listed by a unit source."""
        if self.partial & {"sources", "properties"}:
            return False
        unread = any(source is None for source in self.sources.values())
        return not unread and name not in self.columns and name not in self.properties

    @property
    def unit_properties(self) -> set[str]:
        """Every property that audiences may use."""
        return self.columns | set(self.properties)

    @property
    def columns(self) -> set[str]:
        """Properties that unit sources list."""
        return {name for item in self.sources.values() if isinstance(item, UnitSource) for name in item.properties}


def check_name(sheet: Sheet, path: Path, name: str, what: str, pattern: re.Pattern[str] = NAME) -> None:
    """Names are short, plain and the same in YAML, SQL and reports."""
    if pattern.fullmatch(name) and len(name) <= 100:
        return
    allowed = "lower-case letters, digits and _" if pattern is NAME else "lower-case letters, digits, and . _ -"
    start = "a letter" if pattern is NAME else "a letter or digit"
    shown = name if len(name) <= 60 else name[:60] + "…"
    sheet.add("bad-name", path, f'"{shown}" cannot name a {what}: use {allowed}, starting with {start}', at="key")


def check_texts(sheet: Sheet, tree: Any, allowed_env: tuple[Path, ...] = ()) -> None:
    """Nothing is left to be filled in, and the environment is read for connections only."""
    for path, value in scalars(tree):
        if is_todo(value):
            sheet.add("todo-left", path, "TODO is left here; replace it with what only you know")
        if isinstance(value, str) and "${" in value and path[:1] not in allowed_env:
            message = "${env:NAME} is read in connection settings only; write the value itself"
            sheet.add("env-outside-connection", path, message)


def check_duration(sheet: Sheet, path: Path, value: Duration, *, whole_days: bool = True, zero: bool = False) -> bool:
    """Whether a length of time can be used; if not, why."""
    if value > _TEN_YEARS or (not value.hours and not zero):
        sheet.judge("duration-range", path, f'"{str(value)[:20]}" must be longer than nothing and at most ten years')
        return False
    if whole_days and value.hours % 24:
        sheet.judge("not-whole-days", path, f'"{value}" is not a whole number of days; write days, such as 2d')
        return False
    return True


def check_fact(known: Known, sheet: Sheet, path: Path, fact: FactRef) -> EventSource | None:
    """The event source of a fact, or None after saying what is wrong with the reference."""
    source = check_source(known, sheet, path, fact.source)
    if source is None:
        return None
    if not isinstance(source, EventSource):
        events = [name for name, item in known.sources.items() if isinstance(item, EventSource)]
        message = f'"{fact.source}" is of grain {source.grain} and has no facts{nearest(fact.source, events)}'
        sheet.judge("wrong-grain", path, message)
        return None
    if fact.fact not in source.facts:
        message = f'source "{fact.source}" has no fact "{fact.fact}"{nearest(fact.fact, source.facts)}'
        sheet.judge("unknown-fact", path, message)
    return source


def check_source(known: Known, sheet: Sheet, path: Path, name: str) -> Source | None:
    """The source of that name, or None after saying that there is none."""
    if name not in known.sources and "sources" not in known.partial:
        sheet.judge("unknown-source", path, f'unknown source "{name}"{nearest(name, known.sources)}')
    return known.sources.get(name)


def check_where(sheet: Sheet, path: Path, where: Predicate, source: Source | None, name: str) -> None:
    """Conditions on the rows of a source use the properties that it lists."""
    for key in where if source else ():
        if source and key not in source.properties:
            message = f'source "{name}" lists no property "{key}"{nearest(key, source.properties)}'
            sheet.judge("unknown-property", (*path, key), message, at="key")


def check_properties(known: Known, sheet: Sheet, path: Path, names: Iterable[str]) -> None:
    """Properties of units are derived, or listed by a unit source."""
    for name in names:
        if known.lacks_property(name):
            message = f'unknown property "{name}"{nearest(name, known.unit_properties)}'
            sheet.judge("unknown-property", (*path, name), message, at="key")
