"""Beside each metric the plain SQL that an analyst would write; both run on random data, results must be equal.

The data hold what real tables hold: units without facts, facts before assignment, returns (negative amounts), facts at
the very moment of assignment and within a second of a window's end, units whose windows have not closed, null amounts.
"""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast import planning, warehouse
from holdfast.model.reading import Reading
from holdfast.model.study import Study
from tests.builders import study as build

AS_OF = dt.date(2026, 4, 20)
ZONES = ["UTC", "Asia/Tokyo", "America/New_York"]

METRICS: dict[str, Any] = {
    "bought": {"operation": "conversion", "fact": "orders.order", "window": {"length": "30d"}},
    "bought_app": {
        "operation": "conversion",
        "fact": "orders.order",
        "where": {"channel": "app"},
        "window": {"length": "30d"},
    },
    "on_day_7": {
        "operation": "retention",
        "definition": "on_day",
        "fact": "orders.order",
        "window": {"start": "7d", "length": "1d"},
    },
    "bracket": {
        "operation": "retention",
        "definition": "bracket",
        "fact": "orders.order",
        "window": {"start": "14d", "length": "14d"},
    },
    "rolling_elapsed": {
        "operation": "retention",
        "definition": "on_or_after",
        "fact": "orders.order",
        "window": {"start": "7d", "length": "23d"},
        "clock": "elapsed",
    },
    "lost": {"operation": "churn", "fact": "orders.order", "inactivity": "20d", "window": {"length": "30d"}},
    "cancelled": {"operation": "churn", "cancelled": "subscriptions", "window": {"length": "30d"}},
    "orders": {"operation": "count", "fact": "orders.order", "window": {"length": "30d"}},
    "revenue": {"operation": "sum", "fact": "orders.revenue", "window": {"start": "3d", "length": "27d"}},
    "revenue_calendar": {
        "operation": "sum",
        "fact": "orders.revenue",
        "window": {"start": "3d", "length": "27d"},
        "clock": "calendar",
    },
    "revenue_capped": {
        "operation": "sum",
        "fact": "orders.revenue",
        "winsorize": "90%",
        "window": {"length": "30d"},
    },
    "channels": {
        "operation": "count_distinct",
        "fact": "orders.order",
        "property": "channel",
        "window": {"length": "30d"},
    },
    "active_days": {"operation": "active_days", "fact": "orders.order", "window": {"length": "30d"}},
    "last_amount": {"operation": "last", "fact": "orders.revenue", "window": {"length": "30d"}},
    "value": {"operation": "clv", "fact": "orders.revenue", "window": {"length": "30d"}},
    "order_value": {
        "operation": "ratio",
        "numerator": {"operation": "sum", "fact": "orders.revenue"},
        "denominator": {"operation": "count", "fact": "orders.order"},
        "window": {"length": "30d"},
    },
}


