"""Moments over clusters: where households or stores were drawn as one, they are what is independent, not customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis

from holdfast.model.plan import Plan
from holdfast.model.reading import Moments
from holdfast.warehouse.elements import Measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.exact import EXACT, whole
from holdfast.warehouse.sums import Sums
from holdfast.warehouse.units import variant_of

FEW = 40
"""With fewer clusters than this in a variant, how much they differ is worked out from each of them."""


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Two sums of every cluster: of the metric's value (or numerator) and of its units (or denominator)."""

    moments: Moments
    each: tuple[tuple[float, float], ...] = ()
    """The sums themselves, of few clusters."""


def cluster_sums(engine: Engine, plan: Plan, table: Any, sums: Sums) -> dict[tuple[str, str], ClusterSums]:
    """For each metric and variant the moments, over clusters, of the two sums whose ratio is the metric, and the sums
    themselves where the variant has few clusters. Clusters without a unit that counts are left out.
    """
    metrics = [metric for metric in sums.metrics if metric.metric]
    parts: dict[str, Any] = {}
    for place, metric in enumerate(metrics):
        _, build = sums.mask(metric)
        kept = build(table)
        parts[f"u{place}"] = table.count(where=kept)
        for side, value in enumerate(sums.values(metric)[: len(metric.elements)]):
            parts[f"c{place}_{side}"] = value.of(table).cast(_kind(metric)).sum(where=kept)
    by_cluster = table.group_by("variant", "cluster").aggregate(**parts)
    columns: dict[str, Any] = {"clusters": by_cluster.count()}
    for place, metric in enumerate(metrics):
        columns |= _columns(by_cluster, place, metric)
    rows = engine.rows(
        "the same over clusters, which were assigned as one: sums, and sums of products",
        by_cluster.group_by("variant").aggregate(**columns).order_by("variant"),
    )
    few = [row["variant"] for row in rows if row["clusters"] < FEW]
    single: list[dict[str, Any]] = []
    if few:
        # In the order of their numbers, which says nothing of who they are and is the same every time.
        names = list(parts)
        chosen = by_cluster.filter(by_cluster.variant.isin(few)).select("variant", *names)
        single = engine.rows("the sums of each of few clusters", chosen.order_by("variant", *names))
    return {
        (metric.planned.key, variant_of(plan, row["variant"])): ClusterSums(
            _moments(metric, place, row),
            tuple(
                _pair(metric, place, each) for each in single if each["variant"] == row["variant"] and each[f"u{place}"]
            ),
        )
        for place, metric in enumerate(metrics)
        for row in rows
    }


def _pair(metric: Measured, place: int, row: dict[str, Any]) -> tuple[float, float]:
    """The two sums of one cluster, in the metric's own units."""
    found = [float(row[f"c{place}_{side}"] or 0) / 10 ** (each.scale or 0) for side, each in enumerate(metric.elements)]
    return found[0], found[1] if len(found) > 1 else float(row[f"u{place}"])


def _floating(metric: Measured) -> bool:
    return any(element.scale is None for element in metric.elements)


def _kind(metric: Measured) -> str:
    return "float64" if _floating(metric) else EXACT


def _columns(table: Any, place: int, metric: Measured) -> dict[str, Any]:
    counted = table[f"u{place}"] > 0
    second = table[f"c{place}_1"] if len(metric.elements) > 1 else table[f"u{place}"]
    kind = _kind(metric)
    pair = [ibis.coalesce(value, ibis.literal(0)).cast(kind) for value in (table[f"c{place}_0"], second)]
    columns = {f"g{place}": table.count(where=counted)}
    if _floating(metric):
        columns |= {f"s{place}_{i}": pair[i].mean(where=counted) for i in (0, 1)}
        columns |= {
            f"p{place}_{i}{j}": pair[i].cov(pair[j], where=counted, how="sample") for i, j in ((0, 0), (0, 1), (1, 1))
        }
        return columns
    columns |= {f"s{place}_{i}": pair[i].sum(where=counted).cast("string") for i in (0, 1)}
    columns |= {
        f"p{place}_{i}{j}": (pair[i] * pair[j]).cast(EXACT).sum(where=counted).cast("string")
        for i, j in ((0, 0), (0, 1), (1, 1))
    }
    return columns


def _moments(metric: Measured, place: int, row: dict[str, Any]) -> Moments:
    n = int(row[f"g{place}"] or 0)
    pairs = ((0, 0), (0, 1), (1, 1))
    if _floating(metric):
        mean = (float(row[f"s{place}_0"] or 0), float(row[f"s{place}_1"] or 0))
        a, b, c = (float(row[f"p{place}_{i}{j}"] or 0) for i, j in pairs)
        return Moments(n, mean, ((a, b), (b, c)))
    scales = (metric.elements[0].scale or 0, (metric.elements[1].scale or 0) if len(metric.elements) > 1 else 0)
    sums = tuple(whole(row[f"s{place}_{i}"]) for i in (0, 1))
    products = {(i, j): whole(row[f"p{place}_{i}{j}"]) for i, j in pairs}
    return Moments.from_sums(n, sums, products, scales)
