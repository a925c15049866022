"""The engine goes away, or somebody presses Ctrl-C, in the middle of a statement: a clear word, the right exit code,
nothing written; and the same command afterwards does what it should have done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.engines import project, shop

if TYPE_CHECKING:
    import psycopg

    from tests.engines.conftest import Postgres

CONNECTION = 'connection: {backend: postgres, url: "${env:HOLDFAST_TEST_SLOW}"}\n'
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'holdfast' AND wait_event = 'PgSleep'"


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect() as con:
        con.execute("CREATE DATABASE slow")
    import psycopg

    with psycopg.connect(postgres.url(database="slow"), autocommit=True) as con:
        shop.into_postgres(con, "shop", shop.tables("text"))
        yield con


@pytest.fixture
def root(server: object, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLDFAST_TEST_SLOW", postgres.url(database="slow"))
    return project.make(tmp_path, CONNECTION, "shop")


def run(root: Path, *command: str) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    code = "import sys; from holdfast.cli import main; sys.argv[0] = 'holdfast'; main()"
    settings = {**os.environ, "PYTHONPATH": str(ROOT / "framework"), "SPARK_LOCAL_IP": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *command, "--project", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=settings,
    )


def files(root: Path) -> dict[str, bytes]:
    """Every file but the locks of the operating system, which are empty."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and path.name != ".lock"
    }


def until(found: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 90) -> Any:
    """What is found, as soon as it is; the process has to be still running."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.05)
    return value


def slow(server: psycopg.Connection[Any], table: str) -> None:
    """A view in the place of a table, which takes a minute to answer."""
    server.execute(f"ALTER TABLE shop.{table} RENAME TO {table}_fast".encode())
    columns = f"SELECT {table}_fast.* FROM shop.{table}_fast"
    server.execute(
        f"CREATE VIEW shop.{table} AS {columns}, (SELECT pg_sleep(60) OFFSET 0) AS wait WHERE wait IS NOT NULL".encode()
    )


def fast(server: psycopg.Connection[Any], table: str) -> None:
    """The table again."""
    server.execute(f"DROP VIEW shop.{table}".encode())
    server.execute(f"ALTER TABLE shop.{table}_fast RENAME TO {table}".encode())


def end_session(server: psycopg.Connection[Any], process: subprocess.Popen[str], pid: int) -> int:
    """The server ends the session."""
    server.execute("SELECT pg_terminate_backend(%s)", (pid,))
    return 3


def press_ctrl_c(server: psycopg.Connection[Any], process: subprocess.Popen[str], pid: int) -> int:
    """The user has had enough; the server's statement ends with the command."""
    process.send_signal(signal.SIGINT)
    return 130


def cancel(server: psycopg.Connection[Any], process: subprocess.Popen[str], pid: int) -> int:
    """The server breaks the statement off, as it does when time is out."""
    server.execute("SELECT pg_cancel_backend(%s)", (pid,))
    return 3


@pytest.mark.parametrize(
    ("event", "command", "table", "store"),
    [
        (end_session, "assign", "customers", "files"),
        (end_session, "assign", "customers", "tables"),
        (press_ctrl_c, "assign", "customers", "files"),
        (end_session, "analyze", "orders", "files"),
        (cancel, "analyze", "orders", "files"),
    ],
)
def test_postgres(
    server: psycopg.Connection[Any],
    root: Path,
    event: Callable[[psycopg.Connection[Any], subprocess.Popen[str], int], int],
    command: str,
    table: str,
    store: str,
) -> None:
    if store == "tables":
        path = root / "configs" / "project.yaml"
        path.write_text(path.read_text() + "assignment_store: {schema: kept}\n")
    slug = "by-store" if command == "assign" else "elsewhere"
    if command == "analyze":
        done = run(root, "assign", slug, "--as-of", project.AS_OF)
        _, said = done.communicate(timeout=120)
        assert done.returncode == 0, said
    before = files(root)
    arguments = (command, slug, "--as-of", project.AS_OF)
    slow(server, table)
    try:
        process = run(root, *arguments)
        pid = until(lambda: server.execute(SLEEPING).fetchone(), process)[0]
        code = event(server, process, pid)
        _, said = process.communicate(timeout=30)
        assert process.returncode == code, said
        assert "Traceback" not in said
        assert ("run the same command again" in said) == (code == 3), said
        assert files(root) == before
        assert server.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'kept'").fetchall() == []
        until(lambda: server.execute(f"SELECT 1 WHERE NOT EXISTS ({SLEEPING})".encode()).fetchone(), _running())
    finally:
        fast(server, table)
    again = run(root, *arguments)
    _, said = again.communicate(timeout=120)
    assert again.returncode == 0, said
    assert files(root) != before
    server.execute("DROP SCHEMA IF EXISTS kept CASCADE")


def _running() -> Any:
    """Something to wait beside that does not end."""

    class Never:
        def poll(self) -> None:
            return None

    return Never()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables as Parquet files."""
    folder = tmp_path_factory.mktemp("lake")
    for name, table in shop.tables("text").items():
        pq.write_table(shop.arrow(table), folder / f"{name}.parquet")
    return folder


@pytest.mark.parametrize("event", ["kill", "ctrl-c"])
def test_spark(spark: object, lake: Path, tmp_path: Path, event: str) -> None:
    """A Spark of the command's own, whose process is killed; and Ctrl-C while it works."""
    options = (
        "{spark.driver.bindAddress: 127.0.0.1, spark.driver.host: 127.0.0.1, spark.driver.memory: 1g, "
        "spark.driver.extraJavaOptions: -XX:TieredStopAtLevel=1 -XX:+UseSerialGC, spark.sql.shuffle.partitions: 1, "
        "spark.sql.codegen.wholeStage: false}"
    )
    root = project.make(tmp_path, f"connection: {{backend: spark, master: 'local[1]', options: {options}}}\n", "shop")
    path = root / "configs" / "sources" / "shop.yaml"
    fast_sql = f"sql: SELECT * FROM parquet.`{lake}/assigned.parquet`"
    slow_sql = fast_sql + " WHERE (SELECT count(*) FROM range(1000000000000) WHERE id % 7 = 3) > 0"
    text = path.read_text()
    path.write_text(text.replace("table: shop.assigned", slow_sql))
    before = files(root)
    arguments = ("assign", "elsewhere", "--as-of", project.AS_OF)
    process = run(root, *arguments)
    java = until(lambda: _java_of(process.pid), process)
    until(lambda: _busy(java), process)
    if event == "kill":
        os.kill(java, signal.SIGKILL)
    else:
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (3 if event == "kill" else 130), said
    assert files(root) == before
    if event == "kill":
        assert "run the same command again" in said
        path.write_text(text.replace("table: shop.assigned", fast_sql))
        again = run(root, *arguments)
        _, said = again.communicate(timeout=300)
        assert again.returncode == 0, said
        assert (root / "experiments" / "elsewhere" / "lock.yaml").is_file()


def _java_of(pid: int) -> int | None:
    """The Java process that a command has started."""
    found = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    for line in found.stdout.splitlines():
        number, _, name = line.strip().partition(" ")
        if "java" in name:
            return int(number)
    return None


def _busy(pid: int) -> bool:
    """Whether a task of Spark has begun to run: its thread is named after it."""
    for name in Path(f"/proc/{pid}/task").glob("*/comm"):
        try:
            if name.read_text().startswith("Executor task"):
                return True
        except OSError:
            continue
    return False
