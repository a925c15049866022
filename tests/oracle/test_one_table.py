"""One table analysed without a project, beside pandas, scipy and statsmodels on the same rows.

Means and shares: scipy's Welch test; statsmodels' pooled test of two proportions is near.
Ratios: the linearised values of each variant (delta method). Clusters: least squares on variant and intercept with
statsmodels' `cov_type="cluster"` one variant at a time, times G / (G - 1). Covariates: least squares in each variant on
centred covariates, with the variance of drawing the units added; statsmodels' HC2 is near.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats as scipy_stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportions_ztest

import holdfast
from holdfast.model.result import Estimate
from holdfast.project import AnalysisHandle
from holdfast.project.one_table import file_analysis
from holdfast.project.question import Question
from tests.conftest import ROOT

METRICS = ["mean:minutes", "conversion:bought", "sum:revenue", "ratio:revenue/orders"]


def table(seed: int, n: int = 3000) -> pd.DataFrame:
    """Customers in homes whose members are alike; minutes and some purchases are not known of everybody."""
    rng = np.random.default_rng(seed)
    home = np.repeat(np.arange(n), rng.integers(1, 5, n))[:n]
    taste = rng.normal(0, 1, n)[home]
    treated = rng.random(n)[home] < 0.5
    size = rng.lognormal(1, 0.6, n)
    minutes = np.round(20 + 3 * taste + 4 * size + 1.2 * treated + rng.normal(0, 6, n), 3)
    orders = rng.poisson(np.exp(0.3 * taste - 0.4 + 0.1 * treated))
    revenue = np.round(orders * rng.lognormal(3, 0.5, n), 2)
    frame = pd.DataFrame(
        {
            "id": [f"c{i}" for i in rng.permutation(n)],
            "home": [f"h{i}" for i in home],
            "group": np.where(treated, "B", "A"),
            "minutes": minutes,
            "bought": (orders > 0).astype(float),
            "orders": orders,
            "revenue": revenue,
            "size": size,
            "plan": rng.choice(["basic", "plus", "pro"], n, p=[0.6, 0.3, 0.1]),
        }
    )
    frame.loc[rng.random(n) < 0.05, "minutes"] = np.nan
    frame.loc[rng.random(n) < 0.02, "bought"] = np.nan
    frame.loc[(frame["orders"] == 0) & (rng.random(n) < 0.5), "revenue"] = np.nan
    return frame


def ask(frame: Any, **more: Any) -> AnalysisHandle:
    """The usual question."""
    asked: dict[str, Any] = {
        "unit": "id",
        "variant": "group",
        "control": "A",
        "metrics": METRICS,
        "missing": "exclude",
        "as_of": "2026-03-01",
    }
    return holdfast.analyze_frame(frame, **(asked | more))


def row(found: AnalysisHandle, metric: str) -> Estimate:
    return found[metric].difference


def arms(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The known values of the treated and of control."""
    known = frame.dropna(subset=[column])
    return tuple(known.loc[known["group"] == key, column].to_numpy(float) for key in ("B", "A"))  # type: ignore[return-value]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_means_and_shares_with_missing_values(seed: int) -> None:
    frame = table(seed)
    found = ask(frame)
    treated, control = arms(frame, "minutes")
    welch = scipy_stats.ttest_ind(treated, control, equal_var=False)
    interval = welch.confidence_interval(0.95)
    shown = row(found, "minutes")
    assert (shown.n, shown.n_baseline) == (len(treated), len(control))
    assert shown.estimate == pytest.approx(treated.mean() - control.mean(), rel=1e-9)
    assert (shown.lower, shown.upper, shown.p) == pytest.approx((interval.low, interval.high, welch.pvalue), rel=1e-7)
    treated, control = arms(frame, "bought")
    welch = scipy_stats.ttest_ind(treated, control, equal_var=False)
    shown = row(found, "bought")
    assert shown.estimate == pytest.approx(treated.mean() - control.mean(), rel=1e-9)
    assert shown.p == pytest.approx(welch.pvalue, rel=1e-7)
    counts, totals = [int(treated.sum()), int(control.sum())], [len(treated), len(control)]
    assert shown.p == pytest.approx(proportions_ztest(counts, totals)[1], rel=0.002), "the pooled test is near"
    assert found["bought"].level.n == len(treated)
    excluded = {(level.metric, level.variant): level.excluded for level in found.analysis.levels}
    assert excluded["minutes", "A"] == int(frame.loc[frame["group"] == "A", "minutes"].isna().sum())
    treated, control = arms(frame.fillna({"revenue": 0}), "revenue")
    welch = scipy_stats.ttest_ind(treated, control, equal_var=False)
    assert row(found, "revenue").estimate == pytest.approx(treated.mean() - control.mean(), rel=1e-9)
    assert row(found, "revenue").p == pytest.approx(welch.pvalue, rel=1e-7)


