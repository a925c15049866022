"""Adjustment, post-stratification, quantiles and clusters against R, statsmodels and second derivations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from scipy import stats

from holdfast.model.outcome import NotEstimable
from holdfast.stats.adjustment import Adjustment, adjusted, post_stratified
from holdfast.stats.arm import Arm, ratio_arm
from holdfast.stats.balance import Group
from holdfast.stats.clustering import cluster_arms
from holdfast.stats.contrast import Interval, difference
from holdfast.stats.quantile import Quantile, Ranks, quantile_arm, ranks

Array = npt.NDArray[Any]

# R: i <- 1:60; x1 <- ((i*37) %% 61)/10; x2 <- ((i*i*7) %% 53)/8; t <- as.integer((i*i) %% 5 == 1)
#    y <- 5 + 0.8*x1 + 0.3*x2 + t*(1+0.5*x1) + ((i*29) %% 47)/12; st <- c("a","b","b","c","c","c","c")[(i %% 7)+1]
ROW = np.arange(1, 61)
X1, X2 = ((ROW * 37) % 61) / 10.0, ((ROW * ROW * 7) % 53) / 8.0
T = (ROW * ROW) % 5 == 1
Y = 5.0 + 0.8 * X1 + 0.3 * X2 + T * (1.0 + 0.5 * X1) + ((ROW * 29) % 47) / 12.0
STRATUM = np.array(list("abbcccc"))[ROW % 7]


def group(*columns: Array) -> Group:
    rows = np.column_stack(columns).astype(float)
    return Group(len(rows), rows.mean(axis=0).tolist(), np.atleast_2d(np.cov(rows, rowvar=False)).tolist())


def arm(value: Arm | NotEstimable) -> Arm:
    assert isinstance(value, Arm)
    return value


def arms(found: Adjustment) -> tuple[Arm, Arm, float]:
    return arm(found.arms["t"]), arm(found.arms["c"]), found.covariances["t", "c"]


def interval(value: Interval | NotEstimable) -> Interval:
    assert isinstance(value, Interval)
    return value


def by_variant(*columns: Array, treated: Array = T) -> dict[str, Group]:
    return {name: group(*(column[treated == flag] for column in columns)) for name, flag in (("c", False), ("t", True))}


def by_stratum(*columns: Array) -> dict[str, dict[str, Group]]:
    return {
        level: by_variant(
            *(column[np.equal(STRATUM, level)] for column in columns), treated=T[np.equal(STRATUM, level)]
        )
        for level in "abc"
    }


def lin(y: Array, treated: Array, *covariates: Array) -> Any:
    """Lin's regression on rows."""
    x = np.column_stack(covariates).astype(float)
    x = x - x.mean(axis=0)
    return sm.OLS(y, np.column_stack([np.ones(len(y)), treated, x, treated[:, None] * x])).fit(cov_type="HC2")


def population(y: Array, x: Array, treated: Array) -> Array:
    """b_a' S b_c / N, with each variant's slopes by least squares on its rows."""
    design = np.column_stack([np.ones(len(y)), x])
    slopes = [np.linalg.lstsq(design[treated == flag], y[treated == flag], rcond=None)[0][1:] for flag in (True, False)]
    b = np.array(slopes)
    found: Array = b @ np.atleast_2d(np.cov(x, rowvar=False)) @ b.T / len(y)
    return found


def test_estimates_are_those_of_lm_lin() -> None:
    """R 4.2.2, estimatr 1.0.0: coef(lm_lin(y ~ t, covariates = ~ x1 + x2)), with the data above."""
    t, c, _ = arms(adjusted(by_variant(Y, X1, X2), outcomes=1))
    assert c.theta == pytest.approx(10.1747331860116, rel=1e-12)
    assert t.theta - c.theta == pytest.approx(3.3033844541319, rel=1e-12)


