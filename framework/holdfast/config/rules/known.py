"""What can be referred to while a file is checked, and the checks that every reference shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from holdfast.config.marks import Path, Sheet, scalars
from holdfast.config.words import is_todo
from holdfast.errors import nearest
from holdfast.model.metric import Metric
from holdfast.model.predicate import Predicate
from holdfast.model.project import Project
from holdfast.model.source import EventSource, Property, Source, SpanSource, UnitSource
from holdfast.model.tactic import Tactic
from holdfast.model.values import FactRef

NAME = re.compile(r"[a-z][a-z0-9_]*")
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
TOP_NOT_HERE = "`top` compares customers with each other; use it in audience and segments, here give the number itself"


@dataclass(frozen=True, kw_only=True)
class Known:
    """Every name of the project. A name with None is defined, but what it stands for cannot be read."""

    project: Project | None
    sources: Mapping[str, Source | None]
    properties: Mapping[str, Property | None]
    metrics: Mapping[str, Metric | None]
    tactics: Mapping[str, Tactic | None]
    segments: Mapping[str, Predicate | None] = field(default_factory=dict)
    templates: Iterable[str] = ()
    partial: frozenset[str] = frozenset()
    """Kinds of which a file cannot be read at all, so that an unknown name may well stand there."""

    def lacks_property(self, name: str) -> bool:
        """Whether no property of units has that name, neither derived nor listed by a unit source."""
        if self.partial & {"sources", "properties"}:
            return False
        unread = any(source is None for source in self.sources.values())
        return not unread and name not in self.columns and name not in self.properties

    def after_assignment(self, name: str) -> tuple[str, str] | None:
        """What a name is that is no property of units but happens to them, and a property to derive from it."""
        for owner, source in self.sources.items():
            if isinstance(source, SpanSource) and name in source.properties:
                return f"a property of the periods in {owner}", "tenure: {operation: tenure, column: signed_up_at}"
            if not isinstance(source, EventSource):
                continue
            if name in source.properties:
                fact = f"{owner}.{next(iter(source.facts), 'order')}"
                derived = f"with_{name}: {{fact: {fact}, operation: count, where: {{{name}: ...}}}}"
                return f"a property of the events in {owner}", derived
            if (fact := name.removeprefix(f"{owner}.")) in source.facts:
                what = "sum" if source.facts[fact].column else "count"
                derived = f"{fact}_365d: {{fact: {owner}.{fact}, operation: {what}, window: {{last: 365d}}}}"
                return f"a fact of {owner}", derived
        derived = "orders_365d: {fact: orders.order, operation: count, window: {last: 365d}}"
        return ("a metric", derived) if name in self.metrics else None

    @property
    def unit_properties(self) -> set[str]:
        """Every property that audiences may use."""
        return self.columns | set(self.properties)

    @cached_property
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


def check_number(known: Known, sheet: Sheet, path: Path, fact: FactRef) -> EventSource | None:
    """The event source of a fact that has a number to it, or None after saying what is wrong."""
    source = check_fact(known, sheet, path, fact)
    found = source.facts.get(fact.fact) if source else None
    if source is not None and found is not None and found.column is None:
        numbers = [f"{fact.source}.{name}" for name, item in source.facts.items() if item.column]
        message = f'"{fact}" only counts rows and has no number; name a fact with a column{nearest(str(fact), numbers)}'
        sheet.judge("unknown-fact", path, message)
    return source


def check_source(known: Known, sheet: Sheet, path: Path, name: str) -> Source | None:
    """The source of that name, or None after saying that there is none."""
    if name not in known.sources and "sources" not in known.partial:
        sheet.judge("unknown-source", path, f'unknown source "{name[:60]}"{nearest(name, known.sources)}')
    return known.sources.get(name)


def check_span(known: Known, sheet: Sheet, path: Path, name: str) -> SpanSource | None:
    """The span source of that name, or None after saying what is wrong with the name."""
    source = check_source(known, sheet, path, name)
    if source is None or isinstance(source, SpanSource):
        return source
    spans = [other for other, item in known.sources.items() if isinstance(item, SpanSource)]
    message = f'"{name}" is of grain {source.grain}; the end of a period is read from spans{nearest(name, spans)}'
    sheet.judge("wrong-grain", path, message)
    return None


def check_where(sheet: Sheet, path: Path, where: Predicate, source: Source | None, name: str) -> None:
    """Conditions on the rows of a source use the properties that it lists."""
    for key, condition in where.items():
        if source is not None and key not in source.properties:
            message = f'source "{name}" lists no property "{key[:60]}"{nearest(key, source.properties)}'
            sheet.judge("unknown-property", (*path, key), message, at="key")
        if condition.top is not None:
            sheet.judge("top-not-here", (*path, key), TOP_NOT_HERE)
