"""Survival, log-rank, hazard ratios and competing risks against R and statsmodels, on R's own data grouped by period.

The counts were made in R 4.2.2 with survival 3.5-3 from `lung` in periods of 28 days, `veteran` in periods of 14 days
and `mgus2` in periods of 24 months: time t = period + 1, `sapply(1:K, function(k) sum(t == k & status == 1))`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from holdfast.model.reading import Curve
from holdfast.stats.arm import Arm
from holdfast.stats.competing import Incidence, cause_specific, cumulative_incidence, incidence_at
from holdfast.stats.contrast import Interval, difference
from holdfast.stats.hazard import ProportionalHazards, Ties, hazard_ratio, proportional_hazards
from holdfast.stats.log_rank import LogRank, follow_up_difference, log_rank
from holdfast.stats.survival import SurvivalCurve, kaplan_meier, rmst, survival_at
from holdfast.stats.survival_compare import Band, survival_band, survival_difference, survival_lift


def curve(events: Sequence[int], censored: Sequence[int], causes: Mapping[str, tuple[int, ...]] | None = None) -> Curve:
    """The curve of these events and ends of follow-up, all units followed from day 0."""
    gone = [0, *accumulate(d + c for d, c in zip(events, censored, strict=True))]
    return Curve(
        at_risk=tuple(gone[-1] - before for before in gone[:-1]),
        events=tuple(events),
        censored=tuple(censored),
        causes=causes or {},
    )


def people(*curves: Curve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, event and place of every unit of some curves: the rows that the counts came from."""
    parts = [
        (day + 1.0, event, place)
        for place, each in enumerate(curves)
        for event, counts in ((1, each.events), (0, each.censored))
        for day, count in enumerate(counts)
        for _ in range(count)
    ]
    time, event, place = (np.array(column) for column in zip(*parts, strict=True))
    return time, event, place


def padded(counts: Sequence[int], days: int) -> tuple[int, ...]:
    return (*counts, *(0,) * (days - len(counts)))


