"""Assignments that another system made: counted, locked, compared with the lock, and never called what they are not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import holdfast
from holdfast.cli.app import main
from holdfast.errors import AssignmentError, DataError
from holdfast.project import AnalysisHandle
from tests.faults.conftest import EVENTS, FINISHED, METRICS, PLANTED, PROJECT, SOURCES, TACTICS, letters

Edit = Callable[[str, str, str], None]
ARMS = ("control", "letter")


def assigned(rows: int = 200, first: int = 1) -> list[str]:
    """Rows of assigned.csv: 20 days in January, ten units a day."""
    return [f"{PLANTED}{i},{ARMS[i % 2]},2026-01-{first + i % 20:02d} 08:00:00" for i in range(rows)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "configs/project.yaml": PROJECT,
        "configs/tactics/letters.yaml": TACTICS,
        "configs/sources/gifts.yaml": SOURCES,
        "configs/metrics/gifts.yaml": METRICS,
        "experiments/finished/experiment.yaml": FINISHED,
        "experiments/events/experiment.yaml": EVENTS,
        "letters.csv": "\n".join(["donor,arm,gift,gave,note", *letters()]) + "\n",
        "assigned.csv": "\n".join(["donor,arm,at", *assigned()]) + "\n",
        "gifts.csv": "donor,given_at,amount\n"
        + "".join(f"{PLANTED}{i},2026-01-{8 + i % 20:02d} 09:00:00,{i % 30}\n" for i in range(0, 200, 3)),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def on(day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be a day."""
    monkeypatch.setattr(holdfast.ExperimentHandle, "today", lambda _: dt.date.fromisoformat(day))


def handle(root: Path, slug: str = "events") -> holdfast.ExperimentHandle:
    return holdfast.open_project(root).experiment(slug)


def lock(root: Path, slug: str = "events") -> Path:
    return root / "experiments" / slug / "lock.yaml"


def rewrite(root: Path, rows: list[str]) -> None:
    (root / "assigned.csv").write_text("\n".join(["donor,arm,at", *rows]) + "\n", encoding="utf-8")


def deviations(analysis: AnalysisHandle) -> set[str]:
    return {deviation.id for deviation in analysis.analysis.deviations}


