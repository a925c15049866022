"""Sizes against statsmodels' normal power, and against simulation through the very test that is planned."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.power import normal_power

from holdfast import planning, stats
from holdfast.errors import UsageError
from holdfast.model.plan import Plan
from holdfast.project.sizing import parse_baselines, sized
from tests.builders import study as build


@pytest.mark.parametrize(("treated", "control"), [(5_000, 5_000), (9_000, 1_000)])
def test_detectable_difference(treated: int, control: int) -> None:
    found = stats.detectable_difference(unit_variance=16.0, treated=treated, control=control, alpha=0.05, power=0.8)
    assert isinstance(found, float)
    pairs = 1 / (1 / treated + 1 / control)
    # statsmodels counts the chance of a wrong-sided finding in, about one in a million here.
    assert normal_power(found / 4, pairs, 0.05) == pytest.approx(0.8, abs=2e-6)


def test_chance_to_read_safe() -> None:
    found = stats.non_inferiority_power(unit_variance=9.0, margin=0.15, treated=4_000, control=6_000, confidence=0.95)
    pairs = 1 / (1 / 4_000 + 1 / 6_000)
    assert found == pytest.approx(normal_power(0.15 / 3, pairs, 0.05, alternative="larger"), rel=1e-9)


def test_customers_needed_give_the_power_that_was_asked_for() -> None:
    needed = stats.non_inferiority_units(unit_variance=9.0, margin=0.15, shares=(0.4, 0.6), confidence=0.95, power=0.8)
    assert isinstance(needed, int)
    chance = stats.non_inferiority_power(
        unit_variance=9.0, margin=0.15, treated=round(needed * 0.4), control=round(needed * 0.6), confidence=0.95
    )
    assert chance == pytest.approx(0.8, abs=1e-3)


def test_the_chance_is_what_simulation_gives() -> None:
    """2,000 draws of a guardrail at 4 % that tolerates 0.8 points, without any harm; 3.29 sigma of a binomial."""
    rng = np.random.default_rng(5)
    p, n, margin, runs = 0.04, 5_000, 0.008, 2_000
    expected = stats.non_inferiority_power(
        unit_variance=p * (1 - p), margin=margin, treated=n, control=n, confidence=0.95
    )
    assert isinstance(expected, float)
    draws = rng.binomial(n, p, size=(runs, 2))
    safe = 0
    for treated, control in draws:
        arms = [stats.proportion_arm(n=n, successes=int(x)) for x in (treated, control)]
        assert isinstance(arms[0], stats.Arm)
        assert isinstance(arms[1], stats.Arm)
        test = stats.non_inferiority(
            arms[0], arms[1], margin=margin, relative=False, increase_is_good=False, confidence=0.95
        )
        assert isinstance(test, stats.OneSided)
        safe += test.state == "safe"
    assert safe / runs == pytest.approx(expected, abs=3.29 * (expected * (1 - expected) / runs) ** 0.5 + 0.005)


@pytest.fixture
def plan() -> Plan:
    fact = {"fact": "orders.order", "window": {"length": "30d"}}
    study = build(
        Path("/nowhere"),
        sources={
            "orders": {
                "grain": "event",
                "path": "o.csv",
                "keys": {"customer": "id"},
                "timestamp": "at",
                "facts": {"order": {}, "revenue": {"column": "amount"}},
            }
        },
        metrics={
            "bought": {"operation": "conversion", "desired_change": "increase", **fact},
            "left": {"operation": "conversion", "desired_change": "decrease", **fact},
            "revenue": {
                "operation": "sum",
                "fact": "orders.revenue",
                "window": {"length": "30d"},
                "desired_change": "increase",
                "unit_of_measure": "USD",
            },
        },
        experiment={
            "assignment": {"method": "hash", "unit": "customer", "salt": "s"},
            "enroll": {"date": "2026-03-01"},
            "metrics": {
                "primary": "bought",
                "guardrails": [{"metric": "left", "tolerate": "0.2pt"}, {"metric": "revenue", "tolerate": "5%"}],
            },
        },
    )
    return planning.plan(study, dt.date(2026, 4, 1))


def test_a_guardrail_out_of_reach_is_said(plan: Plan) -> None:
    baselines = parse_baselines(["bought=12%", "left=2%", "revenue=20,sd=60"], plan)
    small = {item.metric.key: item for item in sized(plan, 4_000, baselines)}
    assert small["left"].finding is not None
    assert small["left"].finding.rule == "guardrail-unreachable"
    assert small["bought"].finding is None
    needed = small["left"].customers_needed
    assert needed is not None
    assert f"{needed:,}" in small["left"].finding.message
    enough = {item.metric.key: item for item in sized(plan, needed + 10, baselines)}
    assert enough["left"].finding is None
    # 5 % of 20 dollars is one dollar of margin.
    assert small["revenue"].power_to_pass == pytest.approx(
        normal_power(1 / 60, 1_000, 0.05, alternative="larger"), rel=1e-9
    )


@pytest.mark.parametrize("text", ["left", "left=", "left=2", "left=200%", "lft=2%", "left=two%"])
def test_what_is_no_baseline(plan: Plan, text: str) -> None:
    with pytest.raises(UsageError):
        parse_baselines([text], plan)
