"""What one experiment asks of the sources that it reads: for metrics, for its audience, and for its assignment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from holdfast.config.catalogue import Catalogue
from holdfast.config.experiments import Reading
from holdfast.config.explain import used_metrics
from holdfast.config.gathered import Asked, Gathered, Written, spot
from holdfast.config.marks import Path
from holdfast.model.demand import Assigned, Join, Place
from holdfast.model.metric import Churn, Clv, Column, CountDistinct, Funnel, Last, Quantile, Ratio, Sum, Survival
from holdfast.model.predicate import Predicate
from holdfast.model.source import EventSource, Property, UnitSource
from holdfast.model.study import Study
from holdfast.model.values import FactRef

_SUMMED = (Sum, Last, Clv)
_SUMMED_PROPERTIES = ("sum", "average", "rfm")


class Asking:
    """Goes through one experiment."""

    def __init__(self, gathered: Gathered, catalogue: Catalogue, study: Study, reading: Reading) -> None:
        self._gathered, self._catalogue, self._study, self._reading = gathered, catalogue, study, reading
        self._properties: set[str] = set()
        assignment, units = study.experiment.assignment, study.project.units
        self._unit = assignment.unit or next(iter(units), "unit")
        by_holdfast = assignment.by_holdfast
        self._base = self._source(units[self._unit].source if by_holdfast else assignment.source or "")

    def everything(self) -> None:
        """Ask for all that this experiment reads."""
        study = self._study
        if study.experiment.assignment.by_holdfast:
            self._by_holdfast()
        else:
            self._elsewhere()
        for name in used_metrics(study):
            self._metric(name)
        for curve in study.experiment.metrics.curves:
            if curve.fact:
                self._fact(curve.fact)
        population = study.experiment.population
        if population != "assigned":
            self._fact(population.exposed)

    def _source(self, name: str) -> Asked:
        return self._gathered.source(self._study, self._reading, name)

    def _spot(self, *path: str | int) -> Place:
        """Where a part of the experiment stands."""
        return self._own(*path).spot()

    def _own(self, *path: str | int) -> Written:
        """A part of the experiment, in its own file or in what it inherits."""
        assert self._reading.resolved is not None
        return Written(self._reading.resolved.tree, self._reading.sheet.path, path)

    def _settings(self, *path: str | int) -> Place:
        """Where a part of the project's file stands."""
        sheet = self._catalogue.shared.sheets[0]
        return spot(sheet.tree, sheet.path, path)

    # who takes part

    def _by_holdfast(self) -> None:
        """The units, and what decides which of them take part."""
        study, base = self._study, self._base
        base.units = True
        key = self._key(base)
        if key:
            base.need(key, "id", f"the id of a {self._unit}", base.spot("keys", self._key_name(base)))
        if isinstance(base.source, UnitSource):
            for column, condition in study.project.units[self._unit].exclude.items():
                where = self._settings("units", self._unit, "exclude", column)
                base.need(column, "any", f"units.{self._unit}.exclude", where, condition=condition)
        self._conditions("audience", study.experiment.audience, self._own("audience"))
        for name in self._channels():
            channel = study.project.channels[name]
            if channel.consent:
                self._property(channel.consent, f"consent of {name}", self._settings("channels", name, "consent"))
            if channel.cap and channel.sent:
                self._fact(channel.sent)
        for path, name in self._named():
            self._property(name, path[-2] if isinstance(path[-1], int) else str(path[-1]), self._spot(*path))
        if study.experiment.enroll and study.experiment.enroll.at:
            self._fact(study.experiment.enroll.at)

    def _channels(self) -> list[str]:
        """The channels of the tactics, as far as the project sets them up."""
        names = [name for tactic in self._study.variant_tactics.values() for name in tactic.channel]
        return [name for name in dict.fromkeys(names) if name in self._study.project.channels]

    def _named(self) -> Iterator[tuple[Any, str]]:
        """Properties and segments that the assignment and the analysis name."""
        experiment = self._study.experiment
        assignment, analysis = experiment.assignment, experiment.analysis
        yield from ((("assignment", "strata", index), name) for index, name in enumerate(assignment.strata))
        if assignment.cluster:
            yield ("assignment", "cluster"), assignment.cluster
        if assignment.rerandomise:
            for index, name in enumerate(assignment.rerandomise.on):
                yield ("assignment", "rerandomise", "on", index), name
        yield from ((("analysis", "segments", index), name) for index, name in enumerate(analysis.segments))
        yield from ((("analysis", "covariates", index), name) for index, name in enumerate(analysis.covariates))

    def _conditions(self, what: str, conditions: Predicate, written: Written) -> None:
        for name, condition in conditions.items():
            if name in self._study.properties:
                self._derived(name)
            elif isinstance(self._base.source, UnitSource):
                self._base.need(name, "any", what, written.spot(name), condition=condition)

    def _property(self, name: Any, what: Any, where: Place) -> None:
        """A property or a segment by its name."""
        if name in self._study.segments:
            written = Written.entry(self._catalogue.shared.segments[name])
            self._conditions(f"segment {name}", self._study.segments[name], written)
        elif name in self._study.properties:
            self._derived(name)
        elif isinstance(self._base.source, UnitSource):
            self._base.need(name, "any", str(what), where)

    def _derived(self, name: str) -> None:
        """A property that is computed from facts, or from a date of the unit."""
        if name in self._properties:
            return
        self._properties.add(name)
        item: Property = self._study.properties[name]
        written = Written.entry(self._catalogue.shared.properties[name])
        what = f"property {name}"
        if item.of in self._study.properties and item.of is not None:
            self._derived(item.of)
        if item.fact is not None:
            self._fact(item.fact, what if item.operation in _SUMMED_PROPERTIES else None)
            self._where(item.fact.source, what, item.where, written)
        elif item.column is not None and isinstance(self._base.source, UnitSource):
            self._base.need(item.column, "time", what, written.spot("column"))

    # who got what, where another system assigned

    def _elsewhere(self) -> None:
        study, base = self._study, self._base
        assignment = study.experiment.assignment
        for word, use in (("variant", "any"), ("batch", "any"), ("assigned_at", "time")):
            column = getattr(assignment, word)
            if column:
                base.need(column, use, word, self._spot("assignment", word))  # type: ignore[arg-type]
        for variant, rule in assignment.rules.items():
            for column, condition in rule.items():
                where = self._spot("assignment", "rules", variant, column)
                base.need(column, "any", f"rule of {variant}", where, condition=condition)
        elsewhere = {
            name
            for source in study.sources.values()
            if isinstance(source, UnitSource) and source is not base.source
            for name in source.properties
        }
        for path, name in self._named():
            if name not in {*study.segments, *study.properties, *elsewhere}:
                base.need(name, "any", str(path[1]), self._spot(*path))
        base.assigned.append(self._assigned())

    def _assigned(self) -> Assigned:
        assignment, variants = self._study.experiment.assignment, self._study.experiment.variants
        labels = [(label, self._spot("assignment", "labels", label)) for label in assignment.labels]
        named = set(assignment.labels.values())
        labels += [
            (key, self._spot("variants", key))
            for key, variant in variants.items()
            if key not in named and variant.weight and not assignment.rules
        ]
        word = "variant" if assignment.variant else "rules"
        measured = [part for name in used_metrics(self._study) for _, part in _parts(self._study.metrics[name])]
        own = any(isinstance(part, Column) and part.source in (None, self._base.name) for part in measured)
        return Assigned(
            study=self._study, variant=self._spot("assignment", word), labels=tuple(labels), has_outcomes=own
        )

    # what is measured

    def _metric(self, name: str) -> None:
        metric = self._study.metrics[name]
        if name in self._study.experiment.metrics.define:
            written = self._own("metrics", "define", name)
        else:
            written = Written.entry(self._catalogue.shared.metrics[name])
        for inner, part in _parts(metric):
            self._part(f"metric {name}", part, written.inside(inner))

    def _part(self, what: str, part: Any, written: Written) -> None:
        conditions: Mapping[str, Any] = getattr(part, "where", {})
        match part:
            case Column():
                source = self._source(part.source) if part.source else self._base
                settled = part.nulls != "error"
                source.need(part.column, "number", what, written.spot("column"), may_be_empty=settled)
            case Churn(cancelled=str() as name) | Survival(ended=str() as name):
                self._joined(self._source(name))
                self._where(name, what, conditions, written)
            case _:
                self._fact(part.fact, what if isinstance(part, _SUMMED) else None)
                self._where(part.fact.source, what, conditions, written)
                if isinstance(part, CountDistinct):
                    self._source(part.fact.source).need(part.property, "any", what, written.spot("property"))

    def _fact(self, fact: FactRef, summed_by: str | None = None) -> None:
        """A fact of a source, whose key then has to fit that of the units; summed ones are numbers."""
        asked = self._source(fact.source)
        self._joined(asked)
        assert isinstance(asked.source, EventSource)
        column = asked.source.facts[fact.fact].column
        if column and summed_by:
            place = asked.spot("facts", fact.fact, "column")
            asked.need(column, "number", f"fact {fact.fact}, summed by {summed_by}", place)

    def _where(self, name: str, what: str, conditions: Predicate, written: Written) -> None:
        for column, condition in conditions.items():
            place = written.spot("where", column)
            self._source(name).need(column, "any", f"{what}, where", place, condition=condition)

    def _joined(self, asked: Asked) -> None:
        """Remember that a source is joined to the units."""
        column, key = self._key(asked), self._key(self._base)
        if asked is not self._base and column and key:
            place = asked.spot("keys", self._key_name(asked))
            asked.joins[Join(column=column, source=self._base.label, key=key, place=place)] = None

    def _key(self, asked: Asked) -> str | None:
        """The column of a source that identifies the unit; None where each row is one, or nothing fits."""
        keys = asked.source.keys
        return keys.get(self._unit) or (next(iter(keys.values())) if len(keys) == 1 else None)

    def _key_name(self, asked: Asked) -> str:
        return self._unit if self._unit in asked.source.keys else next(iter(asked.source.keys))


def _parts(metric: Any) -> Iterator[tuple[Path, Any]]:
    """The operations that a metric is made of, each with the way to it."""
    match metric:
        case Ratio():
            yield ("numerator",), metric.numerator
            yield ("denominator",), metric.denominator
        case Quantile():
            yield ("of",), metric.of
        case Funnel():
            yield from ((("steps", index), step) for index, step in enumerate(metric.steps))
        case _:
            yield (), metric
