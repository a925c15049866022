"""The always-valid formulas against the integrals that they solve, against each other and against printed figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from holdfast.stats.always_valid import half_width, log_e_one_sided, log_e_value, mixing, reach

CASES = [(500, 0.02, 1.7), (4_000, 0.0007, 3.9), (1_000_000, 1e-5, -2.4), (120, 0.5, 0.0)]


@pytest.mark.parametrize(("n", "r", "z"), CASES)
def test_e_value_is_the_mean_likelihood_ratio_over_a_normal_prior(n: int, r: float, z: float) -> None:
    """E over effects m ~ N(0, r), in units of one unit's standard deviation, of exp(m S - n m^2/2), S = z sqrt(n): the
    definition of the mixture (Robbins 1970), integrated numerically."""
    score, sd = z * math.sqrt(n), math.sqrt(r)
    spread = 1.0 / math.sqrt(n + 1.0 / r)
    centre = score * spread * spread

    def gain(m: float) -> float:
        return math.exp(m * score - n * m * m / 2.0) * float(stats.norm.pdf(m, scale=sd))

    value, _ = integrate.quad(gain, centre - 12.0 * spread, centre + 12.0 * spread, epsrel=1e-11, limit=200)
    assert log_e_value(z=z, n=n, mixing=r) == pytest.approx(math.log(value), abs=1e-8)
    above, _ = integrate.quad(gain, 0.0, max(0.0, centre) + 12.0 * spread, epsrel=1e-11, limit=200)
    assert log_e_one_sided(z=z, n=n, mixing=r) == pytest.approx(math.log(2.0 * above), abs=1e-8)


@pytest.mark.parametrize(("n", "r", "z"), CASES)
def test_it_is_the_mixture_sequential_probability_ratio_test(n: int, r: float, z: float) -> None:
    """Johari, Koomen, Pekelis and Walsh (2022), Operations Research 70:1806: the ratio of the density of an estimate d
    with variance V under a prior N(0, T) on its effect, N(0, V + T), to that without effect, N(0, V); T = r n V."""
    variance = 0.37
    prior, d = r * n * variance, z * math.sqrt(variance)
    ratio = stats.norm.logpdf(d, scale=math.sqrt(variance + prior)) - stats.norm.logpdf(d, scale=math.sqrt(variance))
    assert log_e_value(z=z, n=n, mixing=r) == pytest.approx(float(ratio), abs=1e-9)
    printed = math.sqrt(variance / (variance + prior)) * math.exp(prior * d * d / (2 * variance * (variance + prior)))
    assert math.exp(log_e_value(z=z, n=n, mixing=r)) == pytest.approx(printed, rel=1e-10)


@pytest.mark.parametrize(("n", "r", "z"), CASES)
def test_half_width_is_the_printed_confidence_sequence(n: int, r: float, z: float) -> None:
    """Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52:2613, theorem 2.2; and at its
    edge the e-value is 1/alpha."""
    variance, alpha = 0.37, 0.05
    sd = math.sqrt(n * variance)
    printed = sd * math.sqrt(2 * (n * r + 1) / (n**2 * r) * math.log(math.sqrt(n * r + 1) / alpha))
    width = half_width(variance=variance, n=n, mixing=r, alpha=alpha)
    assert width == pytest.approx(printed, rel=1e-12)
    edge = log_e_value(z=width / math.sqrt(variance), n=n, mixing=r)
    assert edge == pytest.approx(-math.log(alpha), rel=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_mixing_is_where_the_sequence_is_narrowest(alpha: float) -> None:
    """The minimum of the width over the mixing, found by search; the approximation costs less than 1e-3 of it."""
    n = 20_000
    best = optimize.minimize_scalar(
        lambda log_r: reach(n=n, mixing=math.exp(log_r), alpha=alpha), bounds=(-16.0, 0.0), method="bounded"
    )
    narrowest = float(best.fun)
    assert reach(n=n, mixing=mixing(planned=n, alpha=alpha), alpha=alpha) == pytest.approx(narrowest, rel=1e-9)
    assert math.log(mixing(planned=n, alpha=alpha)) == pytest.approx(float(best.x), abs=1e-3)
    usual = reach(n=n, mixing=mixing(planned=n, alpha=alpha, exact=False), alpha=alpha)
    assert narrowest <= usual < narrowest * 1.001


def test_printed_figures() -> None:
    """At the planned size the 95% sequence reaches 3.035 standard errors, so 80% power there needs ((3.035 + 0.842) /
    2.802)^2 = 1.915 times the units of a fixed test."""
    at_plan = reach(n=777, mixing=mixing(planned=777, alpha=0.05, exact=False), alpha=0.05)
    assert at_plan == pytest.approx(3.035, abs=5e-4)
    needed = ((at_plan + float(special.ndtri(0.8))) / float(special.ndtri(0.8) + special.ndtri(0.975))) ** 2
    assert needed == pytest.approx(1.915, abs=1e-3)


def one_sided_reach(n: int, r: float, alpha: float) -> float:
    return float(optimize.brentq(lambda z: log_e_one_sided(z=z, n=n, mixing=r) + math.log(alpha), 0.0, 40.0))


@pytest.mark.parametrize("n", [100, 1_000, 50_000])
def test_one_sided_alarm_is_inside_the_printed_bound(n: int) -> None:
    """The closed one-sided bound of Waudby-Smith et al. (2024), proposition on one-sided sequences, sqrt(2 (x + 1)/x
    log(1 + sqrt(x + 1)/(2 alpha))), is a little wider than the exact mixture, and both are below the two-sided one."""
    alpha = 0.05
    r = mixing(planned=1_000, alpha=alpha, sides=1)
    x = n * r
    closed = math.sqrt(2 * (x + 1) / x * math.log1p(math.sqrt(x + 1) / (2 * alpha)))
    exact = one_sided_reach(n, r, alpha)
    assert exact < closed < 1.06 * exact
    assert exact < reach(n=n, mixing=r, alpha=alpha)


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_one_sided_mixing_is_near_the_best(alpha: float) -> None:
    """With 2 alpha put in, the one-sided reach at the planned size is within 0.1% of the smallest."""
    n = 5_000
    reaches = [one_sided_reach(n, x / n, alpha) for x in np.geomspace(1.0, 60.0, 200)]
    assert one_sided_reach(n, mixing(planned=n, alpha=alpha, sides=1), alpha) < 1.001 * min(reaches)