def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path, *arguments: str
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def test_what_is_counted_and_locked(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two rows repeat a unit, one of them in the other variant; three labels are no variant; 40 come after the date."""
    rows = assigned()
    extra = [rows[0], rows[2].replace(",control,", ",letter,"), *(f"{PLANTED}x{i},other,2026-01-02" for i in range(3))]
    rewrite(root, [*rows, *extra])
    code, out, err = typed(monkeypatch, capsys, root, "assign", "events", "--as-of", "2026-01-17", "-q")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "events: locked as of 2026-01-17; 159 assigned by another system (control 79, letter 80)",
        "  3 rows with a label that is no variant ((1 other label): 3)",
        "  2 rows that repeat a unit, 1 units seen in more than one variant",
    ]
    text = lock(root).read_text(encoding="utf-8")
    assert PLANTED not in text
    document = yaml.safe_load(text)
    assert (document["salt"], document["batches"]) == (None, [])
    (table,) = document["tables"]
    assert table.pop("checksum")
    assert table == {
        "as_of": "2026-01-17",
        "counts": {"control": 79, "letter": 80},
        "rows": 165,
        "unlisted": 3,
        "duplicates": 2,
        "crossovers": 1,
        "late": True,
    }
    assert not list((root / "data").rglob("*.parquet"))
    before = lock(root).read_bytes()
    code, out, _ = typed(monkeypatch, capsys, root, "assign", "events", "--as-of", "2026-01-17", "-q")
    assert out.startswith("events: nothing to do, locked as of 2026-01-17; 159 assigned")
    assert lock(root).read_bytes() == before


def test_all_leaves_other_systems_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, capsys, root, "assign", "--all", "-q")[0] == 0
    assert not lock(root).exists()
    assert not lock(root, "finished").exists()


def test_rows_may_be_added_later_and_are_locked_next(root: Path) -> None:
    rows = [row for row in assigned() if row.split(",")[2] < "2026-01-11"]
    rewrite(root, rows)
    handle(root).assign("2026-01-11")
    rewrite(root, assigned())
    handle(root).analyze()
    done = handle(root).assign("2026-01-21")
    assert (done.batches, sum(done.counts.values())) == (1, 200)
    assert [str(table["as_of"]) for table in yaml.safe_load(lock(root).read_text())["tables"]] == [
        "2026-01-11",
        "2026-01-21",
    ]
    handle(root).analyze()
    # A date without a new row adds nothing; an earlier one neither.
    assert handle(root).assign("2026-01-25").batches == 0
    assert handle(root).assign("2026-01-05").batches == 0


CHANGES: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a row gone": (lambda rows: rows[1:], "rows 200 -> 199, control 100 -> 99"),
    "a late row of early date": (
        lambda rows: [*rows, f"{PLANTED}999,letter,2026-01-03 08:00:00"],
        "rows 200 -> 201, letter 100 -> 101",
    ),
    "a variant changed": (
        lambda rows: [rows[0].replace("control", "letter"), *rows[1:]],
        "control 100 -> 99, letter 100 -> 101",
    ),
    "two variants swapped": (
        lambda rows: [rows[0].replace("control", "letter"), rows[1].replace("letter", "control"), *rows[2:]],
        "some units have another variant or time of assignment",
    ),
    "a time changed": (
        lambda rows: [rows[0].replace("08:00:00", "08:00:00.001"), *rows[1:]],
        "some units have another variant or time of assignment",
    ),
    "another unit": (lambda rows: [rows[0].replace(f"{PLANTED}0,", f"{PLANTED}z,"), *rows[1:]], "some units"),
    "a label that is none": (
        lambda rows: [rows[0].replace("control", "nobody"), *rows[1:]],
        "unlisted 0 -> 1, control 100 -> 99",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_old_rows_may_not_change(root: Path, name: str) -> None:
    handle(root).assign("2026-01-21")
    before = lock(root).read_bytes()
    change, says = CHANGES[name]
    rewrite(root, change(assigned()))
    for attempt in (lambda: handle(root).assign("2026-01-21"), lambda: handle(root).analyze()):
        with pytest.raises(AssignmentError) as refused:
            attempt()
        message = str(refused.value)
        assert "events: the table of another system is not the one that was locked as of 2026-01-21" in message
        assert says in message
        assert "rows with a later at may be added" in message
        assert PLANTED not in message
    assert lock(root).read_bytes() == before


def test_the_order_of_rows_is_no_change(root: Path) -> None:
    handle(root).assign("2026-01-21")
    rewrite(root, assigned()[::-1])
    handle(root).analyze()


def test_without_times_the_whole_table_is_locked(root: Path) -> None:
    handle(root, "finished").assign()
    handle(root, "finished").analyze()
    text = (root / "letters.csv").read_text()
    # Outcomes may still come in; they are no part of the assignment.
    (root / "letters.csv").write_text(text.replace(",hello", ",bye"))
    handle(root, "finished").analyze()
    (root / "letters.csv").write_text(text + f"{PLANTED}new,letter,1,1,hello\n")
    with pytest.raises(AssignmentError, match=r"rows 400 -> 401.*name assigned_at, the column with the time"):
        handle(root, "finished").analyze()


def test_rows_that_are_units_are_known_by_their_place(root: Path) -> None:
    path = root / "experiments" / "finished" / "experiment.yaml"
    path.write_text(path.read_text().replace("unit: donor", "unit: row"))
    done = handle(root, "finished").assign()
    assert sum(done.counts.values()) == 400
    handle(root, "finished").analyze()
    lines = (root / "letters.csv").read_text().splitlines()
    control = next(i for i, line in enumerate(lines) if ",control," in line)
    letter = next(i for i, line in enumerate(lines) if ",letter," in line)
    lines[control] = lines[control].replace(",control,", ",letter,")
    lines[letter] = lines[letter].replace(",letter,", ",control,")
    (root / "letters.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(AssignmentError, match="some units have another variant"):
        handle(root, "finished").analyze()


@pytest.mark.parametrize(("old", "new", "what"), [(f"{PLANTED}7,", ",", "key"), ("2026-01-08 08", " ", "time")])
def test_rows_of_nobody_or_of_no_time_are_refused(root: Path, old: str, new: str, what: str) -> None:
    text = (root / "assigned.csv").read_text()
    changed = [line.replace(old, new) if what == "key" else _timeless(line) for line in text.splitlines()]
    (root / "assigned.csv").write_text("\n".join(changed) + "\n")
    with pytest.raises(DataError, match=f'source "assigned": .* rows have no {what}'):
        handle(root).assign("2026-01-21")
    assert not lock(root).exists()


def _timeless(line: str) -> str:
    unit, arm, at = line.split(",")
    return f"{unit},{arm}," if at.startswith("2026-01-08") else line


@pytest.mark.parametrize(
    ("today", "as_of", "claims", "says"),
    [
        ("2026-01-01", "2026-01-01", set(), "None: the analysis is the one that was planned."),
        (
            "2026-01-11",
            "2026-01-11",
            {"locked_during_observation"},
            "Locked as of 11 Jan 2026, when the observation had begun or may have",
        ),
        (
            "2026-03-01",
            "2026-02-01",
            {"locked_after_observation"},
            "Not pre-registered: the lock was written when the observation had ended on 1 Feb 2026, as of 1 Feb 2026",
        ),
        # A date in the past does not make a lock older than it is.
        ("2026-03-01", "2026-01-01", {"locked_after_observation"}, "Not pre-registered: the lock was written when"),
    ],
)
def test_what_a_lock_proves(
    root: Path, monkeypatch: pytest.MonkeyPatch, today: str, as_of: str, claims: set[str], says: str
) -> None:
    on(today, monkeypatch)
    handle(root).assign(as_of)
    on("2026-03-01", monkeypatch)
    analysis = handle(root).analyze()
    assert deviations(analysis) == claims
    assert says in analysis.to_markdown()


def test_without_a_lock_nothing_is_claimed(root: Path) -> None:
    assert "not_pre_registered" in deviations(handle(root).analyze())


def test_the_start_of_a_file_without_dates_is_unknown(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "experiments" / "finished" / "experiment.yaml"
    path.write_text(
        path.read_text().replace("observed: {from: 2026-01-01, to: 2026-02-01}", "observed: {to: 2026-02-01}")
    )
    on("2026-01-02", monkeypatch)
    handle(root, "finished").assign()
    on("2026-03-01", monkeypatch)
    assert deviations(handle(root, "finished").analyze()) == {"locked_during_observation"}


def test_a_locked_design_is_not_edited(root: Path) -> None:
    handle(root).assign("2026-01-21")
    path = root / "experiments" / "events" / "experiment.yaml"
    text = path.read_text()
    path.write_text(text.replace("hypothesis: A letter brings", "hypothesis: A letter never brings"))
    for attempt in (lambda: handle(root).assign("2026-01-21"), lambda: handle(root).analyze()):
        with pytest.raises(AssignmentError, match="version: 2"):
            attempt()
    path.write_text(path.read_text() + "version: 2\n")
    with pytest.raises(AssignmentError, match="version 2 is not locked yet; run: holdfast assign events"):
        handle(root).analyze()
    assert handle(root).assign("2026-01-21").batches == 1
    assert "new_version" in deviations(handle(root).analyze())
