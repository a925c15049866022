"""Bad input: a clear error or a clear line in the report, the right exit code, and nothing half-written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import holdfast
from holdfast.cli.app import main
from holdfast.errors import DataError
from tests.faults.conftest import PLANTED

Edit = Callable[[str, str, str], None]


def run(monkeypatch: pytest.MonkeyPatch, small: Path, *arguments: str) -> int:
    """The exit code of a command typed in the project's folder."""
    monkeypatch.chdir(small)
    monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    code = stopped.value.code
    return code if isinstance(code, int) else int(bool(code))


def nothing_written(small: Path) -> bool:
    return not list((small / "reports").glob("*/*"))


def test_the_small_project_is_in_order(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, small, "validate") == 0
    assert run(monkeypatch, small, "analyze", "--all") == 0
    printed = capsys.readouterr()
    assert "finished" in printed.out
    assert (small / "reports" / "finished" / "2026-02-01" / "report.md").is_file()
    assert (small / "reports" / "README.md").is_file()


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("experiments/finished/experiment.yaml", "letters.csv", "leters.csv", "no file matches {files}/leters.csv"),
        (
            "experiments/finished/experiment.yaml",
            "column: gift,",
            "column: gfit,",
            'no column "gfit", did you mean "gift"?',
        ),
        (
            "experiments/finished/experiment.yaml",
            "column: gift,",
            "column: note,",
            'column "note" holds string, not numbers',
        ),
        ("experiments/finished/experiment.yaml", "unit: donor", "unit: giver", 'no column "giver"'),
        ("letters.csv", f"{PLANTED}7,", f"{PLANTED}8,", "1 rows repeat the key of another row"),
        ("letters.csv", f"{PLANTED}7,", ",", "the key is empty on some rows"),
    ],
)
def test_data_that_do_not_fit(
    small: Path,
    edit: Edit,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    old: str,
    new: str,
    says: str,
) -> None:
    edit(file, old, new)
    assert run(monkeypatch, small, "analyze", "finished") == 1
    printed = capsys.readouterr()
    assert says in printed.err
    assert "Traceback" not in printed.err
    assert PLANTED not in printed.err
    assert nothing_written(small)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("primary: gift", "primary: gfit", "experiments/finished/experiment.yaml:8:12: error[unknown-metric]"),
        ("tactic: a-letter", "tactic: a-leter", 'did you mean "a-letter"?'),
        ("secondary: [gave]", "secondery: [gave]", 'did you mean "secondary"?'),
    ],
)
def test_unknown_names(
    small: Path,
    edit: Edit,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    says: str,
) -> None:
    edit("experiments/finished/experiment.yaml", old, new)
    assert run(monkeypatch, small, "analyze", "finished") == 2
    assert says in capsys.readouterr().err
    assert nothing_written(small)
    assert run(monkeypatch, small, "validate") == 1
    assert says in capsys.readouterr().out


def test_unknown_experiment(small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, small, "analyze", "finisched") == 2
    assert 'did you mean "finished"?' in capsys.readouterr().err


def test_a_file_that_is_no_parquet(small: Path, edit: Edit) -> None:
    (small / "letters.parquet").write_bytes(b"PAR1 this is not one")
    edit("experiments/finished/experiment.yaml", "letters.csv", "letters.parquet")
    with pytest.raises(holdfast.errors.HoldfastError, match='source "data"'):
        holdfast.open_project(small).experiment("finished").analyze()


def test_empty_values_are_refused_until_somebody_says_what_they_mean(small: Path, edit: Edit) -> None:
    lines = (small / "letters.csv").read_text().splitlines()
    for number in range(1, 6):
        donor, arm, _, gave, note = lines[number].split(",")
        lines[number] = f"{donor},{arm},,{gave},{note}"
    (small / "letters.csv").write_text("\n".join(lines) + "\n")
    experiment = holdfast.open_project(small).experiment("finished")
    with pytest.raises(DataError, match='metric gift: 5 units have no value in column "gift"'):
        experiment.analyze()
    edit("experiments/finished/experiment.yaml", "column: gift,", "column: gift, nulls: exclude,")
    analysis = holdfast.open_project(small).experiment("finished").analyze().analysis
    assert sum(level.excluded for level in analysis.levels if level.metric == "gift") == 5


