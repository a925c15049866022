"""Adjusted effects beside least squares on rows with statsmodels, and the variance of drawing the customers.

Lin's regression, of the outcome on the covariates around the mean of all customers, is one in each variant; the
difference of their intercepts is the adjusted one. Its variance for these very customers is the sum of theirs; the
product adds (b_t - b_c)' S (b_t - b_c) / N, since they are a sample of those to come. It has no rows, so its variances
are the classic ones. HC2 differs where the spread grows with a covariate that is higher in one variant by chance.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from holdfast.model.result import Analysis
from tests.oracle.small_shop import HEAD, LOOKBACK, TWO, WINDOW, Shop, analyze, known, row, shop, trial, write

NEAR = 0.04
"""Of the standard error: what moments cannot tell of HC2, which is of the order of 1 / sqrt(n)."""
OUTCOMES = {"revenue": "amount", "orders": "order"}
PLAN = "metrics: {primary: revenue, secondary: [orders, bought, order_value]}\n"


def outcome(data: Shop, metric: str) -> np.ndarray:
    """The number of each customer."""
    if metric == "bought":
        return (data.total("order") > 0).to_numpy(float)
    if metric == "order_value":
        # The ratio of sums, linearised in each variant around its own value.
        money, orders = data.total("amount").to_numpy(), data.total("order").to_numpy()
        y = np.zeros(len(money))
        for variant in data.units["variant"].unique():
            mine = (data.units["variant"] == variant).to_numpy()
            level = money[mine].sum() / orders[mine].sum()
            y[mine] = level + (money[mine] - level * orders[mine]) / orders[mine].mean()
        return y
    return data.total(OUTCOMES[metric]).to_numpy()


def past(data: Shop, metric: str) -> np.ndarray:
    """The same number over the days before assignment, and whether there was any order."""
    money, orders = data.total("amount", -LOOKBACK, 0).to_numpy(), data.total("order", -LOOKBACK, 0).to_numpy()
    there = (orders > 0).astype(float)
    columns = {
        "revenue": [money, there],
        "orders": [orders, there],
        "bought": [there],
        "order_value": [money, there, orders],
    }
    return np.column_stack(columns[metric])


def named(data: Shop) -> np.ndarray:
    """Size with whether it is unknown, the plan and the country; unknown is a country of its own."""
    size = data.units["size"]
    dummies = pd.get_dummies(data.units[["plan", "country"]].fillna("none"), drop_first=True)
    return np.column_stack([size.fillna(0.0), size.isna().astype(float), dummies.to_numpy(float)])


def fitted(y: np.ndarray, x: np.ndarray, how: str = "nonrobust") -> tuple[float, float, np.ndarray]:
    """The mean of one variant at the point from which its covariates are measured, its variance, and the slopes."""
    fit = OLS(y, np.column_stack([np.ones(len(y)), x])).fit(cov_type=how)
    return float(fit.params[0]), float(fit.bse[0]) ** 2, fit.params[1:]


def compare(
    found: Analysis, data: Shop, metric: str, x: np.ndarray, variant: str = "letter", *, exact: bool = True
) -> None:
    """One row of the product beside least squares in each variant, with covariates measured from their mean over the
    customers of all variants."""
    shown, y, centred = row(found, metric, variant), outcome(data, metric), x - x.mean(axis=0)
    sides = [(data.units["variant"] == key).to_numpy() for key in (variant, "control")]
    expected = {}
    for how in ("nonrobust", "HC2"):
        treated, control = (fitted(y[side], centred[side], how) for side in sides)
        turn = treated[2] - control[2]
        to_come = float(turn @ np.cov(x.T).reshape(len(turn), -1) @ turn) / len(x)
        expected[how] = treated[0] - control[0], np.sqrt(treated[1] + control[1] + to_come)
    assert shown.estimator == "Welch t, adjusted"
    assert shown.estimate == pytest.approx(expected["HC2"][0], rel=1e-8)
    assert shown.se == pytest.approx(expected["nonrobust"][1], rel=1e-6 if exact else NEAR)
    assert shown.se == pytest.approx(expected["HC2"][1], rel=NEAR)
    plain = [y[side] for side in sides]
    assert shown.unadjusted == pytest.approx(plain[0].mean() - plain[1].mean(), rel=1e-8)
    error = np.sqrt(sum(side.var(ddof=1) / len(side) for side in plain))
    width = known(shown.unadjusted_upper) - known(shown.unadjusted_lower)
    assert width == pytest.approx(2 * 1.96 * error, rel=0.01)
    assert shown.variance_saved == pytest.approx(1 - known(shown.se) ** 2 / error**2, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_metrics_own_past(tmp_path: Path, seed: int) -> None:
    data = shop(seed)
    found = analyze(write(tmp_path, data, f"{HEAD}{TWO}{PLAN}analysis: {{cuped: {{lookback: {LOOKBACK}d}}}}\n"))
    for metric in ("revenue", "orders", "bought", "order_value"):
        compare(found, data, metric, past(data, metric))


def test_named_covariates_with_gaps(tmp_path: Path) -> None:
    data = shop(3)
    found = analyze(write(tmp_path, data, f"{HEAD}{TWO}{PLAN}analysis: {{covariates: [size, plan, country]}}\n"))
    for metric in ("revenue", "orders", "bought", "order_value"):
        compare(found, data, metric, named(data))
    assert known(row(found, "orders").variance_saved) > 0.1, "size tells how much is ordered, or the test shows nothing"


def test_the_lift_takes_account_of_what_the_variants_share(tmp_path: Path) -> None:
    """Fieller's interval on adjusted means: where it ends, theta_t - (1 + x) theta_c is 1.96 of its own errors from 0.
    Both means share the mean of all customers' covariates, which makes them correlated."""
    data = shop(3)
    found = analyze(write(tmp_path, data, f"{HEAD}{TWO}{PLAN}analysis: {{covariates: [size]}}\n"))
    y, size = outcome(data, "orders"), data.units["size"]
    x = np.column_stack([size.fillna(0.0), size.isna().astype(float)])
    centred, theta, slopes, variances = x - x.mean(axis=0), {}, {}, {}
    for variant in ("control", "letter"):
        mine = (data.units["variant"] == variant).to_numpy()
        fit = OLS(y[mine], np.column_stack([np.ones(mine.sum()), centred[mine]])).fit(cov_type="HC2")
        theta[variant], slopes[variant], variances[variant] = fit.params[0], fit.params[1:], fit.bse[0] ** 2
    spread = np.cov(x.T) / len(x)
    shown = row(found, "orders", lift=True)
    assert shown.estimate == pytest.approx(theta["letter"] / theta["control"] - 1, rel=1e-8)
    for bound in (known(shown.lower), known(shown.upper)):
        turn = slopes["letter"] - (1 + bound) * slopes["control"]
        variance = variances["letter"] + (1 + bound) ** 2 * variances["control"] + turn @ spread @ turn
        distance = (theta["letter"] - (1 + bound) * theta["control"]) / np.sqrt(variance)
        assert abs(distance) == pytest.approx(1.962, rel=0.01)


