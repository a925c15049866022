"""Times to an event and quantiles beside statsmodels, numpy and a partial likelihood on rows.

A day counts for whoever is followed for the whole of it; who leaves unseen on a day was at risk on it. On rows that is
a time of k + 1 for an event on day k, and of the number of whole days followed for whoever is censored.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from holdfast.model.result import Analysis
from tests.oracle.small_shop import HEAD, TWO, WINDOW, Shop, analyze, bounds, known, row, shop, trial, whole_days, write

UNTIL = "2026-03-01"
"""Earlier than the last windows close: many are censored."""
PLAN = "metrics: {primary: orders, secondary: [stayed, stayed_at, hazard, first_order, median_revenue, upper_order]}\n"
NORMAL = 1.959963984540054


def followed(data: Shop) -> pd.DataFrame:
    """Variant, days (1 or more), whether the subscription ended, and why, for those who had one at assignment."""
    rows = data.units.merge(data.periods, on="id")
    rows = rows[(rows["begun"] <= rows["t0"]) & (rows["ended"].isna() | (rows["ended"] > rows["t0"]))]
    until = pd.Timestamp(UNTIL)
    whole = whole_days(until - rows["t0"]).clip(0, WINDOW)
    at = whole_days(rows["ended"].where(rows["ended"] < until) - rows["t0"])
    ended = at.notna() & (at < whole)
    rows = rows.assign(days=np.where(ended, at + 1, whole), event=ended.astype(int))
    return rows[rows["days"] > 0]


@pytest.fixture(scope="module", params=[21, 22])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Analysis]:
    data = shop(request.param, days=58)
    folder = tmp_path_factory.mktemp("survival")
    found = analyze(write(folder, data, HEAD.replace("2026-05-01", UNTIL) + TWO + PLAN))
    assert 200 < known(row(found, "orders").n) < 400, "many windows have not closed"
    return data, found


def kept(data: Shop, variant: str) -> SurvfuncRight:
    rows = followed(data)
    rows = rows[rows["variant"] == variant]
    return SurvfuncRight(rows["days"], rows["event"])


def restricted(curve: SurvfuncRight) -> tuple[float, float]:
    """Mean days kept within the window, and its variance (Klein and Moeschberger 2003, 4.5.2), by the curve's steps."""
    times = np.concatenate([[0.0], curve.surv_times, [WINDOW]])
    levels = np.concatenate([[1.0], curve.surv_prob])
    areas = np.diff(times) * levels
    variance = 0.0
    for place in range(len(curve.surv_times)):
        risk, events = curve.n_risk[place], curve.n_events[place]
        if events and risk > events:
            variance += areas[place + 1 :].sum() ** 2 * events / risk / (risk - events)
    return float(areas.sum()), float(variance)


