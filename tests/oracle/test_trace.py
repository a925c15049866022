"""What `trace()` says at each step beside the rows themselves, and that only steps stand there that happened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

import holdfast
from holdfast.errors import UsageError
from holdfast.project.analysis import AnalysisHandle
from tests.oracle.small_shop import HEAD, TWO, shop, trial, write

PLAN = f"""{HEAD}{TWO}metrics:
  primary: capped
  secondary: [bought]
  descriptive: [of_size]
  define:
    capped: {{operation: sum, fact: orders.revenue, window: 30d, winsorize: 90%, desired_change: increase}}
    of_size: {{operation: column, column: size, nulls: exclude, scale: 0, desired_change: increase}}
"""
CUPED = "analysis: {cuped: {lookback: 20d}}\n"


@pytest.fixture(scope="module")
def adjusted(tmp_path_factory: pytest.TempPathFactory) -> AnalysisHandle:
    return trial(write(tmp_path_factory.mktemp("traced"), shop(5), PLAN + CUPED)).analyze()


def test_each_step_against_the_rows(adjusted: AnalysisHandle) -> None:
    """Raw and capped by Welch's test on the rows; the cap is the 90th percentile of the values above zero."""
    data = shop(5)
    raw = data.total("amount")
    limited = raw.clip(upper=float(np.round(100 * np.quantile(raw[raw > 0], 0.9)) / 100))
    found = adjusted["capped"].trace()
    assert [step.step for step in found.steps] == ["raw", "capped", "adjusted", "corrected"]
    for step, values in zip(found.steps, (raw, limited), strict=False):
        letter, control = data.of(values, "letter"), data.of(values, "control")
        test = ttest_ind(letter, control, equal_var=False)
        interval = test.confidence_interval(0.95)
        assert (step.n, step.n_baseline) == (len(letter), len(control))
        assert step.value == pytest.approx(letter.mean() - control.mean(), rel=1e-9)
        assert (step.lower, step.upper) == pytest.approx((interval.low, interval.high), rel=1e-6)


def test_the_last_steps_are_the_report_s_own(adjusted: AnalysisHandle) -> None:
    view = adjusted["bought"]
    for row in (view.difference, view.lift):
        found = view.trace(row.estimand)
        assert [step.step for step in found.steps] == ["raw", "adjusted", "corrected"]
        before, after, last = found.steps
        assert (before.value, before.lower, before.upper) == (
            row.unadjusted,
            row.unadjusted_lower,
            row.unadjusted_upper,
        )
        assert (after.value, after.lower, after.upper) == (row.estimate, row.lower, row.upper)
        assert (last.value, last.lower, last.upper) == (row.estimate, row.lower_adjusted, row.upper_adjusted)
        assert last.confidence == row.confidence_adjusted


def test_units_without_a_value_leave_in_a_step_of_their_own(adjusted: AnalysisHandle) -> None:
    data = shop(5)
    there = data.units["size"].notna().to_numpy()
    first, second = adjusted["of_size"].trace().steps
    assert (first.step, first.value, first.n + first.n_baseline) == ("raw", None, len(there))
    assert (second.step, second.n + second.n_baseline) == ("valued", int(there.sum()))
    assert second.value is not None


def test_only_what_there_is_can_be_traced(adjusted: AnalysisHandle) -> None:
    with pytest.raises(UsageError, match='no estimand "lft", did you mean "lift"'):
        adjusted["capped"].trace("lft")  # type: ignore[arg-type]


def test_open_windows_leave_in_a_step_of_their_own(tmp_path: Path) -> None:
    """As of a day when some windows are open, what those units did is not read: there is no raw value."""
    head = HEAD.replace("to: 2026-05-01", "to: 2026-02-20")
    handle = trial(write(tmp_path, shop(5), head + TWO + "metrics: {primary: bought}\n")).analyze()
    data = shop(5)
    mature = (data.units["t0"] + np.timedelta64(30, "D") <= np.datetime64("2026-02-20")).to_numpy()
    raw, matured, *_ = handle["bought"].trace().steps
    assert (raw.step, raw.n + raw.n_baseline, raw.value) == ("raw", len(mature), None)
    assert (matured.step, matured.n + matured.n_baseline) == ("matured", int(mature.sum()))
    assert matured.value == handle["bought"].difference.estimate


def test_it_comes_from_results_json_alone(adjusted: AnalysisHandle, tmp_path: Path) -> None:
    """Read back from the file the steps are the same to its 12 digits, and so is the table."""
    adjusted.write()
    (again,) = holdfast.open_project(adjusted._root).analyses("trial")
    mine, theirs = adjusted["capped"].trace(), again["capped"].trace()
    assert [step.value for step in mine.steps] == pytest.approx([step.value for step in theirs.steps], rel=1e-11)
    table = theirs.to_pandas()
    assert list(table["step"]) == ["raw", "capped", "adjusted", "corrected"]
    assert list(table.columns[:5]) == ["step", "n", "n_baseline", "value", "lower"]
    lines = repr(theirs).splitlines()
    assert lines[0] == "capped: letter against control"
    assert [line.split()[0] for line in lines[2:]] == list(table["step"])
