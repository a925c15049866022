"""Figures of several comparisons, segments, portfolios and the Bayesian view against R, published tables and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from holdfast.stats.arm import Arm, mean_arm
from holdfast.stats.bayes import Posterior, Prior, SharePosterior, normal_posterior, share_posterior
from holdfast.stats.effect import Effect
from holdfast.stats.joint_tail import correlated_tail, shared_control_tail
from holdfast.stats.portfolio import Pooled, as_effect, paule_mandel, pool
from holdfast.stats.segments import Interaction, Reversal, Shrinkage, interaction, reversal, shrink
from holdfast.stats.selection_bias import Corrected, TotalBias, conditional_estimate, exaggeration, total_bias
from holdfast.stats.simultaneous import Simultaneous, contrast_correlation, dunnett
from holdfast.stats.tails import upper_f

BCG = [
    (-0.889311333920205449, 0.570600354892950690), (-1.585388657201430629, 0.441113501718258250),
    (-1.348073148299693269, 0.644490469571091018), (-1.441551190021305384, 0.141456819921301685),
    (-0.217547322211295580, 0.226296646395015899), (-0.786115585818863982, 0.083100050877895126),
    (-1.620898223598391752, 0.472247019654243205), (0.011952333523840508, 0.062941077984236413),
    (-0.469417648738149396, 0.237558856840255406), (-1.371344803472784424, 0.270231000466321258),
    (-0.339358828338390595, 0.111410116109623189), (0.445913400571378737, 0.729729981020481810),
    (-0.017313948216879815, 0.267216503390015736),
]  # fmt: skip
"""Log risk ratios of 13 trials of the BCG vaccine with standard errors: R metafor 3.8-1, escalc(measure = "RR",
ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)."""
SMALL = [(0.012, 0.009), (0.031, 0.012), (-0.004, 0.006), (0.022, 0.011), (0.008, 0.010), (0.015, 0.020)]


def effects(pairs: list[tuple[float, float]]) -> list[Effect]:
    return [Effect(*pair) for pair in pairs]


def critical_of(loads: list[float], df: float) -> float:
    return float(optimize.brentq(lambda c: shared_control_tail(c, loads=loads, df=df) - 0.05, 1.5, 6.0, xtol=1e-12))


@pytest.mark.parametrize(
    ("df", "published"),
    [(5, (2.57, 3.03, 3.29, 3.48)), (10, (2.23, 2.57, 2.76, 2.89)), (20, (2.09, 2.38, 2.54, 2.65)),
     (math.inf, (1.96, 2.21, 2.35, 2.44))],
)  # fmt: skip
def test_dunnetts_table(df: float, published: tuple[float, ...]) -> None:
    """Dunnett (1964), Biometrics 20:482, table II: two-sided 5% for 1 to 4 treatments of the size of control."""
    found = [critical_of([math.sqrt(0.5)] * k, df) for k in range(1, 5)]
    # The table is rounded up here and there in the second decimal.
    assert found == pytest.approx(published, abs=0.0061)


def test_unequal_sizes_against_r() -> None:
    """R mvtnorm 1.1-3, loads l = sqrt(1/4, 1/3, 1/1.5), C = l l' with ones: 1 - pmvt(rep(-2.3, 3), rep(2.3, 3), df = 0,
    corr = C, algorithm = Miwa(steps = 128)) and, with df = 15, GenzBretz(maxpts = 3e5, abseps = 1e-6)."""
    loads = [math.sqrt(1 / 4), math.sqrt(1 / 3), math.sqrt(1 / 1.5)]
    assert shared_control_tail(2.3, loads=loads, df=math.inf) == pytest.approx(0.05895712563, abs=2e-8)
    assert shared_control_tail(2.2, loads=loads, df=15) == pytest.approx(0.1121218399, abs=5e-6)


def test_equal_variances_are_dunnetts_test_of_scipy() -> None:
    """With one pooled variance and its degrees of freedom for all, as classical Dunnett has it. scipy integrates at
    random, to about 1e-3 here."""
    rng = np.random.default_rng(20)
    groups = [rng.normal(shift, 2.0, 25) for shift in (0.0, 0.4, 1.4)]
    theirs = stats.dunnett(*groups[1:], control=groups[0], rng=np.random.default_rng(1))
    pooled = float(np.mean([group.var(ddof=1) for group in groups]))
    arms = [Arm(float(group.mean()), pooled / 25, 25) for group in groups]
    for arm, p, statistic in zip(arms[1:], theirs.pvalue, theirs.statistic, strict=True):
        z = (arm.theta - arms[0].theta) / math.sqrt(2 * pooled / 25)
        assert z == pytest.approx(statistic)
        assert shared_control_tail(abs(z), loads=[math.sqrt(0.5)] * 2, df=72) == pytest.approx(p, abs=1e-3)
    # Welch's degrees of freedom are per comparison, 48 instead of 72, and p a little larger.
    own = dunnett([arms[1], arms[2]], arms[0], confidence=0.95)
    for found, p in zip(own, theirs.pvalue, strict=True):
        assert isinstance(found, Simultaneous)
        assert found.p == pytest.approx(p, abs=4e-3)


def test_all_pairs_are_tukeys() -> None:
    """Three equal variants, all pairs: scipy's studentised range; R ptukey(2.1 * sqrt(2), 3, 20, lower.tail = FALSE)
    is 0.1152013504. The correlation matrix is singular."""
    correlation = contrast_correlation(np.eye(3).tolist(), [(1, 0), (2, 0), (2, 1)])
    assert isinstance(correlation, list)
    for size, df in ((2.1, 20.0), (3.0, 12.0), (2.4, math.inf)):
        theirs = stats.studentized_range.sf(size * math.sqrt(2.0), 3, df if df < math.inf else 1e9)
        assert correlated_tail(size, correlation=correlation, df=df) == pytest.approx(theirs, rel=2e-3)
    assert correlated_tail(2.1, correlation=correlation, df=20) == pytest.approx(0.1152013504, rel=1e-3)


def test_any_correlation_against_r() -> None:
    """R mvtnorm 1.1-3: 1 - pmvt(rep(-2.4, 4), rep(2.4, 4), df = 12, corr = A, GenzBretz(3e5, abseps = 1e-6))."""
    rows = [[1, 0.3, -0.2, 0.6], [0.3, 1, 0.1, 0.2], [-0.2, 0.1, 1, -0.4], [0.6, 0.2, -0.4, 1]]
    assert correlated_tail(2.4, correlation=rows, df=12) == pytest.approx(0.1095797934, abs=2e-5)


@pytest.mark.parametrize("df", [math.inf, 9.0])
@pytest.mark.parametrize("size", [0.7, 2.5, 7.0])
def test_two_routes_to_a_shared_control(size: float, df: float) -> None:
    loads = [0.8, 0.5, 0.6]
    matrix = [[1.0 if i == j else a * b for j, b in enumerate(loads)] for i, a in enumerate(loads)]
    exact = shared_control_tail(size, loads=loads, df=df)
    assert correlated_tail(size, correlation=matrix, df=df) == pytest.approx(exact, rel=2e-3)


def test_upper_tails_far_out() -> None:
    """Where p is a number still, scipy.stats; beyond, the survival function of chi-square with 2 df is exp(-x/2), and
    that of F with 2 and m df (1 + 2 f/m)^(-m/2)."""
    for f, df1, df2 in ((3.0, 3.0, 12.5), (90.0, 2.0, 8.0), (4.0, 5.0, math.inf)):
        theirs = stats.f.sf(f, df1, df2) if df2 < math.inf else stats.chi2.sf(df1 * f, df1)
        p, log10_p = upper_f(f, df1=df1, df2=df2)
        assert p == pytest.approx(theirs, rel=1e-10)
        assert log10_p == pytest.approx(math.log10(theirs), rel=1e-10)
    assert upper_f(5e4, df1=2, df2=math.inf)[1] == pytest.approx(-5e4 / math.log(10), rel=1e-12)
    assert upper_f(5e4, df1=2, df2=300)[1] == pytest.approx(-150 * math.log10(1 + 1e5 / 300), rel=1e-12)


def test_qualitative_interaction_of_gail_and_simon() -> None:
    """Gail and Simon (1985): the example of table 2, p = 0.088, and critical values of table 1 for 2 to 5 groups."""
    example = effects([(0.163, 0.0788), (-0.114, 0.0689), (-0.047, 0.0614), (-0.151, 0.0547)])
    found = reversal(example)
    assert isinstance(found, Reversal)
    assert (round(found.statistic, 2), round(found.p, 3)) == (4.28, 0.088)
    for k, size in ((2, 2.71), (3, 4.23), (4, 5.43), (5, 6.50)):
        edge = reversal([Effect(-math.sqrt(size), 1.0), *[Effect(9.0, 1.0)] * (k - 1)])
        assert isinstance(edge, Reversal)
        assert edge.p == pytest.approx(0.05, abs=3e-4)


def test_two_segments_are_welchs_t_of_their_difference() -> None:
    """A second derivation: t = (a - b)/sqrt(s_a^2 + s_b^2) with Satterthwaite's degrees of freedom."""
    one, other = Effect(3.0, 0.7, 11.0), Effect(1.1, 0.4, 30.0)
    found = interaction([one, other])
    assert isinstance(found, Interaction)
    both = one.se**2 + other.se**2
    df = both**2 / (one.se**4 / 11.0 + other.se**4 / 30.0)
    assert found.df[1] == pytest.approx(df)
    assert found.p == pytest.approx(2 * stats.t.sf((3.0 - 1.1) / math.sqrt(both), df), rel=1e-10)


