"""`holdfast query` pasted into a fresh DuckDB says again what results.json says, with nothing but its own text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.cli import main
from holdfast.errors import NotYet, UsageError
from holdfast.model.result import Analysis, Level
from tests.oracle.small_shop import HEAD, TWO, analyze, known, row, shop, trial, write

PLAN = f"""{HEAD}{TWO}metrics:
  primary: revenue
  secondary: [bought, order_value, capped, of_size, stayed, median_revenue]
  descriptive: [steps]
  define:
    capped:
      operation: sum
      fact: orders.revenue
      window: 30d
      clock: calendar
      winsorize: 95%
      desired_change: increase
    of_size: {{operation: column, column: size, nulls: exclude, scale: 0, desired_change: increase}}
analysis: {{cuped: {{lookback: 20d}}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pasted"), shop(5), PLAN)


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    return analyze(folder)


def run(text: str) -> list[dict[str, Any]]:
    """What a fresh DuckDB answers, set to a zone that is not the project's."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'Asia/Tokyo'")
        cursor = con.execute(text)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, each, strict=True)) for each in cursor.fetchall()]


def level(analysis: Analysis, metric: str, variant: str) -> Level:
    found = analysis.level(metric, variant)
    assert found is not None
    return found


@pytest.mark.parametrize("metric", ["revenue", "bought", "capped", "of_size", "order_value", "steps:sent"])
def test_pasted_it_gives_the_numbers_of_the_report(folder: Path, analysis: Analysis, metric: str) -> None:
    """n, mean and variance of every variant; the mean before the adjustment, where there is one."""
    rows = {each["variant"]: each for each in run(trial(folder).query(metric))}
    assert list(rows) == ["control", "letter"]
    for variant, found in rows.items():
        wanted = level(analysis, metric, variant)
        assert found["n"] == wanted.n
        plain = wanted.value if wanted.unadjusted is None else wanted.unadjusted
        assert found["mean"] == pytest.approx(known(plain), rel=1e-9)
        if wanted.unit_variance is not None:
            assert found["variance"] == pytest.approx(wanted.unit_variance, rel=1e-9)


def test_a_ratio_says_its_error(folder: Path, tmp_path: Path) -> None:
    """Without an adjustment the standard error of results.json is the root of variance / n."""
    plain = write(tmp_path, shop(5), PLAN.replace("analysis: {cuped: {lookback: 20d}}\n", ""))
    found = analyze(plain)
    for each in run(trial(plain).query("order_value")):
        se = known(level(found, "order_value", each["variant"]).se)
        assert (each["variance"] / each["n"]) ** 0.5 == pytest.approx(se, rel=1e-9)


def test_a_time_to_an_event_gives_the_counts_of_each_day(folder: Path, analysis: Analysis) -> None:
    (curve,) = [each for each in analysis.survival if each.metric == "stayed"]
    rows = run(trial(folder).query("stayed"))
    for place, variant in enumerate(("control", "letter")):
        mine = [each for each in rows if each["variant"] == place and each["happened"]]
        events = {day: sum(each["n"] for each in mine if each["until"] == day) for day in range(30)}
        shown = {point.day - 1: point.events for point in curve.points if point.variant == variant and point.day}
        assert shown
        assert events == shown


def test_a_quantile_gives_its_sorted_values(folder: Path, analysis: Analysis) -> None:
    rows = run(trial(folder).query("median_revenue"))
    for place, variant in enumerate(("control", "letter")):
        values = sorted(float(each["value"]) / 100 for each in rows if each["variant"] == place)
        assert known(level(analysis, "median_revenue", variant).value) in [pytest.approx(value) for value in values]


def test_the_head_says_what_it_is(folder: Path, analysis: Analysis) -> None:
    text = trial(folder).query("capped")
    head = [line for line in text.splitlines() if line.startswith("-- ")]
    # A client that cuts at each semicolon has to find two statements.
    assert text.count(";") == 2
    assert head[0] == "-- capped of trial, everything before 2026-05-01 00:00 in UTC"
    cap = next(info.cap for info in analysis.metrics if info.key == "capped")
    assert f"capped at {known(cap):g}," in text
    assert row(analysis, "capped").status == "estimated"


def test_what_was_not_planned_or_is_not_due_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r'did you mean "revenue".*holdfast explore'):
        trial(folder).query("revenu")
    with pytest.raises(NotYet, match="2026-05-01"):
        trial(folder).query("revenue", as_of="2026-04-01")


def test_the_command_prints_nothing_but_the_statement(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["holdfast", "query", "trial", "--metric", "revenue", "--project", str(folder)]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert [each["variant"] for each in run(capsys.readouterr().out)] == ["control", "letter"]