def test_three_variants_are_adjusted_to_the_customers_of_all(tmp_path: Path) -> None:
    data = shop(4, 1800, variants=("control", "letter", "call"))
    third = TWO + "  call: {weight: 1, tactic: a-letter}\n"
    pairs = "analysis: {covariates: [size, plan], comparisons: [[letter, call]]}\n"
    found = analyze(write(tmp_path, data, HEAD + third + "metrics: {primary: orders}\n" + pairs))
    size = data.units["size"]
    x = np.column_stack([size.fillna(0.0), size.isna(), data.units["plan"] == "plus"]).astype(float)
    for variant in ("letter", "call"):
        compare(found, data, "orders", x, variant)
    beside = row(found, "orders", "letter", baseline="call")
    apart = known(row(found, "orders").estimate) - known(row(found, "orders", "call").estimate)
    assert beside.estimate == pytest.approx(apart, rel=1e-9)
    assert beside.correction == "bonferroni:3"
    assert beside.p_adjusted == pytest.approx(min(1.0, 3 * known(beside.p)))


def test_an_empty_variant_leaves_the_others_adjusted(tmp_path: Path) -> None:
    data = shop(5)
    third = TWO + "  call: {weight: 1, tactic: a-letter}\n"
    found = analyze(
        write(tmp_path, data, HEAD + third + "metrics: {primary: orders}\nanalysis: {covariates: [size]}\n")
    )
    size = data.units["size"]
    compare(found, data, "orders", np.column_stack([size.fillna(0.0), size.isna().astype(float)]))
    nobody = row(found, "orders", "call")
    assert (nobody.status, nobody.reason, nobody.n) == ("not_estimable", "no_units", 0)


