"""The formulas of retention on known figures, by function and through the engine."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast import planning, stats, warehouse
from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Reading
from tests.builders import study as build


def test_lifetime_value_is_orders_a_year_times_value_times_years() -> None:
    assert stats.lifetime_value(orders_a_year=12, order_value=50, years=8) == 4_800
    assert stats.lifetime_value(orders_a_year=12, order_value=50, years=8, margin=0.3) == pytest.approx(1_440)
    # Half a year brings half of a year's orders; discounting leaves the first year whole.
    assert stats.lifetime_value(orders_a_year=12, order_value=50, years=0.5) == 300
    two = stats.lifetime_value(orders_a_year=1, order_value=100, years=2, discount=0.1)
    assert two == pytest.approx(100 + 100 / 1.1)


def test_acquisition_cost_is_spend_over_new_customers() -> None:
    assert stats.cost_per(spend=100_000, count=5_000) == 20


def test_cost_per_impression() -> None:
    assert stats.cost_per(spend=1_000, count=10_000) == 0.10


def test_churn_is_customers_lost_over_customers_at_the_start() -> None:
    kept = stats.retained_share(at_start=400, lost=30)
    assert not isinstance(kept, NotEstimable)
    assert 1 - kept == pytest.approx(0.075)


def test_what_cannot_be_had_is_said() -> None:
    assert isinstance(stats.cost_per(spend=1, count=0), NotEstimable)
    assert isinstance(stats.retained_share(at_start=0, lost=0), NotEstimable)
    assert isinstance(stats.lifetime_value(orders_a_year=float("nan"), order_value=1, years=1), NotEstimable)
    with pytest.raises(ValueError, match="cannot be lost"):
        stats.retained_share(at_start=3, lost=4)


def _read(folder: Path, metrics: dict[str, Any]) -> Reading:
    """2,000 customers of one variant: 5,000 orders of 60 by 100 of them; 200 subscriptions, 10 of those cancelled."""
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE u AS SELECT 'c' || i AS id, CASE WHEN i < 2000 THEN 'control' ELSE 'treated' END AS arm, "
        "TIMESTAMP '2026-01-01' AS at FROM range(2002) t(i)"
    )
    con.execute(
        "CREATE TABLE o AS SELECT 'c' || (i % 100) AS id, TIMESTAMP '2026-01-03' AS moment, 60.00 AS amount "
        "FROM range(5000) t(i)"
    )
    con.execute(
        "CREATE TABLE s AS SELECT 'c' || i AS id, TIMESTAMP '2025-06-01' AS begun, "
        "CASE WHEN i < 10 THEN TIMESTAMP '2026-01-05' END AS ended FROM range(200) t(i)"
    )
    for table in ("u", "o", "s"):
        con.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")
    keys = {"keys": {"customer": "id"}}
    study = build(
        folder,
        sources={
            "assigned": {"grain": "unit", "path": "u.parquet", **keys},
            "orders": {
                "grain": "event",
                "path": "o.parquet",
                "timestamp": "moment",
                "facts": {"order": {}, "revenue": {"column": "amount"}},
                **keys,
            },
            "periods": {"grain": "span", "path": "s.parquet", "start": "begun", "end": "ended", **keys},
        },
        metrics={name: {"desired_change": "increase", "window": {"length": "30d"}, **m} for name, m in metrics.items()},
        experiment={
            "assignment": {"method": "external", "source": "assigned", "variant": "arm", "assigned_at": "at"},
            "metrics": {"primary": next(iter(metrics)), "descriptive": list(metrics)[1:]},
        },
    )
    plan = planning.plan(study, dt.date(2026, 3, 1))
    with warehouse.connect(study.project.connection, folder, folder) as engine:
        return warehouse.read(engine, plan)


def test_through_the_engine(tmp_path: Path) -> None:
    reading = _read(
        tmp_path,
        {
            "order_value": {
                "operation": "ratio",
                "numerator": {"operation": "sum", "fact": "orders.revenue"},
                "denominator": {"operation": "count", "fact": "orders.order"},
            },
            "converted": {"operation": "conversion", "fact": "orders.order"},
            "cancelled": {"operation": "churn", "cancelled": "periods"},
        },
    )
    value = reading.cells["order_value", "control"].moments
    assert value.mean[0] * value.n == pytest.approx(300_000)
    assert value.mean[0] / value.mean[1] == pytest.approx(60)
    converted = reading.cells["converted", "control"].moments
    assert converted.n == 2_000
    assert converted.mean[0] == pytest.approx(0.05)
    cancelled = reading.cells["cancelled", "control"].moments
    assert cancelled.n == 200
    assert cancelled.mean[0] == pytest.approx(0.05)
