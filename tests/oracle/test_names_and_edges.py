"""Names that are alike, events delivered twice, several periods at once, narrow integers, sentinels for times."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast import planning, warehouse
from holdfast.errors import DataError
from holdfast.model.reading import Reading
from tests.builders import study as build

AS_OF = dt.date(2026, 4, 1)
T0 = "TIMESTAMP '2026-02-01 12:00'"


def _table(folder: Path, name: str, select: str) -> None:
    duckdb.execute(f"COPY ({select}) TO '{folder / name}.parquet' (FORMAT parquet)")


def _read(folder: Path, metrics: dict[str, Any], plan: dict[str, Any], **more: Any) -> Reading:
    """Two units a variant, c0 to c3, and the orders and periods that lie in the folder."""
    if not (folder / "u.parquet").exists():
        variant = "CASE WHEN i < 2 THEN 'control' ELSE 'treated' END"
        _table(folder, "u", f"SELECT 'c' || i AS id, {variant} AS variant, {T0} AS t0 FROM range(4) t(i)")
    base = {"keys": {"customer": "id"}}
    facts = {"order": {}, "revenue": {"column": "amount"}, "flag": {"column": "flag"}}
    sources = {
        "people": {**base, "grain": "unit", "path": "u.parquet"},
        "orders": {
            **base,
            "grain": "event",
            "path": "o.parquet",
            "timestamp": "at",
            "facts": facts,
            "properties": ["flag"],
            **more.pop("orders", {}),
        },
        "periods": {
            **base,
            "grain": "span",
            "path": "s.parquet",
            "start": "begun",
            "end": "ended",
            "reason": {"column": "why"},
        },
    }
    assigned = {"method": "external", "unit": "customer", "source": "people", "variant": "variant", "assigned_at": "t0"}
    study = build(
        folder,
        project={"timezone": "America/New_York", **more.pop("project", {})},
        sources=sources,
        metrics={name: {"desired_change": "increase", **metric} for name, metric in metrics.items()},
        properties=more.pop("properties", {}),
        experiment={"assignment": assigned, "metrics": plan, **more},
    )
    with warehouse.connect(study.project.connection, folder, folder) as engine:
        return warehouse.read(engine, planning.plan(study, AS_OF))


ORDERS = {"operation": "count", "fact": "orders.order", "window": {"length": "7d"}}
REVENUE = {"operation": "sum", "fact": "orders.revenue", "window": {"length": "7d"}}


def _order(unit: str, days: float, amount: str = "10", flag: str = "NULL::INTEGER") -> str:
    return (
        f"SELECT '{unit}' AS id, {T0} + ({int(days * 24)}) * INTERVAL 1 HOUR AS at, {amount} AS amount, {flag} AS flag"
    )


def test_properties_whose_names_are_alike_keep_their_own_numbers(tmp_path: Path) -> None:
    """An average needs a count beside it; no other property is called like that count."""
    rows = [_order("c0", -5, "30"), _order("c0", -4, "10"), _order("c1", -3, "7")]
    _table(tmp_path, "o", " UNION ALL ".join(rows))
    last = {"last": "30d"}
    properties = {
        "basket": {"operation": "average", "fact": "orders.revenue", "window": last},
        "basket_n": {"operation": "sum", "fact": "orders.revenue", "window": last},
    }
    for asked in (["basket", "basket_n"], ["basket_n", "basket"]):
        reading = _read(tmp_path, {"n": ORDERS}, {"primary": "n"}, properties=properties, analysis={"segments": asked})
        levels = {
            name: {float(key[3]) for key in reading.segments if key[2] == name and key[1] == "control" and key[3]}
            for name in asked
        }
        assert levels == {"basket": {20.0, 7.0}, "basket_n": {40.0, 7.0}}


def test_metrics_whose_names_are_alike_keep_their_own_events(tmp_path: Path) -> None:
    """back@5d is a window of its own; back_5d is another metric."""
    _table(tmp_path, "o", f"{_order('c0', 2, 'NULL::DOUBLE')} UNION ALL {_order('c0', 8.5)}")
    back = {"operation": "survival", "fact": "orders.order", "window": {"length": "20d"}}
    other = {"operation": "survival", "fact": "orders.revenue", "window": {"length": "20d"}}
    for asked in (["back@12d", "back_12d"], ["back_12d", "back@12d"]):
        reading = _read(tmp_path, {"n": ORDERS, "back": back, "back_12d": other}, {"primary": "n", "secondary": asked})
        days = {key: reading.curves[key, "control"].events.index(1) for key in asked}
        assert days == {"back@12d": 2, "back_12d": 8}


@pytest.mark.parametrize(
    ("first", "second", "cause"),
    [
        ("NULL", "'price'", "other"),
        ("'price'", "'moved'", "price"),
        ("'moved'", "'price'", "other"),
    ],
)
@pytest.mark.parametrize("later", [18, 90])
def test_the_cause_is_that_of_the_period_that_ended_first(
    tmp_path: Path, first: str, second: str, cause: str, later: int
) -> None:
    """Two periods run at assignment; the second one ends within the window or after the as-of date."""
    _table(tmp_path, "o", _order("c0", 1))
    rows = [(first, 4), (second, later)]
    spans = [
        f"SELECT 'c0' AS id, {T0} - INTERVAL 9 DAY AS begun, {T0} + INTERVAL {days} DAY AS ended, "
        f"CAST({why} AS VARCHAR) AS why"
        for why, days in rows
    ]
    _table(tmp_path, "s", " UNION ALL ".join(spans))
    kept = {"operation": "survival", "ended": "periods", "window": {"length": "30d"}, "causes": {"price": ["price"]}}
    reading = _read(tmp_path, {"n": ORDERS, "kept": kept}, {"primary": "n", "secondary": ["kept"]})
    curve = reading.curves["kept", "control"]
    assert {name: counts.index(1) for name, counts in curve.causes.items()} == {cause: 4}


@pytest.mark.parametrize("analysis", [{}, {"cuped": {"lookback": "200d"}}], ids=["", "cuped"])
def test_the_earliest_row_of_an_event_counts_whatever_else_is_asked(tmp_path: Path, analysis: dict[str, Any]) -> None:
    """An order of 90 days before assignment that is delivered again after it happened before it."""
    rows = [_order("c0", -90), _order("c0", 4), _order("c1", 4)]
    _table(tmp_path, "o", " UNION ALL ".join(f"{row}, '{key}' AS number" for row, key in zip(rows, "aab", strict=True)))
    reading = _read(tmp_path, {"n": ORDERS}, {"primary": "n"}, orders={"id": "number"}, analysis=analysis)
    assert reading.cells["n", "control"].moments.mean[0] == 0.5


@pytest.mark.parametrize("kind", ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"])
def test_narrow_integers_have_room_for_their_digits(tmp_path: Path, kind: str) -> None:
    largest = {"TINYINT": 120, "SMALLINT": 32_000, "INTEGER": 2_000_000_000, "BIGINT": 90_000_000_000}[kind]
    _table(tmp_path, "o", _order("c0", 1, f"{largest}::{kind}"))
    reading = _read(tmp_path, {"r": REVENUE}, {"primary": "r"})
    assert reading.cells["r", "control"].moments.mean[0] == largest / 2


def test_a_refusal_does_not_quote_the_value(tmp_path: Path) -> None:
    _table(tmp_path, "o", _order("c0", 1, "9123456789012345678::BIGINT"))
    with pytest.raises(DataError) as refusal:
        _read(tmp_path, {"r": REVENUE}, {"primary": "r"})
    assert "9123456789" not in str(refusal.value)


@pytest.mark.parametrize("value", ["'nan'", "'inf'"])
def test_what_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    _table(tmp_path, "o", _order("c0", 1, f"{value}::DOUBLE"))
    facts = {"order": {}, "revenue": {"column": "amount", "scale": "float"}}
    with pytest.raises(DataError, match="number"):
        _read(tmp_path, {"r": {**REVENUE, "window": {"length": "21d"}}}, {"primary": "r"}, orders={"facts": facts})


def test_a_time_that_stands_for_none_is_no_fault_of_ours(tmp_path: Path) -> None:
    """Some systems write the year 1 where there is no time; in New York that is the year before."""
    _table(tmp_path, "o", _order("c0", 1))
    rest = "SELECT 'c' || i, CASE WHEN i < 2 THEN 'control' ELSE 'treated' END"
    times = f"CASE i WHEN 1 THEN TIMESTAMP '0001-01-01' ELSE {T0} END"
    _table(tmp_path, "u", f"{rest.replace('|| i,', '|| i AS id,')} AS variant, {times} AS t0 FROM range(4) t(i)")
    reading = _read(tmp_path, {"n": ORDERS}, {"primary": "n"})
    assert reading.cells["n", "control"].moments.mean[0] == 0.5
    assert min(reading.by_day) == dt.date.min


@pytest.mark.parametrize("kind", ["INTEGER", "DOUBLE", "DECIMAL(4, 1)", "BOOLEAN"])
def test_true_meets_one(tmp_path: Path, kind: str) -> None:
    rows = [
        _order("c0", 1, flag=f"1::{kind}"),
        _order("c1", 1, flag=f"0::{kind}"),
        _order("c2", 1, flag=f"NULL::{kind}"),
    ]
    _table(tmp_path, "o", " UNION ALL ".join(rows))
    reading = _read(tmp_path, {"n": {**ORDERS, "where": {"flag": True}}}, {"primary": "n"})
    assert [reading.cells["n", variant].moments.mean[0] for variant in ("control", "treated")] == [0.5, 0.0]