def _data(folder: Path, seed: int) -> None:
    """Random tables as Parquet; times carry microseconds."""
    rng = random.Random(seed)
    base = dt.datetime(2026, 2, 20, tzinfo=dt.UTC)
    units, orders, spans = [], [], []
    for number in range(600):
        t0 = base + dt.timedelta(microseconds=rng.randrange(56 * 86_400 * 10**6))
        units.append((f"c{number}", rng.choice(["control", "treated"]), t0))
        for _ in range(rng.choice([0, 0, 1, 2, 5])):
            at = t0 + dt.timedelta(microseconds=rng.randrange(-20 * 86_400 * 10**6, 45 * 86_400 * 10**6))
            edge = rng.random()
            if edge < 0.1:
                at = t0 + dt.timedelta(days=rng.choice([0, 3, 7, 14, 28, 30]))
            elif edge < 0.2:
                at = t0 + dt.timedelta(days=rng.choice([0, 3, 7, 14, 28, 30]), microseconds=rng.choice([-1, 1]))
            amount = None if rng.random() < 0.05 else round(rng.uniform(-20, 200), 2)
            orders.append((f"c{number}", at, amount, rng.choice(["app", "web", None])))
        if rng.random() < 0.5:
            begun = t0 + dt.timedelta(days=rng.uniform(-60, 10))
            ended = None if rng.random() < 0.4 else begun + dt.timedelta(days=rng.uniform(1, 90))
            spans.append((f"c{number}", begun, ended))
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("CREATE TABLE u(id VARCHAR, variant VARCHAR, t0 TIMESTAMPTZ)").executemany(
        "INSERT INTO u VALUES (?, ?, ?)", units
    )
    con.execute("CREATE TABLE o(id VARCHAR, moment TIMESTAMPTZ, amount DOUBLE, channel VARCHAR)").executemany(
        "INSERT INTO o VALUES (?, ?, ?, ?)", orders
    )
    con.execute("CREATE TABLE s(id VARCHAR, begun TIMESTAMPTZ, ended TIMESTAMPTZ)").executemany(
        "INSERT INTO s VALUES (?, ?, ?)", spans
    )
    for table in ("u", "o", "s"):
        con.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")


def _study(folder: Path, zone: str) -> Study:
    directed = {name: {"desired_change": "increase", **metric} for name, metric in METRICS.items()}
    return build(
        folder,
        project={"timezone": zone},
        sources={
            "assigned": {"grain": "unit", "path": "u.parquet", "keys": {"customer": "id"}},
            "orders": {
                "grain": "event",
                "path": "o.parquet",
                "keys": {"customer": "id"},
                "timestamp": "moment",
                "properties": ["channel"],
                "facts": {"order": {}, "revenue": {"column": "amount", "scale": 2}},
                "freshness": "1d",
            },
            "subscriptions": {
                "grain": "span",
                "path": "s.parquet",
                "keys": {"customer": "id"},
                "start": "begun",
                "end": "ended",
            },
        },
        metrics=directed,
        experiment={
            "assignment": {
                "method": "external",
                "unit": "customer",
                "source": "assigned",
                "variant": "variant",
                "assigned_at": "t0",
            },
            "metrics": {"primary": "bought", "descriptive": [name for name in METRICS if name != "bought"]},
        },
    )


def _day(zone: str, clock: str) -> str:
    """The day of an order since assignment, as an analyst writes it: whole 24-hour steps, or local dates."""
    if clock == "elapsed":
        return "floor((epoch_us(moment) - epoch_us(t0)) / 86400e6)"
    return f"date_diff('day', CAST(timezone('{zone}', t0) AS DATE), CAST(timezone('{zone}', moment) AS DATE))"


def _mature(zone: str, clock: str, end: int) -> str:
    """Everything before 00:00 of the as-of date less a day of freshness has been observed."""
    observed = f"timezone('{zone}', TIMESTAMP '{AS_OF} 00:00:00') - INTERVAL 24 HOURS"
    if clock == "elapsed":
        return f"t0 + INTERVAL {24 * end} HOURS <= {observed}"
    closing = f"timezone('{zone}', CAST(CAST(timezone('{zone}', t0) AS DATE) + {end} AS TIMESTAMP))"
    return f"{closing} <= {observed}"


def _oracle(
    folder: Path, zone: str, value: str, clock: str, window: tuple[int, int]
) -> dict[str, tuple[int, float, float]]:
    """n, mean and variance of a number per mature unit, by variant, in one plain query per metric."""
    first, end = window
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    rows = con.execute(
        f"""
        WITH u AS (SELECT * FROM '{folder}/u.parquet'), o AS (SELECT * FROM '{folder}/o.parquet'),
        per_unit AS (
          SELECT u.id, any_value(variant) AS variant, {value} AS x
          FROM u LEFT JOIN (
            SELECT o.*, {_day(zone, clock)} AS day, CAST(timezone('{zone}', moment) AS DATE) AS local
            FROM o JOIN u USING (id)
            WHERE moment >= t0 AND {_day(zone, clock)} BETWEEN {first} AND {end - 1}
          ) AS f ON u.id = f.id
          WHERE {_mature(zone, clock, end)}
          GROUP BY u.id
        )
        SELECT variant, count(*), avg(x), var_samp(x) FROM per_unit GROUP BY variant
        """
    ).fetchall()
    return {variant: (n, mean, variance) for variant, n, mean, variance in rows}


