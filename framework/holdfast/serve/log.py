"""The exposure log: JSON lines, one file an experiment and day, written beside the service and never in its way."""

from __future__ import annotations

import atexit
import datetime as dt
import json
import logging
import os
import secrets
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

_AT_ONCE = 500
"""Records in one write: about 100 kB."""
_PAUSES = (0.1, 5.0)
"""Seconds between attempts while the disk refuses: from, and at most."""
_REPORT_EVERY = 60.0
_encode = json.JSONEncoder(separators=(",", ":")).encode
_logger = logging.getLogger("holdfast.serve")


@dataclass(frozen=True, slots=True)
class Treatment:
    """One variant of one version of an experiment."""

    experiment: str
    version: int
    variant: str
    hash_version: int = 1
    key: str = field(init=False, repr=False, compare=False)
    """A text that stands for it, to be put together with a unit."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.experiment}\n{self.version}\n{self.variant}\n")


_Waiting = tuple[float, str, Treatment, str]
"""When it happened, the record's id, what was met, and the unit that met it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the exposures that this process was told of."""

    written: int
    waiting: int
    repeated: int
    """Left out because the same one was logged before."""
    dropped: int
    """Lost: the queue was full, the log was closed, or the disk refused until the end."""


class ExposureLog:
    """Appends exposures to `<folder>/<experiment>/<date>.jsonl`, from a thread of its own.

    `record` never waits for the disk and never raises. Several threads, and several processes on one machine, may
    write to one folder. Use it as a context manager or call `close` at the end; a process that exits in the ordinary
    way closes it by itself.
    """

    def __init__(
        self,
        folder: str | Path = "data/exposures",
        *,
        capacity: int = 10_000,
        remember: int = 100_000,
        linger: float = 0.05,
        clock: Callable[[], dt.datetime] | None = None,
    ) -> None:
        """Open a log; nothing is written before the first exposure.

        Args:
            folder: made when it is needed. It will hold ids: keep it out of version control.
            capacity: exposures that may wait for the disk; further ones are dropped and counted.
            remember: how many exposures are known as logged, so that repeats are left out.
            linger: seconds that an exposure may wait for others to be written together.
            clock: what says the time, with its zone, in place of the machine's; for tests.
        """
        self.folder = Path(folder)
        self._capacity, self._linger = capacity, linger
        self._clock: Callable[[], float] = time.time if clock is None else lambda: clock().timestamp()
        self._half = max(1, remember // 2)
        self._recent: set[str] = set()
        self._older: set[str] = set()
        self._closed = False
        self._start_afresh()
        _logs.add(self)

    def _start_afresh(self) -> None:
        """In a new process: no thread, nothing waiting. What the other one has waiting, the other one writes."""
        self._changed = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._in_hand = 0
        self._hurry = self._given_up = self._closed
        self._thread: threading.Thread | None = None
        self._run_id, self._numbers = secrets.token_hex(8), count(1)
        self._written = self._repeated = self._dropped = 0
        self._last_report = -_REPORT_EVERY

    def __enter__(self) -> ExposureLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, treatment: Treatment, unit: str) -> bool:
        """Take an exposure of a unit; False when it had to be dropped. Returns at once, and never raises."""
        key = treatment.key + unit
        with self._changed:
            if key in self._recent or key in self._older:
                self._repeated += 1
                return True
            room = len(self._queue) + self._in_hand < self._capacity
            taken = room and not self._closed and self._running()
            if taken:
                self._remember(key)
                # One step, so that a signal's handler cannot come between and take the same number.
                name = f"{self._run_id}-{next(self._numbers)}"
                self._queue.append((self._clock(), name, treatment, unit))
                if len(self._queue) == 1:
                    self._changed.notify_all()
        if not taken:
            self._drop(1, "the log is closed" if room else "the disk does not keep up")
        return taken

    def drop(self) -> None:
        """Count an exposure that could not even be recorded."""
        self._drop(1, "an evaluation has no unit that could be logged")

    def flush(self, timeout: float = 5.0) -> bool:
        """Whether everything recorded so far reached the file system within so many seconds."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._queue and not self._in_hand, timeout)
            self._hurry = self._closed
        return done

    def close(self, timeout: float = 5.0) -> bool:
        """Write what is waiting, for so many seconds at most, and take nothing more; whether nothing was lost by it."""
        with self._changed:
            self._closed = True
        done = self.flush(timeout)
        with self._changed:
            lost = len(self._queue) + self._in_hand
            self._given_up = True
            self._queue.clear()
            self._in_hand = 0
            self._changed.notify_all()
            if lost:
                self._last_report = -_REPORT_EVERY  # the last word is always said
        if lost:
            self._drop(lost, "the disk did not take them before the end")
        return done

    @property
    def counts(self) -> Counts:
        """What became of the exposures so far."""
        with self._changed:
            return Counts(self._written, len(self._queue) + self._in_hand, self._repeated, self._dropped)

    def _remember(self, key: str) -> None:
        """Two generations bound the memory: the older one goes when the newer one is full."""
        if len(self._recent) >= self._half:
            self._older, self._recent = self._recent, set()
        self._recent.add(key)

    def _running(self) -> bool:
        """Whether there is a thread that writes; started when it is first needed, and again after a fork."""
        if self._thread is None:
            thread = threading.Thread(target=self._write_all, name="holdfast-exposures", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads, or the interpreter is ending
                return False
            self._thread = thread
        return True

    def _drop(self, lost: int, why: str) -> None:
        """Count exposures that are lost, and say so."""
        with self._changed:
            self._dropped += lost
        self._report(why)

    def _report(self, why: str) -> None:
        """Tell the program's own log what is wrong, once a minute at most; never an id."""
        with self._changed:
            now = time.monotonic()
            if now - self._last_report < _REPORT_EVERY:
                return
            self._last_report, dropped, waiting = now, self._dropped, len(self._queue) + self._in_hand
        _logger.warning("exposure log: %s; exposures lost so far: %d, waiting: %d", why, dropped, waiting)

    def _write_all(self) -> None:
        """The thread: writes what is waiting, until the log is closed."""
        while batch := self._take():
            pause = _PAUSES[0]
            while batch := self._append_all(batch):
                with self._changed:
                    self._changed.wait(_PAUSES[0] if self._hurry else pause)
                    if self._given_up:
                        return
                pause = min(2 * pause, _PAUSES[1])

    def _take(self) -> list[_Waiting]:
        """Everything that is waiting, as soon as there is something; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            if not self._hurry:
                self._changed.wait_for(lambda: self._hurry, self._linger)
            batch = list(self._queue)
            self._queue.clear()
            self._in_hand = len(batch)
            return batch

    def _append_all(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Write a batch; what could not be written comes back."""
        left: list[_Waiting] = []
        for path, records in _by_file(self.folder, batch):
            for start in range(0, len(records), _AT_ONCE):
                part = records[start : start + _AT_ONCE]
                left += part[self._append(path, part) :]
        return left

    def _append(self, path: Path, part: Sequence[_Waiting]) -> int:
        """How many records of a part the file took before the disk refused."""
        lines, done = [_line(*record) for record in part], 0
        try:
            while done < len(lines) and (more := _append(path, lines[done:])):
                self._count_written(more)
                done += more
        except OSError as error:
            self._report(os.strerror(error.errno) if error.errno else "the disk refuses")
        return done

    def _count_written(self, done: int) -> None:
        with self._changed:
            if not self._given_up:
                self._written += done
                self._in_hand -= done
                self._changed.notify_all()


