"""`holdfast kpi` beside plain SQL over the same files: one statement a number and month, written by its definition."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import holdfast
from holdfast.cli import main
from holdfast.errors import DataError, UsageError
from holdfast.model.kpi import KpiRow
from tests.documents import checked
from tests.oracle.small_shop import HEAD, PROJECT, TWO, shop, write

METRICS = """\
metrics:
  retained:
    operation: retention
    definition: bracket
    fact: orders.order
    window: {after: 56d, for: 34d}
    desired_change: increase
  churned: {operation: churn, fact: orders.order, inactivity: 20d, window: 90d, desired_change: decrease}
  average_order_value:
    operation: ratio
    numerator: {operation: sum, fact: orders.revenue}
    denominator: {operation: count, fact: orders.order}
    window: 90d
    desired_change: increase
  revenue: {operation: sum, fact: orders.revenue, window: 30d, desired_change: increase}
"""
ZONE = "Asia/Tokyo"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Customers of the shop in a zone far from UTC, one in six of them a test account."""
    data = shop(5)
    data.units["plan"] = np.where(np.arange(len(data.units)) % 6 == 0, "test", data.units["plan"])
    data.units.loc[data.units.index[:7], "country"] = "LI"
    project = PROJECT.replace("timezone: UTC", f"timezone: {ZONE}")
    project = project.replace("{source: customers}", "{source: customers, exclude: {plan: test}}")
    folder = tmp_path_factory.mktemp("kpi")
    return write(folder, data, f"{HEAD}{TWO}metrics: {{primary: revenue}}\n", project=project, metrics=METRICS)


def rows(folder: Path, **options: Any) -> tuple[KpiRow, ...]:
    return holdfast.open_project(folder).kpi(**options).result.rows


def oracle(folder: Path, month: dt.date, level: str = "TRUE") -> dict[str, Any]:
    """Each number by its definition. Times in the files are the project's wall clock."""
    start, days = month.isoformat(), 20
    end = (month + dt.timedelta(days=32)).replace(day=1).isoformat()
    before = (month - dt.timedelta(days=1)).replace(day=1).isoformat()
    # The files have no zone, so they are the project's own time; all is compared as such.
    people = f"SELECT id FROM '{folder}/u.parquet' WHERE plan <> 'test' AND {level}"
    facts = f"(SELECT id, moment, amount FROM '{folder}/o.parquet' WHERE id IN ({people}))"
    now = f"moment >= TIMESTAMP '{start}' AND moment < TIMESTAMP '{end}'"
    then = f"moment >= TIMESTAMP '{before}' AND moment < TIMESTAMP '{start}'"

    def one(sql: str) -> Any:
        row = duckdb.sql(sql).fetchone()
        assert row is not None
        return row[0]

    def ids(condition: str) -> str:
        return f"SELECT DISTINCT id FROM {facts} WHERE {condition}"

    def count(sql: str) -> int:
        return int(one(f"SELECT count(*) FROM ({sql})"))

    alive = (
        f"SELECT id FROM {facts} WHERE moment < TIMESTAMP '{start}' GROUP BY id "
        f"HAVING max(moment) >= TIMESTAMP '{start}' - INTERVAL {days} DAY"
    )
    still = (
        f"SELECT id FROM {facts} WHERE moment < TIMESTAMP '{end}' GROUP BY id "
        f"HAVING max(moment) >= TIMESTAMP '{end}' - INTERVAL {days} DAY"
    )
    earlier = ids(f"moment < TIMESTAMP '{start}'")
    customers, orders = count(ids(now)), int(one(f"SELECT count(*) FROM {facts} WHERE {now}"))
    revenue = float(one(f"SELECT sum(amount) FROM {facts} WHERE {now}"))
    return {
        "customers": customers,
        "orders": orders,
        "revenue": revenue,
        "retention": count(f"{ids(then)} INTERSECT {ids(now)}") / max(count(ids(then)), 1),
        "churn": count(f"{alive} EXCEPT {still}") / max(count(alive), 1),
        "repeat": count(f"{ids(now)} INTERSECT {earlier}") / customers,
        "frequency": orders / customers,
        "average_order_value": revenue / orders,
        "revenue_per_customer": revenue / customers,
    }


def test_every_number_by_its_definition(folder: Path) -> None:
    found = rows(folder, months=3, as_of="2026-04-10")
    assert [row.month for row in found] == ["2026-01", "2026-02", "2026-03"]
    for row in found:
        for name, wanted in oracle(folder, dt.date.fromisoformat(f"{row.month}-01")).items():
            assert getattr(row, name) == pytest.approx(wanted, rel=1e-9), (row.month, name)


def test_by_a_property_of_the_customers(folder: Path) -> None:
    """The same by country, unknown ones as a level of their own; the smallest country goes, and one with it."""
    found = rows(folder, months=1, by="country", as_of="2026-03-02")
    shown = {row.level: row for row in found if not row.everybody and not row.suppressed}
    assert "LI" not in shown
    assert {"JP", "US"} <= set(shown)
    for level, row in shown.items():
        condition = "country IS NULL" if level is None else f"country = '{level}'"
        for name, wanted in oracle(folder, dt.date(2026, 2, 1), condition).items():
            assert getattr(row, name) == pytest.approx(wanted, rel=1e-9), (level, name)
    (whole,) = [row for row in found if row.everybody]
    (hidden,) = [row for row in found if row.suppressed]
    assert hidden.level is None
    assert hidden.customers is None
    assert whole.customers is not None
    assert whole.customers - sum(row.customers or 0 for row in shown.values()) >= 20


