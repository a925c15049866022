"""A process that has everything imported and warm, and forks one child a command that assigns and may be killed.

Run as a program it reads commands from stdin, one JSON object a line, and answers in kind on stdout. A point is a place
where a child can be killed: before each change of the file system (as Python's audit events tell of it), in the middle
of a file's content, before each flush, and before and after each statement of the engine.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Outcome:
    """How a child ended, and the points that it came to."""

    code: int
    points: tuple[str, ...]


class Killer:
    """The process, seen from a test."""

    def __init__(self, warm_up: Path) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._ask(root=str(warm_up))

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def assign(
        self,
        root: Path,
        as_of: str,
        salt: str,
        *,
        kill_at: int | None = None,
        delay: float | None = None,
        sabotage: str = "",
    ) -> Outcome:
        """Assign in a child, with the salt that is drawn if one is; kill it at a point, or so long after it."""
        found = self._ask(
            root=str(root), as_of=as_of, salt=salt, kill_at=kill_at or 0, delay=delay or 0.0, sabotage=sabotage
        )
        return Outcome(found["code"], tuple(found["points"]))

    def _ask(self, **command: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def serve() -> None:
    """Answer commands until stdin ends. The first one says where a project lies on which to warm up."""
    warm_up = json.loads(sys.stdin.readline())
    import holdfast

    for store in ("files", "tables"):
        holdfast.open_project(Path(warm_up["root"]) / store).experiment("letter").assign()
    # Children share what is here: a collector that walks through it would copy every page.
    gc.collect()
    gc.freeze()
    gc.disable()
    _answer({})
    for line in sys.stdin:
        command = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            _run(command, writing)
        os.close(writing)
        points = _listen(reading, child, command["kill_at"], command["delay"])
        _, status = os.waitpid(child, 0)
        _answer({"code": os.waitstatus_to_exitcode(status), "points": points})


def _answer(found: object) -> None:
    print(json.dumps(found), flush=True)  # noqa: T201 (the protocol)


def _listen(reading: int, child: int, kill_at: int, delay: float) -> list[str]:
    """The child's points until it ends; with a delay it is killed so long after one of them."""
    text, deadline = b"", time.monotonic() + 60
    while True:
        if not select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            os.kill(child, signal.SIGABRT)
        part = os.read(reading, 65536)
        if not part:
            break
        text += part
        if delay and text.count(b"\n") >= kill_at:
            time.sleep(delay)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    os.close(reading)
    return text.decode().splitlines()


def _run(command: dict[str, Any], writing: int) -> NoReturn:
    """What the child does."""
    code = 1
    try:
        import holdfast
        from holdfast.project.assigning import assign_until

        study = holdfast.open_project(command["root"]).experiment("letter").study
        _sabotage(command["sabotage"])
        _watch(command, writing)
        assign_until(study, date.fromisoformat(command["as_of"]), lambda _: None)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _watch(command: dict[str, Any], writing: int) -> None:
    """Count points, and die at one of them."""
    import secrets

    from holdfast.warehouse.engine import Engine
    from holdfast.warehouse.writers import DuckDBWriter

    passed = 0

    def point(name: str) -> None:
        nonlocal passed
        passed += 1
        os.write(writing, f"{name}\n".encode())
        if passed == command["kill_at"] and not command["delay"]:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES:
            point(f"{event} {Path(str(arguments[0])).name}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            point(f"open {arguments[0]}")

    flush = os.fsync

    def fsync(fd: Any) -> None:
        point("fsync")
        flush(fd)

    def write_bytes(self: Path, data: Any) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            point("half of a file")
            return file.write(data[len(data) // 2 :])

    secrets.token_hex = lambda nbytes=None: command["salt"]
    os.fsync = fsync
    Path.write_bytes = write_bytes  # type: ignore[method-assign]
    for owner, name in ((Engine, "rows"), (Engine, "save"), (DuckDBWriter, "run")):
        setattr(owner, name, _around(getattr(owner, name), point))
    sys.addaudithook(audit)


def _around(function: Callable[..., Any], point: Callable[[str], None]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **options: Any) -> Any:
        what = str(arguments[1]).splitlines()[0][:40]
        point(f"engine: before {what}")
        found = function(*arguments, **options)
        point(f"engine: after {what}")
        return found

    return wrapped


def _sabotage(name: str) -> None:
    """Make the writers worse, to see that the loop notices."""
    from holdfast import atomic
    from holdfast.model.manifest import Manifest
    from holdfast.project import assigning
    from holdfast.warehouse import filestore, writers

    def in_place(temporary: Path, path: Path) -> None:
        path.write_bytes(temporary.read_bytes())

    def add_index_first(self: Any, manifest: Any, staged: Any) -> Any:
        missing: list[Any] = [*staged]
        batches = (*(manifest.batches if manifest else ()), *(item.batch for item in missing))
        updated = Manifest(batches=batches)
        atomic.write_text(self.folder / filestore.INDEX, json.dumps(updated.to_json()))
        for item in missing:
            atomic.put(item.path, self.folder / item.batch.file)
        return updated

    run = writers.DuckDBWriter.run

    def without_transaction(writer: Any, statement: str, parameters: Any = ()) -> Any:
        return [] if statement in {"BEGIN TRANSACTION", "COMMIT"} else run(writer, statement, parameters)

    def lock_forgets(begun: Any, manifest: Any) -> Any:
        return None

    if name == "files are written in place":
        atomic.put = in_place
    elif name == "the index comes before its file":
        filestore.FileStore.add = add_index_first  # type: ignore[method-assign]
    elif name == "no transaction":
        writers.DuckDBWriter.run = without_transaction  # type: ignore[method-assign, assignment]
    elif name == "the lock comes last of all":
        assigning._write_lock = lock_forgets
    elif name:
        raise ValueError(name)


if __name__ == "__main__":
    serve()