# fmt: off
MEN = curve(
    [8, 5, 6, 8, 6, 9, 11, 8, 4, 3, 9, 3, 4, 4, 1, 3, 3, 1, 2, 2, 3, 1, 2, 1, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 4, 4, 3, 2, 5, 0, 0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 2],
)
WOMEN = curve(
    [1, 0, 5, 2, 1, 5, 3, 4, 3, 1, 3, 1, 7, 1, 0, 3, 2, 0, 2, 1, 0, 0, 1, 1, 1, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 2, 0, 0, 4, 3, 4, 5, 2, 2, 1, 4, 0, 0, 0, 0, 3, 3, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0],
)
VETERANS = {
    (1, 0): curve(
        [5, 5, 3, 4, 2, 1, 2, 3, 3, 2, 3, 3, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, *[0] * 10, 1],
        padded([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1], 40),
    ),
    (1, 10): curve(
        [6, 2, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, *[0] * 8, 1],
        padded([0, 1], 30),
    ),
    (2, 0): curve(
        [6, 8, 5, 7, 1, 3, 2, 4, 1, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 2, *[0] * 5, 1, *[0] * 7, 1],
        padded([0, 0, 0, 0, 0, 1, 1], 42),
    ),
    (2, 10): curve(
        [2, 4, 0, 3, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, *[0] * 45, 1, 1],
        padded([*[0] * 7, 1, *[0] * 8, 1], 72),
    ),
}
CELLS = {
    "squamous": curve(
        [5, 2, 2, 2, 0, 2, 0, 2, 2, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1,
         *[0] * 7, 1, *[0] * 28, 1, 1],
        padded([0, 1, 0, 0, 0, 0, 1, 1, *[0] * 8, 1], 72),
    ),
    "smallcell": curve(
        [8, 12, 3, 5, 4, 1, 2, 2, 2, 1, 2, *[0] * 9, 1, *[0] * 6, 1, 1], padded([*[0] * 6, 1, 1, 1], 29)
    ),
    "adeno": curve([5, 3, 3, 4, 0, 2, 4, 0, 1, 1, 1, 1, 0, 1], padded([0, 0, 0, 0, 0, 1], 14)),
    "large": curve(
        [1, 2, 0, 4, 0, 0, 0, 4, 0, 1, 1, 3, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, *[0] * 11, 1],
        padded([*[0] * 13, 1], 40),
    ),
}
F_MALIGNANT = (15, 6, 7, 10, 6, 4, 4, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0)
F_DIED = (88, 57, 49, 48, 43, 35, 21, 15, 3, 5, 2, 2, 0, 2, 0, 0, 0, 0)
F_LEFT = (2, 0, 18, 30, 38, 19, 21, 20, 21, 10, 9, 6, 2, 4, 1, 0, 1, 0)
M_MALIGNANT = (9, 8, 9, 7, 6, 5, 5, 4, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
M_DIED = (139, 90, 81, 55, 46, 26, 23, 11, 9, 3, 5, 1, 0, 0, 0, 0, 0, 1)
M_LEFT = (0, 4, 29, 38, 22, 17, 25, 23, 21, 12, 7, 4, 2, 1, 2, 0, 0, 0)
# fmt: on


def two_causes(malignant: tuple[int, ...], died: tuple[int, ...], left: tuple[int, ...]) -> Curve:
    both = tuple(a + b for a, b in zip(malignant, died, strict=True))
    return curve(both, left, {"malignant": malignant, "died": died})


FEMALE = two_causes(F_MALIGNANT, F_DIED, F_LEFT)
MALE = two_causes(M_MALIGNANT, M_DIED, M_LEFT)


def arm(value: object) -> Arm:
    assert isinstance(value, Arm)
    return value


def interval(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


def ranked(value: object) -> LogRank:
    assert isinstance(value, LogRank)
    return value


def survival(value: object) -> SurvivalCurve:
    assert isinstance(value, SurvivalCurve)
    return value


@pytest.mark.parametrize(
    ("group", "shares", "errors", "lower", "upper"),
    [
        (
            MEN,
            [0.8623188405797101, 0.6956521739130433, 0.3508348243422669, 0.1816019881112812, 0.0544805964333844],
            [0.0293313229417684, 0.0391689231705609, 0.0435299639036062, 0.0381749945389251, 0.0242641146071119],
            [0.7926862296916519, 0.6114760407487465, 0.2668228052789601, 0.1139541536252699, 0.0196852326074367],
            [0.909876391256007, 0.765099561293995, 0.435864984890746, 0.261869920745298, 0.115815154734670],
        ),
        (
            WOMEN,
            [0.9333333333333333, 0.8427777777777777, 0.5314119140680912, 0.3523241210671664, 0.0854119081374949],
            [0.0262936879248872, 0.0385981581879328, 0.0594055054653918, 0.0629355283687599, 0.0510807572557579],
            [0.8576200014740982, 0.7489437551748606, 0.4089846395875504, 0.2324166199480406, 0.0190282135052998],
            [0.969484427743881, 0.903743743204156, 0.639510535297170, 0.474359555969708, 0.217010402612083],
        ),
    ],
)
def test_kaplan_meier_is_that_of_survfit(
    group: Curve, shares: list[float], errors: list[float], lower: list[float], upper: list[float]
) -> None:
    """summary(survfit(Surv(t, e) ~ 1, conf.type = "log-log"), times = c(3, 6, 13, 20, 30)); t is the period + 1."""
    days = survival(kaplan_meier(group, confidence=0.95)).days
    chosen = [days[time - 1] for time in (3, 6, 13, 20, 30)]
    assert [day.survival for day in chosen] == pytest.approx(shares, rel=1e-13)
    assert [day.se for day in chosen] == pytest.approx(errors, rel=1e-12)
    assert [day.lower for day in chosen] == pytest.approx(lower, rel=1e-12)
    assert [day.upper for day in chosen] == pytest.approx(upper, rel=1e-12)
    for time, share, error in zip((3, 6, 13, 20, 30), shares, errors, strict=True):
        at = arm(survival_at(group, day=time))
        assert (at.theta, math.sqrt(at.variance)) == pytest.approx((share, error), rel=1e-12)


def test_kaplan_meier_is_that_of_statsmodels() -> None:
    """statsmodels SurvfuncRight on the rows that the counts came from."""
    time, event, _ = people(MEN)
    theirs = SurvfuncRight(time, event)
    days = survival(kaplan_meier(MEN, confidence=0.95)).days
    ours = {day.day + 1.0: (day.survival, day.se) for day in days}
    for at, share, error in zip(theirs.surv_times, theirs.surv_prob, theirs.surv_prob_se, strict=True):
        assert ours[at] == pytest.approx((share, error), rel=1e-10)


@pytest.mark.parametrize(
    ("group", "tau", "mean", "error"),
    [
        (MEN, 6, 5.275362318840579, 0.125413877284892),
        (MEN, 13, 8.971487097852124, 0.352826819462421),
        (MEN, 20, 10.876795433903771, 0.558890218396224),
        (WOMEN, 6, 5.7219444444444445, 0.0943410966637488),
        (WOMEN, 13, 10.875791636708069, 0.359926245861075),
        (WOMEN, 20, 14.097229120748631, 0.670310420657695),
    ],
)
def test_restricted_mean_is_that_of_survfit(group: Curve, tau: int, mean: float, error: float) -> None:
    """summary(survfit(Surv(t, e) ~ 1), rmean = tau)$table[c("rmean", "se(rmean)")]."""
    found = arm(rmst(group, tau=tau))
    assert (found.theta, math.sqrt(found.variance)) == pytest.approx((mean, error), rel=1e-12)


def test_log_rank_is_that_of_survdiff() -> None:
    """survdiff(Surv(t, e) ~ sex): chisq, obs, exp; with rho = 1 chisq alone."""
    found = ranked(log_rank(MEN, WOMEN))
    assert found.statistic == pytest.approx(11.0332680649815, rel=1e-12)
    assert found.observed == (112, 53)
    assert found.expected == pytest.approx((91.5912470075004, 73.4087529924996), rel=1e-12)
    assert found.z == pytest.approx(math.sqrt(11.0332680649815), rel=1e-12)
    assert ranked(log_rank(MEN, WOMEN, rho=1.0)).statistic == pytest.approx(12.9992800990455, rel=1e-12)


@pytest.mark.parametrize("rho", [0.0, 1.0, 2.0])
def test_log_rank_is_that_of_statsmodels(rho: float) -> None:
    """statsmodels survdiff, weight_type "fh" with fh_p = rho, on the rows that the counts came from."""
    time, event, place = people(MEN, WOMEN)
    extra = {"weight_type": "fh", "fh_p": rho} if rho else {}
    statistic, p = survdiff(time, event, place, **extra)
    found = ranked(log_rank(MEN, WOMEN, rho=rho))
    assert (found.statistic, found.p) == pytest.approx((statistic, p), rel=1e-10)


def test_late_weights_are_those_of_the_formula() -> None:
    """Fleming and Harrington's (0.5, 2), day by day in plain numbers; R's survdiff and statsmodels have no gamma."""
    kept, surplus, variance = 1.0, 0.0, 0.0
    for day in range(len(MEN.events)):
        n_1, n, d_1 = MEN.at_risk[day], MEN.at_risk[day] + WOMEN.at_risk[day], MEN.events[day]
        d = d_1 + WOMEN.events[day]
        if n > 1:
            weight = kept**0.5 * (1.0 - kept) ** 2
            surplus += weight * (d_1 - d * n_1 / n)
            variance += weight**2 * d * n_1 * (n - n_1) * (n - d) / (n * n * (n - 1))
            kept *= 1.0 - d / n
    found = ranked(log_rank(MEN, WOMEN, rho=0.5, gamma=2.0))
    assert found.statistic == pytest.approx(surplus**2 / variance, rel=1e-11)


def test_log_rank_of_four_groups_is_that_of_survdiff() -> None:
    """survdiff(Surv(t, status) ~ celltype, data = v): chisq, obs, exp; with rho = 1 chisq; p by scipy.stats.chi2."""
    found = ranked(log_rank(*CELLS.values()))
    assert found.statistic == pytest.approx(26.045614011727, rel=1e-12)
    assert (found.df, found.observed, found.z) == (3, (31, 45, 26, 26), None)
    assert found.expected == pytest.approx(
        (47.1116119890842, 30.5920989345726, 16.1724950671132, 34.1237940092300), rel=1e-12
    )
    assert found.p == pytest.approx(float(stats.chi2.sf(26.045614011727, 3)), rel=1e-10)
    assert ranked(log_rank(*CELLS.values(), rho=1.0)).statistic == pytest.approx(20.8274199877082, rel=1e-12)


def test_stratified_log_rank_is_that_of_survdiff() -> None:
    """survdiff(Surv(t, status) ~ trt + strata(prior), data = v): chisq, and obs and exp summed over strata."""
    strata = [[VETERANS[trt, prior] for prior in (0, 10)] for trt in (1, 2)]
    found = ranked(log_rank(*strata))
    assert found.statistic == pytest.approx(0.0312947460869922, rel=1e-11)
    assert found.observed == (64, 64)
    assert found.expected == pytest.approx(
        (48.4684840551365 + 16.4575069589853, 42.5315159448635 + 20.5424930410147), rel=1e-12
    )


@pytest.mark.parametrize(
    ("ties", "coefficient", "error"),
    [
        ("efron", -0.540956203892011, 0.167204663529642),
        ("breslow", -0.530514754100525, 0.167233562082347),
        ("grouped", -0.543545773198851, 0.167148760866718),
    ],
)
def test_hazard_ratio_is_that_of_coxph_and_glm(ties: Ties, coefficient: float, error: float) -> None:
    """coxph(Surv(t, e) ~ I(sex == 2), ties = ties, control = coxph.control(eps = 1e-13)); for "grouped"
    glm(cbind(d, n - d) ~ factor(k) + I(sex == 2) - 1, binomial("cloglog"), epsilon = 1e-13) on periods with events."""
    found = interval(hazard_ratio(WOMEN, MEN, confidence=0.95, ties=ties))
    accuracy = 1e-9 if ties == "grouped" else 1e-11
    assert math.log(found.estimate) == pytest.approx(coefficient, rel=accuracy)
    assert found.statistic == pytest.approx(coefficient / error, rel=accuracy)
    reach = 1.959963984540054 * error
    assert (math.log(found.lower), math.log(found.upper)) == pytest.approx(
        (coefficient - reach, coefficient + reach), rel=accuracy
    )


@pytest.mark.parametrize(("ties", "statistic"), [("efron", 2.823477294284154), ("breslow", 2.608423812870148)])
def test_proportional_hazards_is_that_of_cox_zph(ties: Ties, statistic: float) -> None:
    """cox.zph(m, transform = "identity", terms = FALSE)$table of the models above."""
    assert ties != "grouped"
    found = proportional_hazards(WOMEN, MEN, ties=ties)
    assert isinstance(found, ProportionalHazards)
    assert found.statistic == pytest.approx(statistic, rel=1e-10)


def test_stratified_hazard_ratio_is_that_of_coxph() -> None:
    """coxph(Surv(t, status) ~ I(trt == 2) + strata(prior), data = v), its cox.zph(transform = "identity"), and the
    cox.zph of the model without strata."""
    treated, control = ([VETERANS[trt, prior] for prior in (0, 10)] for trt in (2, 1))
    found = interval(hazard_ratio(treated, control, confidence=0.95))
    assert math.log(found.estimate) == pytest.approx(0.0443561589876449, rel=1e-10)
    assert found.se / found.estimate == pytest.approx(0.180832663350636, rel=1e-11)
    test = proportional_hazards(treated, control)
    assert isinstance(test, ProportionalHazards)
    assert test.statistic == pytest.approx(2.9740672981804859, rel=1e-9)
    pooled = proportional_hazards(treated[0] + treated[1], control[0] + control[1])
    assert isinstance(pooled, ProportionalHazards)
    assert pooled.statistic == pytest.approx(4.5307572896978705, rel=1e-9)


@pytest.mark.parametrize(
    ("group", "cause", "shares", "errors"),
    [
        (
            FEMALE,
            "malignant",
            [0.0333166619464547, 0.0720784437719156, 0.1021332722350918, 0.1282984774697659],
            [0.00714825350633917, 0.01048818493723943, 0.01379491894192481, 0.02253450232284138],
        ),
        (
            FEMALE,
            "died",
            [0.230137448554711, 0.466682934194216, 0.673183578298126, 0.739131149341218],
            [0.0167711178372964, 0.0203873413309011, 0.0230920138506500, 0.0308268116960763],
        ),
        (
            MALE,
            "malignant",
            [0.0225763612217795, 0.0544951409419398, 0.0914613515294789, 0.0988798664013362],
            [0.00541340978426554, 0.00851653304224635, 0.01252753538100958, 0.01435371544078754],
        ),
        (
            MALE,
            "died",
            [0.304116865869854, 0.566810058880579, 0.730494291545945, 0.779726253877362],
            [0.0167645121674214, 0.0187385689871180, 0.0201120494030703, 0.0241330989196658],
        ),
    ],
)
def test_incidence_is_that_of_survfit(group: Curve, cause: str, shares: list[float], errors: list[float]) -> None:
    """summary(survfit(Surv(t, factor(ev, 0:2)) ~ 1, data = mgus2), times = c(2, 5, 10, 14)): pstate and std.err.

    cmprsk 2.2-11 timepoints(cuminc(t, ev), c(2, 5, 10, 14)) has the same shares; its variance is another estimator,
    within 3% of this one in these data.
    """
    found = [arm(incidence_at(group, cause=cause, day=day)) for day in (2, 5, 10, 14)]
    assert [each.theta for each in found] == pytest.approx(shares, rel=1e-12)
    assert [math.sqrt(each.variance) for each in found] == pytest.approx(errors, rel=1e-11)


def test_incidence_is_that_of_statsmodels() -> None:
    """statsmodels CumIncidenceRight with cause 1 malignant and 2 died: cinc and cinc_se at every time."""
    rows = [
        (day + 1.0, code)
        for code, counts in ((1, F_MALIGNANT), (2, F_DIED), (0, F_LEFT))
        for day, count in enumerate(counts)
        for _ in range(count)
    ]
    time, code = (np.array(column) for column in zip(*rows, strict=True))
    theirs = CumIncidenceRight(time, code)
    for place, cause in enumerate(("malignant", "died")):
        for at, share, error in zip(theirs.times, theirs.cinc[place], theirs.cinc_se[place], strict=True):
            ours = arm(incidence_at(FEMALE, cause=cause, day=int(at)))
            assert (ours.theta, math.sqrt(ours.variance)) == pytest.approx((share, error), rel=1e-9)


def test_cause_specific_log_rank_is_that_of_survdiff() -> None:
    """survdiff(Surv(t, ev == 1) ~ sex, data = mgus2)$chisq, and ev == 2."""
    for cause, statistic in (("malignant", 0.195198213234044), ("died", 11.1566737368567)):
        found = ranked(log_rank(cause_specific(FEMALE, cause=cause), cause_specific(MALE, cause=cause)))
        assert found.statistic == pytest.approx(statistic, rel=1e-11)


def test_follow_up_is_compared_as_by_the_reversed_log_rank() -> None:
    """survdiff(Surv(t, 1 - e) ~ sex, data = transform(d, t = ifelse(e == 1, t - 0.5, t)))$chisq: events come before
    the ends of follow-up of their period."""
    assert ranked(follow_up_difference(MEN, WOMEN)).statistic == pytest.approx(5.78561205547883, rel=1e-11)


def test_test_at_a_day_is_that_of_klein_and_others() -> None:
    """z from R: f <- survfit(Surv(t, e) ~ x); s <- summary(f, times = 3); cl <- log(-log(s$surv));
    v <- (s$std.err / s$surv / log(s$surv))^2; diff(cl) / sqrt(sum(v)) = -2.51446629779, p = 0.01192126961."""
    slow, fast = curve([5, 5, 4], [0, 0, 86]), curve([12, 10, 7], [0, 0, 71])
    found = interval(survival_difference(slow, fast, day=3, confidence=0.95))
    assert (found.statistic, found.p) == pytest.approx((2.51446629779, 0.01192126961), rel=1e-9)


def test_interval_at_a_day_is_the_image_of_the_ellipse() -> None:
    """A dense search over all pairs of shares whose log(-log) lie within z of the estimates, independent of angles."""
    slow, fast = curve([5, 5, 4], [0, 0, 86]), curve([12, 10, 7], [0, 0, 71])
    found = interval(survival_difference(slow, fast, day=3, confidence=0.95))
    lift = interval(survival_lift(slow, fast, day=3, confidence=0.95))
    both = [arm(survival_at(each, day=3)) for each in (slow, fast)]
    centre = [math.log(-math.log(each.theta)) for each in both]
    se = [math.sqrt(each.variance) / each.theta / -math.log(each.theta) for each in both]
    first = centre[0] + 1.959963984540054 * se[0] * np.linspace(-1.0, 1.0, 200_001)
    spread = 1.959963984540054**2 - ((first - centre[0]) / se[0]) ** 2
    second = [centre[1] + side * se[1] * np.sqrt(np.maximum(spread, 0.0)) for side in (-1.0, 1.0)]
    kept, others = np.exp(-np.exp(first)), [np.exp(-np.exp(each)) for each in second]
    differences = np.concatenate([kept - other for other in others])
    lifts = np.concatenate([kept / other - 1.0 for other in others])
    assert (found.lower, found.upper) == pytest.approx((differences.min(), differences.max()), abs=1e-9)
    assert (lift.lower, lift.upper) == pytest.approx((lifts.min(), lifts.max()), abs=1e-9)


def test_band_of_two_days_is_the_bivariate_normal() -> None:
    """The critical value c solves P(|Z1| <= c, |Z2| <= c) = 0.95, here by quadrature of the conditional normal."""
    slow, fast = curve([60, 50, 40], [0, 0, 750]), curve([100, 80, 50], [0, 0, 670])
    band = survival_band(slow, fast, days=[1, 3], confidence=0.95)
    assert isinstance(band, Band)
    # Without censoring Cov(S(1), S(3)) = S(3) (1 - S(1)) / n, as of plain shares.
    variance_1 = (60 / 900) * (840 / 900) / 900 + (100 / 900) * (800 / 900) / 900
    variance_3 = (150 / 900) * (750 / 900) / 900 + (230 / 900) * (670 / 900) / 900
    shared = (750 / 900) * (60 / 900) / 900 + (670 / 900) * (100 / 900) / 900
    rho = shared / math.sqrt(variance_1 * variance_3)

    def inside(x: float) -> float:
        root = math.sqrt(1.0 - rho * rho)
        ends = [(side * band.critical - rho * x) / root for side in (-1.0, 1.0)]
        return float(stats.norm.pdf(x) * (stats.norm.cdf(ends[1]) - stats.norm.cdf(ends[0])))

    total, _ = integrate.quad(inside, -band.critical, band.critical, epsabs=1e-12)
    assert total == pytest.approx(0.95, abs=1e-4)
    point = interval(band.points[1])
    assert point.se == pytest.approx(math.sqrt(variance_3), rel=1e-12)
    assert point.upper - point.estimate == pytest.approx(band.critical * point.se, rel=1e-12)


def test_interval_of_an_incidence_of_one_cause_is_that_of_kaplan_meier() -> None:
    only = Curve(at_risk=MEN.at_risk, events=MEN.events, censored=MEN.censored, causes={"any": MEN.events})
    incidence = cumulative_incidence(only, cause="any", confidence=0.9)
    days = survival(kaplan_meier(MEN, confidence=0.9)).days
    assert isinstance(incidence, Incidence)
    for ours, theirs in zip(incidence.days, days, strict=True):
        assert (ours.incidence, ours.se) == pytest.approx((1.0 - theirs.survival, theirs.se), rel=1e-9, abs=1e-12)
        assert (ours.lower, ours.upper) == pytest.approx((1.0 - theirs.upper, 1.0 - theirs.lower), rel=1e-9)


def test_without_censoring_all_is_that_of_plain_values() -> None:
    """The mean of min(k + 1, tau) over 200 units, and its variance with divisor n."""
    events = [30, 25, 20, 15, 0, 10]
    group = curve(events, [0, 0, 0, 0, 0, 100])
    days = np.repeat([1.0, 2, 3, 4, 5, 6, 7], [*events, 100])
    for tau in (1, 2, 4, 6):
        found = arm(rmst(group, tau=tau))
        kept = np.minimum(days, tau)
        assert (found.theta, found.variance) == pytest.approx((kept.mean(), kept.var() / 200), rel=1e-12)
    share = arm(survival_at(group, day=4))
    assert (share.theta, share.variance) == pytest.approx((0.55, 0.55 * 0.45 / 200), rel=1e-12)
    effect = interval(difference(share, arm(survival_at(MEN, day=4)), confidence=0.95))
    assert effect.lower < effect.estimate < effect.upper