def _by_file(folder: Path, batch: Iterable[_Waiting]) -> Iterator[tuple[Path, list[_Waiting]]]:
    """The records of each file: one an experiment and day (UTC)."""
    files: dict[tuple[str, dt.date], list[_Waiting]] = {}
    for record in batch:
        day = dt.datetime.fromtimestamp(record[0], dt.UTC).date()
        files.setdefault((record[2].experiment, day), []).append(record)
    for (experiment, day), records in files.items():
        yield folder / experiment / f"{day.isoformat()}.jsonl", records


def _line(moment: float, key: str, treatment: Treatment, unit: str) -> bytes:
    """One record. Plain ASCII, so that a line cut anywhere is still readable text."""
    at = dt.datetime.fromtimestamp(moment, dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    record = {
        "id": key,
        "at": at,
        "experiment": treatment.experiment,
        "version": treatment.version,
        "variant": treatment.variant,
        "unit": unit,
        "hash_version": treatment.hash_version,
    }
    return _encode(record).encode()


def _append(path: Path, lines: Sequence[bytes]) -> int:
    """How many of the lines are surely in the file.

    A line begins by ending the one before it, which a killed process may have left unfinished. One write in append mode
    keeps other processes' lines out of its middle.
    """
    data = b"\n" + b"\n".join(lines) + b"\n"
    mode = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        file = os.open(path, mode, 0o640)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, mode, 0o640)
    try:
        size = os.write(file, data)
    finally:
        os.close(file)
    # A full disk takes a part: the line that is cut is written again, under the same id.
    return len(lines) if size == len(data) else max(0, data[:size].count(b"\n") - 1)


_logs: weakref.WeakSet[ExposureLog] = weakref.WeakSet()


class _Fork:
    """Holds every log still while the process is copied, so that nothing is half changed in the copy."""

    def __init__(self) -> None:
        self.one_at_a_time = threading.Lock()
        self.held: list[ExposureLog] = []

    def before(self) -> None:
        self.one_at_a_time.acquire()
        self.held = list(_logs)
        for log in self.held:
            log._changed.acquire()

    def in_parent(self) -> None:
        for log in self.held:
            log._changed.release()
        self.held = []
        self.one_at_a_time.release()

    def in_child(self) -> None:
        for log in self.held:
            log._start_afresh()
        self.held, self.one_at_a_time = [], threading.Lock()


_fork = _Fork()


def _close_all() -> None:
    for log in list(_logs):
        log.close()


os.register_at_fork(before=_fork.before, after_in_parent=_fork.in_parent, after_in_child=_fork.in_child)
atexit.register(_close_all)
