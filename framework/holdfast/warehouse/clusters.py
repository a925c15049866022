"""Moments over clusters: where households or stores were drawn as one, they are what is independent, not customers."""

from __future__ import annotations

from typing import Any

import ibis

from holdfast.model.reading import Moments
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.exact import EXACT, whole
from holdfast.warehouse.measures import Measured


def cluster_moments(
    engine: Engine, table: Any, metrics: tuple[Measured, ...], limited: dict[str, Any]
) -> dict[tuple[str, str], Moments]:
    """For each metric and variant the moments, over clusters, of two sums: of the metric's value (or numerator) and of
    its units (or denominator). Their ratio is the metric; clusters without a unit that counts are left out.

    `table` has variant, cluster, every element and <first element>__kept; `limited` names the columns of capped values.
    """
    sums: dict[str, Any] = {}
    for metric in metrics:
        first = metric.elements[0].name
        kept = table[f"{first}__kept"]
        values = [limited.get(first, table[first]), *(table[element.name] for element in metric.elements[1:])]
        sums[f"{first}__units"] = kept.ifelse(1, 0).sum()
        sums |= {f"{first}__c{i}": kept.ifelse(value, 0).cast(EXACT).sum() for i, value in enumerate(values)}
    by_cluster = table.group_by("variant", "cluster").aggregate(**sums)
    columns: dict[str, Any] = {}
    for metric in metrics:
        columns |= _columns(by_cluster, metric)
    rows = engine.rows(
        "the same over clusters, which were assigned as one: sums, and sums of products",
        by_cluster.group_by("variant").aggregate(**columns).order_by("variant"),
    )
    return {(metric.planned.key, row["variant"]): _moments(metric, row) for metric in metrics for row in rows}


def _pair(table: Any, metric: Measured) -> tuple[Any, Any]:
    """The two sums of a cluster, as exact decimals."""
    first = metric.elements[0].name
    second = table[f"{first}__c1"] if len(metric.elements) > 1 else table[f"{first}__units"].cast(EXACT)
    return table[f"{first}__c0"].cast(EXACT), second


def _columns(table: Any, metric: Measured) -> dict[str, Any]:
    first = metric.elements[0].name
    counted = table[f"{first}__units"] > 0
    pair = [counted.ifelse(value, ibis.literal(0).cast(EXACT)) for value in _pair(table, metric)]
    columns = {f"{first}__g": counted.ifelse(1, 0).sum()}
    columns |= {f"{first}__s{i}": pair[i].sum().cast("string") for i in (0, 1)}
    columns |= {
        f"{first}__p{i}{j}": (pair[i] * pair[j]).cast(EXACT).sum().cast("string") for i, j in ((0, 0), (0, 1), (1, 1))
    }
    return columns


def _moments(metric: Measured, row: dict[str, Any]) -> Moments:
    first = metric.elements[0].name
    scales = (metric.elements[0].scale, metric.elements[1].scale if len(metric.elements) > 1 else 0)
    sums = tuple(whole(row[f"{first}__s{i}"]) for i in (0, 1))
    products = {(i, j): whole(row[f"{first}__p{i}{j}"]) for i, j in ((0, 0), (0, 1), (1, 1))}
    return Moments.from_sums(int(row[f"{first}__g"] or 0), sums, products, scales)
