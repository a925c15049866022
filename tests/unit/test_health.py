"""The health checks: each status at its limit, and what each one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from scipy import stats

from holdfast import health, planning
from holdfast.model.manifest import Batch
from holdfast.model.metric import Window
from holdfast.model.plan import Plan
from holdfast.model.reading import Balance, BatchCounts, KnownBefore, LeftOut, Moments, Reading
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
    always = ["srm", "srm_sequential", "empty_variant", "unlisted_labels", "contamination", "daily_split"]
    assert names == [*always, "balance", "maturity"]
    made = plan(analysis={"segments": ["country"]})
    batches = (batch(1, 50, 50), batch(2, 50, 50))
    asked = [check.id for check in health.run(made, split(100, 100), batches)]
    assert asked == [*always, "batch_split", "segment_split", "balance", "maturity"]


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


def batch(day: int, control: int, treated: int) -> Batch:
    counts = {"control": control, "treated": treated}
    return Batch(
        config_hash="0",
        method="hash",
        hash_version=1,
        as_of=date(2026, 5, day),
        file="f",
        counts=counts,
        digest="",
        checksum="0",
    )


def interim(made: Plan | None = None) -> Plan:
    """The plan as it is read before its readout."""
    return replace(made or plan(), interim=True)


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


def test_before_the_readout_the_test_for_one_look_never_blocks() -> None:
    """Read every day it falls below any limit too often; the one that allows for looks decides."""
    for p, status in ((0.01, "ok"), (0.0005, "note")):
        control, treated = uneven(p)
        check = found(split(control, treated), interim())["srm"]
        assert (check.status, check.details["early"]) == (status, "yes")
        assert check.value == pytest.approx(p_value(control, treated), rel=1e-9)


def test_the_test_for_every_look_blocks_before_the_readout_and_after() -> None:
    """The evidence is there on the second day, and later days that are even do not take it back."""
    by_day = days((500, 500), (400, 600), (350, 650), *[(500, 500)] * 30)
    read = reading(assigned={"control": 16_250, "treated": 16_750}, by_day=by_day)
    for made in (plan(), interim()):
        check = found(read, made)["srm_sequential"]
        assert (check.status, check.limit, check.details["day"]) == ("block", 0.0005, "2026-06-02")
        assert check.details["looks"] == 33.0
        assert check.value is not None
        assert 0 < check.value < 0.0005
    assert found(read, plan())["srm"].status == "note"
    assert found(read, interim())["srm"].status == "ok"


def test_the_test_for_every_look_at_its_limits() -> None:
    """Noted below 0.01 and blocked below 0.0005, by the same limits as the other test."""
    seen = {}
    for gap in range(0, 400, 10):
        read = reading(assigned={}, by_day=days((2000, 2000), (2000 - gap, 2000 + gap)))
        check = found(read)["srm_sequential"]
        assert check.value is not None
        expected = "block" if check.value < 0.0005 else "note" if check.value < 0.01 else "ok"
        assert check.status == expected
        assert check.details["day"] == ("" if expected == "ok" else "2026-06-02")
        seen[check.status] = gap
    assert list(seen) == ["ok", "note", "block"]


def test_one_look_is_left_to_the_test_for_one_look() -> None:
    """Without dates a finished experiment was looked at once; before a readout all units are one look of many."""
    read = split(40_000, 45_000)
    assert found(read)["srm_sequential"].status == "not_applicable"
    early = found(read, interim())
    assert (early["srm"].status, early["srm_sequential"].status) == ("note", "block")
    assert early["srm_sequential"].details == {"looks": 1.0, "day": "", "block": 0.0005, "note": 0.01}
    assert found(split(0, 0), interim())["srm_sequential"].status == "not_applicable"


def closed() -> Plan:
    weights = {"control": 1, "treated": 1, "old": 0}
    return planning.plan(outcomes({"a": {"desired_change": "increase"}}, {"primary": "a"}, weights=weights), AS_OF)


def test_a_closed_variant_must_have_nobody() -> None:
    """It is no empty variant, and nothing is compared with it; a single unit in it blocks, at any look."""
    assert closed().comparisons == (("treated", "control"),)
    good = found(reading(assigned={"control": 500, "treated": 510, "old": 0}), closed())
    assert (good["srm"].status, good["empty_variant"].status) == ("ok", "ok")
    by_day = {
        AS_OF: {"control": 250, "treated": 255},
        AS_OF + timedelta(days=1): {"control": 250, "treated": 255, "old": 1},
    }
    read = reading(assigned={"control": 500, "treated": 510, "old": 1}, by_day=by_day)
    for made in (closed(), interim(closed())):
        bad = found(read, made)
        assert (bad["srm"].status, bad["srm"].value, bad["srm"].limit) == ("block", 0.0, 0.0005)
        assert (bad["srm_sequential"].status, bad["srm_sequential"].details["day"]) == ("block", "2026-06-02")


def test_batches_that_were_split_otherwise() -> None:
    """By the manifest's batches before the as-of date, or by the batches that the data name."""
    batches = [batch(day, 500, 500) for day in range(1, 6)]
    even = {check.id: check for check in health.run(plan(), split(1, 1), batches)}["batch_split"]
    assert (even.status, even.value, even.details["batches"]) == ("ok", 1.0, 5.0)
    batches[2] = batch(3, 600, 400)
    expected = stats.chi2_contingency([[500, 500]] * 4 + [[600, 400]], correction=False).pvalue
    for made, status in ((plan(), "block"), (interim(), "note")):
        check = {check.id: check for check in health.run(made, split(1, 1), batches)}["batch_split"]
        assert (check.status, check.details["batch"]) == (status, "2026-05-03")
        assert check.value == pytest.approx(expected, rel=1e-9)
    late = {check.id for check in health.run(plan(), split(1, 1), [replace(b, as_of=AS_OF) for b in batches])}
    assert "batch_split" not in late


