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
from holdfast.model.plan import Plan, PlannedCurve, PlannedDays
from holdfast.model.reading import Balance, BatchCounts, Curve, Exposure, KnownBefore, LeftOut, Moments, Reading
from holdfast.model.result import Check
from holdfast.model.values import Duration
from holdfast.stats.log_rank import LogRank, follow_up_difference
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
    assert names == [*always, "balance", "pre_period", "maturity", "novelty"]
    made = plan(analysis={"segments": ["country"]})
    batches = (batch(1, 50, 50), batch(2, 50, 50))
    asked = [check.id for check in health.run(made, split(100, 100), batches)]
    assert asked == [*always, "batch_split", "segment_split", "balance", "pre_period", "maturity", "novelty"]


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


def before(*pairs: tuple[float, float], n: int = 1000) -> dict[tuple[str, str], Moments]:
    """Metrics a, b and so on before the assignment: the mean of a number of variance 1 in each variant."""
    return {
        (metric, key): Moments(n, (mean,), ((1.0,),))
        for metric, means in zip("abc", pairs, strict=False)
        for key, mean in zip(("control", "treated"), means, strict=True)
    }


@pytest.mark.parametrize(
    ("shift", "status", "early"), [(0.05, "ok", "ok"), (0.14, "note", "ok"), (0.18, "block", "note")]
)
def test_the_past_by_its_p_value(shift: float, status: str, early: str) -> None:
    """Of two metrics the smaller p, which is that of a t-test, times two; before the readout it never blocks."""
    read = reading(past=before((1.0, 1.0), (1.0, 1.0 + shift)))
    check = found(read)["pre_period"]
    expected = 2 * float(stats.t.sf(shift / (2 / 1000) ** 0.5, 1998)) * 2
    assert check.value == pytest.approx(expected, rel=1e-9)
    assert (check.status, check.details["metric"], check.details["metrics"]) == (status, "b", 2.0)
    assert found(read, interim())["pre_period"].status == early


def test_metrics_over_the_same_facts_have_one_past() -> None:
    check = found(reading(past=before((1.0, 1.1), (1.0, 1.1), (1.0, 1.0))))["pre_period"]
    assert (check.details["metrics"], check.details["metric"]) == (2.0, "a")


def test_the_past_has_its_own_limits() -> None:
    limits = {"pre_period": {"block": 1e-9, "note": 1e-8}}
    check = found(reading(past=before((1.0, 1.2))), plan(health=limits))["pre_period"]
    assert (check.status, check.limit) == ("ok", 1e-8)


def test_where_there_is_no_past() -> None:
    assert found(split(10, 10))["pre_period"].status == "not_applicable"
    nobody = {("a", key): Moments(0, (0.0,), ((0.0,),)) for key in ("control", "treated")}
    assert found(reading(past=nobody))["pre_period"].status == "not_applicable"
    same = {("a", key): Moments(100, (0.0,), ((0.0,),)) for key in ("control", "treated")}
    assert found(reading(past=same))["pre_period"].status == "not_applicable"


def met(control: int, treated: int, *, late: int = 0) -> Reading:
    """Of 10,000 in each variant so many were exposed on the first day or, of the treated, on the second."""
    by_day = {0: {"control": control, "treated": treated}, 1: {"control": 500, "treated": 500 + late}}
    return reading(assigned={}, exposure=Exposure({"control": 10_000, "treated": 10_000}, by_day))


