"""A service that is killed at any point: what its log held is read back by Holdfast, whole and once."""

from __future__ import annotations

import datetime as dt
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from holdfast import warehouse
from holdfast.errors import DataError
from holdfast.model.study import Study
from holdfast.serve import ExposureLog, Treatment
from holdfast.warehouse.relations import events, relation
from tests.builders import study as build

NOON = dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC)
FILE = Path("checklist") / "2026-03-11.jsonl"


def source(folder: Path, path: str = "checklist/*.jsonl", **format_: Any) -> Study:
    """A study whose only source is the log in a folder, in a zone far from UTC."""
    return build(
        folder,
        project={"timezone": "Asia/Tokyo"},
        sources={
            "exposures": {
                "grain": "event",
                "path": path,
                "union": True,
                "format": {"kind": "exposures", **format_},
                "keys": {"customer": "unit"},
                "timestamp": "at",
                "properties": ["variant"],
                "facts": {"shown": {}},
            }
        },
        metrics={},
        experiment={"metrics": {"primary": "none"}, "enroll": {"date": "2026-03-11"}},
    )


def read(folder: Path, path: str = "checklist/*.jsonl", **format_: Any) -> list[dict[str, Any]]:
    """The records that Holdfast counts."""
    study = source(folder, path, **format_)
    with warehouse.connect(study.project.connection, folder, folder) as engine:
        return engine.rows("exposures", relation(engine, study, "exposures", ["id", "unit", "variant", "version"]))


def write(folder: Path, *units: str) -> None:
    """One process's records."""
    with ExposureLog(folder, clock=lambda: NOON) as log:
        for unit in units:
            log.record(Treatment("checklist", 1, f"v-{unit}"), unit)


