"""After the last look: estimate, interval and p-value belong together, and to the test that stopped."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats.after_stopping import Stopped, after_stopping, stagewise_tails
from holdfast.stats.group_sequential import bounds
from holdfast.stats.spending import Spending
from holdfast.stats.tails import two_sided

quiet = settings(derandomize=True, max_examples=60, deadline=None, database=None)
ways = st.sampled_from(["obrien_fleming", "pocock", "power"])
stages = st.integers(min_value=1, max_value=4)
statistics = st.floats(min_value=-6.0, max_value=6.0)
QUARTERS = (0.25, 0.5, 0.75, 1.0)


def stopped(value: object) -> Stopped:
    assert isinstance(value, Stopped)
    return value


@quiet
@given(ways, stages, statistics, st.sampled_from([0.8, 0.95]), st.sampled_from([1, 2]))
def test_bounds_are_where_the_outcome_has_the_stated_probability(
    way: Spending, k: int, z: float, confidence: float, sides: int
) -> None:
    critical = bounds(QUARTERS[:k], alpha=0.05, spending=way, sides=sides).critical
    se = 0.25
    found = stopped(after_stopping(QUARTERS[:k], critical, z, se=se, confidence=confidence, sides=sides))
    tail = (1.0 - confidence) / 2.0
    for bound, up in ((found.lower, tail), (found.estimate, 0.5), (found.upper, 1.0 - tail)):
        drift = bound / se / math.sqrt(QUARTERS[k - 1])
        above, below = stagewise_tails(QUARTERS[:k], critical, z, drift=drift, sides=sides)
        assert above == pytest.approx(up, abs=1e-7)
        assert below == pytest.approx(1.0 - up, abs=1e-7)
    assert found.lower < found.estimate < found.upper


@quiet
@given(ways, stages, statistics)
def test_turning_the_effect_turns_everything(way: Spending, k: int, z: float) -> None:
    critical = bounds(QUARTERS[:k], alpha=0.05, spending=way).critical
    one = stopped(after_stopping(QUARTERS[:k], critical, z, se=1.0, confidence=0.95))
    two = stopped(after_stopping(QUARTERS[:k], critical, -z, se=1.0, confidence=0.95))
    assert (one.estimate, one.lower, one.upper) == pytest.approx((-two.estimate, -two.upper, -two.lower), abs=1e-6)
    assert one.p == pytest.approx(two.p, rel=1e-8)


@quiet
@given(ways, stages, st.floats(min_value=0.0, max_value=3.0))
def test_p_and_interval_say_what_the_boundary_says(way: Spending, k: int, beyond: float) -> None:
    """An experiment that crosses at a look, and none before, has p < alpha and an interval without 0; one that ends
    inside has neither."""
    critical = bounds(QUARTERS[:k], alpha=0.05, spending=way).critical
    crossed = stopped(after_stopping(QUARTERS[:k], critical, critical[-1] + 1e-6 + beyond, se=1.0, confidence=0.95))
    assert crossed.p < 0.05
    assert crossed.lower > 0.0
    whole = bounds(QUARTERS, alpha=0.05, spending=way).critical
    inside = stopped(
        after_stopping(QUARTERS, whole, whole[-1] * (1.0 - 1e-6) - min(beyond, 1.9), se=1.0, confidence=0.95)
    )
    assert inside.p > 0.05
    assert inside.lower < 0.0


def test_the_first_look_is_the_usual_interval_however_large() -> None:
    for z in (0.0, 1.3, -4.0, 60.0, -1e9):
        found = stopped(after_stopping([0.3], [], z, se=2.0, confidence=0.95))
        assert found.estimate == pytest.approx(2.0 * z, abs=1e-12)
        assert found.upper - found.estimate == pytest.approx(2.0 * 1.959963984540054, rel=1e-6)
        assert (found.p, found.log10_p) == two_sided(z, df=math.inf)


def test_looks_that_cannot_stop_change_nothing() -> None:
    with_them = stopped(after_stopping([0.2, 0.2, 0.6, 1.0], [math.inf, math.inf, 2.5], 2.2, se=1.0, confidence=0.95))
    without = stopped(after_stopping([0.6, 1.0], [2.5], 2.2, se=1.0, confidence=0.95))
    assert with_them == without


def test_stopping_early_pulls_the_estimate_in() -> None:
    critical = bounds(QUARTERS, alpha=0.05, spending="pocock").critical
    late = stopped(after_stopping(QUARTERS[:3], critical[:3], critical[2] + 0.1, se=1.0, confidence=0.95))
    assert 0.0 < late.estimate < critical[2] + 0.1


@pytest.mark.parametrize("z", [40.0, 1e6, -1e6])
def test_statistics_far_beyond_the_boundaries(z: float) -> None:
    found = stopped(after_stopping([0.5, 1.0], [20.0], z, se=1.0, confidence=0.95))
    assert all(math.isfinite(each) for each in (found.estimate, found.lower, found.upper, found.log10_p))
    assert found.lower < found.estimate < found.upper
    assert found.p < 1e-80


def test_one_sided_p() -> None:
    assert stopped(after_stopping([1.0], [], 1.6448536269514722, se=1.0, confidence=0.9, sides=1)).p == pytest.approx(
        0.05
    )
    assert stopped(after_stopping([1.0], [], -1.0, se=1.0, confidence=0.9, sides=1)).p == pytest.approx(0.8413447461)
    tiny = stopped(after_stopping([1.0], [], 60.0, se=1.0, confidence=0.9, sides=1))
    assert tiny.p == 0.0
    assert tiny.log10_p == pytest.approx(two_sided(60.0, df=math.inf)[1] - math.log10(2.0))


def test_what_cannot_be_said_has_a_reason() -> None:
    for z, se, reason in ((math.nan, 1.0, "not_finite"), (1.0, math.inf, "not_finite"), (1.0, 0.0, "zero_variance")):
        found = after_stopping([0.5, 1.0], [2.5], z, se=se, confidence=0.95)
        assert isinstance(found, NotEstimable)
        assert found.reason == reason


@pytest.mark.parametrize(
    ("information", "critical", "se", "confidence"),
    [
        ([], [], 1.0, 0.95),
        ([0.5, 1.0], [], 1.0, 0.95),
        ([1.0, 0.5], [2.5], 1.0, 0.95),
        ([0.5, math.nan], [2.5], 1.0, 0.95),
        ([0.5, 1.0], [2.5], -1.0, 0.95),
        ([0.5, 1.0], [2.5], 1.0, 1.0),
    ],
)
def test_impossible_looks_are_refused(
    information: list[float], critical: list[float], se: float, confidence: float
) -> None:
    with pytest.raises(ValueError):
        after_stopping(information, critical, 2.0, se=se, confidence=confidence)