def test_an_empty_variant_blocks_the_verdict_and_says_so(small: Path, edit: Edit) -> None:
    edit(
        "experiments/finished/experiment.yaml",
        "  letter: {weight",
        "  phone: {weight: 1, tactic: a-letter}\n  letter: {weight",
    )
    handle = holdfast.open_project(small).experiment("finished").analyze()
    analysis = handle.analysis
    assert analysis.verdict.recommendation == "no_verdict"
    assert "empty_variant" in analysis.verdict.checks
    row = analysis.find("gift", "phone")
    assert row is not None
    assert (row.status, row.reason) == ("not_estimable", "no_units")
    assert "no_units" not in handle.to_markdown(), "a reason is told in words"


def test_labels_that_are_no_variant_are_counted(small: Path) -> None:
    text = (small / "letters.csv").read_text()
    (small / "letters.csv").write_text(text + f"{PLANTED}x,Letter ,0,0,\n{PLANTED}y,,0,0,\n")
    handle = holdfast.open_project(small).experiment("finished").analyze()
    (check,) = (check for check in handle.analysis.checks if check.id == "unlisted_labels")
    assert (check.status, check.value) == ("note", 2.0)
    assert sum(variant.assigned for variant in handle.analysis.variants) == 400


def test_a_column_of_ids_as_variant_does_not_reach_the_report(small: Path, edit: Edit) -> None:
    """Naming the wrong column gives hundreds of unlisted labels: they may be ids, so they are only counted."""
    edit("experiments/finished/experiment.yaml", "variant: arm", "variant: donor")
    handle = holdfast.open_project(small).experiment("finished").analyze()
    assert handle.verdict.recommendation == "no_verdict"
    assert PLANTED not in handle.to_markdown() + handle.to_json() + handle.queries()


def test_no_mature_unit_is_a_reason_not_a_number(small: Path) -> None:
    path = small / "assigned.csv"
    path.write_text(re.sub(r"2026-01-\d\d", "2026-01-25", path.read_text()))
    handle = holdfast.open_project(small).experiment("events").analyze()
    row = handle.analysis.find("repeated", "letter")
    assert row is not None
    assert (row.status, row.reason, row.p) == ("not_estimable", "no_mature_units", None)
    assert (handle.verdict.recommendation, handle.verdict.reason) == ("no_verdict", "primary_missing")
    assert "no_mature_units" not in handle.to_markdown(), "a reason is told in words"


def test_before_the_end_of_observation_nothing_is_estimated(small: Path) -> None:
    handle = holdfast.open_project(small).experiment("events").analyze("2026-01-10")
    assert handle.verdict.recommendation == "keep_running"
    assert handle.analysis.estimates == ()


def test_facts_after_the_last_window_do_not_count(small: Path) -> None:
    analysis = holdfast.open_project(small).experiment("events").analyze().analysis
    level = analysis.level("repeated", "letter")
    assert level is not None
    assert 0 < level.n < next(variant.assigned for variant in analysis.variants if variant.key == "letter")


def test_no_identifier_reaches_any_file(small: Path) -> None:
    project = holdfast.open_project(small)
    for slug in project.slugs:
        project.experiment(slug).analyze().write()
    project.write_index()
    written = [path for path in (small / "reports").rglob("*") if path.is_file()]
    assert len(written) > 6
    assert not [path for path in written if PLANTED.encode() in path.read_bytes()]


def test_a_failed_write_leaves_the_last_report(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = holdfast.open_project(small).experiment("finished").analyze()
    path = handle.write()
    before = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}

    def broken(*_: object) -> dict[str, bytes]:
        raise OSError("disk full")

    monkeypatch.setattr("holdfast.report.files.figures", broken)
    with pytest.raises(OSError, match="disk full"):
        handle.write()
    assert before == {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
    assert [child.name for child in path.parent.parent.iterdir()] == [path.parent.name], "no temporary folder is left"
