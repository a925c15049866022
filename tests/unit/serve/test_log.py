"""The exposure log and its hook: what is written, once, by whom, and what never reaches the service."""

from __future__ import annotations

import datetime as dt
import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.hook import Hook, HookContext, HookHints
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from holdfast.serve import ExposureHook, ExposureLog, HoldfastProvider, Treatment
from holdfast.serve import log as log_module
from tests.unit.serve.conftest import MIDDLE, START, Connect, Flags, context, flag

NOON = dt.datetime(2026, 3, 11, 12, 0, 0, 250_000, tzinfo=dt.UTC)


def exposure(unit: str = "c1", **changes: Any) -> tuple[Treatment, str]:
    return Treatment(**{"experiment": "checklist", "version": 1, "variant": "new", **changes}), unit


def records(folder: Path) -> list[dict[str, Any]]:
    """Every record that is whole, as it stands."""
    lines = [line for path in sorted(folder.rglob("*.jsonl")) for line in path.read_text("ascii").splitlines()]
    return [json.loads(line) for line in lines if line]


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[ExposureLog]:
    with ExposureLog(tmp_path / "exposures", clock=lambda: NOON) as log:
        yield log


def test_a_record_says_who_met_what_and_when(log: ExposureLog) -> None:
    log.record(*exposure("客 1\n\"'"))
    assert log.flush()
    (path,) = log.folder.rglob("*.jsonl")
    assert path == log.folder / "checklist" / "2026-03-11.jsonl"
    (record,) = records(log.folder)
    assert record.pop("id")
    assert record == {
        "at": "2026-03-11T12:00:00.250000Z",
        "experiment": "checklist",
        "version": 1,
        "variant": "new",
        "unit": "客 1\n\"'",
        "hash_version": 1,
    }
    assert path.stat().st_mode & 0o007 == 0, "a stranger on the machine may read ids"


def test_one_file_an_experiment_and_day(tmp_path: Path) -> None:
    moments = iter(NOON + dt.timedelta(seconds=later) for later in (0, 12 * 3600 - 0.3, 12 * 3600, 90_000))
    with ExposureLog(tmp_path, clock=lambda: next(moments)) as log:
        for number, slug in enumerate(["a", "a", "a", "b.2"]):
            log.record(*exposure(f"c{number}", experiment=slug))
    found = {str(path.relative_to(tmp_path)): len(path.read_text().split()) for path in tmp_path.rglob("*.jsonl")}
    assert found == {"a/2026-03-11.jsonl": 2, "a/2026-03-12.jsonl": 1, "b.2/2026-03-12.jsonl": 1}


def test_repeats_are_written_once(log: ExposureLog) -> None:
    for _ in range(3):
        for number in range(50):
            assert log.record(*exposure(f"c{number}"))
    assert log.flush()
    assert len(records(log.folder)) == 50
    assert (log.counts.written, log.counts.repeated, log.counts.dropped) == (50, 100, 0)
    # Another version or variant is news, and so is another experiment.
    for change in ({"version": 2}, {"variant": "control"}, {"experiment": "other"}):
        log.record(*exposure("c1", **change))
    assert log.flush()
    assert log.counts.written == 53


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    with ExposureLog(tmp_path, remember=1000, capacity=100_000) as log:
        for number in range(20_000):
            log.record(*exposure(f"c{number}"))
        assert len(log._recent) + len(log._older) <= 1000
        log.record(*exposure("c19999"))
        assert log.counts.repeated == 1
        log.record(*exposure("c0"))
        assert log.counts.repeated == 1
    assert len(records(tmp_path)) == 20_001


def test_every_record_has_an_id_of_its_own(tmp_path: Path) -> None:
    for _ in range(3):
        with ExposureLog(tmp_path) as log:
            for number in range(100):
                log.record(*exposure(f"c{number}"))
    assert len({record["id"] for record in records(tmp_path)}) == 300


def test_sixteen_threads(tmp_path: Path) -> None:
    log = ExposureLog(tmp_path, capacity=100_000)
    begin = threading.Barrier(16)

    def work() -> None:
        begin.wait()
        for number in range(1000):
            log.record(*exposure(f"c{number}"))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.close()
    assert Counter(record["unit"] for record in records(tmp_path)) == Counter(f"c{n}" for n in range(1000))
    assert (log.counts.written, log.counts.repeated, log.counts.dropped) == (1000, 15_000, 0)


