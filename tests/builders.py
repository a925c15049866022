"""Studies from plain long-form mappings, for tests that need no YAML."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from holdfast.model.experiment import Experiment
from holdfast.model.metric import Metric
from holdfast.model.project import Project
from holdfast.model.reading import Cell, Moments, Reading
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
        segments={},
        origins={},
        metrics=_METRICS.validate_python(metrics),
        tactics=_TACTICS.validate_python(tactics or {}),
        config_hash="0" * 64,
        root=root,
        files=root,
    )


def outcomes(
    metrics: Mapping[str, Mapping[str, Any]],
    plan: Mapping[str, Any],
    *,
    variants: Sequence[str] = ("treated",),
    weights: Mapping[str, int] | None = None,
    project: Mapping[str, Any] | None = None,
    **experiment: Any,
) -> Study:
    """A finished experiment whose metrics are columns: no windows, so that everything is computed at once."""
    return study(
        Path("/nowhere"),
        sources={"people": {"grain": "unit", "path": "people.csv", "row": True}},
        metrics={
            name: metric if "operation" in metric else {"operation": "column", "column": name, **metric}
            for name, metric in metrics.items()
        },
        project=project,
        experiment={
            "assignment": {"method": "external", "source": "people", "variant": "variant"},
            "variants": {
                key: {"weight": weight, "tactic": "nothing", "is_control": key == "control"}
                for key, weight in (weights or dict.fromkeys(("control", *variants), 1)).items()
            },
            "metrics": plan,
            **experiment,
        },
    )


def share_cell(metric: str, variant: str, successes: int, n: int, *, mature: int | None = None) -> Cell:
    """A cell of zeros and ones."""
    sums = Moments.from_sums(n, (successes,), {(0, 0): successes}, (0,))
    return Cell(
        metric=metric,
        variant=variant,
        mature=n if mature is None else mature,
        excluded=0,
        moments=sums,
        active=successes,
        binary=True,
    )


def number_cell(metric: str, variant: str, values: Sequence[float]) -> Cell:
    """A cell of numbers, one a unit."""
    n = len(values)
    mean = statistics.fmean(values) if n else 0.0
    variance = statistics.variance(values) if n > 1 else 0.0
    return Cell(
        metric=metric,
        variant=variant,
        mature=n,
        excluded=0,
        moments=Moments(n, (mean,), ((variance,),)),
        active=sum(value > 0 for value in values),
        binary=all(value in (0, 1) for value in values),
    )


def ratio_cell(metric: str, variant: str, pairs: Sequence[tuple[int, int]]) -> Cell:
    """A cell of numerators and denominators, one pair a unit."""
    x, y = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    products = {
        (0, 0): sum(a * a for a in x),
        (0, 1): sum(a * b for a, b in pairs),
        (1, 1): sum(b * b for b in y),
    }
    moments = Moments.from_sums(len(pairs), (sum(x), sum(y)), products, (0, 0))
    active = sum(value > 0 for value in y)
    return Cell(metric=metric, variant=variant, mature=len(pairs), excluded=0, moments=moments, active=active)


def reading(cells: Sequence[Cell] = (), **changes: Any) -> Reading:
    """What an engine would have read; units of each variant are the largest number of mature ones."""
    assigned: dict[str, int] = {}
    for cell in cells:
        assigned[cell.variant] = max(assigned.get(cell.variant, 0), cell.mature)
    fields: dict[str, Any] = {
        "assigned": assigned,
        "unlisted": {},
        "crossovers": 0,
        "duplicates": 0,
        "by_day": {},
        "cells": {(cell.metric, cell.variant): cell for cell in cells},
        "caps": {},
        "statements": (),
        "engine": "none",
    }
    return Reading(**{**fields, **changes})
