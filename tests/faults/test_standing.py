"""Where experiments stand, and what doctor finds, with the state of a project made and broken on purpose."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

import holdfast
from holdfast.cli.app import main
from holdfast.errors import TransientError, UsageError
from holdfast.project.diagnosis import Line, doctor, within
from holdfast.project.standing import Standing
from tests.documents import checked
from tests.faults.healthy import DRAWN, PLANTED

Run = Callable[..., tuple[int, str, str]]
DAILY = DRAWN.replace("{date: 2026-01-15}", "{from: 2026-01-10, for: 7d, each: day}").replace("drawn-1", "daily-1")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, healthy: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Types a command in the project's folder."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(healthy)
        monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def stands(folder: Path, slug: str, as_of: str) -> Standing:
    (found,) = holdfast.open_project(folder).status(slug, as_of=as_of)
    return found


def coming_in(folder: Path) -> None:
    """An experiment of daily batches, with customers who sign up from 11 to 15 January."""
    write(folder, "daily", DAILY)
    customers = folder / "customers.csv"
    text = customers.read_text()
    for day in range(11, 16):
        text = text.replace(f"2025-06-{day}", f"2026-01-{day}")
    customers.write_text(text)


def write(folder: Path, slug: str, text: str) -> Path:
    path = folder / "experiments" / slug / "experiment.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_experiment_goes_through_all_states(healthy: Path) -> None:
    """By the definitions: enrolment 10 to 16 January, windows of 7 days, facts a day late, so readout on 25 January."""
    coming_in(healthy)
    path = healthy / "experiments/daily/experiment.yaml"
    before = stands(healthy, "daily", "2026-01-01")
    assert (before.state, before.next) == ("planned", "holdfast assign daily, from 2026-01-10 on")
    assert stands(healthy, "daily", "2026-01-12").next == "holdfast assign daily"
    experiment = holdfast.open_project(healthy).experiment("daily")
    done = experiment.assign("2026-01-12")

    now = stands(healthy, "daily", "2026-01-12")
    assert (now.state, now.next, now.enrolled) == ("enrolling", "", done.counts)
    assert stands(healthy, "daily", "2026-01-13").next == "holdfast assign daily"
    total = sum(done.counts.values())
    assert now.planned == {"control": total / 2, "letter": total / 2}
    assert now.per_day == pytest.approx(total / 3)
    assert now.expected_total == round(total / 3 * 7)
    assert (now.readout, now.days_to_readout) == (experiment.plan("2026-02-01").readout, 13)
    assert (now.mature, now.health) == (0.0, "fine")

    done = experiment.assign("2026-01-20")
    waiting = stands(healthy, "daily", "2026-01-17")
    assert (waiting.state, waiting.next, waiting.mature) == ("waiting", "read it on 2026-01-25", 0.0)
    # All who came in on the first day, and nobody else: 10 + 7 + 1 days.
    first = experiment.study.root / "data/assignments/daily/v1/manifest.json"
    counts = json.loads(first.read_text())["batches"][0]["counts"]
    later = stands(healthy, "daily", "2026-01-18")
    assert later.mature is not None
    assert 0 < later.mature < 1
    assert later.mature == pytest.approx(sum(counts.values()) / sum(done.counts.values()))

    ready = stands(healthy, "daily", "2026-01-25")
    assert (ready.state, ready.next, ready.mature) == ("ready to read", "holdfast analyze daily", 1.0)
    holdfast.open_project(healthy).experiment("daily").analyze("2026-01-25").write()
    read = stands(healthy, "daily", "2026-01-26")
    assert (read.state, read.report) == ("analysed", "reports/daily/2026-01-25/report.md")
    assert stands(healthy, "daily", "2026-01-24").report is None, "as of a date before it was written"

    path.write_text(DAILY.replace("for: 7d", "for: 8d"))
    assert stands(healthy, "daily", "2026-01-26").state == "changed after its start"
    path.write_text(DAILY)
    (path.parent / "decision.yaml").write_text("decision: ship\n")
    assert stands(healthy, "daily", "2026-01-26").state == "decided"


def test_the_window_of_maturity_is_that_of_the_plan(healthy: Path) -> None:
    """Maturity from counts alone agrees with the analysis, unit by unit, on every day."""
    coming_in(healthy)
    experiment = holdfast.open_project(healthy).experiment("daily")
    experiment.assign("2026-01-20")
    for day in (18, 19, 21, 23, 25):
        stand = stands(healthy, "daily", f"2026-01-{day}")
        batches = json.loads((healthy / "data/assignments/daily/v1/manifest.json").read_text())["batches"]
        closed = sum(sum(b["counts"].values()) for b in batches if int(b["as_of"][-2:]) + 8 <= day)
        assert stand.mature == pytest.approx(closed / sum(stand.enrolled.values())), day


def test_finished_drafts_and_wrong_files(healthy: Path) -> None:
    handed = stands(healthy, "handed", "2026-02-02")
    assert (handed.state, handed.next, handed.mature) == ("ready to read", "holdfast analyze handed", 1.0)
    assert stands(healthy, "handed", "2026-01-20").state == "waiting"
    write(healthy, "draft", DRAWN.replace("A letter helps.", "TODO").replace("a@example.com", "TODO"))
    draft = stands(healthy, "draft", "2026-02-02")
    assert (draft.state, draft.todos, draft.errors) == ("draft", 2, 0)
    write(healthy, "wrong", DRAWN.replace("primary: revenue", "primary: revenu"))
    wrong = stands(healthy, "wrong", "2026-02-02")
    assert (wrong.state, wrong.todos, wrong.errors, wrong.next) == ("invalid file", 0, 1, "holdfast validate wrong")
    everything = holdfast.open_project(healthy).status(as_of="2026-02-02")
    assert [item.slug for item in everything] == ["draft", "drawn", "handed", "wrong"]
    with pytest.raises(UsageError, match='did you mean "drawn"'):
        holdfast.open_project(healthy).status("drwan")


def test_a_wrong_split_is_told_from_counts_alone(healthy: Path) -> None:
    write(healthy, "daily", DAILY)
    holdfast.open_project(healthy).experiment("daily").assign("2026-01-20")
    lock = healthy / "experiments/daily/lock.yaml"
    text = lock.read_text()
    first = text[text.index("counts: {control: ") :].partition("}")[0]
    lock.write_text(text.replace(first, "counts: {control: 300, letter: 100", 1))
    for name in ("orders.csv", "customers.csv"):
        (healthy / name).unlink()
    assert stands(healthy, "daily", "2026-01-20").health == "split wrong"


def test_status_is_printed_in_every_form(run: Run, healthy: Path) -> None:
    code, out, err = run("status", "--as-of", "2026-01-01")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["experiment", "state", "enrolled", "mature", "readout", "split", "report", "next"]
    assert [line.split()[:2] for line in lines[1:]] == [["drawn", "planned"], ["handed", "waiting"]]
    assert "\x1b" not in out
    document = checked("status", run("status", "--json", "--as-of", "2026-01-01")[1])
    assert document["schema"] == "holdfast.status/1"
    assert document["experiments"][0]["readout"] == "2026-01-23"
    assert set(document["experiments"][0]) == set(asdict(stands(healthy, "drawn", "2026-01-01")))
    assert "state" in run("status", "drawn")[1].splitlines()[1]
    assert run("status", "drwan")[0] == 2
    assert run("status", "--as-of", "soon")[0] == 2
    shutil.rmtree(healthy / "experiments")
    assert "holdfast new" in run("status")[2]


def test_status_shows_no_effect_and_no_id(run: Run, healthy: Path) -> None:
    project = holdfast.open_project(healthy)
    project.experiment("drawn").assign("2026-01-20")
    analysis = project.experiment("drawn").analyze("2026-01-25")
    analysis.write()
    shown = "".join(run("status", *extra, "--as-of", "2026-02-01")[1] for extra in ((), ("drawn",), ("--json",)))
    assert PLANTED not in shown
    assert analysis.verdict.recommendation not in shown
    for row in analysis.analysis.estimates:
        assert row.estimate is None or f"{row.estimate:.2f}" not in shown or abs(row.estimate) < 0.5


# doctor


def lines(folder: Path) -> dict[str, Line]:
    return {line.what: line for line in doctor(folder, lambda _: None)}


def test_all_is_well(healthy: Path, run: Run) -> None:
    subprocess.run(["git", "init", "-q", str(healthy)], check=True)
    (healthy / ".gitignore").write_text("data/\n")
    found = lines(healthy)
    assert {what: line for what, line in found.items() if line.answer == "problem"} == {}
    assert {"Python", "duckdb", "files", "folder reports/", "disk space", "locks", "ids out of git", "opens",
            "memory limit", "threads", "source orders", "source given"} <= set(found)  # fmt: skip
    assert found["source orders"].found == "4 columns, read by 2 experiments"
    code, out, err = run("doctor", "-q")
    assert code == 0
    assert out.splitlines()[0] == "installation"
    assert err.startswith("0 problems, ")
    document = checked("doctor", run("doctor", "--json")[1])
    assert (document["schema"], document["problems"]) == ("holdfast.doctor/1", 0)
    assert [line["what"] for line in document["lines"]] == [
        line.what for line in holdfast.open_project(healthy).doctor()
    ]


def _no_source(folder: Path) -> None:
    (folder / "orders.csv").unlink()


def _wrong_file(folder: Path) -> None:
    write(folder, "wrong", DRAWN.replace("primary: revenue", "primary: revenu"))


def _unset(folder: Path) -> None:
    path = folder / "configs/project.yaml"
    path.write_text(path.read_text() + 'connection: {files: "${env:HOLDFAST_NOWHERE}"}\n')


def _no_database(folder: Path) -> None:
    path = folder / "configs/project.yaml"
    path.write_text(path.read_text() + "connection: {database: data/shop.duckdb}\n")


def _tracked(folder: Path) -> None:
    ids = folder / "data/assignments/drawn/v1/2026-01-15.parquet"
    ids.parent.mkdir(parents=True)
    ids.write_text("ids")
    for arguments in (["init", "-q"], ["add", "-f", "data"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def _not_ignored(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)


@pytest.mark.parametrize(
    ("broken", "what", "says"),
    [
        (_no_source, "source orders", "no file matches {files}/orders.csv"),
        (_wrong_file, "files", "errors, 0 warnings"),
        (_unset, "variable HOLDFAST_NOWHERE", "not set"),
        (_no_database, "opens", "the database data/shop.duckdb does not exist"),
        (_tracked, "ids out of git", "1 files of data/assignments are committed"),
        (_not_ignored, "ids out of git", "data/assignments is not ignored"),
    ],
)
def test_each_problem_is_found_with_what_to_do(
    healthy: Path, run: Run, broken: Callable[[Path], None], what: str, says: str
) -> None:
    broken(healthy)
    line = lines(healthy)[what]
    assert line.answer == "problem"
    assert says in line.found
    assert line.do
    code, out, _ = run("doctor", "-q")
    assert code == 1
    assert f"-> {line.do}" in out


def test_folders_that_cannot_be_written(healthy: Path) -> None:
    (healthy / "reports").write_text("a file in its place")
    line = lines(healthy)["folder reports/"]
    assert (line.answer, line.found) == ("problem", "not writable")


def test_little_room(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(healthy)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=50_000_000))
    assert lines(healthy)["disk space"].answer == "problem"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=500_000_000))
    assert lines(healthy)["disk space"].answer == "note"


def test_a_busy_database_is_no_lasting_problem(healthy: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise TransientError("the database: another program is using the database file")

    monkeypatch.setattr("holdfast.warehouse.connect", busy)
    code, out, _ = run("doctor", "-q")
    assert code == 3
    assert "another program is using the database file" in out


def test_who_works_and_what_killed_runs_left(healthy: Path) -> None:
    home = healthy / "data/assignments/drawn/v1"
    home.mkdir(parents=True)
    (home / ".holdfast-abc.tmp").mkdir()
    assert lines(healthy)["remnants"].found == "1 unfinished folders of killed runs"
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = lines(healthy)["locks"]
    assert found.answer == "note"
    assert "somebody is assigning now (data/assignments/drawn/v1)" in found.found
    shutil.rmtree(home / ".holdfast-abc.tmp")
    assert lines(healthy)["locks"].answer == "ok"


def test_values_of_variables_are_never_shown(healthy: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_NOWHERE", str(healthy))
    _unset(healthy)
    code, out, _ = run("doctor", "-q")
    assert (code, str(healthy) in out) == (0, False)
    assert "variable HOLDFAST_NOWHERE" in out


def test_outside_a_project_it_says_how_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["holdfast", "doctor", "-q"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert int(stopped.value.code or 0) == 0
    out = capsys.readouterr().out
    assert "duckdb" in out
    assert "start one: holdfast init" in out


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("1.5.6", ">=1.4,<2", True),
        ("2.0.0", ">=1.4,<2", False),
        ("1.3.9", ">=1.4,<2", False),
        ("12.0", ">=12,<13", True),
        ("6.0.2rc1", ">=6.0.2", True),
        ("1.10", ">=1.9", True),
        ("3", "!=3.0", False),
        ("3.1", "==3.1.0", True),
        ("1", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, bounds: str, fits: bool) -> None:
    assert within(version, bounds) is fits


def test_status_of_many_experiments_takes_no_engine(healthy: Path, run: Run) -> None:
    """Fifty of them in a few seconds on a busy machine, and none of it in an engine."""
    for number in range(50):
        write(healthy, f"more-{number}", DRAWN.replace("drawn-1", f"more-{number}"))
    (healthy / "customers.csv").unlink()
    begun = time.process_time()
    assert run("status", "--as-of", "2026-01-01")[1].count("planned") == 51
    assert time.process_time() - begun < 10
