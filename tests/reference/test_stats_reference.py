"""Figures of the statistics against statsmodels, scipy.stats, published tables and second derivations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats import multitest, proportion, weightstats

from holdfast.model.outcome import NotEstimable
from holdfast.stats import (
    Arm,
    Interval,
    OneSided,
    SrmTest,
    benjamini_hochberg,
    bonferroni,
    difference,
    fieller_lift,
    koopman_lift,
    mean_arm,
    mn_difference,
    mn_non_inferiority,
    non_inferiority,
    pooled_z,
    proportion_arm,
    ratio_arm,
    srm,
    wilson,
)
from holdfast.stats.tails import critical, two_sided

COUNTS = [
    ((15, 120), (8, 100)),
    ((64, 1000), (50, 1000)),
    ((9, 900), (3, 100)),
    ((700, 1000), (655, 1003)),
    ((1, 40), (12, 35)),
]


def arm(value: Arm | NotEstimable) -> Arm:
    assert isinstance(value, Arm)
    return value


def interval(value: Interval | NotEstimable) -> Interval:
    assert isinstance(value, Interval)
    return value


def judged(value: OneSided | NotEstimable) -> OneSided:
    assert isinstance(value, OneSided)
    return value


def test_welch_is_that_of_scipy_and_statsmodels() -> None:
    """scipy.stats.ttest_ind_from_stats(equal_var=False) and statsmodels CompareMeans.tconfint_diff("unequal")."""
    rng = np.random.default_rng(7)
    t, c = rng.lognormal(1.0, 1.0, 83), rng.lognormal(0.8, 0.7, 412)
    effect = interval(
        difference(
            arm(mean_arm(n=t.size, mean=float(t.mean()), variance=float(t.var(ddof=1)))),
            arm(mean_arm(n=c.size, mean=float(c.mean()), variance=float(c.var(ddof=1)))),
            confidence=0.9,
        )
    )
    statistic, p = stats.ttest_ind_from_stats(
        t.mean(), t.std(ddof=1), t.size, c.mean(), c.std(ddof=1), c.size, equal_var=False
    )
    compare = weightstats.CompareMeans(weightstats.DescrStatsW(t), weightstats.DescrStatsW(c))
    low, high = compare.tconfint_diff(alpha=0.1, usevar="unequal")
    df = compare.ttest_ind(usevar="unequal")[2]
    assert effect.statistic == pytest.approx(statistic, rel=1e-12)
    assert effect.p == pytest.approx(p, rel=1e-10)
    assert (effect.lower, effect.upper, effect.df) == pytest.approx((low, high, df), rel=1e-10)


@pytest.mark.parametrize("df", [1.0, 4.5, 200.0, 1e5, 1e10])
def test_log_p_continues_where_p_underflows(df: float) -> None:
    """scipy.stats.t.logsf, which is exact as long as it is finite; beyond that the tail's own power law.

    For t -> infinity P(|T| > t) = 2 G((df + 1) / 2) df^(df / 2 - 1) / (sqrt(df pi) G(df / 2)) df^(1/2) t^-df, so that
    between t and 10 t log10 p falls by df.
    """
    for t in (0.1, 3.0, 12.0, 35.0):
        expected = (float(stats.t.logsf(t, df)) + math.log(2.0)) / math.log(10.0)
        assert two_sided(t, df=df)[1] == pytest.approx(expected, rel=1e-6)
    if df <= 200.0:
        fall = two_sided(1e200, df=df)[1] - two_sided(1e201, df=df)[1]
        assert fall == pytest.approx(df, rel=1e-9)


def test_log_p_of_the_normal_far_out() -> None:
    """log10 of 2 phi(z) / z (1 - 1/z^2 + 3/z^4 - 15/z^6), the asymptotic series; at z = 40 and 1,000."""
    for z in (40.0, 1000.0):
        series = 1.0 - z**-2 + 3.0 * z**-4 - 15.0 * z**-6
        log = -z * z / 2.0 - 0.5 * math.log(2.0 * math.pi) - math.log(z) + math.log(series) + math.log(2.0)
        p, log10_p = two_sided(z, df=math.inf)
        assert p == 0.0
        assert log10_p == pytest.approx(log / math.log(10.0), rel=1e-10)
        # A t with 1e9 degrees of freedom: log f changes by about z^4 / (4 df).
        assert two_sided(z, df=1e15)[1] == pytest.approx(log10_p, rel=1e-8)


def test_log_p_joins_both_routes() -> None:
    """Either side of the switch at p = 1e-290 the two routes give one curve (second differences in t stay small)."""
    for df in (300.0, 1e5, 1e7, 1e9):
        middle = optimize.brentq(lambda t, df=df: two_sided(t, df=df)[1] + 290.0, 30.0, 400.0)
        grid = [two_sided(middle + step * 1e-4, df=df)[1] for step in range(-3, 4)]
        assert np.abs(np.diff(grid, 2)).max() < 1e-5


def test_critical_values_of_printed_tables() -> None:
    """Student's table: 12.706 and 63.657 (df 1), 2.228 (df 10); normal 1.959964; one-sided 1.812 (df 10)."""
    assert critical(confidence=0.95, df=1.0) == pytest.approx(12.7062, abs=1e-4)
    assert critical(confidence=0.99, df=1.0) == pytest.approx(63.6567, abs=1e-4)
    assert critical(confidence=0.95, df=math.inf) == pytest.approx(1.959963984540054, rel=1e-12)
    assert critical(confidence=0.95, df=10.0, one_sided=True) == pytest.approx(1.8124611, abs=1e-6)


