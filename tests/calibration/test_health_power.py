"""Faults as they happen, each found by its check in most runs: what the studies of false alarms are for."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from holdfast import health
from holdfast.health.alike import pre_period
from holdfast.model.result import Check
from tests.builders import reading
from tests.calibration.studies_health import (
    VARIANTS,
    Draw,
    customers,
    exposed,
    followed,
    missing,
    moments,
    plan,
    trend,
)

RUNS = 100


def statuses(draw: Draw, seed: int, runs: int = RUNS) -> Counter[str]:
    rng = np.random.default_rng(seed)
    found = (draw(rng) for _ in range(runs))
    return Counter(check.status for check in found if check is not None)


def test_active_customers_more_often_treated() -> None:
    """Who bought anything before is treated in 54% of cases in place of 50%: 4,000 customers."""

    def draw(rng: np.random.Generator) -> Check:
        rows = customers(rng, 4_000)
        treated = rng.random(4_000) < 0.5 + 0.08 * (rows[:, 1] - rows[:, 1].mean())
        past = {("a", key): moments(rows[mine][:, :2]) for key, mine in zip(VARIANTS, (~treated, treated), strict=True)}
        return pre_period(plan(), reading(past=past))

    found = statuses(draw, 3631)
    assert found["block"] + found["note"] > 0.8 * RUNS
    assert found["block"] > 0.5 * RUNS


def test_control_logs_no_exposure_on_one_page() -> None:
    """30% of control and 33% of the treated are logged as exposed: 20,000 units."""
    found = statuses(lambda rng: exposed(rng, n=20_000, shares=(0.30, 0.33)), 3632)
    assert found["block"] > 0.75 * RUNS


def test_one_variant_is_exposed_later() -> None:
    """As many, but 20% later: the days tell."""
    found = statuses(lambda rng: exposed(rng, n=20_000, later=1.2), 3633)
    assert found["block"] + found["note"] > 0.7 * RUNS


def test_the_share_of_a_variant_was_turned_down_while_enrolling() -> None:
    """The treated variant's share falls from 55% to 45% within four weeks: the split over all is right."""
    found = statuses(lambda rng: followed(rng, per_day=400, shift=0.1), 3634)
    assert found["block"] > 0.9 * RUNS


@pytest.mark.parametrize(
    ("rates", "status"),
    [(((0.02, 0.035), (0.3, 0.3), (0.001, 0.001)), "block"), (((0.02, 0.02), (0.3, 0.35), (0.001, 0.001)), "note")],
    ids=["primary", "secondary"],
)
def test_a_join_that_loses_values_of_one_variant(rates: tuple[tuple[float, float], ...], status: str) -> None:
    """The primary lacks a value for 2% and 3.5%, or a secondary metric for 30% and 35%, of 10,000 units."""
    found = statuses(lambda rng: missing(rng, n=10_000, rates=rates), 3635)
    assert found[status] > 0.6 * RUNS


def test_an_effect_that_fades() -> None:
    """+50% of a week in the first week and +5% in the fourth, 20,000 units in each variant; it is never a block."""
    found = statuses(lambda rng: trend(rng, sizes=(20_000, 20_000), effect=0.5, fade=0.15), 3636, runs=40)
    assert found["note"] > 0.7 * 40
    assert not found["block"]


def test_weeks_of_one_unit_are_no_independent_data() -> None:
    """Why slopes of single units are compared: where each has a taste that lasts, the slope varies far less than weeks
    as independent data would, and a fading effect would go unseen."""
    rng = np.random.default_rng(3637)
    rows = rng.lognormal(0.0, 1.0, 20_000)[:, None] + rng.normal(0.0, 0.3, (20_000, 4))
    weights = (np.arange(4) - 1.5) / 5.0
    true = (rows @ weights).var(ddof=1)
    independent = float(weights**2 @ rows.var(axis=0, ddof=1))
    assert true < 0.1 * independent


def test_crossovers_at_their_rates() -> None:
    """Limits are shares and no tests: with 5,000 units a true rate well below a limit hardly ever crosses it, and one
    well above nearly always does."""
    rng = np.random.default_rng(3638)
    made = plan()
    found: dict[float, Counter[str]] = {}
    for rate in (0.0003, 0.003, 0.006, 0.02):
        runs = Counter[str]()
        for crossed in rng.binomial(5_000, rate, 2_000):
            rest = 5_000 - int(crossed)
            read = reading(assigned={"control": rest // 2, "treated": rest - rest // 2}, crossovers=int(crossed))
            runs[next(check.status for check in health.run(made, read) if check.id == "contamination")] += 1
        found[rate] = runs
    assert found[0.0003]["ok"] > 1_980
    assert found[0.003]["note"] > 1_980
    assert found[0.006]["block"] < 20
    assert found[0.02]["block"] > 1_980
