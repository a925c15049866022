"""What an engine's own exceptions mean to the reader. None of them leaves the warehouse as it is."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis

from holdfast import atomic
from holdfast.errors import DataError, HoldfastError, TransientError

_BUSY = re.compile(r"Could not set lock on file|different configuration than existing connections")
_DISK = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
_NOT_WRITTEN = re.compile(
    r"(?:write|sync|truncate)[^\"']*[\"'](?P<path>[^\"']+)[\"'].*?"
    rf"(?P<reason>{'|'.join(re.escape(os.strerror(number)) for number in _DISK)})",
    re.S,
)
"""How DuckDB tells of a file that it cannot write."""
_DRIVERS = frozenset(
    (
        "clickhouse_connect",
        "databricks",
        "google",
        "grpc",
        "py4j",
        "pyspark",
        "psycopg",
        "requests",
        "snowflake",
        "trino",
    )
)
"""Packages that speak to engines: what they raise is an engine's failure."""
_BROKEN = re.compile(r"Operational|Unavailable|Timeout|Deadline|Connection|Network|Transport|Retry|Interface")
"""Names of exceptions of connections that failed, in any driver."""
_DENIED = re.compile(
    r"authentication failed|no pg_hba\.conf entry|no password supplied|(role|user|database) \S+ does not exist"
    r"|permission denied for database|SSL",
)
"""What a server says to who may not come in: trying again does not help."""
_GONE = re.compile(
    r"Connection refused|Connection reset|stopped SparkContext|SparkContext was shut down|has been closed"
    r"|No active Spark|Answer from Java side is empty|Error while sending or receiving|session is closed|DISCONNECTED"
)
"""What drivers say, under names of their own, when the engine is gone."""
_INTERRUPTED = re.compile(r"cancell?ed as part of cancellation of all jobs|by keyboard interrupt", re.I)
_SPARK_DATA = re.compile(r"\[(?P<condition>[A-Z0-9_.]+)\]")
_SPARK_VALUES = re.compile(r"CAST_|OVERFLOW|OUT_OF_RANGE|ARITHMETIC|DIVIDE|INVALID_INPUT|CANNOT_PARSE|NUMERIC")
_LOST = "nothing was changed; run the same command again when the engine is there"


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Turn an engine's exception into an error that says what was being read; values from the data stay out of it."""
    try:
        yield
    except HoldfastError:
        raise
    except (duckdb.Error, ibis.common.exceptions.IbisError) as error:
        raise _of_duckdb(error, what.splitlines()[0]) from error
    except Exception as error:
        found = translated(error, what.splitlines()[0])
        if found is None:
            raise
        raise found from error


def translated(error: BaseException, what: str) -> HoldfastError | None:
    """The error for an exception of a driver; None for any other exception, which is a fault of Holdfast's."""
    driver = type(error).__module__.partition(".")[0]
    if driver == "psycopg":
        return _of_postgres(error, what)
    if driver in {"py4j", "pyspark"}:
        return _of_spark(error, what)
    if isinstance(error, ConnectionError | TimeoutError):
        return TransientError(f"{what}: the connection to the engine failed; {_LOST}")
    if isinstance(error, RuntimeError) and str(error) == "Query interrupted":
        # How DuckDB tells of Ctrl-C.
        raise KeyboardInterrupt from error
    if driver not in _DRIVERS:
        return None
    if _BROKEN.search(type(error).__name__):
        return TransientError(f"{what}: the engine failed: {first_line(error)}; {_LOST}")
    return DataError(f"{what}: {first_line(error)}")


def _of_duckdb(error: Exception, what: str) -> HoldfastError:
    if isinstance(error, duckdb.IOException | duckdb.ConnectionException) and _BUSY.search(str(error)):
        return TransientError(
            f"{what}: another program is using the database file, and it has one writer at a time; "
            "nothing was changed, run the same command again when that program is done"
        )
    if (found := _unwritten(str(error))) is not None:
        return found
    if isinstance(error, duckdb.IOException | duckdb.ConnectionException | duckdb.OutOfMemoryException):
        return TransientError(f"{what}: the engine failed: {first_line(error)}")
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        return _no_number(what, first_line(error))
    return DataError(f"{what}: {first_line(error)}")


def _unwritten(text: str) -> HoldfastError | None:
    """The error where the engine could not write a file; None where it says anything else."""
    found = _NOT_WRITTEN.search(text)
    if found is None:
        return None
    number = next(number for number in _DISK if os.strerror(number) == found["reason"])
    return atomic.unwritable(Path(found["path"]), number, found["reason"])


def _no_number(what: str, reason: str) -> DataError:
    return DataError(f"{what}: a value is too large, infinite or no number, in a column that is measured: {reason}")


def _of_postgres(error: BaseException, what: str) -> HoldfastError:
    psycopg = sys.modules["psycopg"]
    state = getattr(error, "sqlstate", None) or ""
    reason = first_line(error)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        if state.startswith("28") or state == "3D000" or (not state and _DENIED.search(str(error))):
            return DataError(f"{what}: the server lets nobody in with these settings: {reason}; correct them")
        failed = "the server broke the statement off" if state == "57014" else "the connection to the server failed"
        return TransientError(f"{what}: {failed}: {reason}; {_LOST}")
    if isinstance(error, psycopg.DataError):
        return _no_number(what, reason)
    hint = {
        "42501": "; ask for the right to it",
        "25006": "; Holdfast only reads, and sql in a source is a SELECT",
    }
    return DataError(f"{what}: {reason}{hint.get(state, '')}")


def _of_spark(error: BaseException, what: str) -> HoldfastError:
    text = str(error)
    if _INTERRUPTED.search(text):
        raise KeyboardInterrupt from error
    if type(error).__module__.startswith("py4j") or type(error).__name__ == "SparkConnectGrpcException":
        inner = getattr(error, "java_exception", None)
        if inner is None or _GONE.search(text):
            return TransientError(f"{what}: the connection to Spark failed; {_LOST}")
    if _GONE.search(text):
        return TransientError(f"{what}: Spark is no longer there; {_LOST}")
    found = _SPARK_DATA.search(text)
    condition = found["condition"] if found else ""
    if _SPARK_VALUES.match(condition):
        # The text itself may quote the value.
        return _no_number(what, condition)
    if type(error).__name__ in {"AnalysisException", "ParseException", "IllegalArgumentException"}:
        return DataError(f"{what}: {first_line(error)}")
    if condition:
        return DataError(f"{what}: {condition}")
    return TransientError(f"{what}: Spark failed: {type(error).__name__}; {_LOST}")


def first_line(error: BaseException) -> str:
    """The engine's own reason, without values from the data: a message may quote the row that failed."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\([^()]*\d[^()]*\)", "…", line)
