"""A study: an experiment with every name resolved. All that the files say, and where each value came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.model.experiment import Experiment
from holdfast.model.metric import Metric
from holdfast.model.predicate import Predicate
from holdfast.model.project import Health, Holdout, Project
from holdfast.model.source import Property, Source
from holdfast.model.tactic import Tactic
from holdfast.model.values import Duration, Share


@dataclass(frozen=True, kw_only=True)
class Study:
    """One experiment and everything that it refers to."""

    slug: str
    """The folder's name: the experiment's id."""
    project: Project
    experiment: Experiment
    sources: Mapping[str, Source]
    """Every source of the project, by name."""
    properties: Mapping[str, Property]
    """Every derived property, by name."""
    segments: Mapping[str, Predicate]
    """Every named segment, by name."""
    metrics: Mapping[str, Metric]
    """Every metric by name: the project's, and those that the experiment defines for itself."""
    tactics: Mapping[str, Tactic]
    """Every tactic of the project, by name."""
    config_hash: str
    """SHA-256 of the design, in canonical form: everything that must not change once a unit is assigned."""
    cosmetic_hash: str = ""
    """SHA-256 of titles, descriptions, descriptive metrics and the like, which may still change."""
    template: str | None = None
    """The template that it extends."""
    origins: Mapping[str, str]
    """Where each resolved value of the experiment came from: dotted path to file:line, or `default`."""
    root: Path
    """The project's folder."""
    files: Path | None
    """The folder that sources given by path lie in; None when the variable that names it is not set."""

    @property
    def timezone(self) -> str:
        return self.experiment.timezone or self.project.timezone

    @property
    def currency(self) -> str:
        return self.experiment.currency or self.project.currency

    @property
    def health(self) -> Health:
        return self.experiment.health or self.project.health

    @property
    def confidence(self) -> Share:
        return self.experiment.analysis.confidence or self.project.defaults.confidence

    @property
    def fdr(self) -> Share:
        return self.experiment.analysis.fdr or self.project.defaults.fdr

    @property
    def variant_tactics(self) -> Mapping[str, Tactic]:
        """Variant to its tactic, for the variants that have one of the project's."""
        variants = self.experiment.variants.items()
        return {key: self.tactics[variant.tactic] for key, variant in variants if variant.tactic in self.tactics}

    @property
    def consents(self) -> tuple[str, ...]:
        """Consent of every channel that a variant's tactic uses: it joins the audience of all variants alike."""
        names = (name for tactic in self.variant_tactics.values() for name in tactic.channel)
        channels = [self.project.channels.get(name) for name in names]
        return tuple(dict.fromkeys(item.consent for item in channels if item and item.consent))

    @property
    def holdouts(self) -> Mapping[str, Holdout]:
        """The holdouts whose customers stay out, by name; none where another system assigned."""
        assignment = self.experiment.assignment
        names = assignment.holdout if assignment.holdout is not None else self.project.defaults.holdout
        known = self.project.holdouts
        return {name: known[name] for name in names if name in known} if assignment.by_holdfast else {}

    def freshness(self, sources: Iterable[str]) -> Duration:
        """The longest time that facts of any of these sources take to arrive; 0 for none."""
        return max((self.sources[name].freshness for name in sources), default=Duration(0))

    @property
    def title(self) -> str:
        return self.experiment.title or self.slug