def test_values_that_one_variant_misses_more_often_leave_no_verdict() -> None:
    """Chi-square of left out and known by variant, as scipy has it without a correction."""
    frame = table(12)
    rng = np.random.default_rng(12)
    frame.loc[(frame["group"] == "B") & (rng.random(len(frame)) < 0.1), "minutes"] = np.nan
    found = ask(frame, metrics=["mean:minutes"])
    check = next(each for each in found.analysis.checks if each.id == "excluded")
    counts = pd.crosstab(frame["group"], frame["minutes"].isna())
    assert check.value == pytest.approx(scipy_stats.chi2_contingency(counts, correction=False).pvalue, rel=1e-6)
    assert check.status == "block"
    assert found.verdict.recommendation == "no_verdict"


def test_empty_counts_as_zero_where_that_is_said() -> None:
    frame = table(4)
    found = ask(frame, missing="zero")
    treated, control = arms(frame.fillna({"minutes": 0}), "minutes")
    assert row(found, "minutes").estimate == pytest.approx(treated.mean() - control.mean(), rel=1e-9)
    assert found["minutes"].level.n == len(treated)


def linearised(part: pd.DataFrame) -> tuple[float, np.ndarray]:
    """Revenue over orders, and the values whose mean has its error."""
    revenue, orders = part["revenue"].to_numpy(float), part["orders"].to_numpy(float)
    ratio = revenue.sum() / orders.sum()
    return float(ratio), (revenue - ratio * orders) / orders.mean()


@pytest.mark.parametrize("seed", [5, 6])
def test_ratios(seed: int) -> None:
    frame = table(seed)
    found = ask(frame)
    known = frame.dropna(subset=["revenue"])
    (level, values), (base, others) = (linearised(known[known["group"] == key]) for key in ("B", "A"))
    shown = row(found, "revenue_per_orders")
    assert shown.estimate == pytest.approx(level - base, rel=1e-9)
    error = (values.var(ddof=1) / len(values) + others.var(ddof=1) / len(others)) ** 0.5
    assert shown.se == pytest.approx(error, rel=1e-7)


def clustered(values: np.ndarray, homes: pd.Series) -> tuple[float, float]:
    """Mean and its variance, clustered by home."""
    groups = homes.astype("category").cat.codes.to_numpy()
    fit = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    g = len(np.unique(groups))
    return float(fit.params[0]), float(fit.bse[0]) ** 2 * g / (g - 1)


@pytest.mark.parametrize("unit", ["id", None])
def test_clusters(unit: str | None) -> None:
    frame = table(7)
    found = ask(frame, cluster="home", unit=unit)
    known = frame.dropna(subset=["minutes"])
    sides = [known[known["group"] == key] for key in ("B", "A")]
    (level, variance), (base, other) = (clustered(side["minutes"].to_numpy(), side["home"]) for side in sides)
    shown = row(found, "minutes")
    assert shown.estimate == pytest.approx(level - base, rel=1e-9)
    assert shown.se == pytest.approx((variance + other) ** 0.5, rel=1e-7)
    alone = ask(frame, unit=unit)
    assert shown.se is not None
    assert shown.se > 1.05 * (row(alone, "minutes").se or 0), "homes are alike, or the test shows nothing"
    # One regression with an indicator of the variant has the same error, but for divisors of the order of 1 / G.
    groups = known["home"].astype("category").cat.codes.to_numpy()
    indicator = (known["group"] == "B").to_numpy(float)
    fit = OLS(known["minutes"].to_numpy(), np.column_stack([np.ones(len(known)), indicator])).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    assert shown.se == pytest.approx(float(fit.bse[1]), rel=0.003)
    ratio = row(found, "revenue_per_orders")
    known = frame.dropna(subset=["revenue"])
    parts = [known[known["group"] == key] for key in ("B", "A")]
    variances = [clustered(linearised(part)[1], part["home"])[1] for part in parts]
    assert ratio.se == pytest.approx(sum(variances) ** 0.5, rel=1e-7)
    homes = frame.groupby("group")["home"].nunique()
    assert {each.key: each.clusters for each in found.analysis.variants} == dict(homes)
    srm = next(check for check in found.analysis.checks if check.id == "srm")
    assert srm.value == pytest.approx(scipy_stats.binomtest(homes["B"], homes.sum()).pvalue, rel=0.05)


