"""PostgreSQL: sessions that only read, temporary tables for what is held, and rows as CSV through COPY."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
import psycopg
import pyarrow as pa
from ibis.expr.schema import Schema
from psycopg import sql as plain_sql
from pyarrow import csv

from holdfast.errors import DataError
from holdfast.model.project import Connection
from holdfast.warehouse.engine import Engine, batches
from holdfast.warehouse.faults import refused
from holdfast.warehouse.servers import ServerEngine, asked, same, typed
from holdfast.warehouse.writers import Parameters, kind_of_ids, rows_of

BLOCK = 1 << 24
"""Bytes of CSV that become one batch."""
_MAY_NOT = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.FeatureNotSupported,
)
"""What a server says to a temporary table: the role may not make one, or it is a copy that is only read."""
_TABLES = """
    SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = coalesce(%s, current_schema()) AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
"""


class PostgresEngine(ServerEngine):
    """A session of PostgreSQL. It is read-only but for temporary tables."""

    def close(self) -> None:
        """End the session, and with it its temporary tables."""
        self.backend.con.close()

    @property
    def name(self) -> str:
        """Engine and version, such as postgres 15.6."""
        number = self.backend.con.info.server_version
        return f"postgres {number // 10_000}.{number % 10_000}"

    def tables(self, schema: str | None) -> list[str]:
        """Tables and views of a schema; of the connection's own where none is named."""
        with self.backend.con.cursor() as cursor:
            return [row[0] for row in cursor.execute(_TABLES, (schema,)).fetchall()]

    def _table(self, table: str, schema: str | None) -> Any:
        return typed(table, self.backend.get_schema(table, database=schema), self.backend, schema)

    def _query(self, sql: str) -> Any:
        with self.backend.con.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({sql}) AS asked LIMIT 0".encode())  # noqa: S608 (one SELECT)
            columns = cursor.description or []
        names = [column.name for column in columns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"the statement gives a column twice: {', '.join(twice[:5])}")
        mapper = self.backend.compiler.type_mapper
        kinds = {column.name: mapper.from_string(column.type_display) for column in columns}
        return asked(sql, Schema(kinds), self.backend)

    def hold(self, purpose: str, expression: Any, name: str) -> Any:
        """The relation, read once and held in a temporary table; unheld where the role may not make one."""
        self._note(purpose, expression, f"CREATE TEMPORARY TABLE {name} AS ")
        schema = same(expression.schema())
        sql = str(ibis.to_sql(expression, dialect=self.dialect))
        try:
            with refused(purpose), self._temporary(name, schema) as cursor:
                cursor.execute(f"INSERT INTO {name} {sql}".encode())
        except DataError as error:
            if isinstance(error.__cause__, _MAY_NOT):
                return expression
            raise
        return typed(name, schema, self.backend)

    @contextmanager
    def _temporary(self, name: str, schema: Schema) -> Iterator[Any]:
        """A new temporary table that is filled within the block; gone when that fails."""
        mapper = self.backend.compiler.type_mapper
        quote = plain_sql.Identifier
        columns = ", ".join(f"{quote(column).as_string()} {mapper.to_string(kind)}" for column, kind in schema.items())
        con = self.backend.con
        with con.transaction(), con.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ WRITE")
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}".encode())
            cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns})".encode())
        # Read-only again, in which temporary tables may be filled: what is read must not write anything else.
        with con.transaction(), con.cursor() as cursor:
            yield cursor
            # Without it the planner takes the table for a tiny one.
            cursor.execute(f"ANALYZE pg_temp.{name}".encode())

    def _filled(self, name: str, expression: Any, schema: Schema) -> Any:
        try:
            with self._temporary(name, schema) as cursor, cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
                found = self.local.backend.con.execute(str(ibis.to_sql(expression, dialect="duckdb")))
                for batch in batches(found):
                    copy.write(_csv(batch))
        except _MAY_NOT as error:
            raise DataError(
                "the role may make no temporary tables, which files are handed to the server in: grant it TEMPORARY on "
                "the database, or keep data and assignment (assignment_store) in its tables"
            ) from error
        return typed(name, schema, self.backend)

    def _batches(self, expression: Any, target: Schema) -> Iterator[Any]:
        sql = str(ibis.to_sql(expression, dialect=self.dialect))
        with self.backend.con.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv)".encode()) as copy:
            stream = pa.PythonFile(_Stream(copy), mode="r")
            arrow = target.to_pyarrow()
            yield from csv.open_csv(
                stream,
                read_options=csv.ReadOptions(column_names=list(target.names), block_size=BLOCK, use_threads=False),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=csv.ConvertOptions(
                    column_types=dict(zip(target.names, arrow.types, strict=True)),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    true_values=["t"],
                    false_values=["f"],
                ),
            )


class _Stream(io.RawIOBase):
    """What a COPY sends, as a file."""

    def __init__(self, copy: Any) -> None:
        self._copy = copy
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes, as many as come together; none at the end."""
        parts, length = [self._rest], len(self._rest)
        while length < size or size < 0:
            more = memoryview(self._copy.read())
            if not more:
                break
            parts.append(more)
            length += len(more)
        whole = memoryview(b"".join(parts))
        size = length if size < 0 else size
        self._rest = whole[size:]
        return bytes(whole[:size])


def _csv(batch: Any) -> bytes:
    """Rows as CSV in which a missing value is not an empty text."""
    written = pa.BufferOutputStream()
    csv.write_csv(batch, written, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return bytes(written.getvalue())


class PostgresWriter:
    """A connection that may write; it alone is not read-only."""

    def __init__(self, connection: Connection) -> None:
        self._con = _open(connection)

    def begin(self, schema: str) -> None:
        """Begin the transaction when no other one on this schema is under way, on whatever machine."""
        self.run("BEGIN")
        self.run("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (f"holdfast:{schema}",))

    def run(self, statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self._con.cursor() as cursor:
            cursor.execute(statement.replace("?", "%s").encode(), list(parameters) or None)
            return cursor.fetchall() if cursor.description else []

    def load(self, table: str, path: Path, own: Parameters) -> str:
        """Add the units of a Parquet file to a table."""
        with closing(duckdb.connect()) as con, self._con.cursor() as cursor:
            columns, rows = rows_of(con, path, own)
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)".encode()) as copy:
                for batch in rows:
                    copy.write(_csv(batch))
            return kind_of_ids(con, path)

    def close(self) -> None:
        """End the session, and take back what was not committed."""
        self._con.close()


def connect_postgres(connection: Connection, local: Engine) -> PostgresEngine:
    """A session of PostgreSQL that only reads.

    Raises:
        DataError: the address is not one, or the server lets nobody in.
        TransientError: it does not answer.
    """
    with refused("the database of connection.url"):
        con = _open(connection)
        try:
            con.execute("SET default_transaction_read_only = on")
            backend = ibis.postgres.from_connection(con)
        except BaseException:
            con.close()
            raise
    return PostgresEngine(backend, local)


def _open(connection: Connection) -> psycopg.Connection[Any]:
    settings: dict[str, Any] = {"connect_timeout": 15, "application_name": "holdfast", **connection.options}
    con = psycopg.connect(connection.url or "", autocommit=True, **settings)
    con.execute("SET TimeZone = 'UTC'")
    return con
