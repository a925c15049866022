"""What the health checks read beside plain SQL: metrics before the assignment, slopes of single units, exposures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holdfast import estimate, health, planning
from holdfast.model.experiment import Exposed
from holdfast.model.plan import Plan
from holdfast.model.reading import Reading
from holdfast.model.values import FactRef
from tests.oracle.test_measurement import PAST, _plan, _prepare, _read, _sql
from tests.oracle.test_metrics import AS_OF, _day, _mature

ZONE = "Asia/Tokyo"
BEFORE = f"timezone('{ZONE}', x) < TIMESTAMP '{AS_OF}'"
Case = tuple[Path, Plan, Reading]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("past")
    _prepare(folder, 5)
    plan = _plan(folder, ZONE)
    return folder, plan, _read(folder, plan)


def _log(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """As the engine keeps it: sign(x) log(1 + |x|) to four digits."""
    rounded: np.ndarray[Any, Any] = np.round(np.sign(values) * np.log1p(np.abs(values)), 4)
    return rounded


def _before(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Of every unit, mature or not: orders, whether any, revenue, whether any that has an amount."""
    past = f"FILTER (WHERE {PAST})"
    rows = _sql(
        folder,
        f"SELECT any_value(variant), count(moment) {past}, least(count(moment) {past}, 1), "
        f"coalesce(sum(amount) {past}, 0), least(count(amount) {past}, 1) FROM u LEFT JOIN o USING (id) GROUP BY id",
    )
    return {
        variant: np.array([row[1:] for row in rows if row[0] == variant], dtype=float)
        for variant in ("control", "treated")
    }


def _check_past(folder: Path, reading: Reading) -> None:
    for variant, rows in _before(folder).items():
        orders, any_order, revenue, any_amount = rows.T
        for metric, vector in {
            "orders": [_log(orders), any_order],
            "revenue": [_log(revenue), any_amount],
            "order_value": [_log(revenue), any_amount, _log(orders), any_order],
            "on_day_7": [any_order],
        }.items():
            moments = reading.past[metric, variant]
            assert moments.n == len(rows) > 200
            assert moments.mean == pytest.approx(np.mean(vector, axis=1), abs=2e-7)
            assert np.array(moments.covariance) == pytest.approx(np.atleast_2d(np.cov(vector)), abs=2e-6)


def test_the_past_of_every_metric_and_unit(case: Case) -> None:
    folder, plan, reading = case
    _check_past(folder, reading)
    check = {each.id: each for each in health.run(plan, reading)}["pre_period"]
    assert check.status == "ok"
    assert check.value is not None


def test_before_the_readout_only_the_past_is_read_and_what_the_alarm_of_harm_watches(case: Case) -> None:
    folder, plan, whole = case
    reading = _read(folder, replace(plan, interim=True))
    _check_past(folder, reading)
    assert {key for key, _ in reading.cells} == {planned.key for planned in plan.watched} == {"orders"}
    assert not (reading.periods or reading.trends or reading.curves or reading.segments or reading.quantiles)
    told = estimate.run(replace(plan, interim=True), reading)
    assert told == estimate.Results(alarms=told.alarms)
    assert {(alarm.metric, alarm.crossed) for alarm in told.alarms} == {("orders", False)}
    statements = [statement.sql for statement in reading.statements if "holdfast_units" in statement.sql]
    assert statements
    outcome = re.compile(r"\bx\d+_sum_\w+_\d+_\d")
    assert any(outcome.search(statement.sql) for statement in whole.statements)
    assert not any(outcome.search(sql) for sql in statements)
    assert {each.id for each in health.run(replace(plan, interim=True), reading)} >= {"pre_period", "srm"}


def test_the_slope_of_every_unit(case: Case) -> None:
    """Least squares over the four whole weeks of 30 days, by numpy, unit by unit."""
    folder, _, reading = case
    weeks = ", ".join(
        f"count(moment) FILTER (WHERE moment >= t0 AND {_day(ZONE, 'elapsed')} BETWEEN {first} AND {first + 6})"
        for first in (0, 7, 14, 21)
    )
    mature = _mature(ZONE, "elapsed", 30)
    rows = _sql(folder, f"SELECT any_value(variant), {weeks} FROM u LEFT JOIN o USING (id) WHERE {mature} GROUP BY id")
    for variant in ("control", "treated"):
        values = np.array([row[1:] for row in rows if row[0] == variant], dtype=float)
        slopes = np.polyfit(np.arange(4), values.T, 1)[0]
        moments = reading.trends["orders", variant]
        assert moments.n == len(values) > 100
        assert moments.mean[0] == pytest.approx(slopes.mean(), rel=1e-9)
        assert moments.covariance[0][0] == pytest.approx(slopes.var(ddof=1), rel=1e-9)


