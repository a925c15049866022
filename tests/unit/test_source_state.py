"""Statements that look at a source: the same expression compiles for every engine, and reads the source once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import ibis
import pytest
import sqlglot

from holdfast.model.predicate import Condition
from holdfast.warehouse import source_state
from tests import builders

NOW = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
TABLE = ibis.table({"id": "string", "at": "timestamp", "until": "timestamp", "amount": "decimal(12, 2)",
                    "channel": "string"}, name="orders")  # fmt: skip
STUDY = builders.study(
    Path("/nowhere"),
    sources={"orders": {"grain": "event", "table": "orders", "keys": {"customer": "id"}, "timestamp": "at"}},
    metrics={},
    experiment={"metrics": {"primary": "none"}},
)


class Captured:
    """An engine that keeps expressions instead of running them."""

    def __init__(self) -> None:
        self.expressions: list[Any] = []

    def rows(self, _: str, expression: Any) -> list[dict[str, Any]]:
        self.expressions.append(expression)
        first, last = dt.datetime(2025, 1, 1), dt.datetime(2026, 1, 1)  # noqa: DTZ001 (as engines give them)
        return [{"n": 10_000_000, "first": first, "last": last, "repeated": 0, "compared": 0, "value": "app"}]


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> Captured:
    engine = Captured()

    def relation(_: object, study: object, name: str, columns: list[str]) -> Any:
        return TABLE.select(*dict.fromkeys(columns))

    monkeypatch.setattr(source_state, "relation", relation)
    named: dict[str, Any] = {"what": "orders", "key": "id"}
    looked = source_state.look(
        engine,  # type: ignore[arg-type]
        STUDY,
        "orders",
        unique=True,
        times=["at", "until"],
        counted=["amount"],
        conditions=[{"channel": Condition.parse("app")}, {"amount": Condition.parse(">= 3")}],
        now=NOW,
        **named,
    )
    source_state.repeats(engine, STUDY, "orders", same=["amount"], time="at", looked=looked, **named)  # type: ignore[arg-type]
    source_state.values(engine, STUDY, "orders", "channel", what="orders", most=20)  # type: ignore[arg-type]
    return engine


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "databricks", "bigquery", "snowflake", "trino"])
def test_every_statement_compiles_for_every_engine(captured: Captured, dialect: str) -> None:
    for expression in captured.expressions:
        assert "orders" in str(ibis.to_sql(expression, dialect=dialect))


def test_counts_are_one_reading_of_the_source(captured: Captured) -> None:
    tables = sqlglot.parse_one(str(ibis.to_sql(captured.expressions[0], dialect="duckdb")), read="duckdb")
    assert len(list(tables.find_all(sqlglot.exp.Table))) == 1


def test_of_ten_million_rows_the_latest_half_is_compared(captured: Captured) -> None:
    """Half of the year from 1 January 2025: from 2 July on, at noon."""
    assert "MAKE_TIMESTAMP(2025, 7, 2, 12, 0, 0.0)" in str(ibis.to_sql(captured.expressions[1], dialect="duckdb"))
