"""From a project's folder to a catalogue of everything shared, and from there to one experiment's study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from holdfast.config.canonical import config_hash, cosmetic_hash
from holdfast.config.desugar import DATA_SOURCE
from holdfast.config.environment import connected, files_folder
from holdfast.config.experiments import Reading, Surroundings, read_experiment
from holdfast.config.files import experiment_slugs
from holdfast.config.offers import OfferWindow
from holdfast.config.origins import origins
from holdfast.config.rules.across import check_across
from holdfast.config.rules.known import Known
from holdfast.config.shared import Entry, Shared, read_shared
from holdfast.config.templates import Template
from holdfast.errors import ConfigError, Finding, UsageError, nearest
from holdfast.model.metric import Metric
from holdfast.model.predicate import Predicate
from holdfast.model.project import Project
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
    segments: Mapping[str, Predicate]
    metrics: Mapping[str, Metric]
    """Every metric. Those in `offers` are as if the offer ended at assignment; a study holds them in their place."""
    offers: Mapping[str, OfferWindow]
    """Metrics whose window opens when the tactic's offer ends."""
    tactics: Mapping[str, Tactic]
    templates: Mapping[str, Template]
    slugs: tuple[str, ...]
    """The experiments, sorted."""
    shared: Shared = field(repr=False, compare=False)
    """The files that all this was read from, with the place of every value."""

    @property
    def known(self) -> Known:
        """Every name that an experiment can refer to."""
        return self.surroundings.known

    @cached_property
    def surroundings(self) -> Surroundings:
        """What an experiment is read against."""
        return _surroundings(self.root, self.shared)


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
        segments=_values(shared.segments),
        metrics=_values(shared.metrics),
        offers=shared.offers,
        tactics=_values(shared.tactics),
        templates=_values(shared.templates),
        slugs=experiment_slugs(root),
        shared=shared,
    )


def load_study(catalogue: Catalogue, slug: str) -> Study:
    """One experiment with every name resolved.

    Raises:
        ConfigError: with every finding about the experiment, when any of them is an error.
        UsageError: when there is no such experiment.
    """
    _require(slug, catalogue.slugs)
    return study_of(catalogue, slug, read_whole(catalogue, slug))


def load_plain_study(catalogue: Catalogue, slug: str) -> Study:
    """One experiment with every name resolved, quickly: without hashes and without where its values came from.

    Raises:
        ConfigError: with every finding about the experiment, when any of them is an error.
        UsageError: when there is no such experiment.
    """
    _require(slug, catalogue.slugs)
    return _study(catalogue, slug, read_whole(catalogue, slug))


def read_whole(catalogue: Catalogue, slug: str) -> Reading:
    """One experiment's file without errors.

    Raises:
        ConfigError: with every finding about the experiment, when any of them is an error.
        UsageError: when there is no such experiment.
    """
    _require(slug, catalogue.slugs)
    reading = read_experiment(catalogue.surroundings, slug)
    _raise_errors(reading.sheet.findings)
    if reading.experiment is None or reading.resolved is None:
        raise ConfigError(reading.sheet.findings)
    return reading


def study_of(catalogue: Catalogue, slug: str, reading: Reading) -> Study:
    """The study of an experiment that was read without errors."""
    study = _study(catalogue, slug, reading)
    assert reading.resolved is not None
    return replace(
        study,
        config_hash=config_hash(study),
        cosmetic_hash=cosmetic_hash(study),
        origins=origins(study.experiment, reading.resolved),
    )


def _study(catalogue: Catalogue, slug: str, reading: Reading) -> Study:
    experiment = reading.experiment
    if experiment is None or reading.resolved is None:
        raise ConfigError(reading.sheet.findings)
    own = {DATA_SOURCE: reading.source} if reading.source is not None else {}
    # a metric that follows an offer means nothing where no offer ends
    metrics = {name: metric for name, metric in catalogue.metrics.items() if name not in catalogue.offers}
    metrics |= _present(reading.metrics)
    return Study(
        slug=slug,
        project=catalogue.project,
        experiment=experiment,
        template=reading.resolved.template,
        sources={**catalogue.sources, **own},
        properties=catalogue.properties,
        segments=catalogue.segments,
        metrics={**metrics, **experiment.metrics.define},
        tactics={**catalogue.tactics, **_present(reading.tactics)},
        config_hash="",
        cosmetic_hash="",
        origins={},
        root=catalogue.root,
        files=catalogue.files,
    )


def validate(root: Path, slugs: Sequence[str] = ()) -> list[Finding]:
    """Every finding about the shared files and the experiments (all of them, or those named), sorted.

    Raises:
        UsageError: when a named experiment does not exist.
    """
    every = experiment_slugs(root)
    for slug in slugs:
        _require(slug, every)
    shared = read_shared(root)
    around = _surroundings(root, shared)
    readings = {slug: read_experiment(around, slug) for slug in every}
    check_across((slug, reading.sheet, reading.experiment) for slug, reading in readings.items())
    chosen = set(slugs or every)
    own = [finding for slug in every if slug in chosen for finding in readings[slug].sheet.findings]
    # what is wrong with an inherited value is found once for every experiment that inherits it
    return sorted({*shared.findings, *own})


def _surroundings(root: Path, shared: Shared) -> Surroundings:
    return Surroundings(root, shared.known, shared.layers, shared.offers)


def _present(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if value is not None}


def _values(entries: Mapping[str, Entry[Any]]) -> dict[str, Any]:
    return {name: entry.value for name, entry in entries.items()}


def _require(slug: str, slugs: tuple[str, ...]) -> None:
    if slug not in slugs:
        raise UsageError(f'unknown experiment "{slug}"{nearest(slug, slugs)}')


def _raise_errors(findings: Sequence[Finding]) -> None:
    if any(finding.severity == "error" for finding in findings):
        raise ConfigError(findings)
