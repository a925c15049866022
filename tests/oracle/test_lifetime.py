"""How units bought, as the engine counts it, beside pandas on the rows; and one lifetime value from rows to result."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from holdfast import estimate, planning, warehouse
from holdfast.model.plan import Plan
from holdfast.model.reading import Reading
from holdfast.stats import Histories, Spending, project_counts
from holdfast.stats.counted_value import CountedValue
from tests.builders import study as build
from tests.oracle.test_metrics import AS_OF, _data

DAYS = 30


def _plan(folder: Path, zone: str, metric: dict[str, Any], as_of: dt.date, scale: int | str = 2) -> Plan:
    value = {
        "operation": "clv",
        "fact": "orders.revenue",
        "desired_change": "increase",
        "unit_of_measure": "USD",
        "window": {"length": f"{DAYS}d"},
        **metric,
    }
    study = build(
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
                "facts": {"order": {}, "revenue": {"column": "amount", "scale": scale}},
                "freshness": "1d",
            },
        },
        metrics={
            "bought": {
                "operation": "conversion",
                "fact": "orders.order",
                "desired_change": "increase",
                "window": {"length": "7d"},
            },
            "value": value,
        },
        experiment={
            "assignment": {
                "method": "external",
                "unit": "customer",
                "source": "assigned",
                "variant": "variant",
                "assigned_at": "t0",
            },
            "metrics": {"primary": "bought", "secondary": ["value"]},
        },
    )
    return planning.plan(study, as_of)


def _read(plan: Plan, folder: Path) -> Reading:
    with warehouse.connect(plan.study.project.connection, folder, folder) as engine:
        return warehouse.read(engine, plan)


def _rows(folder: Path, zone: str, *, first: int, end: int, clock: str, channel: str | None = None) -> pd.DataFrame:
    """One row a mature unit that bought: days with a purchase, first and last of them, and what it spent."""
    units, orders = (pd.read_parquet(folder / f"{name}.parquet") for name in "uo")
    cutoff = pd.Timestamp(AS_OF, tz=zone) - pd.Timedelta(hours=24)
    start = units.t0.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    if clock == "elapsed":
        units = units[units.t0 + pd.Timedelta(hours=24 * end) <= cutoff]
    else:
        units = units[start + pd.Timedelta(days=end) <= cutoff.tz_localize(None).normalize()]
    both = orders.merge(units, on="id")
    if clock == "elapsed":
        both["day"] = (both.moment - both.t0).dt.days
    else:
        days = (both[name].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize() for name in ("moment", "t0"))
        both["day"] = np.subtract(*days) // pd.Timedelta(days=1)
    both = both[(both.moment >= both.t0) & (both.day >= first) & (both.day < end)]
    if channel:
        both = both[both.channel == channel]
    spent = both.groupby("id").amount.sum().round(2)
    paid = (
        both[both.amount > 0]
        .groupby("id")
        .agg(variant=("variant", "first"), purchases=("day", "nunique"), first=("day", "min"), last=("day", "max"))
    )
    return paid.assign(spent=spent)


@pytest.mark.parametrize(
    ("zone", "seed", "metric", "clock", "first", "end", "channel"),
    [
        ("UTC", 1, {}, "elapsed", 0, DAYS, None),
        ("America/New_York", 2, {"clock": "calendar"}, "calendar", 0, DAYS, None),
        ("Asia/Tokyo", 3, {"window": {"start": "3d", "length": "25d"}}, "elapsed", 3, 28, None),
        ("Asia/Tokyo", 4, {"where": {"channel": "app"}}, "elapsed", 0, DAYS, "app"),
    ],
)
def test_counts_are_those_of_the_rows(
    tmp_path: Path,
    zone: str,
    seed: int,
    metric: dict[str, Any],
    clock: str,
    first: int,
    end: int,
    channel: str | None,
) -> None:
    _data(tmp_path, seed)
    plan = _plan(tmp_path, zone, {"projection": "bg_nbd", "years": 2.0, **metric}, AS_OF)
    reading = _read(plan, tmp_path)
    rows = _rows(tmp_path, zone, first=first, end=end, clock=clock, channel=channel)
    for variant, own in rows.groupby("variant"):
        found = reading.buying["value", str(variant)]
        expected = Counter(zip(own.purchases, own["first"], own["last"], strict=True))
        assert {(one.purchases, one.first, one.last): one.n for one in found.histories} == expected
        assert max(one.purchases for one in found.histories) > 1, "somebody bought again, or the test shows little"
        assert sum(one.n for one in found.spend) == len(own) < reading.assigned[str(variant)]
        positive = own[own.spent > 0]
        assert sum(one.n * one.purchases * one.mean for one in found.spend) == pytest.approx(positive.spent.sum())
        assert sum(one.n for one in found.spend if one.mean == 0) == len(own) - len(positive)
        for one in found.spend:
            if one.mean:
                alike = positive[positive.purchases == one.purchases]
                assert (abs((alike.spent / one.purchases) / one.mean - 1) < 0.021).sum() >= one.n


def test_long_windows_count_several_days_as_one(tmp_path: Path) -> None:
    _data(tmp_path, 5)
    plan = _plan(
        tmp_path, "UTC", {"projection": "bg_nbd", "years": 1.0, "window": {"length": "200d"}}, dt.date(2027, 3, 1)
    )
    assert plan.lifetime[0].step == 3
    found = _read(plan, tmp_path).buying["value", "control"].histories
    assert {one.first % 3 for one in found} == {one.last % 3 for one in found} == {0}
    assert all(0 <= one.first <= one.last < 200 for one in found)


def test_floating_values_and_formulas_are_read_too(tmp_path: Path) -> None:
    _data(tmp_path, 6)
    metric = {"projection": "bg_nbd", "years": 1.0}
    exact, floating = (_read(_plan(tmp_path, "UTC", metric, AS_OF, scale), tmp_path) for scale in (2, "float"))
    for variant in ("control", "treated"):
        one, other = exact.buying["value", variant], floating.buying["value", variant]
        assert one.histories == other.histories
        spent = [sum(row.n * row.purchases * row.mean for row in each.spend) for each in (one, other)]
        assert spent[0] == pytest.approx(spent[1], rel=1e-9)
    formula = _plan(tmp_path, "UTC", {"projection": "formula", "years": 2.0}, AS_OF)
    reading = _read(formula, tmp_path)
    assert not reading.buying
    moments, (row, _) = reading.cells["lifetime value", "control"].moments, estimate.run(formula, reading).lifetime
    assert row.variant == "control" and row.n == moments.n and row.realised == moments.mean[1]
    # Two years at the pace of the 30 days.
    assert row.projected.estimate == pytest.approx(moments.mean[1] * 2 * 365 / DAYS)


def _shop(folder: Path) -> pd.DataFrame:
    """3,000 customers who buy and stop as the model says, treated at half as much again; times within 30 days."""
    rng = np.random.default_rng(20260401)
    base = pd.Timestamp("2026-01-10", tz="UTC")
    units, orders = [], []
    for number in range(3000):
        variant = "treated" if number % 2 else "control"
        units.append((f"c{number}", variant, base))
        pace = rng.gamma(1.2, 1 / (6.0 if variant == "treated" else 9.0))
        stops, level = rng.beta(1.0, 3.0), 4.0 * 20.0 / rng.gamma(4.0)
        at = 0.0
        while True:
            at += rng.exponential(1 / pace)
            if at >= DAYS:
                break
            orders.append((f"c{number}", base + pd.Timedelta(days=at), round(level * rng.gamma(3.0), 2), "app"))
            if rng.random() < stops:
                break
    pd.DataFrame(units, columns=["id", "variant", "t0"]).to_parquet(folder / "u.parquet")
    frame = pd.DataFrame(orders, columns=["id", "moment", "amount", "channel"])
    frame.to_parquet(folder / "o.parquet")
    return frame


def test_a_projection_from_rows_to_the_result(tmp_path: Path) -> None:
    """The models fitted to single customers, times the share that bought, beside the result from counts; the rows of
    the scorecard are the same with and without a projection."""
    orders = _shop(tmp_path)
    plan = _plan(tmp_path, "UTC", {"projection": "bg_nbd", "years": 1.5}, dt.date(2026, 4, 1))
    results = estimate.run(plan, _read(plan, tmp_path))
    plain = _plan(tmp_path, "UTC", {}, dt.date(2026, 4, 1))
    without = estimate.run(plain, _read(plain, tmp_path))
    assert results.estimates == without.estimates and results.levels == without.levels
    assert without.lifetime == ()

    base = pd.Timestamp("2026-01-10", tz="UTC")
    orders["day"] = (orders.moment - base) // pd.Timedelta(days=1)
    for row in results.lifetime:
        own = orders[(orders.id.str[1:].astype(int) % 2 == 1) == (row.variant == "treated")]
        each = own.groupby("id").agg(
            purchases=("day", "nunique"), first=("day", "min"), last=("day", "max"), spent=("amount", "sum")
        )
        ones = [1.0] * len(each)
        found = project_counts(
            Histories(
                (each.purchases - 1).tolist(),
                (each["last"] - each["first"]).tolist(),
                (DAYS - each["first"] - 0.5).tolist(),
                ones,
            ),
            Spending(each.purchases.tolist(), (each.spent / each.purchases).tolist(), ones),
            years=1.5,
            year=365.0,
        )
        share = len(each) / 1500
        assert isinstance(found, CountedValue)
        assert row.projected.estimate is not None and row.projected.upper is not None
        assert (row.n, row.buyers, row.from_day, row.years) == (1500, len(each), DAYS, 1.5)
        assert row.realised == pytest.approx(own.amount.sum() / 1500)
        assert row.projected.estimate == pytest.approx(found.projected.theta * share, rel=2e-3)
        variance = share**2 * found.projected.variance + found.projected.theta**2 * share * (1 - share) / 1499
        assert row.projected.upper - row.projected.estimate == pytest.approx(1.96 * variance**0.5, rel=0.02)
    control, treated = results.lifetime
    assert control.difference is None and treated.difference is not None
    assert treated.projected.estimate is not None and control.projected.estimate is not None
    assert treated.difference.estimate == pytest.approx(treated.projected.estimate - control.projected.estimate)
    assert "buyers_only" in treated.assumptions
