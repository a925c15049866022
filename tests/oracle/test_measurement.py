"""Covariates, curves, segments and parts of a window beside plain SQL over the same random data.

Covariates are each metric's own number over the days before assignment; curves count who is at risk, who was active or
had the event, and who is not followed any longer, day by day; segments split by what was known before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from holdfast import planning, warehouse
from holdfast.model.plan import Plan
from holdfast.model.reading import Curve, Reading
from tests.builders import study as build
from tests.oracle.test_metrics import AS_OF, METRICS, _data, _day, _mature

LOOKBACK, CURVE_DAYS, SURVIVAL_DAYS = 15, 70, 40
MORE: dict[str, Any] = {
    "second_order": {"operation": "survival", "fact": "orders.order", "window": {"length": f"{SURVIVAL_DAYS}d"}},
    "kept": {
        "operation": "survival",
        "ended": "subscriptions",
        "window": {"length": f"{SURVIVAL_DAYS}d"},
        "causes": {"price": ["too_expensive"], "billing": ["payment_failed"]},
    },
    "weight": {"operation": "sum", "fact": "orders.weight", "window": {"length": "30d"}},
}
ADJUSTED = ("revenue", "order_value", "on_day_7", "lost", "channels")


def _prepare(folder: Path, seed: int) -> None:
    """The tables of test_metrics with a country of each unit, a reason of each end, and a weight without a scale."""
    _data(folder, seed)
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    number = "CAST(substr(id, 2) AS INTEGER)"
    country = f"CASE {number} % 4 WHEN 0 THEN 'JP' WHEN 1 THEN 'US' WHEN 2 THEN 'DE' END"
    reason = f"CASE {number} % 3 WHEN 0 THEN 'too_expensive' WHEN 1 THEN 'payment_failed' ELSE 'moved' END"
    for name, extra in {
        "u": f"{country} AS country",
        "o": "hash(moment) % 1000 / 7.0 AS weight, row_number() OVER () AS order_id",
        "s": f"{reason} AS reason",
    }.items():
        path = folder / f"{name}.parquet"
        con.execute(f"CREATE TABLE {name} AS SELECT *, {extra} FROM '{path}'")
        con.execute(f"COPY {name} TO '{path}' (FORMAT parquet)")


def _plan(folder: Path, zone: str, **orders: Any) -> Plan:
    """Everything of test_metrics as it is read for adjustment, curves, survival and segments."""
    source = {
        "grain": "event",
        "path": "o.parquet",
        "keys": {"customer": "id"},
        "timestamp": "moment",
        "properties": ["channel"],
        "facts": {
            "order": {},
            "revenue": {"column": "amount", "scale": 2},
            "weight": {"column": "weight", "scale": "float"},
        },
        "freshness": "1d",
    }
    study = build(
        folder,
        project={"timezone": zone},
        sources={
            "assigned": {"grain": "unit", "path": "u.parquet", "keys": {"customer": "id"}, "properties": ["country"]},
            "orders": {**source, **orders},
            "subscriptions": {
                "grain": "span",
                "path": "s.parquet",
                "keys": {"customer": "id"},
                "start": "begun",
                "end": "ended",
                "reason": {"column": "reason"},
            },
        },
        properties={
            "spent": {"operation": "sum", "fact": "orders.revenue", "window": {"last": "10d"}, "bands": {"some": 0.01}}
        },
        metrics={name: {"desired_change": "increase", **metric} for name, metric in {**METRICS, **MORE}.items()},
        experiment={
            "assignment": {
                "method": "external",
                "unit": "customer",
                "source": "assigned",
                "variant": "variant",
                "assigned_at": "t0",
            },
            "metrics": {
                "primary": "orders",
                "secondary": [*ADJUSTED, "second_order", "kept", "weight", "revenue_capped"],
                "curves": [{"fact": "orders.order", "days": [7, 14, CURVE_DAYS]}],
            },
            "analysis": {"cuped": {"lookback": f"{LOOKBACK}d"}, "segments": ["country", "spent"]},
        },
    )
    return planning.plan(study, AS_OF)


def _read(folder: Path, plan: Plan) -> Reading:
    with warehouse.connect(plan.study.project.connection, folder, folder) as engine:
        return warehouse.read(engine, plan)


Case = tuple[Path, str, Reading]


@pytest.fixture(scope="module", params=[("Asia/Tokyo", 3), ("America/New_York", 4)], ids=str)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    zone, seed = request.param
    folder = tmp_path_factory.mktemp("measurement")
    _prepare(folder, seed)
    return folder, zone, _read(folder, _plan(folder, zone))


def _sql(folder: Path, query: str) -> list[Any]:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for name in ("u", "o", "s"):
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM '{folder}/{name}.parquet'")
    return con.execute(query).fetchall()


PAST = f"moment < t0 AND moment >= t0 - INTERVAL {24 * LOOKBACK} HOURS"
SEEN = "CAST(count(moment) FILTER (p) > 0 AS INTEGER)"
NUMBERS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "orders": ("elapsed", 30, ("count(moment) FILTER (w(0, 30))", "count(moment) FILTER (p)", SEEN)),
    "revenue": (
        "elapsed",
        30,
        (
            "coalesce(sum(amount) FILTER (w(3, 30)), 0)",
            "coalesce(sum(amount) FILTER (p), 0)",
            "CAST(count(amount) FILTER (p) > 0 AS INTEGER)",
        ),
    ),
    "order_value": (
        "elapsed",
        30,
        (
            "coalesce(sum(amount) FILTER (w(0, 30)), 0)",
            "count(moment) FILTER (w(0, 30))",
            "coalesce(sum(amount) FILTER (p), 0)",
            "CAST(count(amount) FILTER (p) > 0 AS INTEGER)",
            "count(moment) FILTER (p)",
            SEEN,
        ),
    ),
    "on_day_7": ("calendar", 8, ("CAST(count(moment) FILTER (w(7, 8)) > 0 AS INTEGER)", SEEN)),
    "lost": ("calendar", 30, ("CAST(count(moment) FILTER (w(10, 30)) = 0 AS INTEGER)", SEEN)),
    "channels": (
        "elapsed",
        30,
        ("count(DISTINCT channel) FILTER (w(0, 30))", "count(DISTINCT channel) FILTER (p)", SEEN),
    ),
}
"""Metric to its clock, the day after its window, and its numbers per unit: value (or both parts), then covariates."""


def _numbers(folder: Path, zone: str, metric: str, by: str = "NULL") -> dict[tuple[str, Any], np.ndarray[Any, Any]]:
    """The vector of each mature unit, one row a unit, by variant and another column of the units."""
    clock, end, numbers = NUMBERS[metric]
    filtered = ", ".join(numbers).replace("(p)", f"(WHERE {PAST})")
    for first in (0, 3, 7, 10, 14, 21):
        for last in (7, 8, 14, 21, 28, 30):
            window = f"(WHERE moment >= t0 AND {_day(zone, clock)} >= {first} AND {_day(zone, clock)} < {last})"
            filtered = filtered.replace(f"(w({first}, {last}))", window)
    rows = _sql(
        folder,
        f"SELECT any_value(variant), any_value({by}), {filtered} FROM u LEFT JOIN o USING (id) "
        f"WHERE {_mature(zone, clock, end)} GROUP BY id",
    )
    found: dict[tuple[str, Any], list[Any]] = {}
    for variant, level, *vector in rows:
        found.setdefault((variant, level), []).append([float(each) for each in vector])
    return {key: np.array(vectors) for key, vectors in found.items()}


@pytest.mark.parametrize("metric", list(NUMBERS))
def test_a_metric_and_its_own_past(case: Case, metric: str) -> None:
    folder, zone, reading = case
    found = _numbers(folder, zone, metric)
    assert len(found) == 2
    for (variant, _), vectors in found.items():
        joint = reading.cells[metric, variant].joint
        assert joint is not None
        assert joint.n == len(vectors) > 100
        assert joint.mean == pytest.approx(vectors.mean(axis=0), rel=1e-12)
        assert np.array(joint.covariance) == pytest.approx(np.cov(vectors.T), rel=1e-9, abs=1e-12)
        assert vectors[:, -1].any(), "some units have a past, or the test shows nothing"


def test_without_a_scale_moments_are_the_engines_own(case: Case) -> None:
    folder, zone, reading = case
    weight = f"coalesce(sum(weight) FILTER (WHERE moment >= t0 AND {_day(zone, 'elapsed')} < 30), 0)"
    mature = _mature(zone, "elapsed", 30)
    query = f"SELECT any_value(variant), {weight} FROM u LEFT JOIN o USING (id) WHERE {mature} GROUP BY id"
    found: dict[str, list[float]] = {}
    for variant, value in _sql(folder, query):
        found.setdefault(variant, []).append(value)
    for variant, values in found.items():
        moments = reading.cells["weight", variant].moments
        assert moments.mean[0] == pytest.approx(np.mean(values), rel=1e-12)
        assert moments.covariance[0][0] == pytest.approx(np.var(values, ddof=1), rel=1e-9)


@pytest.mark.parametrize("metric", ["orders", "revenue", "order_value"])
@pytest.mark.parametrize(
    ("dimension", "column"),
    [
        ("country", "country"),
        (
            "spent",
            "(SELECT CASE WHEN sum(p.amount) >= 0.01 THEN 'some' END FROM o AS p WHERE p.id = u.id "
            "AND p.moment < u.t0 AND p.moment >= u.t0 - INTERVAL 240 HOURS)",
        ),
    ],
)
def test_segments(case: Case, metric: str, dimension: str, column: str) -> None:
    folder, zone, reading = case
    found = _numbers(folder, zone, metric, column)
    cells = {key: cell for key, cell in reading.segments.items() if key[0] == metric and key[2] == dimension}
    assert {(variant, level) for _, variant, _, level in cells} >= set(found)
    assert len({level for _, level in found}) == (4 if dimension == "country" else 2)
    for (variant, level), vectors in found.items():
        cell = cells[metric, variant, dimension, level]
        assert cell.joint is not None
        assert cell.joint.n == len(vectors)
        assert cell.joint.mean == pytest.approx(vectors.mean(axis=0), rel=1e-12)
        if len(vectors) > 1:
            assert np.array(cell.joint.covariance) == pytest.approx(np.cov(vectors.T), rel=1e-9, abs=1e-12)


def test_segments_add_up_to_the_variant(case: Case) -> None:
    _, _, reading = case
    for (metric, variant), whole in reading.cells.items():
        parts = [cell.moments for key, cell in reading.segments.items() if key[:3] == (metric, variant, "country")]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        assert total.n == whole.moments.n
        assert total.mean == pytest.approx(whole.moments.mean, rel=1e-12)
        assert total.covariance[0][0] == pytest.approx(whole.moments.covariance[0][0], rel=1e-9)


def test_the_primary_by_the_day_of_assignment(case: Case) -> None:
    folder, zone, reading = case
    found = _numbers(folder, zone, "orders", f"CAST(timezone('{zone}', t0) AS DATE)")
    days = {key[3]: cell for key, cell in reading.segments.items() if key[1:3] == ("treated", "assigned_on")}
    assert len(days) > 50
    for (variant, day), vectors in found.items():
        cell = reading.segments["orders", variant, "assigned_on", day.isoformat()]
        assert (cell.moments.n, cell.moments.mean[0]) == (len(vectors), pytest.approx(vectors[:, 0].mean()))


def test_the_primary_by_weeks_since_assignment(case: Case) -> None:
    folder, zone, reading = case
    weeks = [(0, 7), (7, 14), (14, 21), (21, 28), (28, 30)]
    parts = ", ".join(
        f"count(moment) FILTER (WHERE moment >= t0 AND {_day(zone, 'elapsed')} BETWEEN {first} AND {end - 1})"
        for first, end in weeks
    )
    mature = _mature(zone, "elapsed", 30)
    rows = _sql(folder, f"SELECT any_value(variant), {parts} FROM u LEFT JOIN o USING (id) WHERE {mature} GROUP BY id")
    for variant in ("control", "treated"):
        values = np.array([row[1:] for row in rows if row[0] == variant])
        for place, (first, _) in enumerate(weeks):
            moments = reading.periods["orders", variant, first]
            assert moments.n == len(values)
            assert moments.mean[0] == pytest.approx(values[:, place].mean(), rel=1e-12)
            assert moments.covariance[0][0] == pytest.approx(values[:, place].var(ddof=1), rel=1e-9)


def test_who_was_active_on_each_day(case: Case) -> None:
    folder, zone, reading = case
    # Followed on local day k of its own: the day had ended 24 hours before the as-of date, which is 00:00.
    followed = f"date_diff('day', CAST(timezone('{zone}', t0) AS DATE), DATE '{AS_OF - dt.timedelta(days=1)}')"
    day = _day(zone, "calendar")
    active = _sql(
        folder,
        f"SELECT variant, {day} AS day, count(DISTINCT id) FROM o JOIN u USING (id) WHERE moment >= t0 "
        f"AND {day} < least({CURVE_DAYS}, {followed}) GROUP BY ALL",
    )
    events = {(variant, day): n for variant, day, n in active}
    units = [(variant, min(CURVE_DAYS, days)) for variant, days in _sql(folder, f"SELECT variant, {followed} FROM u")]
    _compare(
        reading, "curve_1", units, events, lambda variant, day: sum(1 for v, d in units if v == variant and d > day)
    )


def test_time_to_the_first_event(case: Case) -> None:
    folder, zone, reading = case
    observed = f"timezone('{zone}', TIMESTAMP '{AS_OF} 00:00:00') - INTERVAL 24 HOURS"
    followed = f"CAST(floor((epoch_us({observed}) - epoch_us(t0)) / 86400e6) AS INTEGER)"
    rows = _sql(
        folder,
        f"SELECT any_value(variant), any_value(greatest(0, least({SURVIVAL_DAYS}, {followed}))), "
        f"CAST(floor(min(epoch_us(moment) - epoch_us(t0)) FILTER (WHERE moment >= t0) / 86400e6) AS INTEGER) "
        "FROM u LEFT JOIN o USING (id) GROUP BY id",
    )
    _check_survival(reading, "second_order", [(variant, days, at, None) for variant, days, at in rows])


def test_time_to_the_end_of_a_period_and_its_cause(case: Case) -> None:
    folder, zone, reading = case
    as_of = f"timezone('{zone}', TIMESTAMP '{AS_OF} 00:00:00')"
    rows = _sql(
        folder,
        f"""
        SELECT variant, greatest(0, least({SURVIVAL_DAYS},
                 CAST(floor((epoch_us({as_of}) - epoch_us(t0)) / 86400e6) AS INTEGER))),
               CASE WHEN ended < {as_of} THEN CAST(floor((epoch_us(ended) - epoch_us(t0)) / 86400e6) AS INTEGER) END,
               CASE reason WHEN 'too_expensive' THEN 'price' WHEN 'payment_failed' THEN 'billing' ELSE 'other' END
        FROM u JOIN s USING (id)
        WHERE begun <= t0 AND (ended IS NULL OR ended > t0) AND t0 < {as_of}
        """,
    )
    _check_survival(reading, "kept", rows)
    curve = reading.curves["kept", "control"]
    assert set(curve.causes) == {"price", "billing", "other"}
    assert [sum(counts) for counts in zip(*curve.causes.values(), strict=True)] == list(curve.events)


def _check_survival(reading: Reading, key: str, units: list[Any]) -> None:
    """Each unit as (variant, whole days followed, day of the event or None, cause)."""
    by_cause: dict[tuple[str, str], dict[int, int]] = {}
    leaving: list[tuple[str, int, bool]] = []
    for variant, followed, at, cause in units:
        happened = at is not None and at < followed
        leaving.append((variant, at if happened else followed, happened))
        if happened and cause:
            days = by_cause.setdefault((variant, cause), {})
            days[at] = days.get(at, 0) + 1
    for variant in ("control", "treated"):
        curve = reading.curves[key, variant]
        mine = [(day, happened) for found, day, happened in leaving if found == variant]
        for day in range(SURVIVAL_DAYS):
            risk = sum(1 for until, happened in mine if (until >= day if happened else until > day))
            assert curve.at_risk[day] == risk
            assert curve.events[day] == sum(1 for until, happened in mine if happened and until == day)
            assert curve.censored[day] == sum(1 for until, happened in mine if not happened and until == day + 1)
        assert sum(curve.events) > 20
        for (found, cause), days in by_cause.items():
            if found == variant:
                assert {day: n for day, n in enumerate(curve.causes[cause]) if n} == days


def _compare(reading: Reading, key: str, units: list[Any], events: Mapping[Any, int], risk: Any) -> None:
    for variant in ("control", "treated"):
        curve = reading.curves[key, variant]
        assert len(curve.at_risk) == CURVE_DAYS
        for day in range(CURVE_DAYS):
            assert curve.at_risk[day] == risk(variant, day)
            assert curve.events[day] == events.get((variant, day), 0)
            assert curve.censored[day] == sum(1 for found, days in units if found == variant and days == day + 1)
        assert sum(curve.events) > 100


def test_curves_of_two_halves_add_up() -> None:
    one = Curve(at_risk=(5, 3), events=(1, 1), censored=(1, 2), causes={"price": (1, 0)})
    other = Curve(at_risk=(2, 2, 1), events=(0, 0, 1), censored=(0, 1, 0), causes={"billing": (0, 0, 1)})
    assert one + other == Curve(
        at_risk=(7, 5, 1), events=(1, 1, 1), censored=(1, 3, 0), causes={"price": (1, 0), "billing": (0, 0, 1)}
    )


def _numbers_of(reading: Reading) -> dict[str, Any]:
    """Everything that was read, but for the statements and the one metric whose last digits depend on the order."""
    found = {field.name: getattr(reading, field.name) for field in fields(reading) if field.name != "statements"}
    for name in ("cells", "segments"):
        found[name] = {key: cell for key, cell in found[name].items() if key[0] != "weight"}
    return found


def test_an_event_that_was_delivered_twice_counts_once(case: Case, tmp_path: Path) -> None:
    folder, zone, reading = case
    for name in ("u", "s"):
        (tmp_path / f"{name}.parquet").write_bytes((folder / f"{name}.parquet").read_bytes())
    # Delivered again an hour later, as a queue does, with the id that it had; some thrice.
    again = "SELECT * REPLACE (moment + INTERVAL 1 HOUR AS moment) FROM o"
    _sql(folder, f"COPY (FROM o UNION ALL {again} UNION ALL FROM o WHERE order_id % 3 = 0) TO '{tmp_path}/o.parquet'")
    once = _read(tmp_path, _plan(tmp_path, zone, id="order_id"))
    assert _numbers_of(once) == _numbers_of(reading)
    assert _read(tmp_path, _plan(tmp_path, zone)).cells["orders", "control"] != reading.cells["orders", "control"]


def test_local_times_without_a_zone_are_read_in_the_zone_of_the_source(case: Case, tmp_path: Path) -> None:
    folder, zone, reading = case
    for name in ("u", "s"):
        (tmp_path / f"{name}.parquet").write_bytes((folder / f"{name}.parquet").read_bytes())
    local = "SELECT * REPLACE (timezone('America/New_York', moment) AS moment) FROM o"
    _sql(folder, f"COPY ({local}) TO '{tmp_path}/o.parquet'")
    again = _read(tmp_path, _plan(tmp_path, zone, timezone="America/New_York"))
    # Clocks went forward on 8 March; no wall-clock time of these days stands for two moments.
    assert _numbers_of(again) == _numbers_of(reading)


def test_facts_that_came_after_the_as_of_date_change_nothing(case: Case, tmp_path: Path) -> None:
    folder, zone, reading = case
    for name in ("u", "s"):
        (tmp_path / f"{name}.parquet").write_bytes((folder / f"{name}.parquet").read_bytes())
    later = f"timezone('{zone}', TIMESTAMP '{AS_OF} 00:00:00')"
    _sql(folder, f"COPY (SELECT * FROM o WHERE moment < {later}) TO '{tmp_path}/o.parquet'")
    assert _sql(folder, f"SELECT count(*) FROM o WHERE moment >= {later}")[0][0] > 50
    assert _numbers_of(_read(tmp_path, _plan(tmp_path, zone))) == _numbers_of(reading)


def test_each_source_is_read_once(case: Case) -> None:
    """Metrics, covariates, curves, properties, segments and balance: whatever is asked for, one scan a source."""
    _, _, reading = case
    text = "\n".join(statement.sql for statement in reading.statements)
    assert {name: text.count(f"/{name}.parquet") for name in ("u", "o", "s")} == {"u": 1, "o": 1, "s": 1}


@pytest.mark.parametrize("scale", [6, "float"])
def test_digits_survive_an_offset_of_a_billion(tmp_path: Path, scale: int | str) -> None:
    """The variance of 1e9 + U(0, 1) is 1/12. Sums of squares in floating point would lose every digit of it: they are
    of the order of 1e18, where doubles lie 128 apart."""
    values = 1e9 + np.round(np.random.default_rng(5).uniform(size=4000), 6)
    con = duckdb.connect()
    con.execute("CREATE TABLE v(id INTEGER, x DOUBLE)")
    con.executemany("INSERT INTO v VALUES (?, ?)", list(enumerate(values.tolist())))
    con.execute(
        f"COPY (SELECT id, TIMESTAMP '2026-01-01' AS t0, TIMESTAMP '2026-01-02' AS moment, x, CASE WHEN id % 2 = 0 "
        f"THEN 'control' ELSE 'treated' END AS variant FROM v) TO '{tmp_path}/v.parquet'"
    )
    source = {"path": "v.parquet", "keys": {"customer": "id"}}
    study = build(
        tmp_path,
        sources={
            "assigned": {**source, "grain": "unit"},
            "sales": {
                **source,
                "grain": "event",
                "timestamp": "moment",
                "facts": {"worth": {"column": "x", "scale": scale}},
            },
        },
        metrics={
            "worth": {
                "operation": "sum",
                "fact": "sales.worth",
                "window": {"length": "7d"},
                "desired_change": "increase",
            },
            "column": {
                "operation": "column",
                "column": "x",
                "scale": scale,
                "kind": "mean",
                "desired_change": "increase",
            },
        },
        experiment={
            "assignment": {
                "method": "external",
                "unit": "customer",
                "source": "assigned",
                "variant": "variant",
                "assigned_at": "t0",
            },
            "metrics": {"primary": "worth", "secondary": ["column"]},
        },
    )
    reading = _read(tmp_path, planning.plan(study, AS_OF))
    for place, variant in enumerate(("control", "treated")):
        mine = values[place::2] - 1e9
        for metric in ("worth", "column"):
            moments = reading.cells[metric, variant].moments
            assert moments.mean[0] - 1e9 == pytest.approx(mine.mean(), abs=2e-6)
            assert moments.covariance[0][0] == pytest.approx(mine.var(ddof=1), rel=1e-7)