def test_proportion_arm_is_the_mean_of_zeros_and_ones() -> None:
    """numpy: the mean of 37 ones and 63 zeros and its squared standard error with divisor n - 1."""
    rows = np.r_[np.ones(37), np.zeros(63)]
    share = arm(proportion_arm(n=100, successes=37))
    assert share.theta == pytest.approx(rows.mean(), rel=1e-14)
    assert share.variance == pytest.approx(rows.var(ddof=1) / rows.size, rel=1e-13)


def test_ratio_variance_is_that_of_the_linearised_rows() -> None:
    """var((r_i - R o_i) / mean(o)) / n over rows, and clustered OLS through the origin of revenue on orders.

    The sandwich variance of the slope of r on o weighted by 1 / o is sum (r_i - R o_i)^2 / (sum o)^2, which is the
    delta method up to n / (n - 1).
    """
    rng = np.random.default_rng(3)
    orders = rng.poisson(1.4, 500).astype(float)
    revenue = orders * rng.lognormal(3.0, 0.5, 500) + rng.normal(0.0, 0.1, 500)
    moments = np.cov(revenue, orders)
    ratio = arm(
        ratio_arm(
            n=500,
            numerator_mean=float(revenue.mean()),
            denominator_mean=float(orders.mean()),
            numerator_variance=float(moments[0, 0]),
            denominator_variance=float(moments[1, 1]),
            covariance=float(moments[0, 1]),
        )
    )
    linear = (revenue - ratio.theta * orders) / orders.mean()
    sandwich = float(((revenue - ratio.theta * orders) ** 2).sum() / orders.sum() ** 2)
    assert ratio.theta == pytest.approx(revenue.sum() / orders.sum(), rel=1e-13)
    assert ratio.variance == pytest.approx(float(linear.var(ddof=1)) / 500, rel=1e-11)
    assert ratio.variance == pytest.approx(sandwich * 500 / 499, rel=1e-11)


@pytest.mark.parametrize("covariance", [0.0, 0.004, -0.003])
def test_fieller_bounds_are_where_the_t_statistic_is_critical(covariance: float) -> None:
    """Second route: brentq on |m_t - rho m_c| - t se(m_t - rho m_c), below and above the point estimate."""
    treated, control = Arm(theta=3.1, variance=0.05, n=40), Arm(theta=2.4, variance=0.03, n=70)
    lift = interval(fieller_lift(treated, control, confidence=0.95, covariance=covariance))
    df = (0.08**2) / (0.05**2 / 39 + 0.03**2 / 69)
    t = float(stats.t.ppf(0.975, df))

    def beyond(rho: float) -> float:
        return abs(3.1 - rho * 2.4) - t * math.sqrt(0.05 + rho * rho * 0.03 - 2.0 * rho * covariance)

    low, high = optimize.brentq(beyond, 0.2, 3.1 / 2.4), optimize.brentq(beyond, 3.1 / 2.4, 5.0)
    assert lift.df == pytest.approx(df, rel=1e-12)
    assert (lift.lower, lift.upper) == pytest.approx((low - 1.0, high - 1.0), abs=1e-9)
    assert lift.estimate == pytest.approx(3.1 / 2.4 - 1.0, rel=1e-13)


