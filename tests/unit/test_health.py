"""The health checks: each status at its limit, and what each one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from scipy import stats

from holdfast import health, planning
from holdfast.model.metric import Window
from holdfast.model.plan import Plan
from holdfast.model.reading import Reading
from holdfast.model.result import Check
from holdfast.model.values import Duration
from tests.builders import outcomes, reading, share_cell

AS_OF = date(2026, 6, 1)


def plan(**changes: Any) -> Plan:
    return planning.plan(outcomes({"a": {"desired_change": "increase"}}, {"primary": "a"}, **changes), AS_OF)


def found(read: Reading, made: Plan | None = None) -> dict[str, Check]:
    return {check.id: check for check in health.run(made or plan(), read)}


def split(control: int, treated: int, **more: int) -> Reading:
    return reading(assigned={"control": control, "treated": treated, **more})


def p_value(control: int, treated: int) -> float:
    return float(stats.chisquare([control, treated]).pvalue)


def uneven(p: float, n: int = 100_000) -> tuple[int, int]:
    """The most even split of n units whose p-value lies below p."""
    gap = next(gap for gap in range(n // 2) if p_value(n // 2 - gap, n // 2 + gap) < p)
    return n // 2 - gap, n // 2 + gap


def test_every_check_once_and_in_order() -> None:
    names = [check.id for check in health.run(plan(), split(100, 100))]
    assert names == ["srm", "empty_variant", "unlisted_labels", "contamination", "daily_split", "maturity"]


@pytest.mark.parametrize(("limit", "below", "above"), [(0.01, "note", "ok"), (0.0005, "block", "note")])
def test_the_split_at_its_limits(limit: float, below: str, above: str) -> None:
    control, treated = uneven(limit)
    check = found(split(control, treated))["srm"]
    assert check.status == below
    assert check.value == pytest.approx(p_value(control, treated), rel=1e-9)
    assert check.limit == limit
    assert check.details["expected_control"] == 50_000
    nearer = found(split(control + 1, treated - 1))["srm"]
    assert nearer.status == above
    # Which variant has too many makes no difference.
    assert found(split(treated, control))["srm"].status == below


@pytest.mark.parametrize("place", ["project", "experiment"])
def test_limits_from_the_project_and_from_the_experiment(place: str) -> None:
    mine = {"srm": {"block": 0.001, "note": 0.2}, "contamination": {"block": "50%", "note": "40%"}}
    theirs = {"srm": {"block": 1e-9, "note": 1e-8}, "contamination": {"block": "99%", "note": "98%"}}
    made = plan(project={"health": mine}) if place == "project" else plan(project={"health": theirs}, health=mine)
    for p, status in ((0.2, "note"), (0.001, "block")):
        control, treated = uneven(p)
        assert found(split(control, treated), made)["srm"].status == status
        assert found(split(control + 1, treated - 1), made)["srm"].status != status
    assert found(reading(assigned={"control": 30, "treated": 30}, crossovers=39), made)["contamination"].status == "ok"
    assert (
        found(reading(assigned={"control": 30, "treated": 30}, crossovers=41), made)["contamination"].status == "note"
    )
    assert (
        found(reading(assigned={"control": 30, "treated": 30}, crossovers=61), made)["contamination"].status == "block"
    )


def test_weights_and_several_variants() -> None:
    weights = {"control": 40, "mail": 40, "push": 20}
    study = outcomes({"a": {"desired_change": "increase"}}, {"primary": "a"}, weights=weights)
    weighted = planning.plan(study, AS_OF)
    good = found(reading(assigned={"push": 2010, "control": 4005, "mail": 3985}), weighted)["srm"]
    assert good.status == "ok"
    assert good.value == pytest.approx(stats.chisquare([4005, 3985, 2010], [4000, 4000, 2000]).pvalue, rel=1e-9)
    assert [good.details[f"expected_{key}"] for key in weights] == [4000, 4000, 2000]
    # Variants are matched by name, never by position.
    bad = found(reading(assigned={"push": 4005, "control": 3985, "mail": 2010}), weighted)["srm"]
    assert bad.status == "block"


def test_nobody_assigned() -> None:
    checks = found(split(0, 0))
    assert checks["srm"].status == "not_applicable"
    assert checks["empty_variant"].status == "block"
    assert checks["empty_variant"].details == {"variants": "control, treated"}
    assert checks["contamination"].status == "ok"
    assert checks["daily_split"].status == "not_applicable"
    assert checks["maturity"].status == "not_applicable"


def test_one_variant_without_units_blocks() -> None:
    checks = found(split(10, 0))
    assert checks["empty_variant"].status == "block"
    assert checks["empty_variant"].value == 1.0
    assert checks["empty_variant"].details == {"variants": "treated"}
    assert found(split(1, 1))["empty_variant"].status == "ok"


def test_small_splits_are_tested_exactly() -> None:
    check = found(split(2, 12))["srm"]
    assert check.value == pytest.approx(stats.binomtest(2, 14, 0.5).pvalue, rel=1e-9)
    assert check.details["method"] == "exact multinomial"


def test_unlisted_labels_are_counted_and_named() -> None:
    none = found(split(100, 100))["unlisted_labels"]
    assert (none.status, none.value) == ("ok", 0.0)
    labels = {"pilot": 1200, "": 3, "Control": 1}
    check = found(reading(assigned={"control": 100, "treated": 100}, unlisted=labels))["unlisted_labels"]
    assert (check.status, check.value) == ("note", 1204.0)
    assert check.details == {"labels": ": 3, Control: 1, pilot: 1,200"}


@pytest.mark.parametrize(
    ("crossovers", "status", "limit"),
    [(0, "ok", 0.001), (100, "ok", 0.001), (101, "note", 0.001), (1000, "note", 0.001), (1001, "block", 0.01)],
)
def test_contamination_at_its_limits(crossovers: int, status: str, limit: float) -> None:
    """A share of all units that were seen, those left out included; at the limit it still passes."""
    rest = 100_000 - crossovers
    read = reading(assigned={"control": rest // 2, "treated": rest - rest // 2}, crossovers=crossovers, duplicates=7)
    check = found(read)["contamination"]
    assert (check.status, check.limit) == (status, limit)
    assert check.value == pytest.approx(crossovers / 100_000)
    assert check.details == {"crossovers": float(crossovers), "duplicates": 7.0}


def days(*counts: tuple[int, int]) -> dict[date, dict[str, int]]:
    return {AS_OF + timedelta(days=i): {"control": a, "treated": b} for i, (a, b) in enumerate(counts)}


def test_one_bad_day_is_found_and_named() -> None:
    by_day = days(*[(500, 500)] * 6, (400, 600), *[(510, 490)] * 7)
    check = found(reading(assigned={"control": 6970, "treated": 7030}, by_day=by_day))["daily_split"]
    assert check.status == "note"
    assert check.value == pytest.approx(p_value(400, 600) * 14, rel=1e-9)
    assert check.details == {"day": "2026-06-07", "days": 14.0}


def test_a_bad_day_among_many_is_no_surprise() -> None:
    """p = 0.005 on the worst of 30 days is what chance gives."""
    control, treated = uneven(0.005, 1000)
    check = found(reading(assigned={"control": 1, "treated": 1}, by_day=days((control, treated), *[(500, 500)] * 29)))
    assert p_value(control, treated) < 0.01
    assert check["daily_split"].status == "ok"
    assert check["daily_split"].value == pytest.approx(p_value(control, treated) * 30, rel=1e-9)


def test_a_daily_split_needs_two_days_with_units() -> None:
    for by_day in ({}, days((400, 600)), days((400, 600), (0, 0))):
        assert (
            found(reading(assigned={"control": 1, "treated": 1}, by_day=by_day))["daily_split"].status
            == "not_applicable"
        )
    even = found(reading(assigned={"control": 1, "treated": 1}, by_day=days((5, 5), (5, 5))))["daily_split"]
    assert (even.status, even.value) == ("ok", 1.0)


def test_a_variant_that_is_missing_on_a_day_counts_as_none() -> None:
    by_day = {AS_OF: {"control": 100}, AS_OF + timedelta(days=1): {"control": 100, "treated": 100}}
    check = found(reading(assigned={"control": 200, "treated": 100}, by_day=by_day))["daily_split"]
    assert (check.status, check.details["day"]) == ("note", "2026-06-01")


def windowed() -> Plan:
    made = plan()
    primary = replace(made.primary, window=Window(length=Duration.parse("30d")))
    return replace(made, metrics=(primary,))


@pytest.mark.parametrize(("mature", "status"), [(100, "ok"), (99, "note"), (0, "note")])
def test_maturity(mature: int, status: str) -> None:
    cells = [share_cell("a", "control", 0, 100), share_cell("a", "treated", 0, mature)]
    check = found(reading(cells, assigned={"control": 100, "treated": 100}), windowed())["maturity"]
    assert check.status == status
    assert check.value == (100 + mature) / 200
    assert check.details == {"metric": "a", "mature": 100.0 + mature, "assigned": 200.0}


def test_maturity_needs_a_window() -> None:
    cells = [share_cell("a", "control", 0, 100), share_cell("a", "treated", 0, 100)]
    assert found(reading(cells), plan())["maturity"].status == "not_applicable"