WORKER = """
import sys
from holdfast.serve import ExposureLog, Treatment
with ExposureLog(sys.argv[1], linger=0.001) as log:
    for n in range(2000):
        while not log.record(Treatment("checklist", 1, "new"), f"{sys.argv[2]}-{n}-" + "x" * (n % 700)):
            pass
assert log.counts.written == 2000, log.counts
"""


def test_several_processes_into_one_file(tmp_path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(number)], stderr=subprocess.PIPE)
        for number in range(4)
    ]
    for process in started:
        assert process.wait(60) == 0, process.communicate()[1]
        process.communicate()
    found = records(tmp_path)
    assert len(found) == 8000
    assert len({record["unit"] for record in found}) == len({record["id"] for record in found}) == 8000


FORK = """
import os, sys, threading, warnings
from holdfast.serve import ExposureLog, Treatment
warnings.simplefilter("ignore", DeprecationWarning)
log = ExposureLog(sys.argv[1], linger=0.2)
stop = threading.Event()
def busy():
    n = 0
    while not stop.is_set():
        n += 1
        log.record(Treatment("checklist", 1, "new"), f"thread-{n % 1000}")
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads:
    thread.start()
log.record(Treatment("checklist", 1, "new"), "parent-before")
children = []
for number in range(20):
    pid = os.fork()
    if pid == 0:
        log.record(Treatment("checklist", 1, "new"), "parent-before")
        log.record(Treatment("checklist", 1, "new"), f"child-{number}")
        os._exit(0 if log.close() and log.counts.written == 1 and log.counts.repeated == 1 else 1)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
stop.set()
for thread in threads:
    thread.join()
log.record(Treatment("checklist", 1, "new"), "parent-after")
assert codes == [0] * 20, codes
"""