def test_variances_are_those_of_predictions_at_the_mean_of_all() -> None:
    """R 4.2.2: m <- lm(y ~ x1 + x2, subset = t == a); predict(m, data.frame(x1 = mean(x1), x2 = mean(x2)), se.fit =
    TRUE), its se.fit and df and the R squared of m; the population's term is added in the test."""
    found = adjusted(by_variant(Y, X1, X2), outcomes=1)
    t, c, shared = arms(found)
    more = population(Y, np.column_stack([X1, X2]), T)
    assert c.variance - more[1, 1] == pytest.approx(0.2170264637713**2, rel=1e-10)
    assert t.variance - more[0, 0] == pytest.approx(0.3839590082182**2, rel=1e-10)
    assert shared == pytest.approx(more[0, 1], rel=1e-10)
    assert (c.df, t.df) == (33.0, 21.0)
    assert found.explained == pytest.approx({"c": 0.6026273624031, "t": 0.4223632554457}, rel=1e-10)


def test_post_stratification_is_lm_lin_with_stratum_dummies() -> None:
    """R 4.2.2, estimatr 1.0.0: coef and std.error of lm_lin(y ~ t, covariates = ~ st, se_type = "HC2").

    HC2 leaves out that strata are a sample: sum w (m_t - m_c)^2 over strata around the effect, less its own error, over
    N, is taken off here."""
    t, c, shared = arms(post_stratified(by_stratum(Y), outcomes=1))
    assert c.theta == pytest.approx(9.6194933862434, rel=1e-12)
    assert t.theta - c.theta == pytest.approx(4.8263194953195, rel=1e-12)
    weights = np.array([(np.equal(STRATUM, level)).mean() for level in "abc"])
    gaps, errors = [], []
    for level in "abc":
        parts = [Y[(np.equal(STRATUM, level)) & (flag == T)] for flag in (True, False)]
        gaps.append(parts[0].mean() - parts[1].mean())
        errors.append(sum(part.var(ddof=1) / part.size for part in parts))
    between = weights @ (np.array(gaps) - (t.theta - c.theta)) ** 2 - (weights * (1 - weights)) @ np.array(errors)
    se2 = t.variance + c.variance - 2.0 * shared - between / 60
    assert math.sqrt(se2) == pytest.approx(0.4185611844915, rel=1e-10)


def test_strata_and_a_covariate_are_lm_lin_with_both() -> None:
    """R 4.2.2, estimatr 1.0.0: coef of lm_lin(y ~ t, covariates = ~ st + x1)."""
    t, c, _ = arms(post_stratified(by_stratum(Y, X1), outcomes=1))
    assert c.theta == pytest.approx(10.1850674864262, rel=1e-12)
    assert t.theta - c.theta == pytest.approx(3.4179038490869, rel=1e-12)


def test_dummies_as_covariates_are_post_stratification() -> None:
    """The same estimates from `adjusted` with one dummy fewer than strata."""
    dummies = [(np.equal(STRATUM, level)).astype(float) for level in "ab"]
    by_dummy = arms(adjusted(by_variant(Y, *dummies, X1), outcomes=1))
    by_part = arms(post_stratified(by_stratum(Y, X1), outcomes=1))
    for one, two in zip(by_dummy[:2], by_part[:2], strict=True):
        assert one.theta == pytest.approx(two.theta, rel=1e-12)
        assert one.variance == pytest.approx(two.variance, rel=0.15)
    assert by_dummy[2] == pytest.approx(by_part[2], rel=0.1)


@pytest.mark.parametrize("outcome", ["number", "binary"])
def test_errors_agree_with_hc2_on_many_rows(outcome: str) -> None:
    """statsmodels OLS on rows with cov_type HC2, to the order 1/n; the slopes hardly differ, so both mean the same."""
    rng = np.random.default_rng(71)
    n = 8_000
    x = np.column_stack([rng.lognormal(size=n), rng.random(n) < 0.3])
    treated = rng.random(n) < 0.4
    y = x @ [0.3, 1.0] + 0.1 * treated + rng.exponential(size=n)
    if outcome == "binary":
        y = (y > 2.0).astype(float)
    t, c, shared = arms(adjusted(by_variant(y, x[:, 0], x[:, 1], treated=treated), outcomes=1))
    rows = lin(y, treated, x[:, 0], x[:, 1])
    effect = interval(difference(t, c, confidence=0.95, covariance=shared))
    more = population(y, x, treated)
    assert effect.estimate == pytest.approx(rows.params[1], rel=1e-9)
    sample = math.sqrt(effect.se**2 - more[0, 0] - more[1, 1] + 2.0 * more[0, 1])
    assert sample == pytest.approx(rows.bse[1], rel=2e-3)


