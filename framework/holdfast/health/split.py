"""Checks of the split between variants: as planned, at every look, on every day and in every send."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from holdfast import stats
from holdfast.model.manifest import Batch
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import BatchCounts, Reading
from holdfast.model.result import Check, CheckStatus


def status_of(p: float, *, block: float, note: float, interim: bool) -> CheckStatus:
    """How a p-value reads that is right for one look.

    Before the readout such a p-value is looked at again and again, and falls below any limit far too often: it never
    blocks, and is noted only below the limit that would.
    """
    if interim:
        return "note" if p < block else "ok"
    return "block" if p < block else "note" if p < note else "ok"


def _weights(plan: Plan) -> list[float]:
    return [variant.weight for variant in plan.study.experiment.variants.values()]


def _counts(plan: Plan, found: Mapping[str, int]) -> list[int]:
    """Units in the order of the variants."""
    return [found.get(key, 0) for key in plan.study.experiment.variants]


def srm(plan: Plan, reading: Reading) -> Check:
    """Sample ratio mismatch: whether the split over all variants is the planned one, for one look at the readout."""
    variants, limits = plan.study.experiment.variants, plan.study.health.srm
    test = stats.srm(_counts(plan, reading.drawn), _weights(plan))
    if isinstance(test, NotEstimable):
        return Check(id="srm", status="not_applicable", details={"reason": test.reason})
    status = status_of(test.p, block=limits.block, note=limits.note, interim=plan.interim)
    if math.isinf(test.statistic):
        # No number of looks makes a unit where nobody may be a matter of chance.
        status = "block"
    details: dict[str, str | float] = {"method": test.method}
    details |= {f"expected_{key}": value for key, value in zip(variants, test.expected, strict=True)}
    details |= {"block": limits.block, "note": limits.note, "early": "yes" if plan.interim else ""}
    limit = limits.note if status in {"ok", "note"} and not plan.interim else limits.block
    return Check(id="srm", status=status, value=test.p, limit=limit, details=details)


def sequential(plan: Plan, reading: Reading) -> Check:
    """Whether the split was as planned at every look: a test that may be read every day.

    Before the readout all units are one look where the data carry no dates: the test holds at any. After it there was
    one planned look, and that is the other test's.
    """
    limits = plan.study.health.srm
    days = sorted(reading.drawn_by_day)
    if len(days) < 2 and not plan.interim:
        return Check(id="srm_sequential", status="not_applicable", details={"reason": "one_look"})
    looks = [_counts(plan, reading.drawn_by_day[day]) for day in days] or [_counts(plan, reading.drawn)]
    test = stats.sequential_split(looks, _weights(plan))
    if isinstance(test, NotEstimable):
        return Check(id="srm_sequential", status="not_applicable", details={"reason": test.reason})
    p = test.p[-1]
    status = status_of(p, block=limits.block, note=limits.note, interim=False)
    limit = limits.block if status == "block" else limits.note
    crossed = test.first_below(limit)
    details: dict[str, str | float] = {
        "looks": float(len(looks)),
        "day": days[crossed].isoformat() if days and crossed is not None else "",
        "block": limits.block,
        "note": limits.note,
    }
    return Check(id="srm_sequential", status=status, value=p, limit=limit, details=details)


def daily_split(plan: Plan, reading: Reading) -> Check:
    """Whether the split held on every day: the smallest p over days, times their number."""
    weights = _weights(plan)
    tests = {
        day: stats.srm(_counts(plan, counts), weights)
        for day, counts in reading.drawn_by_day.items()
        if sum(counts.values())
    }
    values = {day: test.p for day, test in tests.items() if isinstance(test, stats.SrmTest)}
    if len(values) < 2:
        return Check(id="daily_split", status="not_applicable")
    worst = min(values, key=lambda day: values[day])
    p = min(1.0, values[worst] * len(values))
    note = plan.study.health.srm.note
    return Check(
        id="daily_split",
        status="note" if p < note else "ok",
        value=p,
        limit=note,
        details={"day": worst.isoformat(), "days": float(len(values))},
    )


def batch_split(plan: Plan, reading: Reading, batches: Sequence[Batch]) -> Check | None:
    """Whether every send or batch was split alike; a batch that was not makes the variants hold different batches.

    None where everybody was assigned at once, as far as anybody says.
    """
    parts = _of_manifest(plan, batches) or reading.by_batch
    if reading.clusters:
        return None  # a batch counts customers, who follow the draw of their cluster
    if len(parts) < 2 and not plan.study.experiment.assignment.batch:
        return None
    test = stats.homogeneity([_counts(plan, part.counts) for part in parts])
    if isinstance(test, NotEstimable):
        return Check(id="batch_split", status="not_applicable", details={"reason": test.reason})
    limits = plan.study.health.srm
    status = status_of(test.p, block=limits.block, note=limits.note, interim=plan.interim)
    return Check(
        id="batch_split",
        status=status,
        value=test.p,
        limit=limits.note if status != "block" else limits.block,
        details={
            "batches": float(len(parts)),
            "batch": parts[test.worst[0]].label,
            "batch_last": parts[test.worst[-1]].label,
        },
    )


def _of_manifest(plan: Plan, batches: Sequence[Batch]) -> tuple[BatchCounts, ...]:
    """The batches of the manifest that lie wholly before the as-of date."""
    enroll = plan.study.experiment.enroll
    # Who enrols at an event does so before the date of the batch, everybody else at its midnight.
    counted = [
        batch for batch in batches if batch.as_of < plan.as_of or (enroll and enroll.at and batch.as_of == plan.as_of)
    ]
    return tuple(BatchCounts(batch.as_of.isoformat(), batch.counts) for batch in counted)