def test_clusters_of_a_project_are_those_of_the_table(tmp_path: Path) -> None:
    """An experiment that names the cluster of another system's table."""
    frame = table(7).dropna()
    files = {
        "configs/project.yaml": "schema_version: 1\nproject: homes\ntimezone: UTC\ncurrency: EUR\n",
        "configs/sources/homes.yaml": """sources:
  homes: {grain: unit, path: homes.csv, keys: {customer: id}, properties: [home]}
""",
        "experiments/homes/experiment.yaml": """owner: a@example.com
hypothesis: Homes that are called stay longer.
assignment: {method: external, source: homes, variant: group, labels: {A: control, B: called}, cluster: home}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  called: {weight: 1, tactic: same_as_today}
metrics:
  primary: minutes
  define: {minutes: {operation: column, column: minutes, desired_change: increase}}
observed: {to: 2026-03-01}
""",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    frame.to_csv(tmp_path / "homes.csv", index=False)
    analysis = holdfast.open_project(tmp_path).experiment("homes").analyze()
    mine, theirs = row(analysis, "minutes"), row(ask(frame, cluster="home", metrics=["mean:minutes"]), "minutes")
    assert (mine.estimate, mine.se, mine.p) == (theirs.estimate, theirs.se, theirs.p)
    assert "drawn together" in analysis.to_markdown()


def test_covariates() -> None:
    frame = table(8)
    found = ask(frame, covariates=["size", "plan"])
    known = frame.dropna(subset=["minutes"])
    dummies = pd.get_dummies(known["plan"])[["plus", "pro"]].to_numpy(float)
    x = np.column_stack([known["size"].to_numpy().round(4), dummies])
    centred, y = x - x.mean(axis=0), known["minutes"].to_numpy()
    fits = {}
    for key in ("B", "A"):
        mine = (known["group"] == key).to_numpy()
        design = np.column_stack([np.ones(mine.sum()), centred[mine]])
        fits[key] = OLS(y[mine], design).fit(), OLS(y[mine], design).fit(cov_type="HC2")
    turn = fits["B"][0].params[1:] - fits["A"][0].params[1:]
    to_come = float(turn @ np.cov(x.T) @ turn) / len(x)
    shown = row(found, "minutes")
    assert shown.estimate == pytest.approx(fits["B"][0].params[0] - fits["A"][0].params[0], rel=1e-8)
    classic, robust = ((sum(fits[key][how].bse[0] ** 2 for key in fits) + to_come) ** 0.5 for how in (0, 1))
    assert shown.se == pytest.approx(classic, rel=1e-6)
    assert shown.se == pytest.approx(robust, rel=0.04)
    assert shown.se is not None
    assert shown.se < 0.95 * (row(ask(frame), "minutes").se or 0), "size tells of minutes, or the test shows nothing"


def test_segments_are_the_same_question_about_a_part() -> None:
    frame = table(9)
    found = ask(frame, segments=["plan"])
    for plan in ("basic", "plus", "pro"):
        alone = ask(frame[frame["plan"] == plan])
        shown = next(
            each
            for each in found.analysis.segments
            if (each.metric, each.dimension, each.level) == ("minutes", "plan", plan)
        )
        assert shown.difference.estimate == pytest.approx(row(alone, "minutes").estimate, rel=1e-9)


class Stream:
    """A frame that can do nothing but hand itself over as Arrow data, as polars and others do."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._table = pa.Table.from_pandas(frame, preserve_index=False)

    def __arrow_c_stream__(self, requested: object = None) -> object:
        return self._table.__arrow_c_stream__(requested)


def numbers(found: AnalysisHandle) -> pd.DataFrame:
    return found.to_pandas().drop(columns="experiment")


def test_every_form_of_the_same_table_gives_the_same_numbers(tmp_path: Path) -> None:
    frame = table(10)
    expected = numbers(ask(frame))
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    strange = frame.set_index(np.arange(len(frame)) * 7 % len(frame)).astype({"group": "category", "orders": "Int64"})
    for form in (arrow, Stream(frame), strange, arrow.to_reader().read_all()):
        pd.testing.assert_frame_equal(numbers(ask(form)), expected)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.csv.gz", index=False)
    frame.to_csv(tmp_path / "c.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "d.csv", index=False, sep=";", encoding="utf-8-sig")
    pq.write_table(arrow, tmp_path / "e.parquet")
    question = Question(unit="id", variant="group", control="A", metrics=METRICS, missing="exclude", as_of="2026-03-01")
    for name in ("a.csv", "b.csv.gz", "c.tsv", "d.csv", "e.parquet"):
        pd.testing.assert_frame_equal(numbers(file_analysis(tmp_path / name, question)), expected)


def test_columns_that_pandas_has_and_tables_have_not() -> None:
    """Small and sparse numbers are numbers, groups that `cut` made are texts, and other columns do not matter."""
    frame = table(13)
    frame["size"] = frame["size"].astype("float16").astype(float)
    plain = ask(frame, metrics=["mean:size"])
    for column in (frame["size"].astype("float16"), pd.Series(pd.arrays.SparseArray(frame["size"]))):
        pd.testing.assert_frame_equal(numbers(ask(frame.assign(size=column), metrics=["mean:size"])), numbers(plain))
    exact = pa.Table.from_pandas(frame, preserve_index=False)
    place = exact.column_names.index("size")
    exact = exact.set_column(place, "size", exact["size"].cast(pa.decimal256(50, 20)))
    pd.testing.assert_frame_equal(numbers(ask(exact, metrics=["mean:size"])), numbers(plain))
    bands = pd.cut(frame["size"], [0, 2, 4, 1000])
    found = ask(frame.assign(band=bands), segments=["band"])
    assert {row.level for row in found.analysis.segments} == set(bands.astype(str))
    twice = pd.concat([frame, frame[["plan", "home"]]], axis=1)
    pd.testing.assert_frame_equal(numbers(ask(twice)), numbers(ask(frame)))


def test_numbers_keep_all_their_digits() -> None:
    """Values far below a ten-thousandth, and far above what whole numbers of four digits hold."""
    rng = np.random.default_rng(11)
    for scale in (1e-9, 1.0, 1e12):
        frame = pd.DataFrame({"group": ["A", "B"] * 500, "x": rng.normal(5, 1, 1000) * scale})
        found = ask(frame, unit=None, metrics=["mean:x"])
        welch = scipy_stats.ttest_ind(*arms(frame, "x"), equal_var=False)
        assert row(found, "x").p == pytest.approx(welch.pvalue, rel=1e-6)


REAL = {
    "cookie-cats-gate": (
        "cookie_cats/cookie_cats.csv",
        {"unit": "userid", "variant": "version", "control": "gate_30"},
        ["conversion:retention_7", "conversion:retention_1", "mean:sum_gamerounds"],
        {"retention_7": "retention_day_7", "retention_1": "retention_day_1", "sum_gamerounds": "rounds"},
        {"gate_40": "gate_40"},
        {"winsorize": {"sum_gamerounds": "99.9%"}},
    ),
    "hillstrom-email": (
        "hillstrom/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv",
        {"unit": "row", "variant": "segment", "control": "No E-Mail"},
        ["mean:spend", "conversion:visit", "conversion:conversion", "ratio:spend/conversion"],
        {"spend": "spend", "visit": "visit", "conversion": "conversion", "spend_per_conversion": "spend_per_buyer"},
        {"Mens_E_Mail": "mens_email", "Womens_E_Mail": "womens_email"},
        {},
    ),
}


@pytest.mark.parametrize("slug", REAL)
def test_real_experiments_are_as_their_project_has_them(slug: str, data_folder: Path) -> None:
    name, parts, metrics, keys, variants, more = REAL[slug]
    found = file_analysis(data_folder / name, Question(**parts, metrics=metrics, **more)).analysis  # type: ignore[arg-type]
    project = holdfast.open_project(ROOT).experiment(slug).analyze().analysis
    compared = 0
    for key, there in keys.items():
        for variant, other in variants.items():
            for estimand in ("difference", "lift"):
                mine, theirs = found.find(key, variant, estimand), project.find(there, other, estimand)
                assert mine is not None
                assert theirs is not None
                for figure in ("estimate", "lower", "upper", "se", "p", "n", "n_baseline"):
                    assert getattr(mine, figure) == getattr(theirs, figure), (key, figure)
                compared += 1
    assert compared == len(keys) * len(variants) * 2
    assert found.verdict.recommendation == project.verdict.recommendation