def test_no_covariates_give_the_plain_mean_and_ratio() -> None:
    """`ratio_arm` and the Welch standard error."""
    orders = 1.0 + (ROW % 4)
    plain = by_variant(Y)["t"]
    found = arm(adjusted(by_variant(Y), outcomes=1).arms["t"])
    assert (found.theta, found.variance, found.df) == pytest.approx(
        (plain.mean[0], plain.covariance[0][0] / plain.n, plain.n - 1.0), rel=1e-12
    )
    both = by_variant(Y, orders)["t"]
    expected = arm(
        ratio_arm(
            n=both.n,
            numerator_mean=both.mean[0],
            denominator_mean=both.mean[1],
            numerator_variance=both.covariance[0][0],
            denominator_variance=both.covariance[1][1],
            covariance=both.covariance[0][1],
        )
    )
    ratio = arm(adjusted(by_variant(Y, orders), outcomes=2).arms["t"])
    assert (ratio.theta, ratio.variance, ratio.df) == pytest.approx(
        (expected.theta, expected.variance, expected.df), rel=1e-11
    )


def test_a_ratio_is_adjusted_through_its_linear_values() -> None:
    """Each variant's ratio plus what Lin's regression on rows of (r - R o) / mean(o) moves it by."""
    orders = 1.0 + (ROW % 4)
    t, c, shared = arms(adjusted(by_variant(Y, orders, X1, X2), outcomes=2))
    linear, ratios = np.zeros(60), {}
    for flag in (True, False):
        rows = flag == T
        ratios[flag] = Y[rows].sum() / orders[rows].sum()
        linear[rows] = (Y[rows] - ratios[flag] * orders[rows]) / orders[rows].mean()
    by_rows = arms(adjusted(by_variant(linear, X1, X2), outcomes=1))
    regression = lin(linear, T, X1, X2)
    assert c.theta == pytest.approx(ratios[False] + regression.params[0], rel=1e-10)
    assert t.theta == pytest.approx(ratios[True] + regression.params[0] + regression.params[1], rel=1e-10)
    assert (t.variance, c.variance, shared) == pytest.approx(
        (by_rows[0].variance, by_rows[1].variance, by_rows[2]), rel=1e-9
    )


def test_a_ratio_in_strata_is_that_of_its_weighted_totals() -> None:
    """sum w r / sum w o by hand, and the error of its linear values on rows."""
    orders = 1.0 + (ROW % 4)
    t, c, shared = arms(post_stratified(by_stratum(Y, orders), outcomes=2))
    linear, ratios = np.zeros(60), {}
    for flag in (True, False):
        cells = [np.equal(STRATUM, level) & (flag == T) for level in "abc"]
        weights = np.array([np.equal(STRATUM, level).mean() for level in "abc"])
        spent, ordered = (weights @ np.array([values[cell].mean() for cell in cells]) for values in (Y, orders))
        ratios[flag] = spent / ordered
        linear[flag == T] = ((Y - ratios[flag] * orders) / ordered)[flag == T]
    by_rows = arms(post_stratified(by_stratum(linear), outcomes=1))
    assert (t.theta, c.theta) == pytest.approx((ratios[True], ratios[False]), rel=1e-12)
    assert (t.variance, c.variance, shared) == pytest.approx(
        (by_rows[0].variance, by_rows[1].variance, by_rows[2]), rel=1e-9
    )
    assert (t.df, c.df) == pytest.approx((by_rows[0].df, by_rows[1].df), rel=1e-9)


