"""What Holdfast's results.json says, as the sums that all ways print."""

from __future__ import annotations

import json
from pathlib import Path

from job import EXPERIMENT, OUTCOMES, SUMS, VARIANTS, Answer, from_moments

RATIO = "average_order_value"


def results(project: Path) -> dict[str, object]:
    """The only results.json of a project."""
    (path,) = (project / "reports" / EXPERIMENT).glob("*/results.json")
    found: dict[str, object] = json.loads(path.read_text())
    return found


def sums(project: Path) -> Answer:
    """Units, means and variances of every metric as sums, and the product that the ratio's standard error rests on."""
    levels: dict[str, dict[str, dict[str, float]]] = {variant: {} for variant in VARIANTS}
    for level in results(project)["levels"]:  # type: ignore[attr-defined]
        levels[level["variant"]][level["metric"]] = level
    return {variant: _of(by_metric) for variant, by_metric in levels.items()}


def many(project: Path, metrics: int) -> Answer:
    """Units, sums and sums of squares of so many metrics."""
    names = [f"m{place}" for place in range(metrics)]
    found: dict[str, dict[str, float]] = {variant: {} for variant in VARIANTS}
    for level in results(project)["levels"]:  # type: ignore[attr-defined]
        if level["metric"] in names:
            n, mean, metric = level["n"], _plain(level), level["metric"]
            squares = level["unit_variance"] * (n - 1) + n * mean**2
            found[level["variant"]] |= {"n": n, f"s_{metric}": mean * n, f"q_{metric}": squares}
    return found


def _plain(level: dict[str, float]) -> float:
    """The mean as it was measured, where the result compares adjusted ones."""
    plain = level.get("unadjusted")
    return level["value"] if plain is None else plain


def _of(by_metric: dict[str, dict[str, float]]) -> dict[str, float]:
    counts = {level["n"] for level in by_metric.values()}
    (n,) = counts
    means = {name: _plain(by_metric[name]) for name in OUTCOMES}
    variances = {name: by_metric[name]["unit_variance"] for name in OUTCOMES}
    found = from_moments(int(n), means, variances)
    if by_metric[RATIO].get("unadjusted") is not None:
        # The error is that of the adjusted ratio: it says nothing of the plain product.
        return {name: found[name] for name in SUMS if name in found}
    ratio, se = by_metric[RATIO]["value"], by_metric[RATIO]["se"]
    spread = variances["revenue"] + ratio**2 * variances["orders"] - se**2 * n * means["orders"] ** 2
    found["c_revenue_orders"] = spread / (2 * ratio) * (n - 1) + n * means["revenue"] * means["orders"]
    return {name: found[name] for name in SUMS if name in found}