@pytest.mark.parametrize("metric", ["revenue", "weight", "bought"])
def test_slopes_of_money_fractions_and_shares(case: Case, metric: str) -> None:
    """The mean slope is that of the means of the parts, whatever the kind of the number."""
    folder, plan, _ = case
    study = plan.study
    ref = replace(study.experiment.metrics.primary, name=metric)
    metrics = replace(study.experiment.metrics, primary=ref, secondary=())
    made = planning.plan(replace(study, experiment=replace(study.experiment, metrics=metrics)), AS_OF)
    reading = _read(folder, made)
    firsts = sorted({first for key, _, first in reading.periods if key == metric})
    whole = [first for first in firsts if first + 7 <= 30]
    assert len(whole) == (3 if metric == "revenue" else 4)
    for variant in ("control", "treated"):
        means = [reading.periods[metric, variant, first].mean[0] for first in whole]
        assert reading.trends[metric, variant].mean[0] == pytest.approx(
            np.polyfit(range(len(whole)), means, 1)[0], rel=1e-9
        )
        assert reading.trends[metric, variant].covariance[0][0] > 0
    check = {each.id: each for each in health.run(made, reading)}["novelty"]
    assert check.details["parts"] == len(whole)


def test_a_ratio_has_no_slope_of_single_units(case: Case) -> None:
    folder, plan, _ = case
    study = plan.study
    ref = replace(study.experiment.metrics.primary, name="order_value")
    metrics = replace(study.experiment.metrics, primary=ref, secondary=())
    made = planning.plan(replace(study, experiment=replace(study.experiment, metrics=metrics)), AS_OF)
    reading = _read(folder, made)
    assert reading.periods
    assert not reading.trends
    assert {each.id: each.status for each in health.run(made, reading)}["novelty"] == "not_applicable"


@pytest.mark.parametrize("interim", [False, True])
def test_who_was_exposed_and_when(case: Case, interim: bool) -> None:
    """The exposure is the first order after assignment; days of 24 hours from one to the other."""
    folder, plan, reading = case
    assert reading.exposure is None
    study = plan.study
    experiment = replace(study.experiment, population=Exposed(exposed=FactRef("orders", "order")))
    made = replace(planning.plan(replace(study, experiment=experiment), AS_OF), interim=interim)
    found = _read(folder, made)
    assert found.exposure is not None
    offered = dict(_sql(folder, f"SELECT variant, count(*) FROM u WHERE {BEFORE.replace('x', 't0')} GROUP BY 1"))
    assert dict(found.exposure.offered) == offered
    rows = _sql(
        folder,
        "SELECT variant, day, count(*) FROM (SELECT any_value(variant) AS variant, "
        f"min(epoch_us(moment) - epoch_us(t0)) // 86400000000 AS day FROM u JOIN o USING (id) "
        f"WHERE moment >= t0 AND {BEFORE.replace('x', 'moment')} GROUP BY id) GROUP BY ALL",
    )
    expected: dict[int, dict[str, int]] = {}
    for variant, day, n in rows:
        expected.setdefault(int(day), {})[variant] = n
    assert {day: dict(counts) for day, counts in found.exposure.by_day.items()} == expected
    assert sum(sum(counts.values()) for counts in expected.values()) == sum(found.assigned.values())
    told = health.exposure_days(made.study, found)
    assert told is not None
    for key in offered:
        steps = [(step.last_day, dict(step.counts)[key]) for step in told.days]
        so_far = [sum(n for _, n in steps[: place + 1]) for place in range(len(steps))]
        assert so_far == [sum(expected[day].get(key, 0) for day in expected if day <= last) for last, _ in steps]
        assert min(n for _, n in steps) >= made.study.project.privacy.minimum_cell
    check = {each.id: each for each in health.run(made, found)}["exposure"]
    assert check.status == "ok"
    assert check.details["share_control"] == found.assigned["control"] / offered["control"]