@pytest.fixture(scope="module", params=[(zone, seed) for zone in ZONES for seed in (1, 2)], ids=str)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Reading]:
    zone, seed = request.param
    folder = tmp_path_factory.mktemp("oracle")
    _data(folder, seed)
    plan = planning.plan(_study(folder, zone), AS_OF)
    with warehouse.connect(plan.study.project.connection, folder, folder) as engine:
        return folder, zone, warehouse.read(engine, plan)


ANY = "CAST(count(f.moment) > 0 AS INTEGER)"


@pytest.mark.parametrize(
    ("metric", "value", "clock", "window"),
    [
        ("bought", ANY, "elapsed", (0, 30)),
        ("bought_app", "CAST(count(f.moment) FILTER (f.channel = 'app') > 0 AS INTEGER)", "elapsed", (0, 30)),
        ("on_day_7", ANY, "calendar", (7, 8)),
        ("bracket", ANY, "calendar", (14, 28)),
        ("rolling_elapsed", ANY, "elapsed", (7, 30)),
        ("orders", "count(f.moment)", "elapsed", (0, 30)),
        ("revenue", "coalesce(sum(f.amount), 0)", "elapsed", (3, 30)),
        ("revenue_calendar", "coalesce(sum(f.amount), 0)", "calendar", (3, 30)),
        ("channels", "count(DISTINCT f.channel)", "elapsed", (0, 30)),
        ("active_days", "count(DISTINCT f.local)", "elapsed", (0, 30)),
        ("value", "coalesce(sum(f.amount), 0)", "elapsed", (0, 30)),
    ],
)
def test_equals_the_analysts_sql(
    case: tuple[Path, str, Reading], metric: str, value: str, clock: str, window: tuple[int, int]
) -> None:
    folder, zone, reading = case
    expected = _oracle(folder, zone, value, clock, window)
    assert set(expected) == {"control", "treated"}
    for variant, (n, mean, variance) in expected.items():
        cell = reading.cells[metric, variant]
        assert cell.moments.n == cell.mature == n
        assert cell.moments.n < reading.assigned[variant], "some units are not mature, or the test shows nothing"
        assert cell.moments.mean[0] == pytest.approx(mean, rel=1e-12)
        assert cell.moments.covariance[0][0] == pytest.approx(variance, rel=1e-9)


def test_churn_is_the_complement_of_activity_up_to_the_end(case: tuple[Path, str, Reading]) -> None:
    folder, zone, reading = case
    # Lost: no order in the last 20 days of 30, that is on days 10 to 29; mature by the whole 30 days.
    active = "CAST(count(f.moment) FILTER (f.day >= 10) = 0 AS INTEGER)"
    for variant, (n, mean, _) in _oracle(folder, zone, active, "calendar", (0, 30)).items():
        cell = reading.cells["lost", variant]
        assert cell.moments.n == n
        assert cell.moments.mean[0] == pytest.approx(mean, rel=1e-12)