def test_several_segments_are_welchs_analysis_of_variance() -> None:
    """statsmodels' Welch test of several means, from the means themselves."""
    from statsmodels.stats.oneway import anova_oneway

    rng = np.random.default_rng(8)
    groups = [
        rng.normal(shift, spread, n) for shift, spread, n in ((0, 1, 12), (0.8, 2, 20), (0.1, 0.5, 9), (1, 1, 30))
    ]
    theirs = anova_oneway(groups, use_var="unequal")
    arms = [mean_arm(n=len(group), mean=float(group.mean()), variance=float(group.var(ddof=1))) for group in groups]
    found = interaction([Effect(arm.theta, math.sqrt(arm.variance), arm.df) for arm in arms if isinstance(arm, Arm)])
    assert isinstance(found, Interaction)
    assert (found.f, found.p, found.df[1]) == pytest.approx((theirs.statistic, theirs.pvalue, theirs.df_denom))


def test_interaction_of_known_errors_is_cochrans_q_of_r() -> None:
    """R metafor 3.8-1: rma(yi, vi)$QE and $QEp of the BCG trials."""
    found = interaction(effects(BCG))
    assert isinstance(found, Interaction)
    assert found.q == pytest.approx(152.2330081, rel=1e-9)
    assert found.p == pytest.approx(1.996764591e-26, rel=1e-8)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (BCG, (-0.7145323422, 0.1807917441, -1.108443714, -0.3206209706, 0.001920015096, 0.3132432581, 152.2330081,
               0.9222138452, -1.996016834, 0.5669521499)),
        (SMALL, (0.01160391843, 0.005244776384, -0.001878208479, 0.02508604533, 0.07786198404, 9.311277823e-05,
                 9.612289432, 0.4867511518, -0.01662809944, 0.03983593629)),
        (SMALL[:2], (0.01984210526, 0.0093542175, -0.09901449744, 0.138698708, 0.2804524819, 6.8e-05, 1.604444444,
                     0.3767313019, -0.1386045149, 0.1782887254)),
    ],
    ids=["bcg", "six", "two"],
)  # fmt: skip
def test_random_effects_against_r(pairs: list[tuple[float, float]], expected: tuple[float, ...]) -> None:
    """R metafor 3.8-1: r <- rma(yi, vi, method = "REML", test = "knha", control = list(threshold = 1e-14,
    maxiter = 10000)); b, se, ci.lb, ci.ub, pval, tau2, QE, I2/100, and predict(r)$pi.lb, pi.ub."""
    found = pool(effects(pairs), confidence=0.95)
    assert isinstance(found, Pooled)
    assert (
        found.estimate, found.se, found.lower, found.upper, found.p, found.tau2, found.q, found.i2,
        found.expected_lower, found.expected_upper,
    ) == pytest.approx(expected, rel=2e-7)  # fmt: skip