def test_an_error_with_one_slope_for_all_would_be_too_small() -> None:
    """The classic analysis of covariance (one slope, statsmodels OLS) where slopes are 1 and 3 and the split is 90 to
    10: its 95% intervals cover about 77% of the time, ours 95% (`studies_adjust`, seed 3301)."""
    rng = np.random.default_rng(3300)
    ours, classic = [], []
    for _ in range(400):
        treated = np.arange(1_000) >= 900
        x = rng.normal(size=1_000)
        y = np.where(treated, 3.0, 1.0) * x + rng.normal(size=1_000)
        t, c, shared = arms(adjusted(by_variant(y, x, treated=treated), outcomes=1))
        effect = interval(difference(t, c, confidence=0.95, covariance=shared))
        ours.append(effect.lower <= 0.0 <= effect.upper)
        low, high = sm.OLS(y, np.column_stack([np.ones(1_000), treated, x])).fit().conf_int()[1]
        classic.append(low <= 0.0 <= high)
    assert np.mean(ours) > 0.914
    assert np.mean(classic) < 0.84


def test_ranks_are_binomial_quantiles() -> None:
    """scipy.stats.binom: qbinom(alpha/2, n, q) and qbinom(1 - alpha/2, n, q) + 1, and its cdf for the coverage."""
    for n in (400, 999, 12_345, 10**6, 10**9):
        for q in (0.01, 0.25, 0.5, 0.9, 0.99):
            for confidence in (0.8, 0.95, 0.999):
                found = ranks(n, q, confidence)
                if isinstance(found, NotEstimable):
                    continue
                count = stats.binom(n, q)
                assert found.lower == count.ppf((1 - confidence) / 2)
                assert found.upper == count.ppf((1 + confidence) / 2) + 1
                assert found.coverage == pytest.approx(
                    count.cdf(found.upper - 1) - count.cdf(found.lower - 1), abs=1e-9
                )
                assert found.estimate == math.ceil(n * round(100 * q) / 100)


def test_exact_bounds_of_a_median_by_hand() -> None:
    """For n = 10, P(B <= 1) = (1 + 10)/1024 = .0107 and P(B <= 2) = (1 + 10 + 45)/1024 = .0547: at 95% the ranks are 2
    and 9, and cover with 1 - 22/1024."""
    found = ranks(10, 0.5, 0.95)
    assert isinstance(found, Ranks)
    assert (found.lower, found.estimate, found.upper) == (2, 5, 9)
    assert found.coverage == pytest.approx(1.0 - 22 / 1024, rel=1e-12)


def test_the_quantile_is_that_of_the_inverse_distribution_and_its_error_that_of_the_bootstrap() -> None:
    """numpy.quantile(method="inverted_cdf"), R's type 1; standard error of scipy.stats.bootstrap, and that of theory,
    sqrt(q (1 - q) / n) / density, within the error of an estimated density."""
    rng = np.random.default_rng(72)
    n, q = 20_000, 0.9
    values = np.sort(rng.lognormal(size=n))
    at = ranks(n, q, 0.95)
    assert isinstance(at, Ranks)
    estimate, lower, upper = (float(values[rank - 1]) for rank in (at.estimate, at.lower, at.upper))
    found = quantile_arm(at, estimate=estimate, lower=lower, upper=upper)
    assert isinstance(found, Quantile)
    assert found.arm.theta == np.quantile(values, q, method="inverted_cdf")
    se = math.sqrt(found.arm.variance)
    point = stats.lognorm(1.0).ppf(q)
    assert se == pytest.approx(math.sqrt(q * (1 - q) / n) / stats.lognorm(1.0).pdf(point), rel=0.1)
    resampled = stats.bootstrap(
        (values,),
        lambda x, axis: np.quantile(x, q, axis=axis, method="inverted_cdf"),
        n_resamples=400,
        batch=50,
        method="percentile",
        rng=rng,
    )
    assert se == pytest.approx(resampled.standard_error, rel=0.15)


