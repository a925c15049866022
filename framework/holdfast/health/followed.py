"""Checks of who is counted: exposed, followed and left out alike in all variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from holdfast.health.split import status_of
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Curve, Reading
from holdfast.model.result import Check, CheckStatus
from holdfast.stats import follow_up_difference, homogeneity
from holdfast.stats.shares import EqualShares, equal_shares

_DECIDES = ("primary", "guardrail")
_SEVERITY = ("ok", "note", "block")


def exposure(plan: Plan, reading: Reading) -> Check | None:
    """Whether as large a share of every variant was exposed, equally soon: the smaller p of the two, times 2.

    None where everybody who was assigned counts, or where clusters were drawn as one.
    """
    seen = reading.exposure
    if seen is None or reading.clusters:
        return None
    met = {key: sum(day.get(key, 0) for day in seen.by_day.values()) for key in seen.offered}
    keys = _weighted(plan, seen.offered)
    shares = equal_shares([met[key] for key in keys], [seen.offered[key] for key in keys])
    days = homogeneity([[seen.by_day[day].get(key, 0) for key in keys] for day in sorted(seen.by_day)])
    found = {"share": shares, "day": days}
    values = {name: test.p for name, test in found.items() if not isinstance(test, NotEstimable)}
    if not values:
        return Check(id="exposure", status="not_applicable", details=_reason(shares))
    cause = min(values, key=lambda name: values[name])
    p = min(1.0, values[cause] * len(values))
    limits = plan.study.health.srm
    status = status_of(p, block=limits.block, note=limits.note, interim=plan.interim)
    details: dict[str, str | float] = {f"share_{key}": met[key] / seen.offered[key] for key in keys}
    return Check(
        id="exposure",
        status=status,
        value=p,
        limit=limits.block if status == "block" or plan.interim else limits.note,
        details=details | {"cause": cause, "tests": float(len(values))},
    )


def follow_up(plan: Plan, reading: Reading) -> Check | None:
    """Whether units of all variants are followed equally long: the share observed to the end of the primary's window,
    and the days followed on the first curve; the smaller p, times their number.

    How long a unit is followed depends on the day of its assignment alone, so a difference is a fault of that. None
    where all were assigned on one day, before the readout, and where clusters were drawn as one.
    """
    if plan.interim or len(reading.by_day) < 2 or reading.clusters:
        return None
    keys = _weighted(plan, reading.assigned)
    cells = {key: reading.cells.get((plan.primary.key, key)) for key in keys}
    mature = {key: cell.mature for key, cell in cells.items() if cell is not None}
    if len(mature) < len(keys) or plan.primary.window is None:
        return Check(id="follow_up", status="not_applicable")
    values = {}
    shares = equal_shares([mature[key] for key in keys], [reading.assigned[key] for key in keys])
    if isinstance(shares, EqualShares):
        values["mature"] = shares.p
    if (days := _days_followed(plan, reading, keys)) is not None:
        values["days"] = days
    limits = plan.study.health.srm
    cause = min(values, key=lambda name: values[name], default="")
    # Where everybody is followed to the end there is nothing left to differ.
    p = min(1.0, values[cause] * len(values)) if cause else 1.0
    status = status_of(p, block=limits.block, note=limits.note, interim=False)
    details: dict[str, str | float] = {
        f"share_{key}": mature[key] / reading.assigned[key] for key in keys if reading.assigned[key]
    }
    return Check(
        id="follow_up",
        status=status,
        value=p,
        limit=limits.block if status == "block" else limits.note,
        details=details | {"cause": cause, "tests": float(len(values))},
    )


def _days_followed(plan: Plan, reading: Reading, keys: list[str]) -> float | None:
    """The p-value of the log-rank test of the end of follow-up, on the first curve that has one; None without any."""
    if len(keys) < 2:
        return None
    named = [*(curve.daily for curve in plan.curves), *plan.survival]
    for days in named:
        if days is None:
            continue
        curves = [reading.curves[days.key, key] for key in keys if (days.key, key) in reading.curves]
        if len(curves) < len(keys):
            continue
        test = follow_up_difference(*(curves if days.first_only else map(_without_activity, curves)))
        if not isinstance(test, NotEstimable):
            return test.p
    return None


def _without_activity(curve: Curve) -> Curve:
    """Only how long units are followed: a day of activity ends nothing."""
    return replace(curve, events=(0,) * len(curve.events))


def excluded(plan: Plan, reading: Reading) -> Check | None:
    """Whether as many units of every variant were left out of each metric for want of a value: the smallest p over
    metrics that leave any out, times their number.

    It blocks only where the metric decides, which are the primary and the guardrails: elsewhere, whether there is a
    value may be what the tactic changes. None where nobody was left out, and where clusters were drawn as one.
    """
    tests = {} if reading.clusters else dict(_left_out(plan, reading))
    if not tests:
        return None
    limits = plan.study.health.srm
    roles = {planned.key: planned.role for planned in plan.metrics}
    judged: dict[str, tuple[float, CheckStatus]] = {}
    for key, test in tests.items():
        p = min(1.0, test.p * len(tests))
        status = status_of(p, block=limits.block, note=limits.note, interim=plan.interim)
        judged[key] = p, "note" if status == "block" and roles[key] not in _DECIDES else status
    worst = min(judged, key=lambda key: (-_SEVERITY.index(judged[key][1]), judged[key][0]))
    p, status = judged[worst]
    shares: dict[str, str | float] = {}
    for variant in plan.study.experiment.variants:
        cell = reading.cells.get((worst, variant))
        if cell is not None and cell.mature:
            shares[f"share_{variant}"] = cell.excluded / cell.mature
    return Check(
        id="excluded",
        status=status,
        value=p,
        limit=limits.block if status == "block" else limits.note,
        details=shares | {"metric": worst, "metrics": float(len(tests))},
    )


def _left_out(plan: Plan, reading: Reading) -> Iterator[tuple[str, EqualShares]]:
    """The test of each metric that leaves anybody out; metrics that leave out the same units are one."""
    seen = set()
    for planned in plan.metrics:
        keys = _weighted(plan, plan.study.experiment.variants)
        cells = [reading.cells[planned.key, key] for key in keys if (planned.key, key) in reading.cells]
        counts = tuple((cell.excluded, cell.mature) for cell in cells)
        test = equal_shares([each for each, _ in counts], [mature for _, mature in counts])
        if counts not in seen and isinstance(test, EqualShares):
            seen.add(counts)
            yield planned.key, test


def _weighted(plan: Plan, known: Mapping[str, object]) -> list[str]:
    """The variants that should have units, in the order of the file."""
    return [key for key, variant in plan.study.experiment.variants.items() if variant.weight and key in known]


def _reason(test: object) -> dict[str, str | float]:
    return {"reason": test.reason} if isinstance(test, NotEstimable) else {}
