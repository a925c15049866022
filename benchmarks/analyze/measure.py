"""Whole processes, timed: seconds that passed, seconds of the processor, and the largest memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from job import SUMS, Answer, digest

CLOSE = 1e-9
"""Sums that differ by less than this share are the same: floating sums depend on the order of the rows."""


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end."""

    seconds: float
    processor: float
    """User and system time, of all its threads and children."""
    memory: float
    """The largest resident memory of the process, or of a child of it, in MiB."""
    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        text = self.err or self.out
        lines = [line.strip() for line in text.splitlines() if line.strip()] or [f"exit code {self.code}"]
        # Python ends with the reason; Holdfast begins with it.
        said = lines[-1 if "Traceback" in text else 0][:200]
        _, found, module = said.partition("ModuleNotFoundError: No module named ")
        return f"{module.strip(chr(39))} is not installed (--install-peers)" if found else said


@dataclass
class Entry:
    """One way to do the job, and how it went."""

    title: str
    command: Sequence[str]
    variables: Mapping[str, str]
    before: Callable[[], None] = lambda: None
    """What has to be done before each run, outside the clock."""
    answer: Callable[[Run], Answer | None] = lambda _: None
    """What it found, from what it printed or wrote."""
    data: str = ""
    """The name of the data."""
    runs: list[Run] = field(default_factory=list)
    found: Answer | None = None
    left_out: str = ""
    """Why it has no figures."""

    def median(self, of: str) -> float:
        """The median over the rounds of `seconds`, `processor` or `memory`."""
        return statistics.median(getattr(run, of) for run in self.runs)

    def ratio(self, other: Entry, of: str) -> float:
        """The median over the rounds of the ratio to another entry in the same round."""
        pairs = zip(self.runs, other.runs, strict=True)
        return statistics.median(getattr(one, of) / getattr(two, of) for one, two in pairs)


def run(command: Sequence[str], variables: Mapping[str, str], timeout: float) -> Run:
    """A process and what it took, as the kernel counts: memory starts at that of this process, so it stays small."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=out, stderr=err)
        clock = threading.Timer(timeout, process.kill)
        clock.start()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        in_time = clock.is_alive()
        clock.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = err.read() if in_time else f"stopped after {timeout:g} s"
        # Linux counts in KiB, macOS in bytes.
        unit = 2**20 if sys.platform == "darwin" else 2**10
        processor = used.ru_utime + used.ru_stime
        return Run(seconds, processor, used.ru_maxrss / unit, process.returncode, out.read(), said)


def contest(entries: Sequence[Entry], rounds: int, timeout: float, show: Callable[[str], None]) -> None:
    """All entries in turn, so many times: what else the machine does meets all of them alike."""
    for number in range(1, rounds + 1):
        for entry in entries:
            if entry.left_out:
                continue
            entry.before()
            done = run(entry.command, entry.variables, timeout)
            show(f"round {number}, {entry.title.replace('*', '')}: {done.seconds:.2f} s, {done.memory:.0f} MB")
            if done.code:
                entry.left_out, entry.runs = done.reason, []
                show(f"  left out: {done.reason}")
                continue
            entry.runs.append(done)
            entry.found = entry.answer(done)


def shared(found: Answer) -> list[str]:
    """The sums that an answer has."""
    one = next(iter(found.values()))
    return [name for name in SUMS if name in one] or list(one)


def differences(found: Answer, floor: Answer) -> list[str]:
    """The sums in which an answer differs from the floor's."""
    wrong = []
    for variant in sorted({*found, *floor}):
        one, two = found.get(variant, {}), floor.get(variant, {})
        for name in shared(found):
            a, b = one.get(name), two.get(name)
            if a is None or b is None or abs(a - b) > CLOSE * max(abs(a), abs(b)):
                wrong.append(f"{variant} {name}: {a} is not {b}")
    return wrong


def agreement(entry: Entry, floor: Entry) -> str:
    """How far an entry's numbers are the floor's, for the table."""
    if entry.found is None or floor.found is None:
        return ""
    names, whole = shared(entry.found), shared(floor.found)
    if differences(entry.found, floor.found):
        return "DIFFER"
    return digest(entry.found, names) if len(names) == len(whole) else f"the same {len(names)} of {len(whole)}"