def test_groups_of_trials_against_r() -> None:
    """The same, of the trials with systematic allocation alone (alloc == "systematic")."""
    found = pool(effects(BCG[9:]), confidence=0.95)
    assert isinstance(found, Pooled)
    assert (found.estimate, found.lower, found.upper, found.tau2) == pytest.approx(
        (-0.4242073915, -1.583313091, 0.7348983075, 0.4003458802), rel=1e-7
    )
    assert as_effect(found).df == 3.0


def test_replications_against_r() -> None:
    """R metafor 3.8-1: rma(y, sei = s, method = "FE"): b, se, ci.lb, ci.ub, pval."""
    found = pool(effects(SMALL), confidence=0.95, model="fixed")
    assert isinstance(found, Pooled)
    assert (found.estimate, found.se, found.lower, found.upper, found.p) == pytest.approx(
        (0.008132297973, 0.003839560574, 0.0006068975326, 0.01565769841, 0.0341726706), rel=1e-8
    )


def test_paule_mandel_against_r_and_what_shrinks_by_it() -> None:
    """R metafor 3.8-1: r <- rma(5 * y, sei = s, method = "PM", control = list(tol = 1e-14)): tau2, b, blup(r)$pred. The
    shrunken effects here keep (k-3)/(k-1) = 3/5 of R's pull."""
    wide = effects([(5 * estimate, se) for estimate, se in SMALL])
    assert paule_mandel(wide) == pytest.approx(0.003499367835, rel=1e-8)
    found = shrink(wide, confidence=0.95)
    assert isinstance(found, Shrinkage)
    assert found.common == pytest.approx(0.06943906813, rel=1e-8)
    theirs = (0.06021354357, 0.1516183008, -0.01908925843, 0.1086443718, 0.04081789552, 0.07442955555)
    for ours, raw, blup in zip(found.effects, wide, theirs, strict=True):
        assert ours.estimate == pytest.approx(raw.estimate + 0.6 * (blup - raw.estimate), rel=1e-7)


