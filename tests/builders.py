"""Studies from plain long-form mappings, for tests that need no YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from holdfast.model.experiment import Experiment
from holdfast.model.metric import Metric
from holdfast.model.project import Project
from holdfast.model.source import Property, Source
from holdfast.model.study import Study
from holdfast.model.tactic import Tactic

_EXPERIMENT = TypeAdapter(Experiment)
_PROJECT = TypeAdapter(Project)
_SOURCES: TypeAdapter[Any] = TypeAdapter(Mapping[str, Source])
_METRICS: TypeAdapter[Any] = TypeAdapter(Mapping[str, Metric])
_PROPERTIES: TypeAdapter[Any] = TypeAdapter(Mapping[str, Property])
_TACTICS: TypeAdapter[Any] = TypeAdapter(Mapping[str, Tactic])

CONTROL_AND_TREATED = {
    "control": {"weight": 1, "is_control": True, "tactic": "nothing"},
    "treated": {"weight": 1, "tactic": "same_as_today"},
}


def study(
    root: Path,
    *,
    sources: Mapping[str, Any],
    metrics: Mapping[str, Any],
    experiment: Mapping[str, Any],
    properties: Mapping[str, Any] | None = None,
    project: Mapping[str, Any] | None = None,
    tactics: Mapping[str, Any] | None = None,
    slug: str = "trial",
) -> Study:
    """A study whose files lie in a folder."""
    head = {"schema_version": 1, "project": "test", "timezone": "UTC", "currency": "USD"}
    body = {"owner": "a@example.com", "hypothesis": "h", "variants": CONTROL_AND_TREATED}
    return Study(
        slug=slug,
        project=_PROJECT.validate_python({**head, **(project or {})}),
        experiment=_EXPERIMENT.validate_python({**body, **experiment}),
        sources=_SOURCES.validate_python(sources),
        properties=_PROPERTIES.validate_python(properties or {}),
        metrics=_METRICS.validate_python(metrics),
        tactics=_TACTICS.validate_python(tactics or {}),
        config_hash="0" * 64,
        root=root,
        files=root,
    )
