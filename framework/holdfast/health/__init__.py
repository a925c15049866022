"""Can the result be trusted? Checks of the assignment and of who is counted, and whether the effect lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.health.alike import balance, balance_rows, pre_period, segment_split
from holdfast.health.counts import clusters, contamination, empty, maturity, unlisted
from holdfast.health.exposed import exposure_days
from holdfast.health.followed import excluded, exposure, follow_up
from holdfast.health.lasting import novelty
from holdfast.health.split import batch_split, daily_split, sequential, srm
from holdfast.model.manifest import Batch
from holdfast.model.plan import Plan
from holdfast.model.reading import Reading
from holdfast.model.result import Check

__all__ = ["balance", "balance_rows", "exposure_days", "run"]


def run(plan: Plan, reading: Reading, batches: Sequence[Batch] = ()) -> tuple[Check, ...]:
    """Every check, in the order of the report; `batches` are those of the manifest, where Holdfast assigned."""
    return tuple(check for check in _checks(plan, reading, batches) if check is not None)


def _checks(plan: Plan, reading: Reading, batches: Sequence[Batch]) -> Iterator[Check | None]:
    yield srm(plan, reading)
    yield sequential(plan, reading)
    yield empty(plan, reading)
    yield unlisted(reading)
    yield contamination(plan, reading)
    yield daily_split(plan, reading)
    yield batch_split(plan, reading, batches)
    yield segment_split(plan.study, reading.balance, interim=plan.interim)
    yield balance(plan.study, reading.balance, interim=plan.interim)
    yield pre_period(plan, reading)
    yield clusters(plan, reading)
    yield exposure(plan, reading)
    yield maturity(plan, reading)
    yield follow_up(plan, reading)
    yield excluded(plan, reading)
    yield novelty(plan, reading)