SIZES = [3, 5, 8, 2, 6, 4, 4, 7, 3, 9, 5, 2, 6]


def stores() -> dict[str, list[tuple[float, float]]]:
    """13 clusters, the first 6 in control.

    R: g <- rep(1:13, SIZES); tt <- as.integer(g > 6); j <- 1:length(g)
    yy <- 2 + ((g*17) %% 7)/2 + tt*.5 + ((j*31) %% 23)/6"""
    g = np.repeat(np.arange(1, 14), SIZES)
    y = 2.0 + ((g * 17) % 7) / 2.0 + (g > 6) * 0.5 + ((np.arange(1, len(g) + 1) * 31) % 23) / 6.0
    sums = [(float(y[g == place].sum()), float(size)) for place, size in enumerate(SIZES, start=1)]
    return {"c": sums[:6], "t": sums[6:]}


def test_clusters_are_those_of_clubsandwich() -> None:
    """R 4.2.2, clubSandwich 0.5.8: m <- lm(yy ~ 0 + factor(tt)); coef_test(m, vcov = "CR2", cluster = g, test =
    "Satterthwaite") for the variants, and the SE of lm(yy ~ tt) for their difference, whose df is 8.6604 there by the
    model's weights and 8.4975 here by those that were found."""
    found = cluster_arms(stores())
    c, t = arm(found["c"]), arm(found["t"])
    assert c.theta == pytest.approx(5.363095238095, rel=1e-12)
    assert (math.sqrt(c.variance), math.sqrt(t.variance)) == pytest.approx((0.449680467744, 0.379704220042), rel=1e-11)
    assert (c.df, t.df) == pytest.approx((4.131369770784, 4.922680940654), rel=1e-11)
    effect = interval(difference(t, c, confidence=0.95))
    assert effect.estimate == pytest.approx(0.474867724868, rel=1e-10)
    assert effect.se == pytest.approx(0.588547209481, rel=1e-11)
    by_model = [1.0 / sum(size for _, size in clusters) for clusters in stores().values()]
    df = sum(by_model) ** 2 / sum(part**2 / one.df for part, one in zip(by_model, (c, t), strict=True))
    assert df == pytest.approx(8.660347781962, rel=1e-10)


def test_cr2_is_that_of_its_matrices() -> None:
    """Bell and McCaffrey's A_g = (I - H_gg)^(-1/2) on rows, by eigenvectors, and Satterthwaite's df from the quadratic
    form's matrix: a second derivation for one variant."""
    g = np.repeat(np.arange(6), SIZES[:6])
    sums = stores()["c"]
    n = len(g)
    hat = np.full((n, n), 1.0 / n)
    vectors = []
    for place in range(6):
        rows = np.flatnonzero(g == place)
        values, turn = np.linalg.eigh(np.eye(rows.size) - hat[np.ix_(rows, rows)])
        root = turn @ np.diag(values**-0.5) @ turn.T
        vectors.append((np.eye(n) - hat)[:, rows] @ root @ np.ones(rows.size) / n)
    cross = np.array(vectors) @ np.array(vectors).T
    found = arm(cluster_arms({"c": sums})["c"])
    assert found.df == pytest.approx(np.trace(cross) ** 2 / (cross**2).sum(), rel=1e-10)


def test_many_clusters_of_one_size_are_the_delta_method() -> None:
    rng = np.random.default_rng(73)
    sums = rng.normal(50.0, 8.0, 60)
    found = arm(cluster_arms({"c": [(float(total), 10.0) for total in sums]})["c"])
    expected = arm(
        ratio_arm(
            n=60,
            numerator_mean=float(sums.mean()),
            denominator_mean=10.0,
            numerator_variance=float(sums.var(ddof=1)),
            denominator_variance=0.0,
            covariance=0.0,
        )
    )
    assert (found.theta, found.variance, found.df) == pytest.approx(
        (expected.theta, expected.variance, expected.df), rel=1e-11
    )
