"""All files of configs/, read once and checked together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from holdfast.config import desugar
from holdfast.config.environment import check_environment
from holdfast.config.files import PROJECT, misnamed_experiments, read_sheet, shared_sheets
from holdfast.config.marks import Map, Sheet, copy
from holdfast.config.marks import Path as TreePath
from holdfast.config.offers import OfferWindow, from_assignment, offer_window
from holdfast.config.resolve import Layers, project_layer
from holdfast.config.rules.known import SLUG, Known, check_name, check_texts
from holdfast.config.rules.metrics import check_metric
from holdfast.config.rules.people import check_segment
from holdfast.config.rules.shared import check_project
from holdfast.config.rules.sources import check_one_source, check_property
from holdfast.config.rules.tactics import check_tactic
from holdfast.config.shape import check
from holdfast.config.templates import Template, check_template, read_template
from holdfast.config.words import clip
from holdfast.errors import Finding, nearest
from holdfast.model.metric import Metric
from holdfast.model.predicate import Predicate
from holdfast.model.project import Project
from holdfast.model.source import Property, Source
from holdfast.model.tactic import RESERVED, Tactic

T = TypeVar("T")
SECTIONS = {
    "sources": ("sources", "properties", "segments"),
    "metrics": ("metrics",),
    "tactics": ("tactics",),
    "templates": ("templates",),
}


_TYPES: dict[str, Any] = {
    "sources": Source,
    "properties": Property,
    "segments": Predicate,
    "metrics": Metric,
    "tactics": Tactic,
}


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One named thing of a shared file."""

    value: T | None
    """What it stands for, as far as it can be read."""
    sheet: Sheet
    path: TreePath

    @property
    def whole(self) -> T | None:
        """What it stands for, when nothing of it had to be left out."""
        return None if self.path in self.sheet.unreadable_entries else self.value