def test_fieller_is_its_closed_form() -> None:
    """[(m_t m_c - C) -+ sqrt((m_t m_c - C)^2 - (m_c^2 - t^2 V_c)(m_t^2 - t^2 V_t))] / (m_c^2 - t^2 V_c) - 1, C = 0.

    With m_t = 12, V_t = 0.09, m_c = 10, V_c = 0.16 and t = 2: g = 0.0064 and the discriminant is
    14400 - 99.36 * 143.64 = 127.9296, so (120 -+ 11.310597) / 99.36 - 1 = 0.093895 and 0.321564.
    """
    confidence = 1.0 - 2.0 * float(stats.norm.sf(2.0))
    treated = Arm(theta=12.0, variance=0.09, n=10, df=math.inf)
    control = Arm(theta=10.0, variance=0.16, n=10, df=math.inf)
    lift = interval(fieller_lift(treated, control, confidence=confidence))
    assert (lift.lower, lift.upper) == pytest.approx((0.093895, 0.321564), abs=1e-6)


def test_delta_standard_error_of_the_lift() -> None:
    """sqrt(V_t / m_c^2 + m_t^2 V_c / m_c^4): 0.09 / 100 + 144 * 0.16 / 10000 = 0.003204."""
    treated, control = Arm(theta=12.0, variance=0.09, n=50), Arm(theta=10.0, variance=0.16, n=50)
    assert interval(fieller_lift(treated, control, confidence=0.95)).se == pytest.approx(math.sqrt(0.003204), rel=1e-12)


@pytest.mark.parametrize(
    ("treated", "control", "lower", "upper"),
    [
        ((56, 70), (48, 80), 0.0528, 0.3382),
        ((9, 10), (3, 10), 0.1700, 0.8406),
        ((6, 7), (2, 7), 0.0342, 0.8534),
        ((5, 56), (0, 29), -0.0326, 0.1933),
        ((0, 10), (0, 20), -0.1658, 0.2844),
        ((10, 10), (0, 20), 0.7156, 1.0),
        ((15, 120), (8, 100), -0.0395, 0.1277),
        ((8, 100), (15, 120), -0.1277, 0.0395),
    ],
)
def test_miettinen_nurminen_published(
    treated: tuple[int, int], control: tuple[int, int], lower: float, upper: float
) -> None:
    """Newcombe (1998), Statistics in Medicine 17:873, table II, the Miettinen-Nurminen rows.

    The last two are the pair on which the score interval of statsmodels 0.15.0 is off, with [-0.0392, 0.1266].
    """
    effect = interval(mn_difference(treated=treated, control=control, confidence=0.95))
    assert (effect.lower, effect.upper) == pytest.approx((lower, upper), abs=5.1e-5)


@pytest.mark.parametrize(("treated", "control"), COUNTS)
def test_miettinen_nurminen_by_direct_maximisation(treated: tuple[int, int], control: tuple[int, int]) -> None:
    """Second route: the constrained likelihood maximised numerically (scipy minimize_scalar), the bound by brentq."""
    (x_t, n_t), (x_c, n_c) = treated, control
    total = n_t + n_c

    def score(d: float) -> float:
        low, high = max(0.0, -d), min(1.0, 1.0 - d)

        def loss(p: float) -> float:
            return -float(stats.binom.logpmf(x_c, n_c, p) + stats.binom.logpmf(x_t, n_t, p + d))

        p = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
        variance = (p + d) * (1 - p - d) / n_t + p * (1 - p) / n_c
        return float((x_t / n_t - x_c / n_c - d) / math.sqrt(variance * total / (total - 1)))

    estimate = x_t / n_t - x_c / n_c
    low = optimize.brentq(lambda d: score(d) - 1.959963984540054, -0.9, estimate)
    high = optimize.brentq(lambda d: score(d) + 1.959963984540054, estimate, 0.9)
    effect = interval(mn_difference(treated=treated, control=control, confidence=0.95))
    assert (effect.lower, effect.upper) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(("treated", "control"), COUNTS)
