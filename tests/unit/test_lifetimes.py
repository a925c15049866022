"""Projected lifetime values from what was read: per assigned unit, with reasons, apart from everything that decides."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdfast import estimate, planning
from holdfast.model.found import LifetimeRow
from holdfast.model.plan import Plan
from holdfast.model.reading import Buying, BuyingHistory, BuyingSpend, Cell, Moments, Reading
from tests.builders import number_cell, reading, share_cell, study

BUYERS = Buying(
    tuple(
        BuyingHistory(purchases, 51, 51 + lasted, n)
        for purchases, lasted, n in [(1, 0, 600), (2, 9, 180), (3, 20, 90), (5, 30, 50), (9, 36, 20)]
    ),
    tuple(
        BuyingSpend(purchases, mean, n)
        for purchases, mean, n in [
            (1, 20.0, 300),
            (1, 35.0, 300),
            (2, 18.0, 90),
            (2, 39.0, 90),
            (3, 26.0, 90),
            (5, 24.0, 50),
            (9, 33.0, 20),
        ]
    ),
)


def _plan(projection: str, **settings: Any) -> Plan:
    orders = {
        "grain": "event",
        "path": "o.parquet",
        "keys": {"customer": "id"},
        "timestamp": "at",
        "facts": {"order": {}, "margin": {"column": "margin"}},
    }
    value = {"operation": "clv", "fact": "orders.margin", "projection": projection, "years": 2.0, "winsorize": "99%"}
    common = {"desired_change": "increase", "window": {"length": "90d"}}
    whole = study(
        Path("/nowhere"),
        sources={"assigned": {"grain": "unit", "path": "u.parquet", "keys": {"customer": "id"}}, "orders": orders},
        metrics={
            "bought": {"operation": "conversion", "fact": "orders.order", **common},
            "clv": {**value, "unit_of_measure": "USD", **common},
        },
        experiment={
            "assignment": {
                "method": "external",
                "unit": "customer",
                "source": "assigned",
                "variant": "variant",
                "assigned_at": "t0",
            },
            "metrics": {"primary": "bought", "secondary": ["clv"]},
            **settings,
        },
    )
    return planning.plan(whole, dt.date(2026, 9, 1))


def _cells(mean: float = 30.0, n: int = 2000) -> list[Cell]:
    cells = []
    for variant, factor in (("control", 1.0), ("treated", 1.1)):
        moments = Moments(n, (0.5, mean * factor), ((0.8, 30.0), (30.0, 3600.0)))
        cells += [share_cell("bought", variant, n // 2, n), number_cell("clv", variant, [1.0, 2.0, 3.0, 4.0])]
        cells.append(Cell(metric="lifetime clv", variant=variant, mature=n, excluded=0, moments=moments, active=n // 2))
    return cells


def _rows(plan: Plan, read: Reading) -> dict[str, LifetimeRow]:
    return {row.variant: row for row in estimate.run(plan, read).lifetime}


def test_a_formula_goes_on_at_the_pace_of_the_window() -> None:
    """90 days brought 30 per unit; two more years at that pace bring 30 x 730 / 90, with 730 / 90 times its error."""
    rows = _rows(_plan("formula"), reading(_cells()))
    factor, error = 730 / 90, (3600 / 2000) ** 0.5
    control, treated = rows["control"], rows["treated"]
    assert (control.realised, control.n, control.buyers, control.from_day) == (30.0, 2000, None, 90)
    assert control.projected.estimate == pytest.approx(30 * factor)
    # Student's t with 1,999 degrees of freedom: 1.961151.
    assert control.projected.upper == pytest.approx(30 * factor + 1.961151 * factor * error, rel=1e-6)
    assert control.difference is None and treated.difference is not None
    assert treated.difference.estimate == pytest.approx(3 * factor)
    assert treated.difference.upper == pytest.approx((3 + 1.960553 * error * 2**0.5) * factor, rel=1e-5)
    assert control.assumptions == ("same_pace", "undiscounted", "uncapped")


def test_those_who_bought_nothing_bring_nothing_afterwards() -> None:
    """The same buyers among twice as many units are worth half as much a unit, and not with half the error alone: that
    of the share of buyers is in it."""
    plan = _plan("bg_nbd")
    both = {("clv", variant): BUYERS for variant in ("control", "treated")}
    few = _rows(plan, reading(_cells(n=1000), buying=both))["control"].projected
    many = _rows(plan, reading(_cells(n=2000), buying=both))["control"]
    assert few.estimate is not None and many.projected.estimate is not None and many.projected.upper is not None
    assert many.buyers == 940
    assert many.projected.estimate == pytest.approx(few.estimate * 0.5)
    half, mean = many.projected.upper - many.projected.estimate, few.estimate / 0.94
    among_buyers = (half / 1.9612) ** 2 - mean**2 * 0.47 * 0.53 / 1999
    assert few.upper is not None
    given = ((few.upper - few.estimate) / 1.9623) ** 2 - mean**2 * 0.94 * 0.06 / 999
    assert among_buyers == pytest.approx(given / 4, rel=1e-2)


def test_a_projection_that_cannot_be_made_says_why() -> None:
    plan = _plan("bg_nbd")
    nobody = reading(_cells(), buying={("clv", "treated"): BUYERS, ("clv", "control"): Buying((), ())})
    rows = _rows(plan, nobody)
    assert rows["control"].projected.reason == "no_events" and rows["control"].realised == 30.0
    assert rows["treated"].projected.estimate is not None
    assert rows["treated"].difference is not None and rows["treated"].difference.reason == "no_events"
    once = Buying((BuyingHistory(1, 3, 3, 40),), (BuyingSpend(1, 20.0, 40),))
    rows = _rows(plan, reading(_cells(), buying={("clv", each): once for each in ("control", "treated")}))
    assert rows["treated"].projected.reason == "no_events"
    drawn = {dt.date(2026, 1, 1): {"control": 30, "treated": 30}}
    rows = _rows(_plan("formula"), replace(reading(_cells()), clusters=drawn))
    assert rows["control"].projected.reason == "drawn_as_clusters" and rows["control"].realised == 30.0
    empty = [
        replace(cell, moments=Moments(0, (0.0, 0.0), ((0.0, 0.0),) * 2)) for cell in _cells() if cell.metric[0] == "l"
    ]
    rows = _rows(_plan("formula"), reading([*(cell for cell in _cells() if cell.metric[0] != "l"), *empty]))
    assert rows["control"].projected.reason == "no_mature_units" and rows["control"].realised is None


def test_before_the_readout_nothing_is_projected_and_without_a_projection_nothing_is_read() -> None:
    plan = _plan("formula", enroll={"start": "2026-08-01", "length": "14d"})
    assert plan.interim and estimate.run(plan, reading(_cells())).lifetime == ()
    assert _plan("formula").vectors[-1].key == "lifetime clv"


@pytest.mark.parametrize(("days", "step"), [("90d", 1), ("91d", 1), ("92d", 2), ("365d", 5)])
def test_days_are_counted_together_in_long_windows(days: str, step: int) -> None:
    planned = _plan("bg_nbd").lifetime[0]
    window = replace(planned.vector.parts[0].window, length=type(planned.vector.parts[0].window.length).parse(days))
    parts = tuple(replace(part, window=window) for part in planned.vector.parts)
    assert replace(planned, vector=replace(planned.vector, parts=parts)).step == step
