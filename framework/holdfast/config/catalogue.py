"""From a project's folder to a catalogue of everything shared, and from there to one experiment's study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holdfast.config import desugar
from holdfast.config.canonical import config_hash
from holdfast.config.environment import connected, files_folder
from holdfast.config.files import experiment_sheet, experiment_slugs
from holdfast.config.marks import Map, Sheet, look_up
from holdfast.config.rules.experiment import check_experiment
from holdfast.config.rules.known import SLUG, Known, check_name, check_texts
from holdfast.config.rules.measures import check_measures
from holdfast.config.rules.shared import check_one_source
from holdfast.config.shape import check
from holdfast.config.shared import Entry, read_shared
from holdfast.errors import ConfigError, Finding, UsageError, nearest
from holdfast.model.experiment import Experiment
from holdfast.model.metric import Metric
from holdfast.model.project import Health, Project
from holdfast.model.source import Property, Source
from holdfast.model.study import Study
from holdfast.model.tactic import Tactic


@dataclass(frozen=True)
class Catalogue:
    """What all experiments of a project share."""

    root: Path
    """The project's folder."""
    project: Project
    files: Path | None
    """The folder that sources given by path lie in; None when the variable that names it is not set."""
    sources: Mapping[str, Source]
    properties: Mapping[str, Property]
    metrics: Mapping[str, Metric]
    tactics: Mapping[str, Tactic]
    slugs: tuple[str, ...]
    """The experiments, sorted."""

    @property
    def known(self) -> Known:
        """Every name that an experiment can refer to."""
        return Known(
            project=self.project,
            sources=self.sources,
            properties=self.properties,
            metrics=self.metrics,
            tactics=tuple(self.tactics),
        )


@dataclass(frozen=True)
class _Reading:
    """One experiment as far as it can be read, with every finding about it."""

    sheet: Sheet
    experiment: Experiment | None
    source: Source | None
    """What its `data:` stands for."""


def load_catalogue(root: Path) -> Catalogue:
    """Everything that the experiments of a project share.

    Raises:
        ConfigError: with every finding about the shared files, when any of them is an error.
    """
    shared = read_shared(root)
    _raise_errors(shared.findings)
    project = shared.project
    if project is None:
        raise ConfigError(shared.findings)
    return Catalogue(
        root=root,
        project=connected(project),
        files=files_folder(root, project.connection),
        sources=_values(shared.sources),
        properties=_values(shared.properties),
        metrics=_values(shared.metrics),
        tactics=_values(shared.tactics),
        slugs=experiment_slugs(root),
    )


def load_study(catalogue: Catalogue, slug: str) -> Study:
    """One experiment with every name resolved.

    Raises:
        ConfigError: with every finding about the experiment, when any of them is an error.
        UsageError: when there is no such experiment.
    """
    _require(slug, catalogue.slugs)
    reading = _read_experiment(catalogue.known, catalogue.root, slug)
    _raise_errors(reading.sheet.findings)
    if reading.experiment is None:
        raise ConfigError(reading.sheet.findings)
    experiment = _with_health(reading.experiment, reading.sheet.tree, catalogue.project.health)
    own = {desugar.DATA_SOURCE: reading.source} if reading.source is not None else {}
    study = Study(
        slug=slug,
        project=catalogue.project,
        experiment=experiment,
        sources={**catalogue.sources, **own},
        properties=catalogue.properties,
        segments={},
        metrics={**catalogue.metrics, **experiment.metrics.define},
        tactics=catalogue.tactics,
        config_hash="",
        origins={},
        root=catalogue.root,
        files=catalogue.files,
    )
    return replace(study, config_hash=config_hash(study))


def validate(root: Path, slugs: Sequence[str] = ()) -> list[Finding]:
    """Every finding about the shared files and the experiments (all of them, or those named), sorted.

    Raises:
        UsageError: when a named experiment does not exist.
    """
    every = experiment_slugs(root)
    for slug in slugs:
        _require(slug, every)
    shared = read_shared(root)
    known = shared.known
    readings = {slug: _read_experiment(known, root, slug) for slug in every}
    _check_salts(readings)
    chosen = set(slugs or every)
    own = [finding for slug in every if slug in chosen for finding in readings[slug].sheet.findings]
    return sorted([*shared.findings, *own])


def _values(entries: Mapping[str, Entry[Any]]) -> dict[str, Any]:
    return {name: entry.value for name, entry in entries.items()}


def _require(slug: str, slugs: tuple[str, ...]) -> None:
    if slug not in slugs:
        raise UsageError(f'unknown experiment "{slug}"{nearest(slug, slugs)}')


def _raise_errors(findings: Sequence[Finding]) -> None:
    if any(finding.severity == "error" for finding in findings):
        raise ConfigError(findings)


def _read_experiment(known: Known, root: Path, slug: str) -> _Reading:
    sheet = experiment_sheet(root, slug)
    if not isinstance(sheet.tree, Map):
        return _Reading(sheet, None, None)
    check_name(sheet, (), slug, "experiment's folder", SLUG)
    check_texts(sheet, sheet.tree)
    tree, data = desugar.experiment(sheet, sheet.tree)
    sheet.tree = tree
    source = _read_data(known, sheet, data) if data is not None else None
    experiment: Experiment | None = check(Experiment, tree, sheet)
    if experiment is not None:
        uses_data = desugar.DATA_SOURCE if experiment.assignment.source == desugar.DATA_SOURCE else None
        seen = replace(known, sources={**known.sources, uses_data: source}) if uses_data and data is not None else known
        check_experiment(seen, sheet, slug, experiment)
        check_measures(seen, sheet, experiment)
    return _Reading(sheet, experiment, source)


def _read_data(known: Known, sheet: Sheet, data: Map) -> Source | None:
    """The source that `data:` stands for; what is wrong with it is reported where it was written."""
    inner = Sheet(sheet.path, data, sheet.findings)
    source: Source | None = check(Source, data, inner)
    if source is not None:
        check_one_source(inner, (), desugar.DATA_SOURCE, source)
    if desugar.DATA_SOURCE in known.sources:
        message = f'the project has a source named "{desugar.DATA_SOURCE}", which `data:` would hide; rename that one'
        inner.add("duplicate-name", (), message)
    return source


def _with_health(experiment: Experiment, tree: Any, project: Health) -> Experiment:
    """The experiment whose limits, where it names only some of them, leave the project's others in force."""
    if experiment.health is None:
        return experiment
    merged: dict[str, Any] = {}
    for name in ("srm", "contamination"):
        given = look_up(tree, ("health", name))
        own, base = getattr(experiment.health, name), getattr(project, name)
        changes = {key: getattr(own, key) for key in given} if isinstance(given, Map) else {}
        merged[name] = replace(base, **changes)
    return replace(experiment, health=Health(**merged))


def _check_salts(readings: Mapping[str, _Reading]) -> None:
    """No two experiments draw the same numbers."""
    first: dict[str, str] = {}
    for slug, reading in readings.items():
        salt = look_up(reading.sheet.tree, ("assignment", "salt"))
        if not isinstance(salt, str):
            continue
        if salt in first:
            message = f'salt "{salt[:100]}" is used by {first[salt]} too; give each experiment its own'
            reading.sheet.judge("salt-reused", ("assignment", "salt"), message)
        first.setdefault(salt, slug)
