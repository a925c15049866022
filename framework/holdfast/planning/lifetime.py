"""What has to be read to project lifetime values beyond their windows: orders and value of each unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from holdfast.model.metric import Clv, Count, Sum
from holdfast.model.plan import PlannedLifetime, PlannedMetric, PlannedPart, PlannedVector


def planned_lifetimes(metrics: Iterable[PlannedMetric]) -> Iterator[PlannedLifetime]:
    """Every lifetime value of the plan that asks for a projection, over the window of its realised part."""
    for planned in metrics:
        metric, window = planned.metric, planned.window
        if not isinstance(metric, Clv) or metric.projection == "none" or metric.years is None or window is None:
            continue
        orders = Count(operation="count", fact=metric.fact, where=metric.where)
        value = Sum(operation="sum", fact=metric.fact, where=metric.where)
        parts = (
            PlannedPart(name="orders", operation=orders, window=window),
            PlannedPart(name="value", operation=value, window=window),
        )
        vector = PlannedVector(
            # No metric has a space in its name.
            key=f"lifetime {planned.key}",
            parts=parts,
            clock=planned.clock,
            sources=planned.sources,
            observed_until=planned.observed_until,
        )
        yield PlannedLifetime(
            metric=planned.key, model=metric.projection, years=metric.years, value=value, vector=vector
        )