def test_exposed_alike() -> None:
    assert "exposure" not in found(split(10, 10))
    even = found(met(2500, 2500))["exposure"]
    assert (even.status, even.value, even.details["share_control"]) == ("ok", 1.0, 0.3)
    for treated, status, early in ((2600, "ok", "ok"), (2700, "note", "ok"), (2800, "block", "note")):
        check = found(met(2500, treated))["exposure"]
        table = [[3000, treated + 500], [7000, 9500 - treated]]
        assert check.value == pytest.approx(2 * stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
        assert (check.status, check.details["cause"]) == (status, "share")
        assert found(met(2500, treated), interim())["exposure"].status == early


def test_exposures_by_day_are_told_in_steps_of_enough_units() -> None:
    """20 is the least that may be shown: days with fewer stand with the next ones, what is left with the last."""
    by_day = {0: (30, 25), 1: (19, 40), 2: (1, 0), 5: (20, 60), 6: (12, 7)}
    offered = {"control": 200, "treated": 200}
    counts = {day: {"control": one, "treated": other} for day, (one, other) in by_day.items()}
    told = health.exposure_days(plan().study, reading(exposure=Exposure(offered, counts)))
    assert told is not None
    assert told.offered == (("control", 200), ("treated", 200))
    steps = [(step.first_day, step.last_day, *(n for _, n in step.counts)) for step in told.days]
    assert steps == [(0, 0, 30, 25), (1, 2, 20, 40), (3, 6, 32, 67)]


def test_few_exposures_are_not_told_but_none_at_all_are() -> None:
    study, offered = plan().study, {"control": 200, "treated": 200}

    def told(control: int, treated: int) -> Any:
        by_day = {0: {"control": control, "treated": treated}}
        return health.exposure_days(study, reading(exposure=Exposure(offered, by_day)))

    assert health.exposure_days(study, reading()) is None
    assert health.exposure_days(study, reading(exposure=Exposure(offered, {}))) is None
    assert told(19, 19) is None
    assert told(20, 19).offered == (("control", 200),)
    assert told(20, 0).days[0].counts == (("control", 20), ("treated", 0))


def test_exposures_over_years_are_told_in_sixty_steps_at_most() -> None:
    by_day = {day: {"control": 100, "treated": 90} for day in range(400)}
    told = health.exposure_days(plan().study, reading(exposure=Exposure({"control": 1, "treated": 1}, by_day)))
    assert told is not None
    assert len(told.days) == 58
    assert {step.last_day - step.first_day for step in told.days[:-1]} == {6}
    assert told.days[-1].last_day == 399
    assert sum(dict(step.counts)["treated"] for step in told.days) == 400 * 90


def test_exposed_at_another_time() -> None:
    """As many in both, but later in one: the days decide."""
    check = found(met(2500, 2300, late=200))["exposure"]
    expected = stats.chi2_contingency([[2500, 2300], [500, 700]], correction=False).pvalue
    assert (check.status, check.details["cause"]) == ("block", "day")
    assert check.value == pytest.approx(2 * expected, rel=1e-9)
    nobody = Exposure({"control": 10, "treated": 10}, {})
    assert found(reading(exposure=nobody))["exposure"].status == "not_applicable"


def staggered(mature: tuple[int, int]) -> Reading:
    cells = [
        replace(share_cell("a", key, 0, n), mature=n) for key, n in zip(("control", "treated"), mature, strict=True)
    ]
    by_day = days((500, 500), (500, 500))
    return reading(cells, assigned={"control": 1000, "treated": 1000}, by_day=by_day)


@pytest.mark.parametrize(
    ("treated", "status"), [(500, "ok"), (540, "ok"), (565, "note"), (580, "block"), (1000, "block")]
)
def test_observed_to_the_end_alike(treated: int, status: str) -> None:
    check = found(staggered((500, treated)), windowed())["follow_up"]
    table = [[500, treated], [500, 1000 - treated]]
    assert check.value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert (check.status, check.details["cause"], check.details["share_control"]) == (status, "mature", 0.5)


def test_where_follow_up_cannot_differ() -> None:
    everybody = found(staggered((1000, 1000)), windowed())["follow_up"]
    assert (everybody.status, everybody.value, everybody.details["tests"]) == ("ok", 1.0, 0.0)
    assert "follow_up" not in found(staggered((500, 700)), interim(windowed()))
    at_once = replace(staggered((500, 700)), by_day=days((1000, 1000)))
    assert "follow_up" not in found(at_once, windowed())
    assert found(staggered((500, 700)), plan())["follow_up"].status == "not_applicable"


def test_the_days_followed_on_a_curve() -> None:
    """All windows have closed, but on a longer curve one variant is followed for fewer days; in a time to an event
    those who had it on a day cannot be lost on it."""
    made = windowed()
    daily = PlannedDays(
        key="c", fact=None, first_only=False, days=3, clock="calendar", sources=(), observed_until=made.cutoff
    )
    curves = {
        ("c", "control"): Curve(at_risk=(1000, 900, 800), events=(10, 20, 30), censored=(100, 100, 800)),
        ("c", "treated"): Curve(at_risk=(1000, 850, 700), events=(10, 20, 30), censored=(150, 150, 700)),
    }
    read = replace(staggered((1000, 1000)), curves=curves)
    shown = replace(made, curves=(PlannedCurve(key="c", title="", points=(), daily=daily),))
    check = found(read, shown)["follow_up"]
    assert (check.status, check.details["cause"]) == ("block", "days")
    leaving = {
        ("c", "control"): Curve(at_risk=(1000, 890, 770), events=(10, 20, 30), censored=(100, 100, 740)),
        ("c", "treated"): Curve(at_risk=(1000, 840, 670), events=(10, 20, 30), censored=(150, 150, 640)),
    }
    event = replace(made, survival=(replace(daily, first_only=True),))
    later = found(replace(read, curves=leaving), event)["follow_up"]
    expected = follow_up_difference(*leaving.values())
    assert isinstance(expected, LogRank)
    assert later.value == expected.p


def lacking(primary: tuple[int, int], secondary: tuple[int, int] = (0, 0)) -> tuple[Reading, Plan]:
    """Of 10,000 in each variant so many without a value."""
    study = outcomes(
        {"a": {"desired_change": "increase"}, "b": {"desired_change": "increase"}},
        {"primary": "a", "secondary": ["b"]},
    )
    cells = [
        replace(share_cell(metric, key, 0, 10_000 - n, mature=10_000), excluded=n)
        for metric, counts in (("a", primary), ("b", secondary))
        for key, n in zip(("control", "treated"), counts, strict=True)
    ]
    return reading(cells), planning.plan(study, AS_OF)


def test_values_missing_alike() -> None:
    assert "excluded" not in found(*lacking((0, 0)))
    for treated, status in ((100, "ok"), (140, "note"), (160, "block")):
        check = found(*lacking((100, treated)))["excluded"]
        table = [[100, treated], [9900, 10_000 - treated]]
        expected = 1.0 if treated == 100 else stats.chi2_contingency(table, correction=False).pvalue
        assert check.value == pytest.approx(expected, rel=1e-9)
        assert (check.status, check.details["metric"], check.details["share_treated"]) == (status, "a", treated / 1e4)
    assert found(*lacking((0, 9)))["excluded"].value == pytest.approx(
        stats.fisher_exact([[0, 9], [10_000, 9991]]).pvalue, rel=1e-6
    )


def test_missing_values_block_only_where_they_decide() -> None:
    """A value that is missing more often may be what the tactic did; of two, the one that blocks is named."""
    beside = found(*lacking((0, 0), (100, 200)))["excluded"]
    assert (beside.status, beside.details["metric"]) == ("note", "b")
    both = found(*lacking((100, 165), (100, 300)))["excluded"]
    assert (both.status, both.details["metric"], both.details["metrics"]) == ("block", "a", 2.0)
    once = found(*lacking((100, 140), (100, 140)))["excluded"]
    assert once.details["metrics"] == 1.0


def moving(slope: float, n: int = 400) -> Reading:
    """Three weeks and two days; a slope of single units of variance 1, that of control is 0."""
    trends = {("a", key): Moments(n, (mean,), ((1.0,),)) for key, mean in (("control", 0.0), ("treated", slope))}
    periods = {
        ("a", key, 7 * week): Moments(n, (more * (week - 1) + 1.0,), ((1.0,),))
        for key, more in (("control", 0.0), ("treated", slope))
        for week in range(4)
    }
    return reading(assigned={}, trends=trends, periods=periods)


def test_an_effect_that_moves_is_noted_and_never_blocks() -> None:
    made = replace(plan(), metrics=(replace(plan().primary, window=Window(length=Duration.parse("23d"))),))
    for slope, status in ((0.1, "ok"), (-0.2, "note"), (-3.0, "note")):
        check = found(moving(slope), made)["novelty"]
        assert check.status == status
        assert check.value == pytest.approx(2 * float(stats.t.sf(abs(slope) / (2 / 400) ** 0.5, 798)), rel=1e-6)
        assert check.details["first"] == pytest.approx(-slope)
        assert check.details["last"] == pytest.approx(slope)
        assert (check.details["parts"], check.details["days"], check.details["variant"]) == (3.0, 7.0, "treated")
        assert "novelty" not in found(moving(slope), interim(made))


def test_without_parts_nothing_is_said_of_how_an_effect_moves() -> None:
    assert found(split(10, 10))["novelty"].status == "not_applicable"
    assert found(moving(0.0, n=1))["novelty"].status == "not_applicable"


def test_of_clusters_nothing_is_compared_unit_by_unit() -> None:
    """Units of one cluster are alike, so none of these tests would hold."""
    clusters = {AS_OF: {"control": 40, "treated": 40}}
    read = replace(
        lacking((100, 300))[0], clusters=clusters, exposure=met(2000, 3000).exposure, trends=moving(3).trends
    )
    checks = found(replace(read, by_day=days((1, 1), (1, 1))), lacking((0, 0))[1])
    assert not {"excluded", "exposure", "follow_up"} & set(checks)
    assert checks["novelty"].status == "not_applicable"
