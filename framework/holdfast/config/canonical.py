"""One text for everything that an experiment resolves to: the design, which may not change once a unit is assigned,
and apart from it what is only shown."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from holdfast.config.rules.measures import references
from holdfast.config.rules.metrics import sources_of
from holdfast.model.experiment import Assignment, CurveSpec, Experiment, MetricPlan, Variant
from holdfast.model.metric import TRIO, Metric, MetricFields
from holdfast.model.project import ChannelSettings, Unit
from holdfast.model.source import Fact, Property, SourceFields, UnitSource
from holdfast.model.study import Study
from holdfast.model.tactic import TacticFields
from holdfast.model.values import Duration, FactRef, MetricRef

_ORDERED = {"variants", "columns", "rules"}
"""Mappings whose order matters: it decides the hash bounds, the columns of a text file, and which rule comes first."""
_COSMETIC: tuple[tuple[type[Any], frozenset[str]], ...] = (
    (Experiment, frozenset({"title", "description", "owner", "tags", "unit_name", "words", "acknowledge"})),
    (MetricPlan, frozenset({"descriptive"})),
    (Variant, frozenset({"title"})),
    (CurveSpec, frozenset({"title"})),
    (MetricFields, frozenset({"title", "description", "owner", "tags", "deprecated"})),
    (TacticFields, frozenset({"title", "description", "media", "stage", "churn_drivers"})),
    (SourceFields, frozenset({"title", "description"})),
    (Fact, frozenset({"title"})),
    (Property, frozenset({"title", "description"})),
)
"""Fields that are only shown: none of them decides who gets what, or moves a number that decides."""
_ELSEWHERE: tuple[tuple[type[Any], frozenset[str]], ...] = (
    # the slug is the id, the lock compares versions itself, and metrics of the experiment's own stand with the others
    (Experiment, frozenset({"id", "version"})),
    (MetricPlan, frozenset({"define"})),
)
_Plain = Callable[[Any], Any]


def canonical(study: Study) -> str:
    """Canonical JSON of the design and of what is only shown: sorted keys, no blanks, decimals as text, no folders."""
    return _text({"design": design_document(study), "cosmetic": cosmetic_document(study)})


def canonical_parts(study: Study) -> tuple[str, str]:
    """Canonical JSON of the design, and of what may still change after the start."""
    return _text(design_document(study)), _text(cosmetic_document(study))


def config_hash(study: Study) -> str:
    """SHA-256 of the design's canonical text, in hexadecimal."""
    return _hash(design_document(study))


def cosmetic_hash(study: Study) -> str:
    """SHA-256 of the canonical text of what is only shown, in hexadecimal."""
    return _hash(cosmetic_document(study))


def design_document(study: Study) -> dict[str, Any]:
    """Everything that may not change once a unit is assigned, as plain nested JSON.

    A salt that no file gives is left out: the lock holds the one that was drawn.
    """
    found: dict[str, Any] = _design(_document(study, _design_metrics(study)))
    return found


def cosmetic_document(study: Study) -> dict[str, Any]:
    """What is only shown, as plain nested JSON: titles, descriptions, owners, and metrics that only describe."""
    deciding = _design_metrics(study)
    describing = {ref.name for _, ref in references(study.experiment.metrics)} - set(deciding)
    shown: dict[str, Any] = _shown(_document(study, deciding)) or {}
    shown["descriptive_metrics"] = {
        name: _everything(study.metrics[name]) for name in sorted(describing) if name in study.metrics
    }
    return shown


