"""Boundaries, costs and what is said after stopping, against published tables, rpact and other routes to each number.

"rpact" is version 3.3.4 in R 4.2.2; each test gives the call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from holdfast.stats.after_stopping import Stopped, after_stopping, stagewise_tails
from holdfast.stats.group_sequential import bounds, classical_constant, crossing, inflation
from holdfast.stats.sequential_contrast import Look, repeated_p
from holdfast.stats.spending import Spending, spent

UNEQUAL = [0.13, 0.3, 0.34, 0.77, 1.0]
QUARTERS = [0.25, 0.5, 0.75, 1.0]


def orthant(times: list[float], low: list[float], high: list[float], drift: float = 0.0) -> float:
    """P(low < Z < high at all looks), by the multivariate normal distribution of scipy (Genz), not by a recursion."""
    t = np.array(times)
    covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    mean = drift * np.sqrt(t)
    rng = np.random.default_rng(3201)
    law = stats.multivariate_normal(mean, covariance, allow_singular=True, maxpts=400_000, abseps=1e-7, seed=rng)
    return float(law.cdf(np.array(high), lower_limit=np.array(low)))


@pytest.mark.parametrize(
    ("alpha", "looks", "pocock", "obrien_fleming"),
    [
        (0.1, 2, 1.875, 1.678),
        (0.1, 5, 2.122, 1.751),
        (0.1, 10, 2.270, 1.801),
        (0.05, 2, 2.178, 1.977),
        (0.05, 3, 2.289, 2.004),
        (0.05, 4, 2.361, 2.024),
        (0.05, 5, 2.413, 2.040),
        (0.05, 10, 2.555, 2.087),
        (0.05, 20, 2.672, 2.126),
        (0.01, 2, 2.772, 2.580),
        (0.01, 5, 2.986, 2.621),
        (0.01, 10, 3.117, 2.660),
    ],
)
def test_classical_constants(alpha: float, looks: int, pocock: float, obrien_fleming: float) -> None:
    """Jennison and Turnbull (2000), Group Sequential Methods, table 2.1 (C_P) and table 2.3 (C_B), three decimals."""
    assert classical_constant(looks, alpha=alpha, shape=0.5) == pytest.approx(pocock, abs=5.1e-4)
    assert classical_constant(looks, alpha=alpha, shape=0.0) == pytest.approx(obrien_fleming, abs=5.1e-4)


@pytest.mark.parametrize(
    ("looks", "shape", "power", "published"),
    [
        (2, 0.5, 0.8, 1.110),
        (5, 0.5, 0.8, 1.229),
        (5, 0.5, 0.9, 1.207),
        (2, 0.0, 0.8, 1.008),
        (5, 0.0, 0.8, 1.028),
        (5, 0.0, 0.9, 1.026),
    ],
)
def test_inflation_of_classical_plans(looks: int, shape: float, power: float, published: float) -> None:
    """Jennison and Turnbull (2000), table 2.2 (R_P) and table 2.4 (R_B) at alpha 0.05: at the published size, crossing
    has the stated power."""
    c = classical_constant(looks, alpha=0.05, shape=shape)
    times = [(k + 1) / looks for k in range(looks)]
    drift = math.sqrt(published) * float(stats.norm.isf(0.025) + stats.norm.ppf(power))
    found = crossing(times, [c * t ** (shape - 0.5) for t in times], drift=drift)
    assert sum(found.upper) == pytest.approx(power, abs=2.5e-4)


@pytest.mark.parametrize(
    ("looks", "published"),
    [(1, 0.050), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.320)],
)
def test_reading_a_fixed_test_at_every_look(looks: int, published: float) -> None:
    """Armitage, McPherson and Rowe (1969), Journal of the Royal Statistical Society A 132:235, table 2: how often some
    look has |z| > 1.96 without an effect."""
    found = crossing([float(k + 1) for k in range(looks)], [1.959964] * looks)
    assert sum(found.upper) + sum(found.lower) == pytest.approx(published, abs=6e-4)


def test_five_looks_of_the_obrien_fleming_type() -> None:
    """Reboussin, DeMets, Kim and Lan (2000), Controlled Clinical Trials 21:190: five equal looks, two-sided 0.05."""
    found = bounds([0.2, 0.4, 0.6, 0.8, 1.0], alpha=0.05)
    assert found.critical == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=5e-4)


@pytest.mark.parametrize(
    ("fractions", "alpha", "sides", "spending", "rho", "expected"),
    [
        (QUARTERS, 0.025, 1, "obrien_fleming", 2.0, [4.332633646, 2.963131599, 2.359044276, 2.014090143]),
        (QUARTERS, 0.05, 2, "pocock", 2.0, [2.368327704, 2.367524289, 2.358167745, 2.350029536]),
        (
            [0.2, 0.4, 0.6, 0.8, 1.0],
            0.05,
            2,
            "power",
            2.0,
            [3.090232306, 2.714111574, 2.472777195, 2.279863276, 2.114027418],
        ),
        (UNEQUAL, 0.05, 2, "obrien_fleming", 2.0, [6.106794278, 3.928574316, 3.699859716, 2.304536305, 2.017173491]),
        (UNEQUAL, 0.05, 2, "pocock", 2.0, [2.573047451, 2.484179713, 2.620428823, 2.261399500, 2.343435340]),
        (UNEQUAL, 0.05, 1, "power", 1.5, [2.827778901, 2.480853640, 2.548323564, 1.917253502, 1.823213585]),
        ([0.2, 0.5, 0.9, 1.0], 0.01, 1, "pocock", 2.0, [2.752850291, 2.672424652, 2.627946429, 2.759327091]),
    ],
)
def test_boundaries_are_those_of_rpact(
    fractions: list[float], alpha: float, sides: int, spending: Spending, rho: float, expected: list[float]
) -> None:
    """rpact: getDesignGroupSequential(informationRates = fractions, alpha = alpha, sided = sides, typeOfDesign = "asOF"
    | "asP" | "asKD", gammaA = rho)$criticalValues."""
    found = bounds(fractions, alpha=alpha, sides=sides, spending=spending, rho=rho)
    assert found.critical == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(
    ("fractions", "alpha", "sides", "spending", "power", "expected"),
    [
        (QUARTERS, 0.05, 2, "obrien_fleming", 0.8, (1.01963733, 0.8387422117, 1.013936531)),
        (QUARTERS, 0.05, 2, "pocock", 0.8, (1.196310051, 0.8040958814, 1.169311165)),
        (UNEQUAL, 0.05, 2, "pocock", 0.8, (1.18857036, 0.8430796094, 1.16226684)),
        ([0.2, 0.5, 0.9, 1.0], 0.01, 1, "pocock", 0.9, (1.164016543, 0.7536367199, 1.159009706)),
    ],
)
def test_costs_are_those_of_rpact(
    fractions: list[float], alpha: float, sides: int, spending: Spending, power: float, expected: tuple[float, ...]
) -> None:
    """rpact: getDesignCharacteristics(getDesignGroupSequential(..., beta = 1 - power)): inflationFactor,
    averageSampleNumber1, averageSampleNumber0."""
    found = inflation(fractions, alpha=alpha, sides=sides, spending=spending, power=power)
    assert (found.maximum, found.expected_effect, found.expected_no_effect) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock", "power"])
@pytest.mark.parametrize("sides", [1, 2])
def test_boundaries_spend_what_they_should_by_another_integral(spending: Spending, sides: int) -> None:
    """P(no look so far crossed) by the multivariate normal distribution, for unequal looks whose information is not in
    proportion to the fractions."""
    information = [0.2, 0.3, 0.55, 0.8]
    found = bounds(QUARTERS, alpha=0.05, spending=spending, sides=sides, information=information)
    for k in range(1, 5):
        high = list(found.critical[:k])
        low = [-c if sides == 2 else -np.inf for c in high]
        planned = sides * spent(QUARTERS[k - 1], alpha=0.05 / sides, spending=spending)
        assert 1.0 - orthant(information[:k], low, high) == pytest.approx(planned, abs=5e-6)


def test_crossing_under_an_effect_by_another_integral() -> None:
    critical = [2.9, 2.4, 2.2, 2.0]
    found = crossing(QUARTERS, critical, drift=2.5)
    for k in range(1, 5):
        stays = orthant(QUARTERS[:k], [-c for c in critical[:k]], critical[:k], drift=2.5)
        assert sum(found.upper[:k]) + sum(found.lower[:k]) == pytest.approx(1.0 - stays, abs=5e-6)


def test_crossing_is_what_simulated_paths_do() -> None:
    """400,000 random walks; each rate within 4 standard errors."""
    rng = np.random.default_rng(3202)
    times, critical, runs = np.array([0.1, 0.4, 0.45, 1.0]), np.array([3.0, 2.2, 2.4, 2.1]), 400_000
    steps = np.diff(times, prepend=0.0)
    z = np.cumsum(rng.normal(1.5 * steps, np.sqrt(steps), (runs, 4)), axis=1) / np.sqrt(times)
    crossed = np.abs(z) >= critical
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 4)
    found = crossing(list(times), list(critical), drift=1.5)
    for k in range(4):
        up = float(((first == k) & (z[:, k] > 0.0)).mean())
        assert up == pytest.approx(found.upper[k], abs=4.0 * math.sqrt(found.upper[k] / runs))


@pytest.mark.parametrize("wrong", ["fixed 1.96", "1.96 / sqrt(t)", "spending as if looks were independent"])
def test_wrong_boundaries_fail_the_check(wrong: str) -> None:
    """What would be spent by boundaries that look right: more than 5% (or visibly less), so the check can fail."""
    z = float(stats.norm.isf(0.025))
    if wrong == "fixed 1.96":
        critical = [z] * 4
    elif wrong == "1.96 / sqrt(t)":
        critical = [z / math.sqrt(t) for t in QUARTERS]
    else:
        amounts = np.diff([spent(t, alpha=0.025, spending="pocock") for t in QUARTERS], prepend=0.0)
        critical = [float(stats.norm.isf(a)) for a in amounts]
    total = 1.0 - orthant(QUARTERS, [-c for c in critical], critical)
    assert abs(total - 0.05) > 1e-3
    found = crossing(QUARTERS, critical)
    assert sum(found.upper) + sum(found.lower) == pytest.approx(total, abs=5e-6)
    assert (total > 0.05) is (wrong != "spending as if looks were independent")


RPACT_STOPPED: list[Any] = [
    (
        "obrien_fleming",
        [100, 200, 300, 400],
        0.1275,
        2.555940336,
        0.01182105386,
        0.01643212437,
        0.22013556602,
        0.1197608276,
    ),
    ("pocock", [100, 200, 300], 0.19, 3.283984377, 0.0155916967, 0.01532395748, 0.28339584159, 0.156855363),
    (
        "pocock",
        [100, 200, 300, 400],
        0.1025,
        2.053483326,
        0.03279068678,
        -0.006805923922,
        0.197717974652,
        0.09807203472,
    ),
]


@pytest.mark.parametrize(("spending", "n", "mean", "z", "p", "lower", "upper", "median"), RPACT_STOPPED)
def test_after_stopping_is_that_of_rpact(
    spending: Spending, n: list[int], mean: float, z: float, p: float, lower: float, upper: float, median: float
) -> None:
    """rpact, one-sided: d = getDesignGroupSequential(informationRates = (1:4)/4, alpha = 0.025, sided = 1, typeOfDesign
    = "asOF" | "asP"); x = getDataset(n = 100 each, means = c(.05, .12, .2, .14) | c(.05, .22, .3) | c(.05, .12, .2,
    .04), stDevs = 1); getFinalPValue(getStageResults(d, x, normalApproximation = TRUE))$pFinal;
    getFinalConfidenceInterval(d, x, normalApproximation = TRUE)."""
    critical = bounds(QUARTERS[: len(n)], alpha=0.025, sides=1, spending=spending).critical
    found = after_stopping(n, critical, z, se=mean / z, confidence=0.95, sides=1)
    assert isinstance(found, Stopped)
    assert found.p == pytest.approx(p, abs=1e-7)
    assert (found.lower, found.upper, found.estimate) == pytest.approx((lower, upper, median), abs=2e-6)


@pytest.mark.parametrize(
    ("spending", "looks", "z", "p"),
    [
        ("obrien_fleming", 3, 2.139322598, 0.039304700994),
        ("obrien_fleming", 4, 2.555940336, 0.005748783609),
        ("pocock", 2, 1.907057237, 0.072223565210),
        ("pocock", 3, 3.283984377, 0.001735730112),
        ("pocock", 4, 2.053483326, 0.04811281936),
    ],
)
def test_repeated_p_is_that_of_rpact(spending: Spending, looks: int, z: float, p: float) -> None:
    """rpact: getRepeatedPValues of the same stage results as above."""
    taken = [Look(information=t, fraction=t) for t in QUARTERS[:looks]]
    assert repeated_p(z, looks=taken, sides=1, spending=spending)[0] == pytest.approx(p, abs=2e-6)


def test_two_sided_stagewise_tails_by_another_integral() -> None:
    """P(cross above before) + P(stay, stay, Z_3 >= z), each by the multivariate normal distribution."""
    times, critical, z, drift = [0.3, 0.6, 1.0], [2.5, 2.3], 1.7, 1.1
    up, down = stagewise_tails(times, critical, z, drift=drift)
    first = float(stats.norm.sf(critical[0] - drift * math.sqrt(times[0])))
    second = orthant(times[:2], [-critical[0], critical[1]], [critical[0], np.inf], drift)
    third = orthant(times, [-critical[0], -critical[1], z], [*critical, np.inf], drift)
    assert up == pytest.approx(first + second + third, abs=5e-6)
    assert up + down == pytest.approx(1.0, abs=1e-9)
