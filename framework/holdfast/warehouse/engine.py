"""A connection that remembers every statement it ran and never lets an engine's own exception out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
import sqlglot

from holdfast.errors import DataError, TransientError
from holdfast.model.project import Connection
from holdfast.model.reading import Statement

Progress = Callable[[str], None]
_BUSY = re.compile(r"Could not set lock on file|different configuration than existing connections")


def _quiet(_: str) -> None:
    """No progress wanted."""


class Engine:
    """An open connection. Use as a context manager; `statements` has what ran."""

    def __init__(self, backend: Any, places: dict[str, Path], progress: Progress | None = None) -> None:
        self.backend = backend
        self._log: list[tuple[str, str, Any]] = []
        self.progress = progress or _quiet
        self._places = places

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.backend.disconnect()

    @property
    def name(self) -> str:
        """Engine and version, such as duckdb 1.5.6."""
        return f"{self.backend.name} {self.backend.version}"

    def relation(self, sql: str, what: str = "the assignment") -> Any:
        """A relation from a SELECT statement; `what` names it when the engine refuses."""
        with refused(what):
            return self.backend.sql(sql)

    def parquet(self, paths: Sequence[Path], what: str = "the assignment") -> Any:
        """Parquet files as one relation."""
        return self.relation(f"SELECT * FROM read_parquet({listed(paths)})", what)  # noqa: S608 (quoted literals)

    def rows(self, purpose: str, expression: Any) -> list[dict[str, Any]]:
        """The rows of a small result; the statement is kept with its purpose."""
        self._note(purpose, expression)
        with refused(purpose):
            return list(self.backend.to_pyarrow(expression).to_pylist())

    def save(self, purpose: str, expression: Any, path: Path) -> None:
        """Write a relation to a Parquet file without its rows passing through Python."""
        self._note(purpose, expression)
        with refused(purpose):
            self.backend.to_parquet(expression, path)

    def hold(self, purpose: str, expression: Any, name: str) -> Any:
        """The relation, read once and held in a temporary table, which goes with the connection."""
        made = f"CREATE OR REPLACE TEMPORARY TABLE {name} AS "
        self._note(purpose, expression, made)
        with refused(purpose):
            self.backend.raw_sql(made + str(ibis.to_sql(expression, dialect=self.backend.name))).fetchall()
        return self.relation(f"SELECT * FROM {name}", purpose)  # noqa: S608 (a name of our own)

    def _note(self, purpose: str, expression: Any, verb: str = "") -> None:
        self.progress(purpose)
        # Compiled only when somebody reads it: a statement of many parts takes longer to write than to run.
        self._log.append((purpose, verb, expression))

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement that ran, in order, laid out for people."""
        dialect = self.backend.name
        return tuple(
            Statement(purpose, self.shown(verb + str(ibis.to_sql(expression, dialect=dialect, pretty=False))))
            for purpose, verb, expression in self._log
        )

    def shown(self, sql: str) -> str:
        """A statement as it is kept: folders of this machine replaced by their names, then laid out.

        In this order, or the length of a path would decide where lines break.
        """
        text = sql
        for name, place in self._places.items():
            text = text.replace(quoted(str(place))[1:-1] + "/", f"{{{name}}}/")
        dialect = self.backend.name
        pretty = sqlglot.transpile(text, read=dialect, write=dialect, pretty=True)[0]
        return "\n".join(line.rstrip() for line in pretty.splitlines())


def connect(connection: Connection, root: Path, files: Path | None, progress: Progress | None = None) -> Engine:
    """An open engine for a project.

    Raises:
        DataError: the database file does not exist.
    """
    places = {"files": files or root, "project": root}
    if connection.database is None:
        backend = ibis.duckdb.connect()
    else:
        path = database_path(connection, root)
        with refused(f"the database {connection.database}"):
            backend = ibis.duckdb.connect(path, read_only=True)
    backend.raw_sql("SET enable_progress_bar = false; SET TimeZone = 'UTC'").fetchall()
    return Engine(backend, places, progress)


def database_path(connection: Connection, root: Path) -> Path:
    """The database's file.

    Raises:
        DataError: there is none.
    """
    name = connection.database or ""
    if "${" in name:
        raise DataError(f"the database is {name}, and that variable is not set")
    path = root / name
    if not path.is_file():
        raise DataError(
            f"the database {name} does not exist under the project; create it or correct configs/project.yaml"
        )
    return path


def listed(paths: Sequence[Path]) -> str:
    """Files as an SQL list of string literals."""
    return "[" + ", ".join(quoted(str(path)) for path in paths) + "]"


def quoted(text: str) -> str:
    """A text as an SQL string literal."""
    return str(sqlglot.exp.Literal.string(text).sql("duckdb"))


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Turn an engine's exception into an error that says what was being read."""
    try:
        yield
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        if _BUSY.search(str(error)):
            raise TransientError(
                f"{what.splitlines()[0]}: another program is using the database file, and it has one writer at a time; "
                "nothing was changed, run the same command again when that program is done"
            ) from error
        raise TransientError(f"{what.splitlines()[0]}: the engine failed: {_first_line(error)}") from error
    except duckdb.OutOfMemoryException as error:
        raise TransientError(f"{what.splitlines()[0]}: the engine failed: {_first_line(error)}") from error
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise DataError(
            f"{what.splitlines()[0]}: a value is too large, infinite or no number, in a column that is measured: "
            f"{_first_line(error)}"
        ) from error
    except (duckdb.Error, ibis.common.exceptions.IbisError) as error:
        raise DataError(f"{what.splitlines()[0]}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """The engine's own reason, without values from the data: a message may quote the row that failed."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", line)
