"""One text for everything that an experiment resolves to and that can move its numbers."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from holdfast.config.rules.measures import references
from holdfast.config.rules.metrics import sources_of
from holdfast.model.metric import TRIO, Metric
from holdfast.model.project import Unit
from holdfast.model.source import UnitSource
from holdfast.model.study import Study
from holdfast.model.values import Duration, FactRef, MetricRef

_ORDERED = {"variants", "columns", "rules"}
"""Mappings whose order matters: it decides the hash bounds, the columns of a text file, and which rule comes first."""


def canonical(study: Study) -> str:
    """Canonical JSON of what the experiment uses: sorted keys, no blanks, decimals as text, no folders."""
    metrics = _metrics(study)
    properties = _properties(study)
    sources = _sources(study, metrics, properties)
    tactics = {variant.tactic for variant in study.experiment.variants.values()} & set(study.tactics)
    channels = {channel for name in tactics for channel in study.tactics[name].channel}
    document = {
        "slug": study.slug,
        "experiment": study.experiment,
        "settings": {
            "timezone": study.timezone,
            "currency": study.currency,
            "health": study.health,
            "confidence": study.confidence,
            "fdr": study.fdr,
            "units": _units(study),
            "channels": {name: item for name, item in study.project.channels.items() if name in channels},
        },
        "metrics": metrics,
        "properties": {name: study.properties[name] for name in properties},
        "sources": {name: study.sources[name] for name in sources},
        "tactics": {name: study.tactics[name] for name in tactics},
    }
    return json.dumps(_plain(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def config_hash(study: Study) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(study).encode()).hexdigest()


def _units(study: Study) -> Mapping[str, Unit]:
    """The unit that Holdfast assigns; none when another system did."""
    assignment, units = study.experiment.assignment, study.project.units
    if assignment.method == "external":
        return {}
    return {name: unit for name, unit in units.items() if assignment.unit in {None, name}}


def _metrics(study: Study) -> dict[str, Metric]:
    plan = study.experiment.metrics
    names = {ref.name for _, ref in references(plan)} | set(plan.define)
    names |= {name for name in TRIO if name not in plan.trio}
    return {name: study.metrics[name] for name in sorted(names) if name in study.metrics}


def _properties(study: Study) -> set[str]:
    names = set(study.experiment.audience)
    names |= {name for unit in _units(study).values() for name in unit.exclude}
    names |= {item.consent for item in study.project.channels.values() if item.consent}
    return names & set(study.properties)


def _sources(study: Study, metrics: Mapping[str, Metric], properties: set[str]) -> set[str]:
    experiment = study.experiment
    names = {name for metric in metrics.values() for name in sources_of(metric)}
    names |= {study.properties[name].fact.source for name in properties}
    names |= {curve.fact.source for curve in experiment.metrics.curves if curve.fact}
    names |= {name for name in (experiment.assignment.source,) if name}
    if experiment.enroll and experiment.enroll.at:
        names.add(experiment.enroll.at.source)
    if experiment.assignment.method == "hash":
        names |= {unit.source for unit in _units(study).values()}
        # a property of the audience may be a column of any unit source that lists it
        names |= {
            name
            for name, source in study.sources.items()
            if isinstance(source, UnitSource) and set(source.properties) & set(experiment.audience)
        }
    return names & set(study.sources)


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, Duration | FactRef | MetricRef | dt.date):
        return str(value)
    if is_dataclass(value):
        return {item.name: _field(item.name, getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _field(name: str, value: Any) -> Any:
    if name in _ORDERED and isinstance(value, Mapping):
        return [[str(key), _plain(item)] for key, item in value.items()]
    return _plain(value)