def test_conditional_estimate_by_brute_force() -> None:
    """The maximum of the conditional likelihood, and conditional probabilities of the bounds, by scipy's normal."""
    found = conditional_estimate(Effect(0.030, 0.012), cut=1.96, confidence=0.95)
    assert isinstance(found, Corrected)
    assert round(found.estimate, 4) == 0.0137
    z = 2.5

    def minus_log(m: float) -> float:
        return float(-stats.norm.logpdf(z - m) + np.log(stats.norm.cdf(m - 1.96) + stats.norm.cdf(-m - 1.96)))

    best = optimize.minimize_scalar(minus_log, bounds=(-2, 4), method="bounded", options={"xatol": 1e-10})
    assert found.estimate / 0.012 == pytest.approx(best.x, abs=1e-6)
    for bound, share in ((found.lower / 0.012, 0.975), (found.upper / 0.012, 0.025)):
        low, passed = stats.norm.cdf(-1.96 - bound), stats.norm.sf(1.96 - bound)
        below = (low + passed - stats.norm.sf(z - bound)) / (low + passed)
        assert below == pytest.approx(share, abs=1e-9)


def test_total_bias_is_what_it_is_on_average() -> None:
    """The formula at the true effects is E[sum of selected (estimate - truth)]: se phi((cut - truth)/se) each, here by
    integration."""
    truth, se, cut = 0.01, 0.012, 0.02
    expected = integrate.quad(lambda x: (x - truth) * stats.norm.pdf(x, truth, se), cut, truth + 12 * se)[0]
    found = total_bias([Effect(truth, se)], cuts=[cut])
    assert isinstance(found, TotalBias)
    assert found.bias == pytest.approx(expected, rel=1e-9)