def test_koopman_is_that_of_statsmodels(treated: tuple[int, int], control: tuple[int, int]) -> None:
    """statsmodels confint_proportions_2indep(compare="ratio", method="score", correction=True)."""
    low, high = proportion.confint_proportions_2indep(
        *treated, *control, compare="ratio", method="score", correction=True
    )
    lift = interval(koopman_lift(treated=treated, control=control, confidence=0.95))
    assert (lift.lower, lift.upper) == pytest.approx((low - 1.0, high - 1.0), abs=2e-6)


@pytest.mark.parametrize(("treated", "control"), COUNTS)
def test_pooled_test_is_that_of_statsmodels(treated: tuple[int, int], control: tuple[int, int]) -> None:
    """statsmodels proportions_ztest; the score test is it times sqrt((N - 1) / N)."""
    expected = proportion.proportions_ztest([treated[0], control[0]], [treated[1], control[1]])
    z, p = pooled_z(treated=treated, control=control)
    assert (z, p) == pytest.approx(expected, rel=1e-9)
    total = treated[1] + control[1]
    score = interval(mn_difference(treated=treated, control=control, confidence=0.95)).statistic
    assert score == pytest.approx(z * math.sqrt((total - 1) / total), rel=1e-12)


@pytest.mark.parametrize(("treated", "control"), COUNTS)
def test_newcombe_from_two_wilson_intervals(treated: tuple[int, int], control: tuple[int, int]) -> None:
    """statsmodels confint_proportions_2indep(method="newcomb") rebuilt from `wilson`, and proportion_confint itself."""
    low, high = proportion.confint_proportions_2indep(*treated, *control, compare="diff", method="newcomb")
    (x_t, n_t), (x_c, n_c) = treated, control
    l_t, u_t = wilson(n=n_t, successes=x_t, confidence=0.95)
    l_c, u_c = wilson(n=n_c, successes=x_c, confidence=0.95)
    assert (l_t, u_t) == pytest.approx(proportion.proportion_confint(x_t, n_t, method="wilson"), rel=1e-9)
    p_t, p_c = x_t / n_t, x_c / n_c
    mine = p_t - p_c - math.hypot(p_t - l_t, u_c - p_c), p_t - p_c + math.hypot(u_t - p_t, p_c - l_c)
    assert mine == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("increase_is_good", [True, False])
def test_score_and_welch_paths_agree_at_scale(increase_is_good: bool) -> None:
    """The two routes to the same share: at 200,000 units a variant they agree to 4 digits."""
    treated, control = (20_400, 200_000), (20_000, 200_000)
    a, b = (
        arm(proportion_arm(n=200_000, successes=20_400)),
        arm(proportion_arm(n=200_000, successes=20_000)),
    )
    pairs = [
        (
            mn_difference(treated=treated, control=control, confidence=0.95),
            difference(a, b, confidence=0.95),
        ),
        (
            koopman_lift(treated=treated, control=control, confidence=0.95),
            fieller_lift(a, b, confidence=0.95),
        ),
    ]
    for score, welch in pairs:
        one, two = interval(score), interval(welch)
        assert (one.lower, one.upper, one.se) == pytest.approx((two.lower, two.upper, two.se), rel=3e-3)
        assert one.statistic == pytest.approx(two.statistic, rel=1e-4)
    for relative, margin in ((False, 0.001), (True, 0.01)):
        one_sided = judged(
            mn_non_inferiority(
                treated=treated,
                control=control,
                margin=margin,
                relative=relative,
                increase_is_good=increase_is_good,
                confidence=0.95,
            )
        )
        other = judged(
            non_inferiority(a, b, margin=margin, relative=relative, increase_is_good=increase_is_good, confidence=0.95)
        )
        assert one_sided.state == other.state
        assert one_sided.p_safe == pytest.approx(other.p_safe, rel=2e-3)


def test_relative_tolerance_is_the_contrast_by_hand() -> None:
    """m_t = 9.7, V_t = 0.04; m_c = 10, V_c = 0.05; tolerated 5%: slack 9.7 - 9.5 = 0.2, se sqrt(0.04 + 0.9025 * 0.05).

    t = 0.2 / 0.2917404 = 0.6855410; normal here (df infinite): p = 0.2465.
    """
    result = judged(
        non_inferiority(
            Arm(theta=9.7, variance=0.04, n=9, df=math.inf),
            Arm(theta=10.0, variance=0.05, n=9, df=math.inf),
            margin=0.05,
            relative=True,
            increase_is_good=True,
            confidence=0.95,
        )
    )
    assert result.p_safe == pytest.approx(float(stats.norm.sf(0.2 / math.sqrt(0.04 + 0.9025 * 0.05))), rel=1e-12)
    assert result.p_safe == pytest.approx(0.2465, abs=1e-4)
    assert result.p_safe + result.p_harm == pytest.approx(1.0, rel=1e-12)


