"""From an open engine and a plan to a whole analysis: read, check, estimate, decide."""

from __future__ import annotations

from functools import partial
from threading import Thread
from typing import Any

from holdfast import decide, estimate, health, report, warehouse
from holdfast.model.manifest import Manifest
from holdfast.model.plan import Plan
from holdfast.model.reading import Statement
from holdfast.model.result import Analysis
from holdfast.project.document import assemble
from holdfast.project.started import Started


def analysed(
    engine: warehouse.Engine, plan: Plan, units: Any | None, begun: Started, manifest: Manifest | None
) -> tuple[Analysis, tuple[Statement, ...]]:
    """The analysis of a plan, and every statement that ran; `units` are the manifest's, where there is one.

    Raises:
        DataError: the data do not fit the plan.
    """
    # Engines leave Python's one thread free while they read.
    Thread(target=report.load_drawing, daemon=True).start()
    reading = warehouse.read(engine, plan, units, partial(estimate.places, plan.confidence))
    checks = health.run(plan, reading, manifest.batches if manifest else ())
    results = estimate.run(plan, reading)
    verdict = decide.judge(plan, results.estimates, checks, results.alarms)
    analysis = assemble(plan, reading, checks=checks, results=results, verdict=verdict, manifest=manifest, begun=begun)
    return analysis, reading.statements