def test_gelman_and_carlins_examples() -> None:
    """Gelman and Carlin (2014): an effect of 0.1 with se 3.28 has power 0.05, type S 0.46 and type M 77; 2 with 8.1 has
    power 0.06, type S 0.24 and type M 9.7. They simulate type M, the closed form is exact. First two also by R:
    retrodesign's pnorm lines give 0.05010648209, 0.464422843 and 0.05701294063, 0.2396176545."""
    first, second = exaggeration(effect=0.1, se=3.28), exaggeration(effect=2.0, se=8.1)
    assert (first.power, first.wrong_sign) == pytest.approx((0.05010648209, 0.464422843), rel=1e-9)
    assert (second.power, second.wrong_sign) == pytest.approx((0.05701294063, 0.2396176545), rel=1e-9)
    assert (first.exaggeration, second.exaggeration) == pytest.approx((77, 9.7), rel=0.02)
    m = 2.0 / 8.1
    above = integrate.quad(lambda x: abs(x) * stats.norm.pdf(x, m), 1.959963984540054, 12)[0]
    above += integrate.quad(lambda x: abs(x) * stats.norm.pdf(x, m), -12, -1.959963984540054)[0]
    assert second.exaggeration == pytest.approx(above / second.power / m, rel=1e-9)


def test_losses_by_integration() -> None:
    found = normal_posterior(Effect(0.04, 0.02), Prior(0.01, 0.05), confidence=0.95, worthwhile=0.02)
    assert isinstance(found, Posterior)
    variance = 1 / (1 / 0.02**2 + 1 / 0.05**2)
    own = stats.norm(variance * (0.04 / 0.02**2 + 0.01 / 0.05**2), math.sqrt(variance))
    assert (found.mean, found.sd) == pytest.approx((own.mean(), own.std()))
    assert (found.p_better, found.p_worthwhile) == pytest.approx((own.sf(0.0), own.sf(0.02)))
    assert found.loss_ship == pytest.approx(integrate.quad(lambda x: -x * own.pdf(x), -0.3, 0.0)[0], rel=1e-7)
    assert found.loss_hold == pytest.approx(integrate.quad(lambda x: x * own.pdf(x), 0.0, 0.4)[0], rel=1e-7)


def finite_sum(treated: tuple[int, int], control: tuple[int, int]) -> float:
    """P(T > C) with uniform priors as a sum over the successes of T: Miller (2015), Bayesian A/B testing."""
    a, b = 1 + control[0], 1 + control[1] - control[0]
    own, other = 1 + treated[0], 1 + treated[1] - treated[0]
    i = np.arange(own)
    terms = special.betaln(a + i, b + other) - np.log(other + i) - special.betaln(1 + i, other) - special.betaln(a, b)
    return float(np.exp(terms).sum())


@pytest.mark.parametrize(
    ("treated", "control"),
    [((120, 1000), (100, 1000)), ((3, 10), (2, 10)), ((0, 5), (5, 5)), ((0, 40), (0, 3)), ((900, 20000), (40, 1000))],
)
def test_shares_by_the_finite_sum(treated: tuple[int, int], control: tuple[int, int]) -> None:
    found = share_posterior(treated=treated, control=control)
    assert isinstance(found, SharePosterior)
    assert found.p_better == pytest.approx(finite_sum(treated, control), rel=1e-9)
    # E max(T - C, 0) - E max(C - T, 0) = E(T - C).
    assert found.loss_hold - found.loss_ship == pytest.approx(found.difference, abs=1e-12)


def test_shares_against_r() -> None:
    """R 4.2.2: integrate(function(x) dbeta(x, 121, 881) * pbeta(x, 101, 901), 0, 1, rel.tol = 1e-12) is 0.923183439;
    integrate(function(x) pbeta(x, 121, 881) * pbeta(x, 101, 901, lower.tail = FALSE), 0, 1) is 0.0004846139264, and the
    other way round 0.02044469377."""
    found = share_posterior(treated=(120, 1000), control=(100, 1000))
    assert isinstance(found, SharePosterior)
    assert (found.p_better, found.loss_ship, found.loss_hold) == pytest.approx(
        (0.923183439, 0.0004846139264, 0.02044469377), rel=1e-8
    )
