"""moments.parquet and curves.parquet are enough to work out the estimates again, and hold no more than may be shown.

Unadjusted ones by formula written here, adjusted ones by `holdfast.stats` from the same files; both beside
results.json. What is suppressed is not there, and cannot be had by taking what is there from the whole.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from holdfast import stats
from tests.oracle.small_shop import AS_OF, HEAD, TWO, Shop, shop, trial, write

METRICS = """metrics:
  primary: revenue
  secondary: [bought, orders, order_value, stayed, capped]
  curves: [{fact: orders.order, days: [7, 14, 30]}]
  define:
    capped: {operation: sum, fact: orders.revenue, window: 30d, winsorize: 90%, desired_change: increase}
"""
SEGMENTS = "analysis: {segments: [country]}\n"
CUPED = "analysis: {segments: [country], cuped: {lookback: 20d}}\n"


def written(folder: Path, data: Shop, experiment: str, as_of: str | None = None) -> Path:
    return trial(write(folder, data, experiment)).analyze(as_of).write().parent


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("plain"), shop(5), HEAD + TWO + METRICS + SEGMENTS)


def estimates(report: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((report / "results.json").read_text(encoding="utf-8"))["estimates"]
    return {row["metric"]: row for row in rows if row["estimand"] == "difference"}


def group(moments: pd.DataFrame, metric: str, variant: str, of: str = "compared") -> stats.Group:
    """Count, means and covariances of one variant, from the rows."""
    mine = moments[
        (moments["metric"] == metric)
        & (moments["variant"] == variant)
        & (moments["of"] == of)
        & moments["dimension"].isna()
    ]
    means = mine[mine["statistic"] == "mean"]
    names = list(means["element"])
    cells = {
        (one, other): value
        for one, other, value in mine[mine["statistic"] == "covariance"][["element", "other", "value"]].to_numpy()
    }
    matrix = tuple(tuple(float(cells[i, j] if (i, j) in cells else cells[j, i]) for j in names) for i in names)
    return stats.Group(int(means["n"].iloc[0]), tuple(float(value) for value in means["value"]), matrix)


def by_formula(found: stats.Group) -> tuple[float, float]:
    """Value and its variance: of a mean, or of a ratio of means by the delta method."""
    if len(found.mean) == 1:
        return found.mean[0], found.covariance[0][0] / found.n
    (top, bottom), ((v0, v01), (_, v1)) = found.mean, found.covariance
    ratio = top / bottom
    return ratio, (v0 - 2 * ratio * v01 + ratio**2 * v1) / bottom**2 / found.n


@pytest.mark.parametrize("metric", ["revenue", "orders", "order_value", "capped", "bought"])
def test_unadjusted_estimates_by_formula(plain: Path, metric: str) -> None:
    """Difference and standard error; of a share the variance is p (1 - p) / n, with n in place of n - 1."""
    moments, wanted = pd.read_parquet(plain / "moments.parquet"), estimates(plain)[metric]
    found = {variant: group(moments, metric, variant) for variant in ("control", "letter")}
    (letter, v_letter), (control, v_control) = by_formula(found["letter"]), by_formula(found["control"])
    assert (wanted["n"], wanted["n_baseline"]) == (found["letter"].n, found["control"].n)
    assert wanted["estimate"] == pytest.approx(letter - control, rel=1e-9)
    near = 2e-3 if metric == "bought" else 1e-9
    assert wanted["se"] == pytest.approx(math.sqrt(v_letter + v_control), rel=near)
    if metric == "capped":
        raw = {variant: by_formula(group(moments, metric, variant, "uncapped"))[0] for variant in found}
        assert wanted["uncapped"] == pytest.approx(raw["letter"] - raw["control"], rel=1e-9)


def test_adjusted_estimates_by_the_library(tmp_path: Path) -> None:
    """`stats.adjusted` on what the file holds gives what results.json says."""
    report = written(tmp_path, shop(5), HEAD + TWO + METRICS + CUPED)
    moments = pd.read_parquet(report / "moments.parquet")
    for metric, wanted in estimates(report).items():
        if metric in {"stayed"}:
            continue
        outcomes = 2 if metric == "order_value" else 1
        joint = {variant: group(moments, metric, variant) for variant in ("control", "letter")}
        found = stats.adjusted(joint, outcomes=outcomes)
        letter, control = found.arms["letter"], found.arms["control"]
        assert isinstance(letter, stats.Arm)
        assert isinstance(control, stats.Arm)
        assert wanted["unadjusted"] is not None
        assert wanted["estimate"] == pytest.approx(letter.theta - control.theta, rel=1e-9)
        shared = found.covariances.get(("letter", "control"), found.covariances.get(("control", "letter"), 0.0))
        spread = letter.variance + control.variance - 2 * shared
        assert wanted["se"] == pytest.approx(math.sqrt(spread), rel=1e-9)


def test_days_kept_by_formula(plain: Path) -> None:
    """The area under the product-limit curve of each variant, from curves.parquet."""
    curves = pd.read_parquet(plain / "curves.parquet")
    area = {}
    for variant in ("control", "letter"):
        days = curves[(curves["curve"] == "stayed") & (curves["variant"] == variant) & curves["cause"].isna()]
        assert list(days["day"]) == list(range(30))
        kept = np.cumprod(1 - days["events"].to_numpy() / days["at_risk"].to_numpy())
        area[variant] = 1 + kept[:-1].sum()
        causes = curves[(curves["curve"] == "stayed") & (curves["variant"] == variant) & curves["cause"].notna()]
        assert causes["events"].sum() == days["events"].sum()
    assert estimates(plain)["stayed"]["estimate"] == pytest.approx(area["letter"] - area["control"], rel=1e-9)


def test_segments_add_up_to_the_whole(plain: Path) -> None:
    moments = pd.read_parquet(plain / "moments.parquet")
    means = moments[(moments["statistic"] == "mean") & (moments["of"] == "compared")]
    for key in (("revenue", "letter"), ("bought", "control")):
        mine = means[(means["metric"] == key[0]) & (means["variant"] == key[1])]
        whole, parts = mine[mine["dimension"].isna()].iloc[0], mine[mine["dimension"] == "country"]
        assert parts["n"].sum() == whole["n"]
        assert (parts["n"] * parts["value"]).sum() == pytest.approx(whole["n"] * whole["value"], rel=1e-9)


def test_what_is_suppressed_is_not_there_and_not_to_be_had_by_subtraction(tmp_path: Path) -> None:
    """A country of seven customers a variant goes, and another one with it, so that the rest tells of both together;
    of curves the end goes, where so few are followed, and the day before it."""
    data = shop(5)
    for variant in ("control", "letter"):
        mine = np.flatnonzero(data.units["variant"] == variant)
        data.units.loc[mine[:7], "country"] = "LI"
    # All but the last few hold a subscription that ends early.
    end = data.periods["id"].map(data.units.set_index("id")["t0"]) + pd.Timedelta(days=20, hours=1)
    data.periods["ended"] = data.periods["ended"].fillna(end).clip(upper=end)
    data.periods.loc[data.periods.index[:12], "ended"] = pd.NaT
    report = written(tmp_path, data, HEAD + TWO + METRICS + SEGMENTS)
    moments = pd.read_parquet(report / "moments.parquet")
    for _, frame in moments[moments["of"] == "compared"].groupby(["metric", "variant"]):
        whole = frame.loc[frame["dimension"].isna(), "n"].iloc[0]
        shown = frame[frame["dimension"] == "country"].drop_duplicates("level")
        if len(shown):
            assert "LI" not in set(shown["level"])
            assert len(shown) == 4
            assert whole - shown["n"].sum() >= 20
    curves = pd.read_parquet(report / "curves.parquet")
    stayed = curves[(curves["curve"] == "stayed") & curves["cause"].isna()]
    assert stayed["day"].max() < 20
    left = stayed["at_risk"] - stayed["events"] - stayed["censored"]
    assert left.min() >= 20
    ids = set(data.units["id"])
    assert not any(set(table[column].dropna()) & ids for table in (moments, curves) for column in table.columns)


def test_before_the_readout_there_is_nothing_in_them(tmp_path: Path) -> None:
    report = written(tmp_path, shop(5), HEAD + TWO + METRICS + SEGMENTS, "2026-04-01")
    for name in ("moments", "curves"):
        frame = pd.read_parquet(report / f"{name}.parquet")
        assert len(frame) == 0
        assert len(frame.columns) >= 7


def test_the_same_bytes_again(plain: Path) -> None:
    before = {name: (plain / name).read_bytes() for name in ("moments.parquet", "curves.parquet")}
    trial(plain.parents[2]).analyze(AS_OF).write()
    assert {name: (plain / name).read_bytes() for name in before} == before