def test_mean_days_kept(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    ours, theirs = restricted(kept(data, "letter")), restricted(kept(data, "control"))
    shown = row(found, "stayed")
    assert shown.estimate == pytest.approx(ours[0] - theirs[0], rel=1e-9)
    assert shown.se == pytest.approx(np.sqrt(ours[1] + theirs[1]), rel=1e-6)
    rows = followed(data)
    assert shown.n == (rows["variant"] == "letter").sum()
    assert shown.n_baseline == (rows["variant"] == "control").sum()
    level = next(each for each in found.levels if (each.metric, each.variant) == ("stayed", "letter"))
    assert level.value == pytest.approx(ours[0], rel=1e-9)
    assert level.active == rows.loc[rows["variant"] == "letter", "event"].sum()


def test_the_share_kept_at_the_end(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    curves = [kept(data, variant) for variant in ("letter", "control")]
    ends = [(curve.surv_prob[-1], curve.surv_prob_se[-1]) for curve in curves]
    shown = row(found, "stayed_at")
    assert shown.estimate == pytest.approx(ends[0][0] - ends[1][0], rel=1e-9)
    assert shown.se == pytest.approx(np.hypot(ends[0][1], ends[1][1]), rel=1e-6)
    lift = row(found, "stayed_at", lift=True)
    assert lift.estimate == pytest.approx(ends[0][0] / ends[1][0] - 1, rel=1e-9)


def test_every_day_of_the_curve(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    curves = next(each for each in found.survival if each.metric == "stayed")
    assert curves.days == WINDOW
    for variant in ("control", "letter"):
        rows = followed(data)
        rows = rows[rows["variant"] == variant]
        curve = kept(data, variant)
        steps = dict(zip(curve.surv_times, curve.surv_prob, strict=True))
        share = 1.0
        for point in (each for each in curves.points if each.variant == variant):
            share = steps.get(point.day, share)
            if point.at_risk:
                assert point.share == pytest.approx(share, rel=1e-9)
            assert point.at_risk == (rows["days"] >= point.day).sum()
            assert point.events == ((rows["days"] == point.day) & (rows["event"] == 1)).sum()


def test_hazard_ratio_and_log_rank(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    rows = followed(data)
    treated = (rows["variant"] == "letter").to_numpy(float)
    fit = PHReg(rows["days"].to_numpy(float), treated[:, None], status=rows["event"].to_numpy(), ties="efron").fit()
    shown, lift = row(found, "hazard"), row(found, "hazard", lift=True)
    assert shown.estimate == pytest.approx(fit.params[0], rel=1e-5)
    assert shown.se == pytest.approx(fit.bse[0], rel=1e-5)
    assert lift.estimate == pytest.approx(np.exp(fit.params[0]) - 1, rel=1e-5)
    assert lift.upper == pytest.approx(np.exp(fit.params[0] + NORMAL * fit.bse[0]) - 1, rel=1e-5)
    compared = next(each for each in found.survival if each.metric == "stayed").comparisons[0]
    _, p = survdiff(rows["days"], rows["event"], rows["variant"])
    assert compared.log_rank_p == pytest.approx(p, rel=1e-8)
    assert bounds(compared.hazard_ratio)[0] == pytest.approx(np.exp(fit.params[0]), rel=1e-5)


def test_competing_reasons(case: tuple[Shop, Analysis]) -> None:
    """The share that each reason has taken, by Aalen and Johansen; the rest has neither of the named ones."""
    data, found = case
    rows = followed(data)
    names = {"too_dear": 1, "card_failed": 2}
    reason = rows["reason"].map(names).fillna(3).astype(int)
    code = reason.where(rows["event"] == 1, 0)
    shown = next(each for each in found.survival if each.metric == "stayed")
    order = {"price": 1, "billing": 2, "other": 3}
    assert {each.cause for each in shown.causes} == set(order)
    for each in shown.causes:
        mine = (rows["variant"] == each.variant).to_numpy()
        incidence = CumIncidenceRight(rows["days"].to_numpy()[mine], code.to_numpy()[mine])
        place = order[each.cause] - 1
        assert each.share == pytest.approx(incidence.cinc[place][-1], rel=1e-9)
        assert each.events == (code.to_numpy()[mine] == order[each.cause]).sum()
        if each.variant == "letter":
            base = CumIncidenceRight(
                rows["days"].to_numpy()[(rows["variant"] == "control").to_numpy()],
                code.to_numpy()[(rows["variant"] == "control").to_numpy()],
            )
            estimate, lower, upper = bounds(each.difference)
            assert estimate == pytest.approx(incidence.cinc[place][-1] - base.cinc[place][-1], rel=1e-8)
            error = np.hypot(incidence.cinc_se[place][-1], base.cinc_se[place][-1])
            assert (upper - lower) / 2 / NORMAL == pytest.approx(error, rel=0.02)
            status = (code == order[each.cause]).astype(int)
            _, p = survdiff(rows["days"], status, rows["variant"])
            assert each.log_rank_p == pytest.approx(p, rel=1e-8)


def test_time_to_the_first_order(case: tuple[Shop, Analysis]) -> None:
    """Of everybody, since nobody needs a subscription for it."""
    data, found = case
    until = pd.Timestamp(UNTIL)
    whole = whole_days(until - data.units["t0"]).clip(0, WINDOW)
    seen = data.within(data.orders[data.orders["moment"] < until], 0, WINDOW)
    days = whole_days(seen["moment"] - seen["t0"])
    first = days.groupby(seen["id"]).min().reindex(data.units["id"]).reset_index(drop=True)
    event = (first < whole) & first.notna()
    time = np.where(event, first + 1, whole)
    expected = []
    for variant in ("letter", "control"):
        mine = ((data.units["variant"] == variant) & (time > 0)).to_numpy()
        expected.append(restricted(SurvfuncRight(time[mine], event.to_numpy()[mine].astype(int))))
    shown = row(found, "first_order")
    assert shown.estimate == pytest.approx(expected[0][0] - expected[1][0], rel=1e-9)
    assert shown.se == pytest.approx(np.sqrt(expected[0][1] + expected[1][1]), rel=1e-6)


def test_quantiles_are_order_statistics(case: tuple[Shop, Analysis]) -> None:
    """The q-quantile is the smallest value that at least a share q does not exceed, and its error comes from the exact
    binomial bounds of its rank (Woodruff)."""
    data, found = case
    mature = (data.units["t0"] + pd.Timedelta(days=WINDOW) <= pd.Timestamp(UNTIL)).to_numpy()
    spent = data.total("amount")
    for metric, q, positive in (("median_revenue", 0.5, False), ("upper_order", 0.9, True)):
        values, errors = [], []
        for variant in ("letter", "control"):
            mine = spent[mature & (data.units["variant"] == variant).to_numpy()].to_numpy()
            mine = np.sort(mine[mine > 0] if positive else mine)
            values.append(np.quantile(mine, q, method="inverted_cdf"))
            n = len(mine)
            lower = int(scipy_stats.binom.ppf(0.025, n, q))
            upper = int(scipy_stats.binom.ppf(0.975, n, q)) + 1
            lower += scipy_stats.binom.cdf(lower - 1, n, q) > 0.025
            coverage = scipy_stats.binom.cdf(upper - 1, n, q) - scipy_stats.binom.cdf(lower - 1, n, q)
            errors.append((mine[upper - 1] - mine[lower - 1]) / 2 / scipy_stats.norm.ppf((1 + coverage) / 2))
        shown = row(found, metric)
        assert shown.estimate == pytest.approx(values[0] - values[1], abs=1e-9)
        if not positive:
            # Of all customers some have spent nothing, and a median that is a bound itself takes the longer side.
            continue
        assert shown.se == pytest.approx(np.hypot(*errors), rel=0.05)


def plan(primary: str, more: str = "") -> str:
    return HEAD.replace("2026-05-01", UNTIL) + TWO + f"metrics: {{primary: {primary}{more}}}\n"


@pytest.mark.parametrize("primary", ["stayed", "stayed_at", "hazard"])
def test_a_time_to_an_event_can_decide(tmp_path: Path, case: tuple[Shop, Analysis], primary: str) -> None:
    data, both = case
    found = analyze(write(tmp_path, data, plan(primary) + "analysis: {segments: [country], bayesian: {}}\n"))
    shown = row(found, primary)
    assert shown.role == "primary"
    assert shown.estimate == row(both, primary).estimate
    assert shown.p == row(both, primary).p
    assert found.segments == ()
    assert len(found.beliefs) == 1
    assert {each.reason for each in (shown, row(found, primary, lift=True))} == {None}


@pytest.mark.parametrize(
    ("metric", "tolerate"), [("stayed", "10%"), ("stayed", "1 days"), ("stayed_at", "5pt"), ("hazard", "10%")]
)
def test_a_time_to_an_event_can_be_guarded(
    tmp_path: Path, case: tuple[Shop, Analysis], metric: str, tolerate: str
) -> None:
    """Safe where the one-sided 95% bound on the side of harm lies inside what is tolerated; treated customers stay
    longer here, so swapping the variants has to turn safe into harm or doubt."""
    data, _ = case
    swapped = data.units["variant"].map({"control": "letter", "letter": "control"})
    guard = f", guardrails: [{{metric: {metric}, tolerate: {tolerate}}}]"
    good = analyze(write(tmp_path / "good", data, plan("orders", guard)))
    bad = analyze(
        write(tmp_path / "bad", replace(data, units=data.units.assign(variant=swapped)), plan("orders", guard))
    )
    relative = tolerate.endswith("%")
    margin = {"10%": 0.1, "1 days": 1.0, "5pt": 0.05}[tolerate]
    assert row(good, metric, lift=relative).state == "safe"
    for found in (good, bad):
        shown = row(found, metric, lift=relative)
        assert shown.margin == pytest.approx(margin)
        assert shown.confidence_adjusted == pytest.approx(0.9)
        if metric == "hazard":
            inside, harmed = known(shown.upper_adjusted) < margin, known(shown.lower_adjusted) > margin
        else:
            inside, harmed = known(shown.lower_adjusted) > -margin, known(shown.upper_adjusted) < -margin
        assert shown.state == ("safe" if inside else "harm" if harmed else "cannot_tell")
    assert row(bad, metric, lift=relative).state != "safe"


def test_nobody_left(tmp_path: Path) -> None:
    """All are censored: everybody stays to the end, nothing varies, and nothing is claimed."""
    data = shop(23)
    data = replace(data, periods=data.periods.assign(ended=None, reason=None))
    data.periods["ended"] = pd.to_datetime(data.periods["ended"])
    found = analyze(write(tmp_path, data, HEAD + TWO + PLAN))
    assert (row(found, "stayed").status, row(found, "stayed").reason) == ("not_estimable", "zero_variance")
    assert (row(found, "hazard").status, row(found, "hazard").reason) == ("not_estimable", "no_events")
    shown = row(found, "stayed_at")
    assert shown.status == "not_estimable" or (known(shown.lower) <= 0.0 <= known(shown.upper))
    level = next(each for each in found.levels if (each.metric, each.variant) == ("stayed", "letter"))
    assert level.value == pytest.approx(WINDOW)


def test_nobody_has_a_subscription(tmp_path: Path) -> None:
    data = shop(24)
    found = analyze(write(tmp_path, replace(data, periods=data.periods.iloc[:0]), HEAD + TWO + PLAN))
    for metric in ("stayed", "stayed_at", "hazard"):
        assert row(found, metric).status == "not_estimable"
        assert row(found, metric).n == 0
    assert row(found, "orders").status == "estimated"


def test_a_survival_metric_in_the_trio(tmp_path: Path, case: tuple[Shop, Analysis]) -> None:
    data, both = case
    found = analyze(write(tmp_path, data, plan("orders", ", trio: {retained: stayed}")))
    assert row(found, "stayed").estimate == row(both, "stayed").estimate


def test_a_quantile_that_decides_has_no_segments(tmp_path: Path) -> None:
    """Within segments only sums are read, and no quantile is made of those."""
    data = shop(25, effect=1.0)
    units = data.units.assign(size=8)
    found = analyze(
        write(tmp_path, replace(data, units=units), plan("median_revenue") + "analysis: {segments: [country, plan]}\n")
    )
    assert found.segments == ()
    assert found.interactions == ()
    assert row(found, "median_revenue").role == "primary"


def test_clusters_give_no_error_to_single_customers(tmp_path: Path) -> None:
    """Homes drawn as one: a curve or a quantile of single customers would claim too much, and so would a segment."""
    data = shop(26)
    text = (
        "owner: a@example.com\nhypothesis: A letter brings customers back.\n"
        "assignment: {method: hash, salt: small-2, cluster: home}\nenroll: {date: 2026-02-10}\n"
    )
    write(tmp_path, data, text + TWO + PLAN + "analysis: {segments: [plan]}\n")
    trial(tmp_path).assign("2026-02-10")
    found = analyze(tmp_path)
    for metric in ("stayed", "stayed_at", "hazard", "median_revenue"):
        shown = row(found, metric)
        assert (shown.status, shown.reason) == ("not_estimable", "drawn_as_clusters")
    assert found.survival == ()
    assert {each.difference.reason for each in found.segments} == {"drawn_as_clusters"}
    assert all(each.p is None for each in found.interactions)
    assert row(found, "orders").status == "estimated"
