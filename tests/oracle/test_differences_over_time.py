"""Differences of curves and the effect by week, beside scipy and statsmodels on the customers' own rows.

Retention: the difference of two shares with the error of each, p (1 - p) / n; days are those of the calendar. Weeks:
Welch's t test of what each customer brought in them. Times to an event: statsmodels' curves, and Greenwood's errors of
both added up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.duration.survfunc import SurvfuncRight

from holdfast.model.result import Analysis
from tests.oracle.small_shop import HEAD, TWO, WINDOW, Shop, analyze, bounds, shop, whole_days, write

PLAN = """\
metrics:
  primary: revenue
  secondary: [stayed]
  curves: [{fact: orders.order, days: [7, 14, 30]}]
"""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Analysis]:
    data = shop(51, 2000)
    return data, analyze(write(tmp_path_factory.mktemp("over-time"), data, HEAD + TWO + PLAN))


def bought(data: Shop, first: int, last: int) -> pd.Series:
    """Whether a customer ordered on any of the calendar days since that of assignment."""
    rows = data.orders.merge(data.units, on="id")
    rows = rows[rows["moment"] >= rows["t0"]]
    days = (rows["moment"].dt.normalize() - rows["t0"].dt.normalize()).dt.days
    ids = set(rows.loc[(days >= first) & (days <= last), "id"])
    return data.units["id"].isin(ids).astype(float)


def test_each_period_of_a_retention_curve(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    (curve,) = found.curves
    assert [(row.first_day, row.last_day) for row in curve.differences] == [(0, 6), (7, 13), (14, 29)]
    for row in curve.differences:
        active = bought(data, row.first_day, row.last_day)
        sides = [data.of(active, variant) for variant in ("letter", "control")]
        assert min(min(side.sum(), (1 - side).sum()) for side in sides) > 50, "many enough for the normal distribution"
        estimate, lower, upper = bounds(row.difference)
        assert estimate == pytest.approx(sides[0].mean() - sides[1].mean(), rel=1e-9)
        error = np.sqrt(sum(side.mean() * (1 - side.mean()) / len(side) for side in sides))
        assert (upper - lower) / 2 == pytest.approx(1.96 * error, rel=0.004)
        assert (row.variant, row.baseline) == ("letter", "control")


def test_the_effect_in_each_week(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    assert [(row.first_day, row.last_day) for row in found.periods] == [(0, 6), (7, 13), (14, 20), (21, 27), (28, 29)]
    for row in found.periods:
        values = data.total("amount", row.first_day, row.last_day + 1)
        ours, theirs = data.of(values, "letter"), data.of(values, "control")
        interval = scipy_stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
        expected = (ours.mean() - theirs.mean(), interval.low, interval.high)
        assert bounds(row.difference) == pytest.approx(expected, rel=1e-8)
        assert (row.n, row.n_baseline) == (len(ours), len(theirs))
    whole = found.find(found.plan.primary, "letter")
    assert whole is not None
    assert sum(bounds(row.difference)[0] for row in found.periods) == pytest.approx(whole.estimate, rel=1e-9)


def kept(data: Shop, variant: str) -> SurvfuncRight:
    """Days kept of those whose subscription ran at assignment; every window has closed."""
    rows = data.units.merge(data.periods, on="id")
    rows = rows[(rows["variant"] == variant) & (rows["begun"] <= rows["t0"])]
    rows = rows[rows["ended"].isna() | (rows["ended"] > rows["t0"])]
    day = whole_days(rows["ended"] - rows["t0"])
    ended = day.notna() & (day < WINDOW)
    return SurvfuncRight(np.where(ended, day + 1, WINDOW), ended.astype(int))


def test_each_day_of_a_time_to_an_event(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    (row,) = found.survival
    assert [gap.day for gap in row.differences] == list(range(1, WINDOW + 1))
    curves = [kept(data, variant) for variant in ("letter", "control")]
    checked = 0
    for gap in row.differences:
        places = [int(np.searchsorted(curve.surv_times, gap.day, side="right")) - 1 for curve in curves]
        if min(places) < 0:
            continue
        shares = [curve.surv_prob[place] for curve, place in zip(curves, places, strict=True)]
        estimate, lower, upper = bounds(gap.difference)
        assert estimate == pytest.approx(shares[0] - shares[1], rel=1e-9)
        if gap.day == WINDOW:
            errors = [curve.surv_prob_se[place] for curve, place in zip(curves, places, strict=True)]
            assert (upper - lower) / 2 == pytest.approx(1.96 * np.hypot(*errors), rel=0.004)
        checked += 1
    assert checked > 20


def test_nothing_of_it_before_the_readout(tmp_path: Path) -> None:
    early = analyze(write(tmp_path, shop(52, 300), HEAD + TWO + PLAN), "2026-02-01")
    assert early.plan.interim
    assert (early.periods, early.curves, early.survival) == ((), (), ())
