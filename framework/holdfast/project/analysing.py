"""From an open engine and a plan to a whole analysis: read, check, estimate, decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from threading import Thread
from typing import Any

from holdfast import warehouse
from holdfast.model.manifest import Manifest
from holdfast.model.plan import Plan
from holdfast.model.reading import Statement
from holdfast.model.result import Analysis
from holdfast.project.started import Started


@dataclass(frozen=True, slots=True)
class Analysed:
    """An analysis with what it came from."""

    analysis: Analysis
    statements: tuple[Statement, ...]
    """Every statement that ran."""
    answers: Mapping[str, bytes]
    """What the engine answered, as files by name."""


def analysed(
    engine: warehouse.Engine, plan: Plan, units: Any | None, begun: Started, manifest: Manifest | None
) -> Analysed:
    """The analysis of a plan; `units` are the manifest's, where there is one.

    Raises:
        DataError: the data do not fit the plan.
    """
    # Engines leave Python's one thread free while they read.
    Thread(target=_load_the_rest, daemon=True).start()
    reading = warehouse.read(engine, plan, units, partial(_places, plan.confidence))
    from holdfast import decide, estimate, health, report
    from holdfast.project.document import assemble

    checks = health.run(plan, reading, manifest.batches if manifest else ())
    results = estimate.run(plan, reading)
    verdict = decide.judge(plan, results.estimates, checks, results.alarms, results.pays)
    analysis = assemble(plan, reading, checks=checks, results=results, verdict=verdict, manifest=manifest, begun=begun)
    answers = report.answers(estimate.moment_rows(plan, reading), estimate.curve_rows(plan, reading))
    return Analysed(analysis, reading.statements, answers)


def _load_the_rest() -> None:
    """Import what follows the reading: statistics, and what figures are drawn with."""
    import_module("holdfast.project.document")
    import_module("holdfast.report").load_drawing()


def _places(confidence: float, n: int, q: float) -> tuple[int, int, int] | None:
    from holdfast import estimate

    return estimate.places(confidence, n, q)
