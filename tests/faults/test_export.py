"""Exports that must not happen: a clear error in counts, no id in any message, and nothing changed on disk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import holdfast
from holdfast.cli import main
from holdfast.errors import AssignmentError, DataError, HoldfastError, UsageError
from tests.exporting import assigned, contents, index, letter, make, rows, union, write_customers

IDS = [f"SECRET-{n:03d}" for n in range(40)]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Forty customers, assigned."""
    make(tmp_path, IDS).assign("2026-01-10")
    return tmp_path


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, stdout and stderr of a command typed in the project's folder."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(root)
        monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def refused(root: Path, kind: type[HoldfastError], says: str, **options: object) -> None:
    """The export is refused, tells no id, and leaves every file of the project as it was."""
    before = contents(root)
    with pytest.raises(kind, match=says) as error:
        letter(root).export(root / "out", **options)  # type: ignore[arg-type]
    assert "SECRET" not in str(error.value)
    assert contents(root) == before
    assert not (root / "out").exists()


@pytest.mark.parametrize(
    "bad",
    ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "+1e5", "--5", "+", "-5 "],
)
def test_an_id_that_a_spreadsheet_would_run(tmp_path: Path, bad: str) -> None:
    make(tmp_path, [*IDS, bad + "SECRET" if len(bad) > 1 and bad[-1] not in " 5" else bad]).assign("2026-01-10")
    refused(tmp_path, DataError, r"1 of 41 begin with .*--escape-formulas")


def test_formulas_are_escaped_on_demand_and_nothing_else_is(tmp_path: Path) -> None:
    bad = ["=1+1", "@x", "\tx", "-x", "＝1"]
    fine = [*IDS, "+819012345678", "-5", "-5.25", "'=x", "a=1", "0"]
    make(tmp_path, [*bad, *fine]).assign("2026-01-10")
    made = letter(tmp_path).export(tmp_path / "out", escape_formulas=True)
    assert union(tmp_path / "out") == {f"'{u}" if u in bad else u: v for u, v in assigned(tmp_path).items()}
    assert made.escaped == index(tmp_path / "out")["escaped"] == len(bad)


def test_escaping_may_not_make_two_people_one(tmp_path: Path) -> None:
    make(tmp_path, ["=x", "'=x"]).assign("2026-01-10")
    refused(tmp_path, DataError, "1 of 2 repeat the id of another unit", escape_formulas=True)


@pytest.mark.parametrize(
    ("emails", "form", "says"),
    [
        (["a@b.com"] * 3 + ["c@b.com"] * 2, "csv", "3 of 40 repeat the id of another unit;"),
        (["a@b.com", "A@B.com"], "mailchimp", "1 of 40 repeat .* upper and lower case taken as the same"),
        ([None, "", None], "csv", r"3 of 40 assigned units have no value there \(of them 0 are not in the source\)"),
        (["secret", "SECRET at b.com"], "mailchimp", "2 of 40 are not e-mail addresses; correct the data"),
        (['"a"@b.com', "a\n@b.com"], "braze", "2 of 40 are not ids that Braze can read"),
        (["=a@b.com"], "csv", "1 of 40 begin with"),
    ],
)
def test_a_column_that_does_not_tell_people_apart(root: Path, emails: list[str | None], form: str, says: str) -> None:
    others = [f"c{n}@example.com" for n in range(len(IDS) - len(emails))]
    write_customers(root, IDS, [*emails, *others])
    refused(root, DataError, says, id="email", format=form)


def test_upper_and_lower_case_are_two_ids_elsewhere(root: Path) -> None:
    write_customers(root, IDS, ["a@b.com", "A@B.com", *(f"c{n}@example.com" for n in range(len(IDS) - 2))])
    assert letter(root).export(root / "out", id="email").rows == 40


def test_customers_who_are_gone_from_the_source(root: Path) -> None:
    write_customers(root, IDS[5:])
    refused(root, DataError, r"5 of 40 assigned units .*\(of them 5 are not in the source\)", id="email")
    assert letter(root).export(root / "out").rows == 40, "their own ids are in the assignment"


def test_a_source_that_lists_a_customer_twice(root: Path) -> None:
    write_customers(root, [*IDS, IDS[0], IDS[1]])
    refused(root, DataError, "2 rows repeat a unit that is exported", id="email")


def test_a_key_that_became_another_kind(root: Path) -> None:
    write_customers(root, list(range(40)))
    refused(root, DataError, "its key holds whole numbers, the assigned units have text", id="email")


def test_columns_that_hold_no_ids(root: Path) -> None:
    refused(root, DataError, 'no column "emial", did you mean "email"', id="emial")
    refused(root, DataError, 'column "score" holds float64', id="score")