def test_a_constant_covariate_and_a_doubled_one_change_nothing(tmp_path: Path) -> None:
    data = shop(6)
    units = data.units.assign(plan="plus", home=data.units["country"])
    data = replace(data, units=units)
    one = analyze(write(tmp_path / "one", data, f"{HEAD}{TWO}{PLAN}analysis: {{covariates: [country]}}\n"))
    two = analyze(write(tmp_path / "two", data, f"{HEAD}{TWO}{PLAN}analysis: {{covariates: [country, plan, home]}}\n"))
    for metric in ("revenue", "orders", "bought", "order_value"):
        assert row(two, metric).estimate == pytest.approx(row(one, metric).estimate, rel=1e-9)
        assert row(two, metric).se == pytest.approx(row(one, metric).se, rel=1e-9)


def balanced(folder: Path, data: Shop, strata: str, more: str = "") -> tuple[Analysis, Shop]:
    """The same customers drawn here within strata on one day; the shop with the variants that were drawn."""
    text = (
        "owner: a@example.com\nhypothesis: A letter brings customers back.\n"
        f"assignment: {{method: balanced, salt: small-1, strata: {strata}}}\nenroll: {{date: 2026-02-10}}\n"
    )
    write(folder, data, text + TWO + PLAN + more)
    trial(folder).assign("2026-02-10")
    rows = duckdb.execute(f"SELECT unit AS id, variant FROM '{folder}/data/assignments/trial/v1/*.parquet'").df()
    units = data.units.drop(columns=["variant", "t0"]).merge(rows, on="id")
    return analyze(folder), replace(data, units=units.assign(t0=pd.Timestamp("2026-02-10")))


def post_stratified(y: np.ndarray, treated: np.ndarray, stratum: pd.Series) -> tuple[float, float]:
    """The mean of the differences within strata, weighted by their shares of all customers; Neyman's variance within
    strata plus what the strata's own shares would vary by (Miratrix, Sekhon and Yu 2013)."""
    share = stratum.value_counts(normalize=True)
    parts, variance = [], 0.0
    for name, weight in zip(share.index, share, strict=True):
        sides = [y[(stratum == name).to_numpy() & (treated == side)] for side in (1.0, 0.0)]
        parts.append(float(sides[0].mean() - sides[1].mean()))
        variance += weight**2 * sum(side.var(ddof=1) / len(side) for side in sides)
    total = sum(weight * part for weight, part in zip(share, parts, strict=True))
    between = sum(weight * (part - total) ** 2 for weight, part in zip(share, parts, strict=True))
    return float(total), float(np.sqrt(variance + between / len(y)))


@pytest.mark.parametrize("strata", [["plan"], ["country", "plan"]])
def test_strata_are_weighted_by_all_customers(tmp_path: Path, strata: list[str]) -> None:
    found, data = balanced(tmp_path, shop(7), f"[{', '.join(strata)}]", "analysis: {cuped: off}\n")
    key = data.units[strata].fillna("none").agg("/".join, axis=1)
    treated = (data.units["variant"] == "letter").to_numpy(float)
    assert key.nunique() == (2 if len(strata) == 1 else 10)
    for metric in ("revenue", "orders", "bought", "order_value"):
        shown = row(found, metric)
        y = outcome(data, metric)
        difference, se = post_stratified(y, treated, key)
        assert shown.estimator == "Welch t, adjusted"
        # A ratio is linearised around that of the strata together, not of the variant: the same to first order.
        close: Any = (
            pytest.approx(difference, rel=1e-8) if metric != "order_value" else pytest.approx(difference, abs=0.2 * se)
        )
        assert shown.estimate == close
        assert shown.se == pytest.approx(se, rel=0.02)


def test_strata_and_covariates_together(tmp_path: Path) -> None:
    """Least squares with an indicator of each stratum and the covariate, centred, and both times the variant; slopes of
    the covariate are one within all strata of a variant."""
    found, data = balanced(tmp_path, shop(8), "[plan]", "analysis: {covariates: [size]}\n")
    size = data.units["size"]
    x = np.column_stack([data.units["plan"] == "plus", size.fillna(0.0), size.isna()]).astype(float)
    for metric in ("revenue", "orders", "bought"):
        # Strata have spreads of their own, which one regression has not.
        compare(found, data, metric, x, exact=False)