def test_absolute_tolerance_is_a_shifted_welch_test() -> None:
    """statsmodels CompareMeans.ttest_ind(alternative="larger", usevar="unequal", value=-margin)."""
    rng = np.random.default_rng(11)
    t, c = rng.normal(5.0, 2.0, 60), rng.normal(5.1, 1.0, 44)
    result = judged(
        non_inferiority(
            arm(mean_arm(n=t.size, mean=float(t.mean()), variance=float(t.var(ddof=1)))),
            arm(mean_arm(n=c.size, mean=float(c.mean()), variance=float(c.var(ddof=1)))),
            margin=0.6,
            relative=False,
            increase_is_good=True,
            confidence=0.95,
        )
    )
    compare = weightstats.CompareMeans(weightstats.DescrStatsW(t), weightstats.DescrStatsW(c))
    p = compare.ttest_ind(alternative="larger", usevar="unequal", value=-0.6)[1]
    assert result.p_safe == pytest.approx(p, rel=1e-10)


def test_corrections_are_those_of_statsmodels() -> None:
    """statsmodels multipletests: bonferroni and fdr_bh, ties included."""
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.06, 0.205, 0.9, 0.0]
    assert bonferroni(p, family=10) == pytest.approx(multitest.multipletests(p, method="bonferroni")[1].tolist())
    selection = benjamini_hochberg(p, q=0.1, family=10)
    reject, adjusted, *_ = multitest.multipletests(p, alpha=0.1, method="fdr_bh")
    assert selection.adjusted == pytest.approx(adjusted.tolist())
    assert selection.selected == tuple(reject.tolist())


def test_missing_tests_count_as_not_found() -> None:
    """A family of 6 with 4 p-values equals the 4 with two ones appended (statsmodels multipletests)."""
    p = [0.002, 0.03, 0.04, 0.5]
    selection = benjamini_hochberg(p, q=0.1, family=6)
    reject, adjusted, *_ = multitest.multipletests([*p, 1.0, 1.0], alpha=0.1, method="fdr_bh")
    assert selection.adjusted == pytest.approx(adjusted[:4].tolist())
    assert selection.selected == tuple(reject[:4].tolist())


def test_split_test_is_that_of_scipy() -> None:
    """scipy.stats.chisquare with expected counts 8210 * (0.5, 0.3, 0.2)."""
    result = srm([4021, 2530, 1659], [5.0, 3.0, 2.0])
    assert isinstance(result, SrmTest)
    statistic, p = stats.chisquare([4021, 2530, 1659], [4105.0, 2463.0, 1642.0])
    assert result.df == 2
    assert (result.statistic, result.p) == pytest.approx((statistic, p), rel=1e-10)


def test_exact_split_test_of_two_variants_is_binomial() -> None:
    """scipy.stats.binomtest(7, 40, 0.3)."""
    result = srm([7, 33], [0.3, 0.7])
    assert isinstance(result, SrmTest)
    assert result.method == "exact multinomial"
    assert result.p == pytest.approx(stats.binomtest(7, 40, 0.3).pvalue, rel=1e-9)


def test_exact_split_test_of_three_variants_by_listing() -> None:
    """All outcomes of 12 units over (0.5, 0.3, 0.2) with scipy.stats.multinomial, summed where not more likely."""
    law: Any = stats.multinomial(12, [0.5, 0.3, 0.2])

    def pmf(outcome: list[int]) -> float:
        return float(law.pmf(outcome))

    observed = pmf([3, 3, 6])
    outcomes = [[i, j, 12 - i - j] for i in range(13) for j in range(13 - i)]
    expected = sum(pmf(x) for x in outcomes if pmf(x) <= observed * (1.0 + 1e-7))
    result = srm([3, 3, 6], [0.5, 0.3, 0.2])
    assert isinstance(result, SrmTest)
    assert result.p == pytest.approx(expected, rel=1e-9)
