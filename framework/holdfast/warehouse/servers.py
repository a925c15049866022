"""Engines that run elsewhere: a server is asked, and files are read and written by the DuckDB in this process."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import ibis
import pyarrow as pa
import sqlglot
from ibis.expr import datatypes as types
from ibis.expr import operations as ops
from ibis.expr.schema import Schema

from holdfast.errors import DataError
from holdfast.model.project import Connection
from holdfast.warehouse.engine import Engine, Query
from holdfast.warehouse.faults import refused

_CLOUD = {
    "bigquery": "google.cloud.bigquery",
    "snowflake": "snowflake.connector",
    "databricks": "databricks.sql",
    "trino": "trino",
    "clickhouse": "clickhouse_connect",
}
"""Engines that Ibis connects to by its own settings, and the package that each needs."""


class ServerEngine(Engine):
    """An engine that runs elsewhere. What it is handed of files is a temporary relation that goes with the session."""

    def __init__(self, backend: Any, local: Engine) -> None:
        super().__init__(backend, local._places, local.progress)
        self._local = local
        self._taken: dict[str, Any] = {}

    def __exit__(self, *_: object) -> None:
        self._local.close()
        self.close()

    def close(self) -> None:
        """End the session."""
        self.backend.disconnect()

    @property
    def local(self) -> Engine:
        """The DuckDB in this process, which reads and writes files."""
        return self._local

    def relation(self, sql: str, what: str = "the assignment") -> Any:
        """A relation from a SELECT statement; `what` names it when the engine refuses."""
        with refused(what):
            return self._query(one_select(sql, self.dialect, what))

    def _query(self, sql: str) -> Any:
        return self.backend.sql(sql)

    def parquet(self, paths: Any, what: str = "the assignment") -> Any:
        """Parquet files as one relation."""
        return self.taken_in(self.local.parquet(paths, what), what)

    def taken_in(self, expression: Any, what: str) -> Any:
        """A relation of `local` as one of this engine: a temporary one, filled once."""
        plain = {name: _plain(kind) for name, kind in expression.schema().items()}
        narrowed = _cast(expression, plain)
        key = str(ibis.to_sql(narrowed, dialect="duckdb"))
        if key not in self._taken:
            name = f"holdfast_file_{len(self._taken) + 1}"
            told = f"{what}: rows of files, read by DuckDB in this process and handed over as a temporary table"
            self.progress(told)
            self._log.append((told, f"CREATE TEMPORARY TABLE {name} AS ", Query(self.local.backend.compiler, narrowed)))
            with refused(what):
                self._taken[key] = self._filled(name, narrowed, Schema(plain))
        return self._taken[key]

    def _filled(self, name: str, expression: Any, schema: Schema) -> Any:  # noqa: ARG002
        """A relation of this engine with the rows of one of `local`."""
        return ibis.memtable(self.local.backend.to_pyarrow(expression), schema=schema)

    def brought(self, purpose: str, expression: Any) -> Any:  # noqa: ARG002
        """A relation of this engine as one of `local`: a temporary table there, in the same order."""
        narrowed, target = _narrowed(expression)
        con = self.local.backend.con
        con.execute("DROP TABLE IF EXISTS holdfast_brought")
        empty = target.to_pyarrow().empty_table()
        con.register("holdfast_batch", empty)
        con.execute("CREATE TEMP TABLE holdfast_brought AS SELECT * FROM holdfast_batch")
        for batch in self._batches(narrowed, target):
            con.register("holdfast_batch", pa.Table.from_batches([batch]))
            con.execute("INSERT INTO holdfast_brought SELECT * FROM holdfast_batch")
        con.unregister("holdfast_batch")
        table = self.local.relation("SELECT * FROM holdfast_brought")
        return table.cast({name: kind for name, kind in expression.schema().items() if kind.is_uuid()})

    def _batches(self, expression: Any, target: Schema) -> Iterator[Any]:
        """The rows of an expression as Arrow batches of the types wanted, in its order."""
        for batch in self.backend.to_pyarrow_batches(expression):
            yield arrow(pa.Table.from_batches([batch]), target).combine_chunks().to_batches()[0]

    def _fetched(self, expression: Any, query: Query) -> list[dict[str, Any]]:  # noqa: ARG002
        narrowed, target = _narrowed(expression)
        return [row for batch in self._batches(narrowed, target) for row in batch.to_pylist()]

    def hold(self, purpose: str, expression: Any, name: str) -> Any:  # noqa: ARG002
        """The relation itself: nothing is written on this engine, not even for a while."""
        return expression


def one_select(sql: str, dialect: str, what: str) -> str:
    """The statement, when it is one that only reads.

    Raises:
        DataError: it is something else, or several statements.
    """
    try:
        found = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise DataError(f"{what}: its sql cannot be read; it is one SELECT statement of {dialect}") from error
    if len(found) != 1 or not isinstance(found[0], sqlglot.exp.Query):
        raise DataError(f"{what}: its sql is one SELECT statement and nothing else")
    return sql.strip().rstrip(";")


def typed(name: str, schema: Schema, backend: Any, namespace: str | None = None) -> Any:
    """A table of an engine as a relation whose types are known."""
    place = ops.Namespace(catalog=None, database=namespace)
    return ops.DatabaseTable(name, schema=same(schema), source=backend, namespace=place).to_expr()


def asked(sql: str, schema: Schema, backend: Any) -> Any:
    """A statement as a relation whose types are known."""
    return ops.SQLQueryResult(sql, same(schema), backend).to_expr()


def same(schema: Mapping[str, Any]) -> Schema:
    """Types without what only some engines tell: relations are put together where types are the same to the word."""
    return Schema({name: types.string if kind.is_string() else kind(nullable=True) for name, kind in schema.items()})


def arrow(table: Any, target: Schema) -> Any:
    """An Arrow table in the types wanted; instants become naive UTC where that is wanted."""
    columns = []
    for name, kind in zip(target.names, target.to_pyarrow().types, strict=True):
        column = table[name]
        if pa.types.is_timestamp(kind) and pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", tz=column.type.tz))
        columns.append(column.cast(kind))
    return pa.table(columns, names=list(target.names))


def _narrowed(expression: Any) -> tuple[Any, Schema]:
    """An expression with its columns in types that every driver hands over alike, and these types."""
    plain = {name: _plain(kind) for name, kind in expression.schema().items()}
    plain = {name: types.string if kind.is_uuid() else kind for name, kind in plain.items()}
    return _cast(expression, plain), Schema(plain)


def _cast(expression: Any, wanted: Mapping[str, Any]) -> Any:
    """An expression with the types wanted; a type that differs in what engines tell alone stays."""
    now = expression.schema()
    change = {name: kind for name, kind in wanted.items() if kind(nullable=True) != now[name](nullable=True)}
    return expression.cast(change) if change else expression


def _plain(kind: Any) -> Any:
    """The type in which values of a type are handed over."""
    if kind.is_boolean() or kind.is_date() or kind.is_uuid() or kind.is_signed_integer():
        return kind(nullable=True)
    if kind.is_unsigned_integer():
        return types.int64 if kind.nbytes < 8 else types.Decimal(20, 0)
    if kind.is_floating():
        return types.float64
    if kind.is_timestamp():
        return types.Timestamp(timezone="UTC" if kind.timezone else None, scale=6)
    if kind.is_decimal():
        return types.Decimal(kind.precision or 38, 9 if kind.scale is None else kind.scale)
    return types.string


def connect_server(connection: Connection, local: Engine) -> Engine:
    """An open engine that runs elsewhere.

    Raises:
        DataError: its package is not installed, or it lets nobody in.
        TransientError: it does not answer.
    """
    _refuse_unset(connection)
    try:
        match connection.backend:
            case "postgres":
                from holdfast.warehouse.postgres import connect_postgres

                return connect_postgres(connection, local)
            case "spark":
                with warnings.catch_warnings():
                    # PySpark has not caught up with the newest pandas, of which nothing is used here.
                    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
                    from holdfast.warehouse.spark import connect_spark

                    return connect_spark(connection, local)
            case _:
                importlib.import_module(_CLOUD[connection.backend])
                with refused(f"the connection to {connection.backend}"):
                    backend = getattr(ibis, connection.backend).connect(**_settings(connection))
                return ServerEngine(backend, local)
    except ImportError as error:
        raise DataError(
            f"{connection.backend} needs the Python package {error.name or 'of its driver'}, which is not installed; "
            f'run: pip install "holdfast[{connection.backend}]"'
        ) from error


def _settings(connection: Connection) -> dict[str, Any]:
    """The arguments of Ibis's connect. Unless it is told, ClickHouse joins zeros where other engines join nothing."""
    own = {"settings": {"join_use_nulls": 1}} if connection.backend == "clickhouse" else {}
    return {**connection.options, **own}


def _refuse_unset(connection: Connection) -> None:
    """Refuse settings that still name a variable: it is not set."""
    texts = {"url": connection.url, "remote": connection.remote, "master": connection.master, **connection.options}
    for name, text in texts.items():
        if isinstance(text, str) and "${" in text:
            raise DataError(f"connection: {name} names a variable of the environment that is not set; set it")