def test_own_ids_that_a_tool_cannot_use(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    says = '40 of 40 are not e-mail addresses; name the column of source "customers" that holds them: --id COLUMN'
    refused(root, DataError, says, format="mailchimp")
    other = tmp_path_factory.mktemp("quoted")
    make(other, ['a"b', "c"]).assign("2026-01-10")
    refused(other, DataError, "1 of 2 are not ids that Braze can read", format="braze")


def test_words_that_mean_nothing(root: Path) -> None:
    refused(root, UsageError, 'format "brase" is not known, did you mean "braze"', format="brase")
    refused(root, UsageError, '"email" cannot name a column of braze', format="braze", column="email")
    refused(root, UsageError, "not both", as_of="2026-01-10", batch="2026-01-10")
    refused(
        root, UsageError, "no batch was assigned as of 2026-01-11; the only batch is of 2026-01-10", batch="2026-01-11"
    )
    refused(root, UsageError, "nobody was assigned by 2026-01-09", as_of="2026-01-09")
    refused(root, UsageError, "is not a date", batch="yesterday")


def test_what_is_not_assigned_here(small: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    for slug in ("events", "finished"):
        with pytest.raises(AssignmentError, match="another system assigned these units"):
            holdfast.open_project(small).experiment(slug).export(small / "out")
    other = tmp_path_factory.mktemp("unassigned")
    make(other, IDS)
    with pytest.raises(AssignmentError, match="nobody is assigned yet; run: holdfast assign letter"):
        letter(other).export(other / "out")
    assert not (small / "out").exists()
    assert not (other / "out").exists()


def test_a_design_that_was_changed(root: Path) -> None:
    path = root / "experiments/letter/experiment.yaml"
    path.write_text(path.read_text().replace("control: {weight: 1", "control: {weight: 2"))
    refused(root, AssignmentError, "changed after it had started")


def test_an_assignment_that_was_changed(root: Path) -> None:
    (path,) = (root / "data/assignments/letter/v1").glob("*.parquet")
    table = pq.read_table(path)
    flipped = pa.array(["control"] * table.num_rows)
    pq.write_table(table.set_column(table.schema.get_field_index("variant"), "variant", flipped), path)
    refused(root, AssignmentError, "changed after it was written")


def _file(out: Path) -> None:
    out.write_text("mine")


def _folder(out: Path) -> None:
    out.mkdir()
    (out / "letter-control.csv").write_text("mine")


def _more(out: Path) -> None:
    letter(out.parent).export(out)
    (out / "notes.txt").write_text("mine")


def _below(out: Path) -> None:
    letter(out.parent).export(out)
    (out / "letter-card.csv").unlink()
    (out / "letter-card.csv").mkdir()


def _others(out: Path) -> None:
    letter(out.parent).export(out)
    path = out / "export.json"
    path.write_text(path.read_text().replace('"letter"', '"other"', 1))


def _unread(out: Path) -> None:
    letter(out.parent).export(out)
    (out / "export.json").write_text('{"schema": "holdfast.export/1"')


@pytest.mark.parametrize(
    ("put", "says"),
    [
        (_file, "is there already and is no export"),
        (_folder, "is there already and is no export"),
        (_more, r"holds more than the export \(notes.txt\)"),
        (_below, r"holds more than the export \(letter-card.csv\)"),
        (_others, "holds an export of other: choose another folder for letter"),
        (_unread, "is there already and is no export"),
    ],
)
def test_what_is_in_the_way_stays(root: Path, put: Callable[[Path], None], says: str) -> None:
    put(root / "out")
    before = contents(root)
    with pytest.raises(UsageError, match=says):
        letter(root).export(root / "out")
    assert contents(root) == before


def test_nobodys_own_folder_is_exchanged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is in a folder that is exchanged sits in one that is gone."""
    (root / "out").mkdir()
    monkeypatch.chdir(root / "out")
    with pytest.raises(UsageError, match="the folder that you are in"):
        letter(root).export(".")
    assert letter(root).export("lists").folder == (root / "out/lists").resolve()


def test_an_earlier_export_is_replaced_whole(root: Path) -> None:
    letter(root).export(root / "out", batch="2026-01-10")
    assert len(rows(root / "out")) == 3
    letter(root).export(root / "out")
    assert set(contents(root / "out")) == {
        *("letter-control.csv", "letter-letter.csv", "letter-card.csv", "export.json"),
    }
    (root / "link").symlink_to(root / "out")
    made = letter(root).export(root / "link", format="braze")
    assert (root / "link").is_symlink()
    assert made.folder == (root / "out").resolve()
    assert index(root / "out")["format"] == "braze"


def test_the_command(run: Run, root: Path) -> None:
    code, out, err = run("export", "letter", "--out", "data/letter's list")
    assert code == 0
    files = {path.name for path in (root / "data/letter's list").iterdir()}
    assert files == {"letter-control.csv", "letter-letter.csv", "letter-card.csv", "export.json"}
    lines = out.splitlines()
    assert lines[0] == "data/letter's list: 40 assigned by 2026-01-10, 3 files"
    assert lines[1].split() == ["file", "variant", "rows", "sha256"]
    for line, file in zip(lines[2:5], index(root / "data/letter's list")["files"], strict=True):
        assert line.split() == [file["file"], file["variant"], str(file["rows"]), file["sha256"]]
    assert lines[5].startswith("next: ")
    assert "SECRET" not in out + err
    code, out, err = run("export", "letter", "--out", "data/two", "--json", "-q")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document.pop("folder") == str(root / "data/two")
    assert document == index(root / "data/two")


def test_the_command_refuses(run: Run, root: Path) -> None:
    for arguments, expected in [
        (["--format", "mailchimp"], 1),
        (["--format", "mailchmp"], 2),
        (["--batch", "2026-01-11"], 2),
        (["--id", "nothing"], 1),
    ]:
        code, out, err = run("export", "letter", "--out", "data/out", *arguments)
        assert (code, out) == (expected, "")
        assert "error: " in err
        assert "SECRET" not in err
        assert "Traceback" not in err
    assert not (root / "data/out").exists()
    (root / "data/file").write_text("mine")
    code, out, err = run("export", "letter", "--out", "data/file/out")
    assert (code, out) == (2, "")
    assert "data/file/out cannot be written (Not a directory)" in err
    assert "choose another folder" in err
    assert run("export", "lettre", "--out", "data/out")[0] == 2
    assert run("export", "letter")[0] == 2


def test_escaped_ids_are_mentioned(run: Run, root: Path) -> None:
    make(root, ["=1", *IDS])
    shutil.rmtree(root / "data")
    (root / "experiments/letter/lock.yaml").unlink()
    letter(root).assign("2026-01-10")
    code, _, err = run("export", "letter", "--out", "data/out", "--escape-formulas", "-q")
    assert (code, err) == (0, "letter: 1 ids begin with an apostrophe now; a tool will not match them as they are\n")


def test_two_at_once(root: Path) -> None:
    """Both end well, and the folder is one export, whole."""
    program = [sys.executable, "-c", "from holdfast.cli import main; main()", "export", "letter", "-q"]
    started = [
        subprocess.Popen(
            [*program, "--project", str(root), "--out", str(root / "lists/out"), "--format", form],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for form in ("csv", "braze", "csv")
    ]
    for process in started:
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b"")
    assert [path.name for path in (root / "lists").iterdir()] == ["out"]
    found = contents(root / "lists/out")
    assert found in [contents(letter(root).export(root / form, format=form).folder) for form in ("csv", "braze")]


KILLED = """
import os, pathlib, sys
import holdfast
import holdfast.project.exporting as exporting
import ibis.backends.duckdb
root, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1]) / "out"
WATCHED = {"os.mkdir", "os.rename", "os.remove", "shutil.rmtree", "ctypes.dlsym"}
def export_until(count):
    done = 0
    def step(*_):
        nonlocal done
        done += 1
        if done == count:
            os._exit(9)
    def watch(event, args):
        if event in WATCHED and (event == "ctypes.dlsym" or "out" in str(args[0])):
            step()
    sys.addaudithook(watch)
    for owner, name in [(os, "fsync"), *((exporting.warehouse, w + "_audience") for w in ("stage", "read", "write"))]:
        def killed(*args, call=getattr(owner, name), **options):
            step()
            return call(*args, **options)
        setattr(owner, name, killed)
    holdfast.open_project(root).experiment("letter").export(out, format="braze")
    os._exit(0)
for count in range(1, 200):
    child = os.fork()
    if not child:
        export_until(count)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    text = (out / "export.json").read_text() if out.exists() else "nothing"
    kind = next((form for form in ("csv", "braze") if '"format": "' + form in text), text)
    print(code, kind, len(list(out.iterdir())) if out.exists() else 0, flush=True)
    if not code:
        break
"""


def test_killed_at_every_step(root: Path) -> None:
    """Before each change of the disk and each step of the engine: a reader finds the old export or the new one, whole.

    tests/unit/test_folder.py does the same for every single file operation.
    """
    letter(root).export(root / "out")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(root)], capture_output=True, text=True, check=True, timeout=300
    )
    steps = [line.split() for line in done.stdout.splitlines()]
    assert (steps[0], steps[-1]) == (["9", "csv", "4"], ["0", "braze", "4"])
    assert len(steps) > 12
    assert {tuple(step[1:]) for step in steps} == {("csv", "4"), ("braze", "4")}
    kinds = [kind for _, kind, _ in steps]
    assert kinds == sorted(kinds, key=lambda kind: kind == "braze"), "never back"
    assert not list(root.glob(".out*")), "the last one removed what the killed ones left"
    assert union(root / "out") == assigned(root)
