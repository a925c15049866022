"""Whether clusters that another system is said to have assigned as one were so."""

from __future__ import annotations

from typing import Any

from holdfast.errors import DataError
from holdfast.model.plan import Plan
from holdfast.warehouse.engine import Engine


def refuse_split_clusters(engine: Engine, plan: Plan, table: Any) -> None:
    """Refuse clusters that another system did not assign as one, and units of none.

    Raises:
        DataError: with counts.
    """
    assignment = plan.study.experiment.assignment
    where = f'source "{assignment.source}": column "{assignment.cluster}"'
    by_cluster = table.group_by("cluster").aggregate(n=table.count(), variants=table.variant.nunique())
    lost = by_cluster.cluster.isnull()
    found = engine.rows(
        "units without a cluster, and clusters in more than one variant",
        by_cluster.aggregate(
            empty=lost.ifelse(by_cluster.n, 0).sum(), split=(~lost & (by_cluster.variants > 1)).ifelse(1, 0).sum()
        ),
    )[0]
    if found["empty"]:
        raise DataError(f"{where}: {int(found['empty']):,} units have no cluster; correct the data")
    if found["split"]:
        raise DataError(
            f"{where}: {int(found['split']):,} clusters have units in more than one variant, so that they were not "
            "assigned as one; name the column whose units were, or leave the cluster out"
        )