def units(rows: list[dict[str, Any]]) -> list[str]:
    assert all(row["variant"] == f"v-{row['unit']}" for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    return sorted(row["unit"] for row in rows)


def test_a_write_cut_at_any_byte_swallows_nothing_of_the_next_process(tmp_path: Path) -> None:
    """Cut anywhere, the lines before the cut count and the cut one does not; the next process's lines all do."""
    expected, size = [], 1
    cut = 0
    while cut <= size:
        folder = tmp_path / f"cut-{cut:03d}"
        write(folder, f"{cut:03d}-a", f"{cut:03d}-客")
        whole = (folder / FILE).read_bytes()
        size = len(whole)
        ends = {"a": whole.index(b"}") + 1, "客": whole.rindex(b"}") + 1}
        (folder / FILE).write_bytes(whole[:cut])
        write(folder, f"{cut:03d}-next")
        expected += [f"{cut:03d}-{name}" for name, end in ends.items() if end <= cut] + [f"{cut:03d}-next"]
        cut += 1
    assert size > 250
    assert units(read(tmp_path, path="*/checklist/*.jsonl")) == sorted(expected)


KILLED = """
import datetime as dt, os, signal, sys
from holdfast.serve import ExposureLog, Treatment
folder, name, cut = sys.argv[1], sys.argv[2], int(sys.argv[3])
noon = dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC)
write = os.write
def torn(file, data):
    write(file, data[:cut])
    os.kill(os.getpid(), signal.SIGKILL)
log = ExposureLog(folder, clock=lambda: noon, linger=0.1)
log.record(Treatment("checklist", 1, f"v-{name}-first"), f"{name}-first")
log.flush()
os.write = torn
for n in range(3):
    log.record(Treatment("checklist", 1, f"v-{name}-{n}"), f"{name}-{n}")
log.flush()
"""


def test_killed_in_the_middle_of_a_write(tmp_path: Path) -> None:
    expected: list[str] = []
    for number, cut in enumerate([0, 1, 2, 40, 130, 163, 164, 165, 166, 250, 329, 400]):
        arguments = [sys.executable, "-c", KILLED, str(tmp_path), f"p{number}", str(cut)]
        assert subprocess.run(arguments, check=False, timeout=60).returncode == -signal.SIGKILL
        expected.append(f"p{number}-first")
    found = units(read(tmp_path))
    assert len(found) == len(set(found))
    assert set(expected) <= set(found)
    # What was cut is not there, and what was whole before the cut is: at most two of three, in their order.
    for number in range(12):
        mine = [unit for unit in found if unit.startswith(f"p{number}-") and not unit.endswith("first")]
        assert mine == [f"p{number}-{n}" for n in range(len(mine))]
        assert len(mine) < 3
    assert len(found) > len(expected)


BUSY = """
import datetime as dt, sys
from holdfast.serve import ExposureLog, Treatment
folder, name = sys.argv[1], sys.argv[2]
noon = dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC)
log = ExposureLog(folder, capacity=10**6, linger=0.0005, clock=lambda: noon)
n = 0
while True:
    for _ in range(50):
        unit = f"{name}-{n:07d}-" + "x" * (n % 300)
        log.record(Treatment("checklist", 1, "v-" + unit), unit)
        n += 1
    log.flush(60)
    print(n, flush=True)
"""


def test_killed_at_any_time_while_others_go_on(tmp_path: Path) -> None:
    """Twelve kills at random times, two processes at a time in one file: what a flush had promised is all there."""
    draw = random.Random(11)
    promised: dict[str, int] = {}
    running: list[tuple[str, subprocess.Popen[str]]] = []
    for number in range(12):
        name = f"p{number}"
        process = subprocess.Popen([sys.executable, "-c", BUSY, str(tmp_path), name], stdout=subprocess.PIPE, text=True)
        running.append((name, process))
        assert process.stdout
        process.stdout.readline()
        time.sleep(draw.uniform(0, 0.05))
        if len(running) == 2 or number == 11:
            _kill(*running.pop(0), promised)
    for name, process in running:
        _kill(name, process, promised)
    found = Counter(unit.rpartition("-")[0] for unit in units(read(tmp_path)))
    assert set(found.values()) == {1}
    for name, n in promised.items():
        assert n >= 50
        missing = [number for number in range(n) if f"{name}-{number:07d}" not in found]
        assert not missing, f"{name} lost {len(missing)} of {n}"


def _kill(name: str, process: subprocess.Popen[str], promised: dict[str, int]) -> None:
    process.kill()
    rest = process.communicate()[0].split()
    promised[name] = int(rest[-1]) if rest else 50
    assert process.returncode == -signal.SIGKILL


def test_files_that_were_shipped_twice_count_once(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    shutil.copy(tmp_path / FILE, tmp_path / "checklist" / "2026-03-11.again.jsonl")
    assert units(read(tmp_path)) == ["a", "b"]


def test_whole_numbers_as_ids(tmp_path: Path) -> None:
    write(tmp_path, "7", "8")
    rows = read(tmp_path, columns={"unit": {"type": "integer"}})
    assert sorted(row["unit"] for row in rows) == [7, 8]


def test_the_time_of_an_exposure_is_an_instant(tmp_path: Path) -> None:
    """Noon in UTC, though the project's zone is Tokyo."""
    write(tmp_path, "a")
    study = source(tmp_path)
    with warehouse.connect(study.project.connection, tmp_path, tmp_path) as engine:
        (row,) = engine.rows("events", events(engine, study, "exposures", []))
    assert row["ts"].isoformat() == "2026-03-11T12:00:00"


@pytest.mark.parametrize("line", ['{"customer": "x', "[1, 2]", "12", "null", "customer=x"])
def test_other_json_lines_may_hold_nothing_else(tmp_path: Path, line: str) -> None:
    """Only the log of exposures may be torn; elsewhere a line that cannot be read is said, not lost."""
    (tmp_path / "e.jsonl").write_text('{"customer": "a", "at": "2026-03-11T12:00:00Z"}\n\n' + line + "\n")
    layout = {"kind": "json", "columns": {"customer": {"type": "string"}, "at": {"type": "timestamp"}}}
    with pytest.raises(DataError, match="source events: a line is no JSON object"):
        _events(tmp_path, format=layout)


def test_json_lines_in_every_type(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text(
        '{"customer": "a", "at": "2026-03-11T12:00:00Z", "n": 3, "x": 2.5, "ok": true, "d": "2026-03-11", "no/w": 1}\n'
        '{"customer": "b", "at": "2026-03-11T21:00:00+09:00", "n": null}\n'
        '{"customer": "c", "at": "2026-03-11 21:00:00", "amount": "12.345"}\n'
        '{"customer": "d", "at": "2026-03-12"}\n'
        '{"at": "2026-03-12"}\n'
    )
    kinds = {"customer": "string", "at": "timestamp", "n": "integer", "x": "float", "ok": "boolean", "d": "date"}
    columns = {name: {"type": kind} for name, kind in kinds.items()}
    columns |= {"no/w": {"type": "string"}, "amount": {"type": "decimal"}}
    rows = {row["unit"]: row for row in _events(tmp_path, format={"kind": "json", "columns": columns})}
    assert set(rows) == {"a", "b", "c", "d"}, "a line without a key belongs to nobody"
    assert {str(rows[unit]["ts"]) for unit in "abc"} == {"2026-03-11 12:00:00"}
    # A time without an offset is the wall clock of the source's zone, and so is a date.
    assert str(rows["d"]["ts"]) == "2026-03-11 15:00:00"
    found = {name.removeprefix("f_"): value for name, value in rows["a"].items()}
    assert (found["n"], found["x"], found["ok"], str(found["d"]), found["no/w"]) == (3, 2.5, True, "2026-03-11", "1")
    assert str(rows["c"]["f_amount"]) == "12.345000000"
    assert rows["b"]["f_n"] is None


def test_json_lines_without_a_format_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text('{"customer": "a"}\n')
    with pytest.raises(DataError, match="holds JSON lines; add format"):
        _events(tmp_path)


def _events(folder: Path, **fields: Any) -> list[dict[str, Any]]:
    layout = fields.get("format", {"columns": {}})
    study = build(
        folder,
        project={"timezone": "Asia/Tokyo"},
        sources={
            "events": {
                "grain": "event",
                "path": "e.jsonl",
                "keys": {"customer": "customer"},
                "timestamp": "at",
                **fields,
            }
        },
        metrics={},
        experiment={"metrics": {"primary": "none"}, "enroll": {"date": "2026-03-11"}},
    )
    wanted = [name for name in layout["columns"] if name not in {"customer", "at"}]
    with warehouse.connect(study.project.connection, folder, folder) as engine:
        return engine.rows("events", events(engine, study, "events", wanted))
