"""Real engines beside DuckDB, started by the tests: a PostgreSQL cluster of their own and a local Spark.

Each lives for one session (with pytest-xdist: one for every worker), holds nothing but what the tests put there, and
is gone afterwards. Where one is missing, its tests are skipped with the reason, and fail in CI.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import missing

if TYPE_CHECKING:
    import psycopg
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Postgres:
    """A running server, reached through a socket in its own folder."""

    folder: Path
    user: str = "holdfast"
    database: str = "postgres"

    def connect(self) -> psycopg.Connection[Any]:
        """A new connection that commits each statement; close it, or use it as a context manager."""
        import psycopg

        return psycopg.connect(host=str(self.folder), user=self.user, dbname=self.database, autocommit=True)

    def url(self, user: str = "", database: str = "") -> str:
        """Its address, for a role and a database."""
        return f"postgresql://{user or self.user}@/{database or self.database}?host={self.folder}"


def _package(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        missing(f"the package {name} is not installed; the extra dev has it")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server with an empty database."""
    _package("psycopg")
    initdb, server = _postgres_binary("initdb"), _postgres_binary("postgres")
    if initdb is None or server is None:
        missing("there is no PostgreSQL: initdb is neither on the PATH nor in /usr/lib/postgresql")
    # Not pytest's own folder: the server may run as another user, and the path of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="holdfast-postgres-"))
    try:
        with _running(folder, str(initdb), str(server)) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_binary(name: str) -> str | None:
    """A binary of PostgreSQL: from the PATH, or the newest one that Debian keeps beside it."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return shutil.which(name) or (str(kept[-1]) if kept else None)


def _unprivileged() -> dict[str, Any]:
    """How to start a process that refuses to run as root: as the user postgres or nobody."""
    if os.geteuid() != 0:
        return {}
    import pwd  # not on Windows

    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def _running(folder: Path, initdb: str, server: str) -> Iterator[Postgres]:
    found = Postgres(folder)
    data, log = folder / "data", folder / "log"
    rights = _unprivileged()
    if rights:
        os.chown(folder, rights["user"], rights["group"])
    options = {"cwd": folder, "env": {**os.environ, "LC_ALL": "C", "TZ": "UTC"}, **rights}
    command = [initdb, "--pgdata", str(data), "--username", found.user, "--auth", "trust", "--encoding", "UTF8"]
    made = subprocess.run([*command, "--no-sync"], capture_output=True, text=True, check=False, **options)
    assert made.returncode == 0, made.stderr
    # No TCP port: nothing to collide with. No fsync: nothing to keep.
    settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "timezone=UTC", "-F"]
    with log.open("w") as written:
        process = subprocess.Popen([server, "-D", str(data), *settings], stdout=written, stderr=written, **options)
    try:
        _wait(found, process, log)
        yield found
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown: it does not wait for clients.
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(found: Postgres, process: subprocess.Popen[bytes], log: Path, seconds: float = 30) -> None:
    """Wait until the server answers."""
    import psycopg

    end = time.monotonic() + seconds
    while True:
        try:
            found.connect().close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)


_QUIET = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c: %m%n
"""


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A Spark session on two local threads, without a web page, in UTC."""
    _package("pyspark")
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    if not (shutil.which("java") or (Path(os.environ.get("JAVA_HOME", "/nowhere")) / "bin" / "java").is_file()):
        missing("there is no Java runtime, which Spark needs: java is not on the PATH, and JAVA_HOME names none")
    folder = tmp_path_factory.mktemp("spark")
    logging = folder / "log4j2.properties"
    logging.write_text(_QUIET, encoding="utf-8")
    builder = SparkSession.builder.master("local[2]").appName("holdfast")
    # The first compiler alone, one thread of garbage collection: small statements, and other tests beside them.
    java = f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile={logging.as_uri()}"
    for key, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": java,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Statements of many columns over few rows: planning them is what takes time.
        "spark.sql.constraintPropagation.enabled": "false",
    }.items():
        builder = builder.config(key, value)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")  # A machine's own name need not lead anywhere.
            session = builder.getOrCreate()
    except PySparkRuntimeError as error:
        missing(f"Spark does not start; it needs Java 17 or newer: {error}")
        raise
    yield session
    session.stop()