def test_a_forked_process_has_a_log_of_its_own(tmp_path: Path) -> None:
    """Also while other threads are in the middle of recording; the parent's own exit closes its log."""
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found = records(tmp_path)
    units = Counter(record["unit"] for record in found)
    assert len({record["id"] for record in found}) == len(found)
    assert units.most_common(1)[0][1] == 1
    assert {"parent-before", "parent-after", *(f"child-{n}" for n in range(20)), "thread-999"} <= set(units)


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "raise SystemError", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_what_is_waiting_is_written_at_the_end(tmp_path: Path, ending: str) -> None:
    code = f"""
import os, signal, sys
from holdfast.serve import ExposureLog, Treatment
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
log = ExposureLog({str(tmp_path)!r}, linger=30)
for n in range(100):
    log.record(Treatment("checklist", 1, "new"), f"c{{n}}")
{ending}
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20, check=False)
    assert len(records(tmp_path)) == 100


class TestADiskThatDoesNotPlayAlong:
    def test_a_stalled_disk_never_blocks_the_service(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A named pipe without a reader: opening it to write never returns."""
        (tmp_path / "checklist").mkdir()
        os.mkfifo(tmp_path / "checklist" / "2026-03-11.jsonl")
        log = ExposureLog(tmp_path, capacity=100, linger=0, clock=lambda: NOON)
        with caplog.at_level(logging.WARNING, "holdfast.serve"):
            slowest = 0.0
            for number in range(5000):
                begin = time.perf_counter()
                log.record(*exposure(f"secret-{number}"))
                slowest = max(slowest, time.perf_counter() - begin)
            begin = time.perf_counter()
            assert not log.close(timeout=0.2)
            assert time.perf_counter() - begin < 5
        assert slowest < 1
        assert (log.counts.written, log.counts.waiting, log.counts.dropped) == (0, 0, 5000)
        assert "does not keep up" in caplog.text
        assert "exposures lost so far: 5000" in caplog.text
        assert len(caplog.records) == 2, "once a minute, and at the end"
        assert "secret" not in caplog.text
        # The thread that hangs is let go, or it would hang at the end of the tests.
        os.close(os.open(tmp_path / "checklist" / "2026-03-11.jsonl", os.O_RDONLY | os.O_NONBLOCK))

    def test_a_dropped_exposure_may_come_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        go_on = threading.Event()
        append = log_module._append
        monkeypatch.setattr(log_module, "_append", lambda *a: go_on.wait(10) and append(*a))
        with ExposureLog(tmp_path, capacity=2, linger=0) as log:
            assert [log.record(*exposure(f"c{n}")) for n in range(4)] == [True, True, False, False]
            go_on.set()
            assert log.flush()
            assert log.record(*exposure("c3"))
        assert {record["unit"] for record in records(tmp_path)} == {"c0", "c1", "c3"}

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
    def test_a_full_disk_is_tried_again(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = tmp_path / "checklist" / "2026-03-11.jsonl"
        path.parent.mkdir()
        path.symlink_to("/dev/full")
        log = ExposureLog(tmp_path, linger=0, clock=lambda: NOON)
        with caplog.at_level(logging.WARNING, "holdfast.serve"):
            for number in range(10):
                assert log.record(*exposure(f"c{number}"))
            assert not log.flush(0.2)
        assert "No space left on device" in caplog.text
        assert (log.counts.written, log.counts.waiting, log.counts.dropped) == (0, 10, 0)
        path.unlink()
        assert log.close()
        assert {record["unit"] for record in records(tmp_path)} == {f"c{n}" for n in range(10)}
        assert log.counts.dropped == 0

    def test_a_disk_that_takes_a_part(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every length of a short write: each record is there once among the whole lines, or twice under one id."""
        write = os.write
        for cut in range(3, 700, 17):
            sizes = iter([cut])
            monkeypatch.setattr(os, "write", lambda file, data: write(file, data[: next(sizes, len(data))]))  # noqa: B023
            folder = tmp_path / str(cut)
            with ExposureLog(folder, linger=0.02) as log:
                for number in range(5):
                    log.record(*exposure(f"c{number}"))
            monkeypatch.undo()
            whole = [
                json.loads(line)
                for path in folder.rglob("*.jsonl")
                for line in path.read_text().splitlines()
                if line.endswith("}")
            ]
            assert Counter(unit for unit, _ in {(r["unit"], r["id"]) for r in whole}) == Counter(
                f"c{n}" for n in range(5)
            )
            assert log.counts.written == 5

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        log = ExposureLog(tmp_path / "file" / "exposures", linger=0)
        assert log.record(*exposure())
        assert not log.close(timeout=0.1)
        assert log.counts.dropped == 1

    def test_no_thread_to_be_had(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        log = ExposureLog(tmp_path)
        assert not log.record(*exposure())
        monkeypatch.undo()
        assert log.record(*exposure())
        assert log.close()
        assert (log.counts.written, log.counts.dropped) == (1, 1)


def test_a_closed_log_counts_and_takes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = ExposureLog(tmp_path)
    assert log.close()
    assert log.close()
    with caplog.at_level(logging.WARNING, "holdfast.serve"):
        for number in range(100):
            assert not log.record(*exposure(f"c{number}"))
    assert log.counts.dropped == 100
    assert [record.message for record in caplog.records] == [
        "exposure log: the log is closed; exposures lost so far: 1, waiting: 0"
    ]
    assert not list(tmp_path.iterdir())


def test_a_log_that_nobody_holds_is_no_leak(tmp_path: Path) -> None:
    gc.collect()
    before = len(log_module._logs)
    for _ in range(10):
        ExposureLog(tmp_path)
    gc.collect()
    assert len(log_module._logs) == before


class TestTheHook:
    def ask(self, connect: Connect, log: ExposureLog, units: int = 200, **design: Any) -> Any:
        client = connect(flag(**design))
        api.add_hooks([ExposureHook(log)])
        found = {f"c{n}": client.get_string_details("checklist", "x", context(f"c{n}")) for n in range(units)}
        assert log.flush()
        return found

    def test_whoever_is_drawn_is_logged_with_the_variant_served(self, connect: Connect, log: ExposureLog) -> None:
        found = self.ask(connect, log, traffic=Decimal("0.5"), version=4)
        drawn = {unit: details.variant for unit, details in found.items() if details.reason == Reason.SPLIT}
        assert 60 < len(drawn) < 140
        logged = records(log.folder)
        assert {record["unit"]: record["variant"] for record in logged} == drawn
        assert len(logged) == len(drawn)
        assert {(record["experiment"], record["version"], record["hash_version"]) for record in logged} == {
            ("checklist", 4, 1)
        }

    @pytest.mark.parametrize(
        "design",
        [
            {"audience": {"country": "JP"}},
            {"consents": ("email_opt_in",)},
            {"opens": START + dt.timedelta(days=30)},
            {"closes": START + dt.timedelta(days=1)},
            {"salt": None},
            {"problem": "is assigned in blocks"},
            {"audience": {"spend": "top 5%"}},
        ],
        ids=lambda design: next(iter(design)),
    )
    def test_nobody_else_is(self, connect: Connect, log: ExposureLog, design: dict[str, Any]) -> None:
        self.ask(connect, log, 20, **design)
        assert not records(log.folder)
        assert log.counts.dropped == 0

    def test_an_error_of_type_is_no_exposure(self, connect: Connect, log: ExposureLog) -> None:
        client = connect(flag())
        api.add_hooks([ExposureHook(log)])
        client.get_integer_value("checklist", 1, context())
        client.get_string_value("checklist", "x", context(None))
        client.get_string_value("unknown", "x", context())
        assert log.flush()
        assert not records(log.folder)

    def test_other_providers_flags_are_not_its_business(self, connect: Connect, log: ExposureLog) -> None:
        class Other(InMemoryProvider):
            def resolve_string_details(self, *_: Any, **__: Any) -> FlagResolutionDetails[str]:
                return FlagResolutionDetails("b", reason=Reason.SPLIT, variant="b", flag_metadata={"experiment": "x"})

        client = connect(provider=Other({"x": InMemoryFlag("on", {"on": "a"})}))
        api.add_hooks([ExposureHook(log)])
        assert client.get_string_value("x", "default", context()) == "b"
        assert log.flush()
        assert not records(log.folder)

    def test_the_unit_that_was_drawn_is_logged_whatever_a_hook_made_of_the_context(
        self, connect: Connect, log: ExposureLog
    ) -> None:
        class SignedIn(Hook):
            def before(self, hook_context: HookContext, hints: HookHints) -> EvaluationContext:
                return EvaluationContext(targeting_key="signed-in")

        client = connect(flag())
        api.add_hooks([ExposureHook(log), SignedIn()])
        for key in ("visitor", None):
            assert client.get_string_details("checklist", "x", context(key)).reason == Reason.SPLIT
        assert log.flush()
        assert [record["unit"] for record in records(log.folder)] == ["signed-in"]

    def test_what_another_provider_passes_on_is_logged(self, connect: Connect, log: ExposureLog) -> None:
        """A provider around Holdfast's, such as one that asks several, makes answers of its own."""

        class Around(HoldfastProvider):
            changes: ClassVar[dict[str, Any]] = {}

            def resolve_string_details(self, *args: Any, **named: Any) -> FlagResolutionDetails[str]:
                found = super().resolve_string_details(*args, **named)
                metadata = {**found.flag_metadata, **self.changes}
                return FlagResolutionDetails(found.value, reason=found.reason, flag_metadata=metadata)

        client = connect(provider=Around(Flags(flag()), clock=lambda: MIDDLE))
        api.add_hooks([ExposureHook(log)])
        variant = client.get_string_value("checklist", "x", context("c1"))
        assert log.flush()
        assert [(record["unit"], record["variant"]) for record in records(log.folder)] == [("c1", variant)]
        # What cannot be logged is counted, and the service has its answer all the same.
        for changes in ({"version": "?"}, {"experiment": "../../etc"}):
            Around.changes = changes
            assert client.get_string_details("checklist", "x", context("c2")).error_code is None
        assert log.counts.dropped == 2
        assert log.counts.written == 1

    def test_no_id_is_shown_anywhere(
        self, connect: Connect, log: ExposureLog, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        client = connect(flag())
        api.add_hooks([ExposureHook(log)])
        with caplog.at_level(logging.DEBUG):
            details = client.get_string_details("checklist", "x", context("secret-7"))
        assert log.flush()
        assert "secret-7" not in repr(details) + caplog.text + "".join(capfd.readouterr())
        assert "secret-7" in (log.folder / "checklist" / "2026-03-11.jsonl").read_text()


def test_a_signal_in_the_middle_of_a_record_does_not_hang(tmp_path: Path) -> None:
    """A handler runs between two steps of the main thread, perhaps while that holds the lock."""
    code = f"""
import itertools, signal
from holdfast.serve import ExposureLog, Treatment
log, new, numbers = ExposureLog({str(tmp_path)!r}, capacity=10**6), Treatment("checklist", 1, "new"), itertools.count()
signal.signal(signal.SIGALRM, lambda *_: log.record(new, f"signal-{{next(numbers)}}"))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for k in range(60_000):
    log.record(new, f"main-{{k}}")
signal.setitimer(signal.ITIMER_REAL, 0)
log.flush(30)
log.close()
print(next(numbers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = records(tmp_path)
    assert len({record["unit"] for record in found}) == 60_000 + int(done.stdout)
    assert len({record["id"] for record in found}) == len(found)