def test_ratio_moments_and_buyers(case: tuple[Path, str, Reading]) -> None:
    folder, zone, reading = case
    revenue = _oracle(folder, zone, "coalesce(sum(f.amount), 0)", "elapsed", (0, 30))
    orders = _oracle(folder, zone, "count(f.moment)", "elapsed", (0, 30))
    buyers = _oracle(folder, zone, ANY, "elapsed", (0, 30))
    product = _oracle(folder, zone, "coalesce(sum(f.amount), 0) * count(f.moment)", "elapsed", (0, 30))
    for variant, (n, mean, variance) in revenue.items():
        cell = reading.cells["order_value", variant]
        assert cell.moments.mean == pytest.approx((mean, orders[variant][1]), rel=1e-12)
        assert cell.moments.covariance[0][0] == pytest.approx(variance, rel=1e-9)
        covariance = (product[variant][1] - mean * orders[variant][1]) * n / (n - 1)
        assert cell.moments.covariance[0][1] == pytest.approx(covariance, rel=1e-9)
        assert cell.active == pytest.approx(buyers[variant][1] * n)


def test_last_value_leaves_out_units_without_one(case: tuple[Path, str, Reading]) -> None:
    folder, zone, reading = case
    value = "arg_max(f.amount, f.moment) FILTER (f.amount IS NOT NULL)"
    for variant, (n, mean, variance) in _oracle(folder, zone, value, "elapsed", (0, 30)).items():
        cell = reading.cells["last_amount", variant]
        assert cell.mature == n
        assert 0 < cell.excluded == n - cell.moments.n
        assert cell.moments.mean[0] == pytest.approx(mean, rel=1e-12)
        assert cell.moments.covariance[0][0] == pytest.approx(variance, rel=1e-9)


def test_cap_is_the_percentile_of_pooled_positive_values(case: tuple[Path, str, Reading]) -> None:
    folder, zone, reading = case
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    per_unit = f"""
        SELECT u.id, variant, coalesce(sum(f.amount), 0) AS x
        FROM '{folder}/u.parquet' u LEFT JOIN (
          SELECT o.id, amount FROM '{folder}/o.parquet' o JOIN '{folder}/u.parquet' USING (id)
          WHERE moment >= t0 AND moment < t0 + INTERVAL 720 HOURS) f ON u.id = f.id
        WHERE {_mature(zone, "elapsed", 30)} GROUP BY u.id, variant"""
    row = con.execute(f"SELECT quantile_cont(x, 0.9) FROM ({per_unit}) WHERE x > 0").fetchone()
    assert row is not None
    cap = round(row[0], 2)
    assert reading.caps["revenue_capped"] == pytest.approx(cap, abs=0.0051)
    cap = reading.caps["revenue_capped"]
    rows = con.execute(f"SELECT variant, avg(least(x, {cap})), avg(x) FROM ({per_unit}) GROUP BY variant").fetchall()
    for variant, capped, raw in rows:
        cell = reading.cells["revenue_capped", variant]
        assert cell.raw is not None
        assert cell.moments.mean[0] == pytest.approx(capped, rel=1e-12)
        assert cell.raw.mean[0] == pytest.approx(raw, rel=1e-12)
        assert cell.moments.mean[0] < cell.raw.mean[0]


def test_cancellation_counts_only_periods_running_at_assignment(case: tuple[Path, str, Reading]) -> None:
    folder, zone, reading = case
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    day = f"date_diff('day', CAST(timezone('{zone}', t0) AS DATE), CAST(timezone('{zone}', ended) AS DATE))"
    mature = _mature(zone, "calendar", 30).replace("- INTERVAL 24 HOURS", "")
    rows = con.execute(
        f"""SELECT variant, count(*), avg(CAST(coalesce({day} BETWEEN 0 AND 29, false) AS INTEGER))
            FROM '{folder}/u.parquet' u JOIN '{folder}/s.parquet' s USING (id)
            WHERE begun <= t0 AND (ended IS NULL OR ended > t0) AND {mature} GROUP BY variant"""
    ).fetchall()
    for variant, n, share in rows:
        cell = reading.cells["cancelled", variant]
        assert cell.moments.n == n
        assert cell.excluded == cell.mature - n > 0
        assert cell.moments.mean[0] == pytest.approx(share)