def test_activity_of_another_source(folder: Path) -> None:
    """What counts as active comes from messages: only retention changes, and customers without an order count in it."""
    before = rows(folder, months=2, as_of="2026-03-02")
    metrics = folder / "configs" / "metrics" / "all.yaml"
    text = metrics.read_text(encoding="utf-8")
    try:
        metrics.write_text(text.replace("fact: orders.order", "fact: messages.sent", 1), encoding="utf-8")
        found = rows(folder, months=2, as_of="2026-03-02")
    finally:
        metrics.write_text(text, encoding="utf-8")
    people = f"SELECT id FROM '{folder}/u.parquet' WHERE plan <> 'test'"
    sent = f"SELECT DISTINCT id, date_trunc('month', moment) AS month FROM '{folder}/m.parquet' WHERE id IN ({people})"
    january, both = duckdb.sql(
        "SELECT count(*) FILTER (one), count(*) FILTER (one AND two) FROM "
        "(SELECT id, bool_or(month = DATE '2026-01-01') AS one, bool_or(month = DATE '2026-02-01') AS two "
        f"FROM ({sent}) GROUP BY id)"
    ).fetchall()[0]
    assert january > 100
    assert found[1].retention == pytest.approx(both / january)
    assert [replace(row, retention=None) for row in found] == [replace(row, retention=None) for row in before]


def test_only_whole_months_that_have_arrived(folder: Path, tmp_path: Path) -> None:
    """On the first of a month the one before is whole; with facts that take two days it is not yet."""
    assert rows(folder, months=1, as_of="2026-03-01")[0].month == "2026-02"
    sources = folder / "configs" / "sources" / "all.yaml"
    text = sources.read_text(encoding="utf-8")
    try:
        sources.write_text(text.replace("timestamp: moment\n", "timestamp: moment\n    freshness: 2d\n", 1), "utf-8")
        assert rows(folder, months=1, as_of="2026-03-01")[0].month == "2026-01"
        assert rows(folder, months=1, as_of="2026-03-03")[0].month == "2026-02"
    finally:
        sources.write_text(text, encoding="utf-8")


def test_months_without_anybody_have_no_numbers(folder: Path) -> None:
    first, *_ = rows(folder, months=12, as_of="2026-03-01")
    assert (first.month, first.customers, first.retention, first.average_order_value) == ("2025-03", 0, None, None)


def test_after_the_end_of_the_data_nobody_is_said_to_be_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = holdfast.open_project(folder).kpi(months=12, as_of="2026-11-01").result
    last = found.last_order
    assert last is not None
    assert max(row.month for row in found.rows if row.customers) == last < "2026-10"
    after = [row for row in found.rows if row.month > last]
    assert after
    assert {(row.customers, row.retention, row.churn) for row in after} == {(0, None, None)}
    before = holdfast.open_project(folder).kpi(months=1, as_of="2026-03-01").result
    assert before.last_order is None
    monkeypatch.setattr(sys, "argv", ["holdfast", "kpi", "--project", str(folder), "--as-of", "2026-11-01"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    year, month = map(int, last.split("-"))
    assert f"--as-of {year + month // 12}-{month % 12 + 1:02d}-01" in capsys.readouterr().out


def test_what_cannot_be_asked(folder: Path) -> None:
    with pytest.raises(DataError, match=r"nobody ordered from 2026-10 to 2026-10, as of 2026-11-01.*--as-of"):
        rows(folder, months=1, as_of="2026-11-01")
    with pytest.raises(UsageError, match='did you mean "country"'):
        rows(folder, by="contry")
    with pytest.raises(UsageError, match="at least one month"):
        rows(folder, months=0)
    with pytest.raises(UsageError, match="more than 50 values"):
        rows(folder, by="home", as_of="2026-03-01")
    metrics = folder / "configs" / "metrics" / "all.yaml"
    text = metrics.read_text(encoding="utf-8")
    try:
        metrics.write_text(text.replace("average_order_value", "basket"), encoding="utf-8")
        with pytest.raises(UsageError, match="average_order_value"):
            rows(folder)
    finally:
        metrics.write_text(text, encoding="utf-8")


def test_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Headed as no experiment, with its definitions, in words and in JSON."""

    def run(*arguments: str) -> str:
        line = ["holdfast", "kpi", "--months", "2", "--as-of", "2026-04-01", "--project", str(folder), *arguments]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        return capsys.readouterr().out

    found = checked("kpi", run("--json", "--by", "country"))
    assert (found["schema"], found["experiment"], found["by"]) == ("holdfast.kpi/1", False, "country")
    assert "LI" not in {row["level"] for row in found["rows"]}
    assert dict(found["definitions"])["churn"].startswith("of the customers whose last orders.order")
    text = run()
    assert text.startswith("Not an experiment: no cause can be read from this.")
    assert "2026-03" in text
    assert "calendar months of asia/tokyo" in text.lower()
