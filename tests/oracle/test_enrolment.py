"""Who enrols, against plain Python over the same facts: derived properties, bands, top shares, holdouts and slots."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from holdfast import hashing, warehouse
from holdfast.model.study import Study
from holdfast.project.drawing import draw
from tests.builders import study as build

ZONE = ZoneInfo("Asia/Tokyo")
DAY = dt.date(2026, 3, 1)
T0 = dt.datetime.combine(DAY, dt.time(), ZONE)
Orders = dict[str, list[tuple[dt.datetime, float]]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Orders, dict[str, dt.date]]:
    """300 customers with 0 to 6 orders around the assignment, and the date of their sign-up."""
    folder = tmp_path_factory.mktemp("enrolment")
    rng = random.Random(9)
    orders: Orders = {}
    signed: dict[str, dt.date] = {}
    for number in range(300):
        unit = f"c{number}"
        signed[unit] = DAY - dt.timedelta(days=rng.randrange(-20, 400))
        orders[unit] = sorted(
            (T0 - dt.timedelta(seconds=rng.randrange(-10 * 86_400, 120 * 86_400)), round(rng.uniform(1, 99), 2))
            for _ in range(rng.choice([0, 1, 2, 3, 6]))
        )
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("CREATE TABLE c(id VARCHAR, signed DATE)").executemany(
        "INSERT INTO c VALUES (?, ?)", list(signed.items())
    )
    con.execute("CREATE TABLE o(id VARCHAR, moment TIMESTAMPTZ, amount DOUBLE)").executemany(
        "INSERT INTO o VALUES (?, ?, ?)", [(unit, at, amount) for unit, rows in orders.items() for at, amount in rows]
    )
    for table in ("c", "o"):
        con.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")
    return folder, orders, signed


def enrolled(folder: Path, audience: Mapping[str, Any], properties: Mapping[str, Any], **assignment: Any) -> set[str]:
    """The units that enrol on the day."""
    return set(_rows(_study(folder, audience, properties, **assignment), folder))


def _study(folder: Path, audience: Mapping[str, Any], properties: Mapping[str, Any], **assignment: Any) -> Study:
    return build(
        folder,
        project={
            "timezone": "Asia/Tokyo",
            "units": {"customer": {"source": "customers"}},
            "holdouts": {
                "all": {"share": "20%", "salt": "all-1", "start": "2026-01-01", "until": "2026-12-31"},
                "next": {"share": "50%", "salt": "next-1", "start": "2026-03-02", "until": "2027-12-31"},
            },
            "exclusion_groups": {"offers": {"salt": "offers-1"}},
        },
        sources={
            "customers": {
                "grain": "unit",
                "path": "c.parquet",
                "keys": {"customer": "id"},
                "known_from": "signed",
                "properties": ["signed"],
            },
            "orders": {
                "grain": "event",
                "path": "o.parquet",
                "keys": {"customer": "id"},
                "timestamp": "moment",
                "facts": {"order": {}, "revenue": {"column": "amount"}},
            },
        },
        properties=properties,
        metrics={
            "bought": {
                "operation": "conversion",
                "fact": "orders.order",
                "window": {"length": "5d"},
                "desired_change": "increase",
            }
        },
        experiment={
            "assignment": {"method": "hash", "unit": "customer", "salt": "trial-1", **assignment},
            "enroll": {"date": DAY.isoformat()},
            "audience": audience,
            "metrics": {"primary": "bought"},
        },
    )


def _rows(study: Study, folder: Path) -> dict[str, str]:
    target = folder / "out.parquet"
    target.unlink(missing_ok=True)
    with warehouse.connect(study.project.connection, folder, folder) as engine:
        draw(engine, study, DAY, earlier=None, target=target)
    return dict(duckdb.connect().execute(f"SELECT unit, variant FROM '{target}'").fetchall())


def _before(rows: list[tuple[dt.datetime, float]], days: int | None = None) -> list[tuple[dt.datetime, float]]:
    return [(at, x) for at, x in rows if at < T0 and (days is None or at >= T0 - dt.timedelta(days=days))]


def _recency(rows: list[tuple[dt.datetime, float]]) -> int | None:
    past = _before(rows)
    return (DAY - max(past)[0].astimezone(ZONE).date()).days if past else None


def _trend(rows: list[tuple[dt.datetime, float]]) -> float | None:
    now, both = len(_before(rows, 28)), len(_before(rows, 56))
    return now / (both - now) if both > now else None


def _overdue(rows: list[tuple[dt.datetime, float]]) -> float | None:
    past, days = sorted(at for at, _ in _before(rows)), _recency(rows)
    gaps = [(b - a) / dt.timedelta(days=1) for a, b in pairwise(past)]
    return days - median(gaps) if gaps and days is not None else None


Row = list[tuple[dt.datetime, float]]
CASES: list[tuple[dict[str, Any], Any, Callable[[Row], bool]]] = [
    (
        {"operation": "recency", "fact": "orders.order"},
        "10..60",
        lambda r: (d := _recency(r)) is not None and 10 <= d <= 60,
    ),
    ({"operation": "recency", "fact": "orders.order"}, "none", lambda r: _recency(r) is None),
    (
        {"operation": "count", "fact": "orders.order", "window": {"last": "60d"}},
        ">= 2",
        lambda r: len(_before(r, 60)) >= 2,
    ),
    ({"operation": "count", "fact": "orders.order"}, 0, lambda r: not _before(r)),
    ({"operation": "sum", "fact": "orders.revenue"}, "> 100", lambda r: sum(x for _, x in _before(r)) > 100),
    (
        {"operation": "average", "fact": "orders.revenue"},
        "< 40",
        lambda r: bool(p := _before(r)) and sum(x for _, x in p) / len(p) < 40,
    ),
    ({"operation": "last", "fact": "orders.revenue"}, "> 50", lambda r: bool(p := _before(r)) and max(p)[1] > 50),
    ({"operation": "first", "fact": "orders.revenue"}, "> 50", lambda r: bool(p := _before(r)) and min(p)[1] > 50),
    (
        {"operation": "trend", "fact": "orders.order", "window": {"last": "28d"}},
        "< 1",
        lambda r: (t := _trend(r)) is not None and t < 1,
    ),
    ({"operation": "days_overdue", "fact": "orders.order"}, "> 0", lambda r: (d := _overdue(r)) is not None and d > 0),
]


@pytest.mark.parametrize(("spec", "condition", "holds"), CASES, ids=[f"{c[0]['operation']} {c[1]}" for c in CASES])
def test_derived_properties(
    shop: tuple[Path, Orders, dict[str, dt.date]], spec: dict[str, Any], condition: Any, holds: Callable[[Row], bool]
) -> None:
    folder, orders, signed = shop
    expected = {unit for unit, rows in orders.items() if signed[unit] < DAY and holds(rows)}
    assert 5 < len(expected) < 290
    assert enrolled(folder, {"own": condition}, {"own": spec}) == expected


def test_tenure_counts_days_since_a_date_of_the_unit(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, _, signed = shop
    expected = {unit for unit, day in signed.items() if day < DAY and (DAY - day).days <= 30}
    assert expected
    assert enrolled(folder, {"tenure": "0..30"}, {"tenure": {"operation": "tenure", "column": "signed"}}) == expected


def test_bands_name_ranges_and_none_is_no_value(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, orders, signed = shop
    spec = {"operation": "sum", "fact": "orders.revenue", "bands": {"none": 0, "low": 0.01, "high": 100}}
    spent = {unit: sum(x for _, x in _before(rows)) for unit, rows in orders.items() if signed[unit] < DAY}
    for condition, expected in {
        "high": {unit for unit, x in spent.items() if x >= 100},
        "low": {unit for unit, x in spent.items() if 0 < x < 100},
        "none": {unit for unit, x in spent.items() if x == 0},
    }.items():
        assert enrolled(folder, {"band": condition}, {"band": spec}) == expected


def test_the_top_share_is_taken_among_the_eligible(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, orders, signed = shop
    properties = {
        "spent": {"operation": "sum", "fact": "orders.revenue"},
        "orders": {"operation": "count", "fact": "orders.order"},
    }
    eligible = {u: sum(x for _, x in _before(r)) for u, r in orders.items() if signed[u] < DAY and len(_before(r)) <= 3}
    found = enrolled(folder, {"spent": "top 20%", "orders": "0..3"}, properties)
    assert abs(len(found) - 0.2 * len(eligible)) <= 1
    assert min(eligible[unit] for unit in found) >= max(x for unit, x in eligible.items() if unit not in found)


def test_quantile_groups_keep_ties_together(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, orders, signed = shop
    properties = {
        "spent": {"operation": "sum", "fact": "orders.revenue"},
        "fifth": {"operation": "quantiles", "of": "spent", "groups": 5},
    }
    spent = {u: sum(x for _, x in _before(r)) for u, r in orders.items() if signed[u] < DAY}
    groups = {k: enrolled(folder, {"fifth": k}, properties) for k in range(1, 6)}
    assert set().union(*groups.values()) == set(spent)
    assert sum(len(group) for group in groups.values()) == len(spent)
    assert {unit for unit, x in spent.items() if x == 0} <= groups[1], "who spent nothing is one group"
    for k in range(2, 6):
        below = [spent[unit] for j in range(1, k) for unit in groups[j]]
        assert all(spent[unit] > max(below) for unit in groups[k])
    assert abs(len(groups[5]) - len(spent) / 5) <= 1


def test_rfm_is_three_groups_as_digits(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, orders, signed = shop
    spec = {"rfm": {"operation": "rfm", "fact": "orders.revenue", "window": {"last": "90d"}, "groups": 2}}
    known = {u: _before(r, 90) for u, r in orders.items() if signed[u] < DAY and _before(r, 90)}
    fresh = {u: -(DAY - max(r)[0].astimezone(ZONE).date()).days for u, r in known.items()}
    money = {u: sum(x for _, x in r) for u, r in known.items()}
    often = {u: len(r) for u, r in known.items()}
    # Units that cannot enrol yet take no part in the medians.
    best = {
        u
        for u in known
        if fresh[u] > median(fresh.values()) and often[u] > median(often.values()) and money[u] > median(money.values())
    }
    assert best
    assert enrolled(folder, {"rfm": 222}, spec) == best
    assert enrolled(folder, {"rfm": "none"}, spec) == {u for u in orders if signed[u] < DAY} - set(known)


def test_a_property_by_sql(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, orders, signed = shop
    query = f"SELECT id AS unit, length(id) AS value FROM read_parquet('{folder}/c.parquet')"
    expected = {unit for unit in orders if signed[unit] < DAY and len(unit) == 2}
    assert enrolled(folder, {"length": 2}, {"length": {"operation": "sql", "sql": query}}) == expected


def test_holdouts_and_slots_draw_their_own_customers(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, orders, signed = shop
    everybody = {unit for unit in orders if signed[unit] < DAY}
    held = {u for u in everybody if hashing.bucket("all-1", "holdout", u) < hashing.share_limit("0.2")}
    assert held
    assert enrolled(folder, {}, {}, holdout=["all"]) == everybody - held
    first = enrolled(folder, {}, {}, exclusion_group={"name": "offers", "slot": "0%..50%"})
    second = enrolled(folder, {}, {}, exclusion_group={"name": "offers", "slot": "50%..100%"})
    assert not first & second
    assert first | second == everybody
    assert first == {u for u in everybody if hashing.bucket("offers-1", "slot", u) < hashing.SPACE // 2}


def test_one_holdout_follows_another_and_the_projects_own_is_the_default(
    shop: tuple[Path, Orders, dict[str, dt.date]],
) -> None:
    folder, _, _ = shop
    today = enrolled(folder, {}, {}, holdout=["all"])
    everybody = enrolled(folder, {}, {}, holdout=[])
    assert enrolled(folder, {}, {}, holdout=["next", "all"]) == today, "the next one has not begun on this day"
    assert enrolled(folder, {}, {}) == everybody
    study = _study(folder, {}, {})
    defaults = replace(study.project.defaults, holdout=("all",))
    inherits = replace(study, project=replace(study.project, defaults=defaults))
    assert set(_rows(inherits, folder)) == today < everybody


def test_variants_are_those_of_the_hash(shop: tuple[Path, Orders, dict[str, dt.date]]) -> None:
    folder, _, _ = shop
    rows = _rows(_study(folder, {}, {}), folder)
    weights = {"control": 1, "treated": 1}
    assert rows
    assert all(variant == hashing.variant_of("trial-1", unit, weights) for unit, variant in rows.items())
