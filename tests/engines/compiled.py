"""A whole analysis in the SQL of an engine that is not there.

Every expression is built from tables without an engine, as the other engine's own relations would be, and kept in that
engine's SQL. The answers that the analysis needs on its way come from the same expressions on DuckDB, over a shop of
forty customers: nothing is made up, and the reading at the end can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
from ibis.backends.sql import compilers

import holdfast
from holdfast import warehouse
from holdfast.model.project import Connection
from holdfast.model.reading import Reading, Statement
from holdfast.warehouse.engine import Engine, Query
from holdfast.warehouse.engine import connect as connect_engine

ENGINES = ("bigquery", "snowflake", "databricks", "trino", "clickhouse")
WITHOUT_PERCENTILES = ("bigquery", "trino")
SCHEMA = "shop"
AS_OF = "2025-12-01"
PROJECT = {
    "configs/project.yaml": """\
schema_version: 1
project: cloud-shop
timezone: Europe/Berlin
currency: EUR
units: {customer: {source: assigned}}
privacy: {minimum_cell: 1}
connection: {database: facts.duckdb}
""",
    "configs/sources/shop.yaml": """\
sources:
  orders:
    grain: event
    table: shop.orders
    keys: {customer: customer_id}
    timestamp: ordered_at
    properties: [channel]
    facts: {order: null, revenue: {column: amount, scale: 2}}
    freshness: 1d
  sessions:
    grain: event
    table: shop.sessions
    keys: {customer: customer_id}
    timestamp: started_at
    facts: {session: null}
    freshness: 1d
  assigned:
    grain: unit
    table: shop.assigned
    keys: {customer: customer_id}
    properties: [country]
""",
    "configs/metrics/shop.yaml": """\
metrics:
  day_7:
    operation: retention
    definition: on_day
    fact: sessions.session
    window: {after: 7d, for: 1d}
    desired_change: increase
  churned: {operation: churn, fact: orders.order, inactivity: 10d, window: 21d, desired_change: decrease}
  revenue: {operation: sum, fact: orders.revenue, window: 21d, clock: calendar, CAPPED desired_change: increase}
  average_order_value:
    operation: ratio
    numerator: {operation: sum, fact: orders.revenue, where: {channel: {not: app}}}
    denominator: {operation: count, fact: orders.order, where: {channel: {not: app}}}
    window: 21d
    desired_change: increase
""",
    "configs/tactics/shop.yaml": """\
tactics:
  letter: {type: custom, title: A letter, label: letter}
  call: {type: custom, title: A call, label: call}
""",
    "experiments/winback/experiment.yaml": """\
owner: a@example.com
hypothesis: A letter or a call brings customers back.
assignment: {method: external, source: assigned, variant: label, assigned_at: assigned_at}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: letter}
  call: {weight: 1, tactic: call}
observed: {from: 2025-10-20, until: 2025-11-29}
metrics:
  primary: day_7
  secondary: [churned, revenue]
  descriptive: [average_order_value]
  curves: [{fact: sessions.session, days: [1, 7, 14]}]
analysis: {segments: [country], cuped: {lookback: 28d}}
""",
}
TABLES = f"""\
CREATE SCHEMA {SCHEMA};
SET TimeZone = 'UTC';
CREATE TABLE {SCHEMA}.assigned AS
    SELECT 'c' || i AS customer_id, ['control', 'letter', 'call'][1 + i % 3] AS label,
        ['DE', 'FR'][1 + i % 2] AS country,
        TIMESTAMP '2025-10-24 20:00' + i * INTERVAL 2 HOUR AS assigned_at
    FROM range(40) t(i);
CREATE TABLE {SCHEMA}.orders AS
    SELECT 'c' || i AS customer_id, ['web', 'app'][1 + i * k % 2] AS channel,
        CAST(9.99 + i * 3 + k AS DECIMAL(18, 2)) AS amount,
        TIMESTAMP '2025-10-01 09:30' + (k * 7 + i % 5) * INTERVAL 27 HOUR + i * INTERVAL 11 MINUTE AS ordered_at
    FROM range(40) t(i), range(8) u(k) WHERE (i + k) % 3 > 0;
CREATE TABLE {SCHEMA}.sessions AS
    SELECT 'c' || i AS customer_id,
        TIMESTAMPTZ '2025-10-10 06:00:00+00' + k * INTERVAL 31 HOUR + i * INTERVAL 17 MINUTE AS started_at
    FROM range(40) t(i), range(40) u(k) WHERE (i * k) % 7 < 3;
"""
"""Orders at wall-clock times and sessions at instants, on both sides of the night when clocks went back."""


class _Named:
    """DuckDB under the name of another engine."""

    def __init__(self, backend: Any, name: str) -> None:
        self._backend, self.name = backend, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


class Compiled(Engine):
    """DuckDB that keeps what it ran in the SQL of another engine.

    With `holds` the units and their table are held, as DuckDB and PostgreSQL do, and every other statement reads what
    is held; without it each statement reads the sources itself, as is sent to an engine where nothing may be written.
    """

    def __init__(self, local: Engine, name: str, *, holds: bool) -> None:
        super().__init__(_Named(local.backend, name), {})
        self._holds = holds
        self.answers: list[list[dict[str, Any]]] = []
        """What DuckDB said to each statement; nothing where a relation was held."""

    @property
    def name(self) -> str:
        return f"{self.dialect} compiled"

    def _table(self, table: str, schema: str | None) -> Any:
        found = self.backend.table(table, database=schema).schema()
        return ibis.table(dict(found.items()), name=table, database=schema)

    def _note(self, purpose: str, expression: Any, verb: str = "") -> Query:
        """Kept in the other engine's SQL; DuckDB answers."""
        self.progress(purpose)
        theirs = getattr(compilers, self.dialect).compiler
        self._log.append((purpose, verb, Query(theirs, expression.unbind())))
        return Query(self.backend.compiler, expression)

    def _fetched(self, expression: Any, query: Query) -> list[dict[str, Any]]:
        self.answers.append(super()._fetched(expression, query))
        return self.answers[-1]

    def hold(self, purpose: str, expression: Any, name: str) -> Any:
        if not self._holds:
            return expression
        self._note(purpose, expression)
        self.answers.append([])
        sql = str(ibis.to_sql(expression, dialect="duckdb"))
        self.backend.raw_sql(f"CREATE OR REPLACE TEMPORARY TABLE {name} AS {sql}").fetchall()
        return ibis.table(dict(expression.schema().items()), name=name)


def make(root: Path, *, capped: bool) -> Path:
    """The shop's project; metrics are capped where the engine has exact percentiles."""
    for name, text in PROJECT.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("CAPPED", "winsorize: 90%," if capped else ""), encoding="utf-8")
    with duckdb.connect(str(root / "facts.duckdb")) as con:
        con.execute(TABLES)
    return root


@dataclass(frozen=True)
class Outcome:
    """The statements of a whole analysis, what DuckDB answered to each, and what was read."""

    statements: tuple[Statement, ...]
    answers: list[list[dict[str, Any]]]
    reading: Reading


def compiled(root: Path, engine: str, *, holds: bool) -> Outcome:
    """The whole analysis in the SQL of an engine."""
    plan = holdfast.open_project(root).experiment("winback").plan(AS_OF)
    with connect_engine(Connection(database="facts.duckdb"), root, None) as local:
        asked = Compiled(local, engine, holds=holds)
        reading = warehouse.read(asked, plan)
        return Outcome(asked.statements, asked.answers, reading)
