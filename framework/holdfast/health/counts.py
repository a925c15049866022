"""Checks that count: variants without units, labels nobody knows, units in two variants, windows that are open."""

from __future__ import annotations

from holdfast.model.plan import Plan
from holdfast.model.reading import Reading
from holdfast.model.result import Check, CheckStatus


def empty(plan: Plan, reading: Reading) -> Check:
    """Variants that units should have been assigned to, and none was."""
    variants = plan.study.experiment.variants
    found = [key for key, n in reading.assigned.items() if not n and variants[key].weight]
    return Check(
        id="empty_variant",
        status="block" if found else "ok",
        value=float(len(found)),
        limit=0.0,
        details={"variants": ", ".join(found)},
    )


def unlisted(reading: Reading) -> Check:
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


def contamination(plan: Plan, reading: Reading) -> Check:
    """Units seen in more than one variant, as a share of all."""
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


FEW_CLUSTERS = 20
"""With fewer clusters in a variant, how much they differ is hardly known: intervals allow for it, and get wide."""


def clusters(plan: Plan, reading: Reading) -> Check | None:
    """Whether there are enough clusters to tell how much they differ; None where units were drawn one by one."""
    if not reading.clusters:
        return None
    fewest = min(reading.drawn.get(key, 0) for key, variant in plan.study.experiment.variants.items() if variant.weight)
    return Check(
        id="clusters",
        status="note" if fewest < FEW_CLUSTERS else "ok",
        value=float(fewest),
        limit=float(FEW_CLUSTERS),
    )


def maturity(plan: Plan, reading: Reading) -> Check:
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