def _document(study: Study, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    experiment, project = study.experiment, study.project
    assignment = experiment.assignment
    segments = _used({*experiment.analysis.segments, *assignment.strata}, study.segments)
    tactics = _used((variant.tactic for variant in experiment.variants.values()), study.tactics)
    channels = _used((name for tactic in tactics.values() for name in tactic.channel), project.channels)
    properties = _properties(study, channels, {name for item in segments.values() for name in item})
    groups = [assignment.exclusion_group.name] if assignment.exclusion_group else []
    return {
        "slug": study.slug,
        "experiment": experiment,
        "settings": {
            "timezone": study.timezone,
            "currency": study.currency,
            "health": study.health,
            "confidence": study.confidence,
            "fdr": study.fdr,
            "units": _units(study),
            "channels": channels,
            "holdouts": dict(study.holdouts),
            "exclusion_groups": _used(groups, project.exclusion_groups),
        },
        "metrics": metrics,
        "properties": properties,
        "segments": segments,
        "sources": _sources(study, metrics, properties, channels),
        "tactics": tactics,
    }


def _used(names: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: known[name] for name in sorted(set(names)) if name in known}


def _units(study: Study) -> Mapping[str, Unit]:
    """The unit that Holdfast assigns; none when another system did."""
    assignment, units = study.experiment.assignment, study.project.units
    if not assignment.by_holdfast:
        return {}
    return {name: unit for name, unit in units.items() if assignment.unit in {None, name}}


def _design_metrics(study: Study) -> dict[str, Metric]:
    """Metrics that decide, or that every report shows."""
    plan = study.experiment.metrics
    names = {ref.name for path, ref in references(plan) if path[1] != "descriptive"}
    return _used(names | {name for name in TRIO if name not in plan.trio}, study.metrics)


def _properties(study: Study, channels: Mapping[str, ChannelSettings], in_segments: set[str]) -> dict[str, Property]:
    experiment = study.experiment
    names = set(experiment.audience) | in_segments
    names |= {name for unit in _units(study).values() for name in unit.exclude}
    names |= {item.consent for item in channels.values() if item.consent}
    names |= {*experiment.analysis.covariates, *experiment.analysis.segments, *experiment.assignment.strata}
    names |= {name for name in (experiment.assignment.cluster,) if name}
    return _used(names, study.properties)


def _sources(
    study: Study,
    metrics: Mapping[str, Metric],
    properties: Mapping[str, Property],
    channels: Mapping[str, ChannelSettings],
) -> dict[str, Any]:
    experiment = study.experiment
    facts = [item.fact for item in properties.values()]
    facts += [curve.fact for curve in experiment.metrics.curves]
    facts += [fact for item in channels.values() for fact in (item.sent, item.unsubscribe)]
    facts += [experiment.enroll.at] if experiment.enroll else []
    facts += [] if experiment.population == "assigned" else [experiment.population.exposed]
    names = {fact.source for fact in facts if fact}
    names |= {name for metric in metrics.values() for name in sources_of(metric)}
    names |= {name for name in (experiment.assignment.source,) if name}
    if experiment.assignment.by_holdfast:
        names |= {unit.source for unit in _units(study).values()}
        # a property of the audience may be a column of any unit source that lists it
        names |= {
            name
            for name, source in study.sources.items()
            if isinstance(source, UnitSource) and set(source.properties) & set(experiment.audience)
        }
    return _used(names, study.sources)


def _text(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _hash(document: Any) -> str:
    return hashlib.sha256(_text(document).encode()).hexdigest()


def _named(table: tuple[tuple[type[Any], frozenset[str]], ...], value: Any) -> set[str]:
    return {name for owner, names in table if isinstance(value, owner) for name in names}


def _everything(value: Any) -> Any:
    """The value as JSON has it, with all its fields."""
    if is_dataclass(value) and not isinstance(value, Duration | FactRef | MetricRef):
        return {item.name: _field(item.name, getattr(value, item.name), _everything) for item in fields(value)}
    return _plain(value, _everything)


def _design(value: Any) -> Any:
    """The value as JSON has it, without what is only shown."""
    if is_dataclass(value) and not isinstance(value, Duration | FactRef | MetricRef):
        left_out = _named(_COSMETIC, value) | _named(_ELSEWHERE, value)
        if isinstance(value, Assignment) and value.salt is None:
            left_out.add("salt")
        names = [item.name for item in fields(value) if item.name not in left_out]
        return {name: _field(name, getattr(value, name), _design) for name in names}
    return _plain(value, _design)


def _shown(value: Any) -> Any:
    """What of a value is only shown, as JSON has it; None where there is nothing of the kind."""
    if is_dataclass(value):
        cosmetic, elsewhere = _named(_COSMETIC, value), _named(_ELSEWHERE, value)
        found = {
            item.name: _everything(getattr(value, item.name))
            if item.name in cosmetic
            else _shown(getattr(value, item.name))
            for item in fields(value)
            if item.name not in elsewhere
        }
    elif isinstance(value, Mapping):
        found = {str(key): _shown(item) for key, item in value.items()}
    elif isinstance(value, tuple):
        found = {str(index): _shown(item) for index, item in enumerate(value)}
    else:
        return None
    return {name: item for name, item in found.items() if item is not None} or None


def _plain(value: Any, inner: _Plain) -> Any:
    if isinstance(value, Duration | FactRef | MetricRef | dt.date):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): inner(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [inner(item) for item in value]
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _field(name: str, value: Any, inner: _Plain) -> Any:
    if name in _ORDERED and isinstance(value, Mapping):
        return [[str(key), inner(item)] for key, item in value.items()]
    return inner(value)