@dataclass
class Shared:
    """What the files of configs/ say, and what is wrong with them."""

    root: Path
    project: Project | None = None
    sources: dict[str, Entry[Source]] = field(default_factory=dict)
    properties: dict[str, Entry[Property]] = field(default_factory=dict)
    metrics: dict[str, Entry[Metric]] = field(default_factory=dict)
    tactics: dict[str, Entry[Tactic]] = field(default_factory=dict)
    segments: dict[str, Entry[Predicate]] = field(default_factory=dict)
    templates: dict[str, Entry[Template]] = field(default_factory=dict)
    offers: dict[str, OfferWindow] = field(default_factory=dict)
    """Metrics whose window opens when the offer ends; their values here are as if it ended at assignment."""
    defaults: Map = field(default_factory=Map)
    """The project's layer under every experiment."""
    sheets: list[Sheet] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Kinds of which a file, or a whole section, cannot be read."""

    @property
    def findings(self) -> list[Finding]:
        return sorted(finding for sheet in self.sheets for finding in sheet.findings)

    @property
    def known(self) -> Known:
        """Every name that can be referred to."""
        return Known(
            project=self.project,
            sources={name: entry.whole for name, entry in self.sources.items()},
            properties={name: entry.whole for name, entry in self.properties.items()},
            metrics={name: entry.whole for name, entry in self.metrics.items()},
            tactics={name: entry.whole for name, entry in self.tactics.items()},
            segments={name: entry.whole for name, entry in self.segments.items()},
            templates=tuple(self.templates),
            partial=frozenset(self.unread),
        )

    @property
    def layers(self) -> Layers:
        """What experiments inherit."""
        return Layers(
            defaults=self.defaults,
            templates={name: entry.value for name, entry in self.templates.items() if entry.value is not None},
            segments=self.segment_trees,
            partial=frozenset(self.unread),
        )

    @property
    def segment_trees(self) -> dict[str, Any]:
        """Named segments as they stand in their files; None where one cannot be read."""
        return {
            name: entry.sheet.tree["segments"][name] if entry.whole is not None else None
            for name, entry in self.segments.items()
        }


def read_shared(root: Path) -> Shared:
    """Everything under configs/, with every finding about it."""
    shared = Shared(root)
    shared.sheets.append(project_sheet := read_sheet(root, root / PROJECT))
    partial: Project | None = None
    if isinstance(project_sheet.tree, Map):
        check_texts(project_sheet, project_sheet.tree, (("connection",),))
        project_sheet.tree = desugar.project(project_sheet, project_sheet.tree)
        partial = check(Project, project_sheet.tree, project_sheet)
        shared.project = None if project_sheet.unreadable else partial
        if shared.project is not None:
            shared.defaults = project_layer(project_sheet.tree)
    for kind, sections in SECTIONS.items():
        for sheet in shared_sheets(root, kind):
            shared.sheets.append(sheet)
            _read_sections(shared, sheet, sections)
    shared.sheets.extend(misnamed_experiments(root))
    _judge(shared)
    if partial is not None:
        check_project(shared.known, project_sheet, partial)
        check_environment(project_sheet, partial, shared.known)
    return shared


def _read_sections(shared: Shared, sheet: Sheet, sections: tuple[str, ...]) -> None:
    if not isinstance(sheet.tree, Map):
        shared.unread.update(sections)
        return
    sheet.tree = copy(sheet.tree)
    check_texts(sheet, sheet.tree)
    for section, entries in sheet.tree.items():
        if section not in sections:
            message = f"unknown field {clip(section)}{nearest(section, sections)}"
            sheet.add("unknown-field", (section,), message, at="key")
            shared.unread.update(sections)
        elif isinstance(entries, Map):
            for name in entries:
                _read_entry(shared, sheet, section, name)
        elif entries is not None:
            message = f"`{section}` holds names with fields under each, not {clip(entries)}"
            sheet.add("invalid-value", (section,), message)
            shared.unread.add(section)


def _read_entry(shared: Shared, sheet: Sheet, section: str, name: str) -> None:
    path: TreePath = (section, name)
    entries: dict[str, Entry[Any]] = getattr(shared, section)
    if name in entries:
        message = f"{clip(name)} is defined already, in {_where(entries[name])}; rename or remove one"
        sheet.add("duplicate-name", path, message, at="key")
        return
    if sheet.is_full:
        entries[name] = Entry(None, sheet, path)
        return
    tree = sheet.tree[section][name]
    if section == "templates":
        entries[name] = Entry(read_template(sheet, tree, path), sheet, path)
        return
    rewrite: Callable[[Any], Any] = {
        "sources": desugar.source,
        "metrics": lambda node: desugar.metric(sheet, node, path),
        "tactics": lambda node: desugar.tactic(sheet, node),
    }.get(section, copy)
    tree = sheet.tree[section][name] = rewrite(tree)
    if section == "metrics" and (window := offer_window(tree)) is not None:
        shared.offers[name] = window
    entries[name] = Entry(check(_TYPES[section], from_assignment(tree), sheet, path), sheet, path)


def _where(entry: Entry[Any]) -> str:
    section = entry.sheet.tree[entry.path[0]]
    mark = section.key_marks[entry.path[1]]
    return f"{entry.sheet.path}:{mark.line}:{mark.column}"


def _present(entries: dict[str, Entry[T]]) -> Iterator[tuple[str, T, Sheet, TreePath]]:
    for name, entry in entries.items():
        if entry.value is not None:
            yield name, entry.value, entry.sheet, entry.path


def _judge(shared: Shared) -> None:
    """Check every entry against every other."""
    known = shared.known
    for name, source, sheet, path in _present(shared.sources):
        check_one_source(sheet, path, name, source)
    for name, item, sheet, path in _present(shared.properties):
        check_property(known, sheet, path, name, item)
    for name, metric, sheet, path in _present(shared.metrics):
        check_metric(known, sheet, path, name, metric)
    for name, tactic, sheet, path in _present(shared.tactics):
        check_name(sheet, path, name, "tactic", SLUG)
        if name in RESERVED:
            sheet.add("bad-name", path, f'"{name}" is kept for control groups; choose another name', at="key")
        check_tactic(known, sheet, path, tactic)
    for name, segment, sheet, path in _present(shared.segments):
        check_segment(known, sheet, path, name, segment)
    for name, template, sheet, path in _present(shared.templates):
        check_name(sheet, path, name, "template", SLUG)
        check_template(known, template, shared.defaults, shared.segment_trees)
