"""Can the result be trusted? Checks of the assignment, before any effect is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast import stats
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Reading
from holdfast.model.result import Check, CheckStatus


def run(plan: Plan, reading: Reading) -> tuple[Check, ...]:
    """Every check, in the order of the report."""
    return tuple(_checks(plan, reading))


def _checks(plan: Plan, reading: Reading) -> Iterator[Check]:
    yield _srm(plan, reading)
    yield _empty(reading)
    yield _unlisted(reading)
    yield _contamination(plan, reading)
    yield _daily(plan, reading)
    yield _maturity(plan, reading)


def _srm(plan: Plan, reading: Reading) -> Check:
    """Sample ratio mismatch: whether the split over all variants is what was planned."""
    variants = plan.study.experiment.variants
    counts = [reading.assigned[key] for key in variants]
    limits = plan.study.health.srm
    test = stats.srm(counts, [variant.weight for variant in variants.values()])
    details: dict[str, str | float] = {"method": "" if isinstance(test, NotEstimable) else test.method}
    if isinstance(test, NotEstimable):
        return Check(id="srm", status="not_applicable", details={"reason": test.reason})
    details |= {f"expected_{key}": value for key, value in zip(variants, test.expected, strict=True)}
    details["block"], details["note"] = limits.block, limits.note
    status: CheckStatus = "block" if test.p < limits.block else "note" if test.p < limits.note else "ok"
    return Check(
        id="srm", status=status, value=test.p, limit=limits.block if status == "block" else limits.note, details=details
    )


def _empty(reading: Reading) -> Check:
    empty = [key for key, n in reading.assigned.items() if not n]
    return Check(
        id="empty_variant",
        status="block" if empty else "ok",
        value=float(len(empty)),
        limit=0.0,
        details={"variants": ", ".join(empty)},
    )


def _unlisted(reading: Reading) -> Check:
    """Units whose label is not a variant of the experiment: they are counted here and left out everywhere else."""
    total = sum(reading.unlisted.values())
    listed = ", ".join(f"{label}: {n:,}" for label, n in sorted(reading.unlisted.items()))
    return Check(
        id="unlisted_labels",
        status="note" if total else "ok",
        value=float(total),
        limit=0.0,
        details={"labels": listed},
    )


def _contamination(plan: Plan, reading: Reading) -> Check:
    limits = plan.study.health.contamination
    total = sum(reading.assigned.values()) + reading.crossovers
    share = reading.crossovers / total if total else 0.0
    status: CheckStatus = "block" if share > float(limits.block) else "note" if share > float(limits.note) else "ok"
    limit = float(limits.block if status == "block" else limits.note)
    return Check(
        id="contamination",
        status=status,
        value=share,
        limit=limit,
        details={"crossovers": float(reading.crossovers), "duplicates": float(reading.duplicates)},
    )


def _daily(plan: Plan, reading: Reading) -> Check:
    """Whether the split held on every day: the smallest p over days, times their number."""
    variants = plan.study.experiment.variants
    weights = [variant.weight for variant in variants.values()]
    tests = {
        day: stats.srm([counts.get(key, 0) for key in variants], weights)
        for day, counts in reading.by_day.items()
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


def _maturity(plan: Plan, reading: Reading) -> Check:
    """The share of assigned units whose whole window has been observed, for the metric that decides."""
    cells = [reading.cells.get((plan.primary.key, key)) for key in plan.study.experiment.variants]
    known = [cell for cell in cells if cell is not None]
    total = sum(reading.assigned.values())
    if not known or not total or plan.primary.window is None:
        return Check(id="maturity", status="not_applicable")
    share = sum(cell.mature for cell in known) / total
    return Check(
        id="maturity",
        status="ok" if share == 1 else "note",
        value=share,
        limit=1.0,
        details={
            "metric": plan.primary.key,
            "mature": float(sum(cell.mature for cell in known)),
            "assigned": float(total),
        },
    )