def test_a_stratum_without_one_of_the_variants_is_merged(tmp_path: Path) -> None:
    """One customer alone in a country: nobody to compare with, so the country goes into the smallest other one."""
    data = shop(9)
    units = data.units.assign(country=data.units["country"].fillna("JP"))
    units.loc[0, "country"] = "IS"
    found, data = balanced(tmp_path, replace(data, units=units), "[country]", "analysis: {cuped: off}\n")
    smallest = data.units.loc[data.units["country"] != "IS", "country"].value_counts().idxmin()
    key = data.units["country"].replace("IS", smallest)
    treated = (data.units["variant"] == "letter").to_numpy(float)
    difference, se = post_stratified(outcome(data, "orders"), treated, key)
    assert row(found, "orders").estimate == pytest.approx(difference, rel=1e-8)
    assert row(found, "orders").se == pytest.approx(se, rel=0.02)


def test_unknown_and_empty_text_are_two_strata(tmp_path: Path) -> None:
    """A country that is not known and one that is written as nothing are different cells; no customer is lost."""
    data = shop(10)
    rng = np.random.default_rng(10)
    mixed = np.where(rng.random(len(data.units)) < 0.5, "", data.units["country"].astype(object))
    data = replace(data, units=data.units.assign(country=mixed))
    found, data = balanced(tmp_path, data, "[country]", "analysis: {cuped: off}\n")
    key = data.units["country"].fillna("unknown")
    assert {"", "unknown"} <= set(key)
    treated = (data.units["variant"] == "letter").to_numpy(float)
    difference, se = post_stratified(outcome(data, "orders"), treated, key)
    assert row(found, "orders").estimate == pytest.approx(difference, rel=1e-8)
    assert row(found, "orders").se == pytest.approx(se, rel=0.02)


def test_clusters_stay_unadjusted(tmp_path: Path) -> None:
    """Homes drawn as one: the difference of means with errors by home, whatever the plan says of covariates."""
    data = shop(11)
    text = (
        "owner: a@example.com\nhypothesis: A letter brings customers back.\n"
        "assignment: {method: hash, salt: small-2, cluster: home}\nenroll: {date: 2026-02-10}\n"
    )
    write(tmp_path, data, text + TWO + "metrics: {primary: orders}\nanalysis: {covariates: [size, plan]}\n")
    trial(tmp_path).assign("2026-02-10")
    rows = duckdb.execute(f"SELECT unit AS id, variant FROM '{tmp_path}/data/assignments/trial/v1/*.parquet'").df()
    units = data.units.drop(columns=["variant"]).merge(rows, on="id").assign(t0=pd.Timestamp("2026-02-10"))
    data = replace(data, units=units)
    shown = row(analyze(tmp_path), "orders")
    assert shown.unadjusted is None
    assert "adjusted" not in (shown.estimator or "")
    y, treated = outcome(data, "orders"), (units["variant"] == "letter").to_numpy(float)
    difference, variance = 0.0, 0.0
    for side, sign in ((1.0, 1), (0.0, -1)):
        mine = treated == side
        homes = units.loc[mine, "home"].astype("category").cat.codes
        fit = OLS(y[mine], np.ones(mine.sum())).fit(
            cov_type="cluster", cov_kwds={"groups": homes, "use_correction": False}
        )
        count = homes.nunique()
        difference += sign * fit.params[0]
        variance += fit.bse[0] ** 2 * count / (count - 1)
    assert shown.estimate == pytest.approx(difference, rel=1e-8)
    assert shown.se == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_a_window_that_has_not_closed_leaves_customers_out_of_the_adjustment_too(tmp_path: Path) -> None:
    data = shop(12, days=60)
    text = HEAD.replace("2026-05-01", "2026-02-20") + TWO + "metrics: {primary: orders}\n"
    found = analyze(write(tmp_path, data, text + "analysis: {covariates: [size]}\n"))
    kept = data.units["t0"] + pd.Timedelta(days=WINDOW) <= pd.Timestamp("2026-02-20")
    assert 200 < kept.sum() < len(kept) - 200
    mature = replace(data, units=data.units[kept.to_numpy()].reset_index(drop=True))
    size = mature.units["size"]
    compare(found, mature, "orders", np.column_stack([size.fillna(0.0), size.isna().astype(float)]))