def test_a_batch_that_must_not_be_named_is_not() -> None:
    parts = tuple(BatchCounts("", {"control": 100 + 10 * i, "treated": 100 - 10 * i}) for i in range(8))
    check = found(reading(assigned={"control": 1, "treated": 1}, by_batch=parts))["batch_split"]
    assert (check.status, check.details["batch"]) == ("block", "")


def test_the_only_batch_that_is_named_shows_nothing() -> None:
    made = plan(assignment={"method": "external", "source": "people", "variant": "variant", "batch": "send"})
    one = (BatchCounts("monday", {"control": 10, "treated": 10}),)
    check = found(reading(assigned={"control": 10, "treated": 10}, by_batch=one), made)["batch_split"]
    assert check.status == "not_applicable"


def known(control: tuple[float, float], treated: tuple[float, float], n: int = 1000, **left_out: LeftOut) -> Balance:
    """A number (by its logarithm) and a flag, uncorrelated: their means in both variants."""

    def of(means: tuple[float, float]) -> Moments:
        return Moments(n, means, ((1.0, 0.0), (0.0, means[1] * (1 - means[1]) * n / (n - 1))))

    def own(means: tuple[float, float]) -> Moments:
        return Moments(n, (10 * means[0],), ((100.0,),))

    return Balance(
        properties=(
            KnownBefore(name="spend_365d", kind="number", columns=(0,)),
            KnownBefore(name="vip", kind="category", columns=(1,)),
        ),
        vectors={"control": of(control), "treated": of(treated)},
        numbers={("spend_365d", "control"): own(control), ("spend_365d", "treated"): own(treated)},
        left_out=left_out,
    )


def balanced(balance: Balance | None, made: Plan | None = None) -> dict[str, Check]:
    return found(reading(assigned={"control": 1000, "treated": 1000}, balance=balance), made)


@pytest.mark.parametrize(
    ("shift", "status", "early"), [(0.05, "ok", "ok"), (0.14, "note", "ok"), (0.20, "block", "note")]
)
def test_balance_by_its_p_value(shift: float, status: str, early: str) -> None:
    """Two uncorrelated columns: T^2 is the sum of two squared t statistics, about chi-square with 2 df."""
    check = balanced(known((1.0, 0.3), (1.0 + shift, 0.3)))["balance"]
    t_squared = shift**2 / (2 / 1000)
    assert check.value == pytest.approx(float(stats.f.sf(t_squared * 1997 / (2 * 1998), 2, 1997)), rel=1e-9)
    assert check.status == status
    assert balanced(known((1.0, 0.3), (1.0 + shift, 0.3)), interim())["balance"].status == early
    assert check.details["property"] == "spend 365d"
    assert check.details["difference"] == pytest.approx(shift)
    assert check.details["large"] == (1.0 if shift >= 0.1 else 0.0)


def test_what_is_large_is_not_yet_what_chance_rarely_gives() -> None:
    """A fifth of a standard deviation between two groups of 40 is what chance gives."""
    check = balanced(known((1.0, 0.3), (1.2, 0.3), n=40))["balance"]
    assert (check.status, check.details["large"]) == ("ok", 1.0)


def test_balance_rows() -> None:
    made = plan()
    rows = health.balance_rows(made.study, known((1.0, 0.3), (0.8, 0.35)))
    assert [(row.property, row.kind, row.variant, row.baseline) for row in rows] == [
        ("spend_365d", "number", "treated", "control"),
        ("vip", "category", "treated", "control"),
    ]
    assert rows[0].difference == pytest.approx(-0.2)
    spread = (0.3 * 0.7 + 0.35 * 0.65) / 2 * 1000 / 999
    assert rows[1].difference == pytest.approx(0.05 / spread**0.5)
    assert health.balance_rows(made.study, None) == ()


def test_balance_where_nothing_is_known() -> None:
    assert balanced(None)["balance"].status == "not_applicable"
    empty = Balance(properties=(), vectors={}, numbers={}, left_out={"id_text": "many_values", "born": "date"})
    check = balanced(empty)["balance"]
    assert check.status == "not_applicable"
    assert check.details == {"left_out_date": "born", "left_out_many_values": "id text"}


def test_balance_limits_are_their_own() -> None:
    limits = {"pre_period": {"block": 1e-9, "note": 1e-8}}
    check = balanced(known((1.0, 0.3), (1.2, 0.3)), plan(health=limits))["balance"]
    assert (check.status, check.limit) == ("ok", 1e-8)


def test_a_segment_that_was_split_otherwise() -> None:
    """The flag's cells as counts: 300 and 380 of 1,000. The smallest p over segments, times their number."""
    made = plan(analysis={"segments": ["vip", "spend_365d"]})
    check = balanced(known((1.0, 0.3), (1.0, 0.38)), made)["segment_split"]
    expected = stats.chi2_contingency([[300, 380], [700, 620]], correction=False).pvalue
    assert check.value == pytest.approx(expected, rel=1e-9)
    assert (check.status, check.details) == ("note", {"segment": "vip", "segments": 1.0})
    assert balanced(known((1.0, 0.3), (1.0, 0.38)), interim(made))["segment_split"].status == "note"
    assert balanced(known((1.0, 0.3), (1.0, 0.35)), interim(made))["segment_split"].status == "ok"
    assert balanced(None, made)["segment_split"].status == "not_applicable"
