"""What must hold for every plan of looks: nothing is spent twice, the past stays, and bad input is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.stats.group_sequential import bounds, classical_constant, crossing, inflation, log_bounds
from holdfast.stats.spending import Spending, log_difference, log_spent, spent

quiet = settings(derandomize=True, max_examples=100, deadline=None, database=None)
ways = st.sampled_from(["obrien_fleming", "pocock", "power"])
rises = st.lists(st.floats(min_value=1e-3, max_value=1.0), min_size=1, max_size=7)
alphas = st.sampled_from([0.001, 0.05, 0.2])


def plan(steps: list[float]) -> list[float]:
    """Shares of the plan that rise to 1."""
    total, so_far = math.fsum(steps), 0.0
    found = []
    for step in steps:
        so_far += step
        found.append(min(1.0, so_far / total))
    return [*found[:-1], 1.0]


@quiet
@given(rises, ways, alphas, st.sampled_from([1, 2]))
def test_without_an_effect_looks_stop_as_often_as_planned(
    steps: list[float], way: Spending, alpha: float, sides: int
) -> None:
    times = plan(steps)
    found = bounds(times, alpha=alpha, spending=way, sides=sides)
    stops = crossing(times, found.critical, sides=sides)
    so_far = 0.0
    for t, up, down, used in zip(times, stops.upper, stops.lower, found.spent, strict=True):
        so_far += up + down
        planned = sides * spent(t, alpha=alpha / sides, spending=way)
        assert used == pytest.approx(planned, rel=1e-9)
        assert so_far == pytest.approx(planned, rel=1e-7, abs=1e-12)
    assert so_far == pytest.approx(alpha, rel=1e-9)


@quiet
@given(rises, ways, st.floats(min_value=1e-6, max_value=1e6))
def test_a_later_look_changes_no_earlier_boundary_and_the_scale_does_not_matter(
    steps: list[float], way: Spending, scale: float
) -> None:
    times = plan(steps)
    whole = bounds(times, alpha=0.05, spending=way)
    for k in range(1, len(times)):
        assert bounds(times[:k], alpha=0.05, spending=way).critical == whole.critical[:k]
    scaled = bounds(times, alpha=0.05, spending=way, information=[t * scale for t in times])
    assert scaled.critical == pytest.approx(whole.critical, rel=1e-7)


@quiet
@given(rises, ways, st.floats(min_value=-3.0, max_value=3.0))
def test_turning_the_effect_turns_the_boundaries(steps: list[float], way: Spending, drift: float) -> None:
    times = plan(steps)
    critical = bounds(times, alpha=0.05, spending=way).critical
    one, two = crossing(times, critical, drift=drift), crossing(times, critical, drift=-drift)
    assert one.upper == pytest.approx(two.lower, rel=1e-6, abs=1e-12)
    total = math.fsum(one.upper) + math.fsum(one.lower)
    assert 0.05 - 1e-9 <= total <= 1.0 + 1e-12


@pytest.mark.parametrize("way", ["obrien_fleming", "pocock", "power"])
def test_one_look_is_the_fixed_test(way: Spending) -> None:
    assert bounds([1.0], alpha=0.05, spending=way).critical[0] == pytest.approx(1.959963984540054, rel=1e-12)
    assert bounds([1.0], alpha=0.05, spending=way, sides=1).critical[0] == pytest.approx(1.6448536269514722, rel=1e-12)
    assert inflation([1.0], alpha=0.05, power=0.8, spending=way).maximum == pytest.approx(1.0, rel=1e-6)


def test_a_look_past_the_plan_spends_the_rest_and_the_next_one_nothing() -> None:
    found = bounds([0.5, 1.2, 1.4], alpha=0.05)
    assert found.critical[2] == math.inf
    assert found.spent[1] == found.spent[2] == pytest.approx(0.05, rel=1e-12)
    assert found.critical[:2] == bounds([0.5, 1.0], alpha=0.05, information=[0.5, 1.2]).critical


def test_a_last_look_with_too_little_information_still_spends_all() -> None:
    found = bounds([0.5, 1.0], alpha=0.05, information=[0.5, 0.8])
    stops = crossing([0.5, 0.8], found.critical)
    assert sum(stops.upper) + sum(stops.lower) == pytest.approx(0.05, rel=1e-9)
    assert found.critical[1] < bounds([0.5, 1.0], alpha=0.05).critical[1]


def test_a_look_that_adds_no_information_leaves_its_share_to_the_next() -> None:
    """Also one whose information fell, because the variance of a heavy tail rose."""
    found = bounds([0.5, 0.7, 1.0], alpha=0.05, spending="pocock", information=[100.0, 90.0, 160.0])
    assert found.critical[1] == math.inf
    assert found.spent[1] == found.spent[0]
    assert (
        found.critical[2] == bounds([0.5, 1.0], alpha=0.05, spending="pocock", information=[100.0, 160.0]).critical[1]
    )


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 2e-6])
def test_an_unplanned_look_soon_after_another(gap: float) -> None:
    """Steps 1,000 times smaller than the others need finer nodes, and get them."""
    times = [0.5, 0.5 + gap, 1.0]
    found = bounds(times, alpha=0.05, spending="pocock")
    assert found.critical[0] < found.critical[1] < found.critical[0] + 0.5
    stops = crossing(times, found.critical)
    assert sum(stops.upper) + sum(stops.lower) == pytest.approx(0.05, rel=1e-8)


def test_a_look_every_day_of_a_year() -> None:
    times = [(day + 1) / 365 for day in range(365)]
    found = bounds(times, alpha=0.05)
    assert list(found.critical) == sorted(found.critical, reverse=True)
    assert found.critical[-1] == pytest.approx(2.23, abs=0.02)


def test_boundaries_beyond_what_a_double_holds() -> None:
    """The first look of a plan of a thousand would spend 1e-1000: its boundary is finite and not a warning."""
    found = bounds([0.001, 1.0], alpha=0.05)
    assert found.critical[0] == pytest.approx(2.2414 / math.sqrt(0.001), rel=2e-3)
    assert found.spent[0] == 0.0
    assert log_bounds([0.5, 1.0], log_alpha=-1000.0, spending="pocock", sides=2).critical[1] > 44.0


def test_classical_plans_hold_their_error() -> None:
    for shape in (0.0, 0.25, 0.5):
        c = classical_constant(6, alpha=0.05, shape=shape)
        times = [(k + 1) / 6 for k in range(6)]
        stops = crossing(times, [c * t ** (shape - 0.5) for t in times])
        assert sum(stops.upper) + sum(stops.lower) == pytest.approx(0.05, rel=1e-8)
    assert classical_constant(1, alpha=0.05, shape=0.5) == pytest.approx(1.959964, abs=1e-6)


def test_looks_cost_size_but_save_on_average() -> None:
    for way in ("obrien_fleming", "power", "pocock"):
        found = inflation([0.25, 0.5, 0.75, 1.0], alpha=0.05, power=0.8, spending=way)
        assert found.expected_effect < 1.0 < found.expected_no_effect < found.maximum < 1.25


@quiet
@given(ways, st.floats(min_value=0.0, max_value=1.5), st.floats(min_value=0.0, max_value=1.5), alphas)
def test_spending_rises_to_all_of_the_error(way: Spending, one: float, two: float, alpha: float) -> None:
    first, second = sorted((one, two))
    assert 0.0 <= spent(first, alpha=alpha, spending=way) <= spent(second, alpha=alpha, spending=way)
    assert spent(max(second, 1.0), alpha=alpha, spending=way) == pytest.approx(alpha, rel=1e-12)


def test_logarithms_of_amounts() -> None:
    assert log_spent(0.0, log_alpha=-3.0, spending="pocock") == -math.inf
    assert log_spent(0.5, log_alpha=math.log(0.025), spending="obrien_fleming") == pytest.approx(
        math.log(spent(0.5, alpha=0.025, spending="obrien_fleming")), rel=1e-12
    )
    assert log_difference(-3.0, -3.0) == log_difference(-4.0, -3.0) == -math.inf
    assert log_difference(-3.0, -math.inf) == -3.0
    assert log_difference(math.log(5.0), math.log(2.0)) == pytest.approx(math.log(3.0), rel=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bounds([], alpha=0.05),
        lambda: bounds([0.5, 0.4], alpha=0.05),
        lambda: bounds([-0.1, 1.0], alpha=0.05),
        lambda: bounds([math.nan], alpha=0.05),
        lambda: bounds([0.5, 1.0], alpha=0.0),
        lambda: bounds([0.5, 1.0], alpha=math.nan),
        lambda: bounds([0.5, 1.0], alpha=0.05, sides=3),
        lambda: bounds([0.5, 1.0], alpha=0.05, spending="all at once"),  # type: ignore[arg-type]
        lambda: bounds([0.5, 1.0], alpha=0.05, spending="power", rho=0.0),
        lambda: bounds([0.5, 1.0], alpha=0.05, information=[1.0]),
        lambda: bounds([0.5, 1.0], alpha=0.05, information=[1.0, math.inf]),
        lambda: bounds([0.5, 1.0], alpha=0.05, information=[0.0, 1.0]),
        lambda: crossing([0.5, 1.0], [2.0]),
        lambda: crossing([1.0, 0.5], [2.0, 2.0]),
        lambda: crossing([0.5, 1.0], [2.0, 2.0], drift=math.nan),
        lambda: classical_constant(0, alpha=0.05, shape=0.5),
        lambda: classical_constant(2, alpha=1.0, shape=0.5),
        lambda: inflation([0.5, 0.9], alpha=0.05, power=0.8),
        lambda: inflation([0.5, 1.0], alpha=0.05, power=0.01),
        lambda: inflation([0.5, 1.0, 1.0], alpha=0.05, power=0.8),
        lambda: spent(0.5, alpha=1.0, spending="pocock"),
    ],
)
def test_impossible_plans_are_refused(call: object) -> None:
    with pytest.raises(ValueError):
        call()  # type: ignore[operator]
