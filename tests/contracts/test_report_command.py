"""`holdfast report`: every form from results.json alone, on a copy of this project without its data."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pyarrow import parquet

import holdfast
from holdfast.cli import main
from holdfast.project import long_table
from holdfast.report import from_json
from tests.conftest import ROOT

SLUG, DATE = "cdnow-replay", "1998-03-30"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This project with one report, where no data can be read."""
    monkeypatch.delenv("HOLDFAST_DATA", raising=False)
    for name in ("configs", "experiments", f"reports/{SLUG}"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process, in the project."""
    monkeypatch.chdir(project)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["holdfast", "report", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_alone_it_draws_the_report_again(run: Run, project: Path) -> None:
    folder = project / "reports" / SLUG / DATE
    before = contents(folder)
    (folder / "report.md").write_text("stale")
    (folder / "figures" / "old.png").write_bytes(b"stale")
    (folder / "report.html").write_text("stale")
    (folder / "results.parquet").unlink(missing_ok=True)
    code, out, _ = run(SLUG)
    assert (code, out) == (0, f"reports/{SLUG}/{DATE}/report.md\n")
    after = contents(folder)
    assert after.keys() == before.keys() | {"report.html", "results.parquet"}
    for name in ("report.md", "results.json", "queries.sql"):
        assert after[name] == before[name]
    assert b"stale" not in after["report.html"]
    run(SLUG)
    assert contents(folder) == after


def test_the_page_is_written_beside_the_report(run: Run, project: Path) -> None:
    before = contents(project)
    code, out, _ = run(SLUG, "--html", "--as-of", DATE)
    assert (code, out) == (0, f"reports/{SLUG}/{DATE}/report.html\n")
    after = contents(project)
    page = after.pop(f"reports/{SLUG}/{DATE}/report.html")
    assert after == before
    assert page.startswith(b'<!DOCTYPE html>\n<html lang="en">')


def test_forms_are_printed_and_nothing_is_written(run: Run, project: Path) -> None:
    before = contents(project)
    _, markdown, _ = run(SLUG, "--format", "markdown")
    assert markdown == (project / "reports" / SLUG / DATE / "report.md").read_text("utf-8")
    _, summary, _ = run(SLUG, "--summary", "--link", "https://example.com/shop")
    assert f"](https://example.com/shop/reports/{SLUG}/{DATE}/report.md)" in summary
    assert run(SLUG, "--summary", "--format", "markdown")[1].splitlines()[:5] == summary.splitlines()[:5]
    _, message, _ = run(SLUG, "--format", "slack")
    assert message.startswith("*Replay of CDNOW's history (A/A)*\n✘ *Do not ship Replay.*")
    assert contents(project) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cdnow-reply",), 'no experiment "cdnow-reply", did you mean "cdnow-replay"?'),
        (("karlan-list-match",), "run: holdfast analyze karlan-list-match"),
        ((SLUG, "--as-of", "2001-01-01"), f"no report as of 2001-01-01; there is one as of {DATE}"),
        ((SLUG, "--as-of", "soon"), '"soon" is not a date'),
        ((SLUG, "--format", "slak"), 'unknown format "slak", did you mean "slack"?'),
        ((SLUG, "--html", "--summary"), "ask for one of them"),
        ((SLUG, "--format", "slack", "--summary"), "ask for one of them"),
        ((SLUG, "--link", "https://example.com"), "--link is for --summary and --format slack"),
        ((SLUG, "--summary", "--link", "javascript:alert(1)"), "begin it with https://"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    run: Run, project: Path, arguments: tuple[str, ...], words: str
) -> None:
    before = contents(project)
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert words in err
    assert contents(project) == before


@pytest.mark.parametrize("path", sorted((ROOT / "reports").glob("*/*/results.json")), ids=lambda path: path.parts[-3])
def test_the_committed_tables_are_those_of_their_results(path: Path) -> None:
    """The table is compared, not the bytes, which hold the version of pyarrow."""
    committed = parquet.read_table(BytesIO((path.parent / "results.parquet").read_bytes()))
    analysis = from_json(path.read_text("utf-8"))
    assert committed.equals(long_table.to_arrow(analysis))
    assert committed.num_rows == len(json.loads(path.read_text("utf-8"))["estimates"]) + sum(
        2 + (row.shrunken.estimate is not None) for row in analysis.segments
    )


def test_all_results_stand_in_one_frame() -> None:
    frame = holdfast.open_project(ROOT).results()
    assert set(frame["experiment"]) == {path.parts[-3] for path in (ROOT / "reports").glob("*/*/results.json")}
    assert str(frame["n"].dtype) == "Int64"


def test_the_handle_links_only_to_what_is_there(project: Path) -> None:
    """Before and after the report is written, in Python."""
    (written,) = holdfast.open_project(project).analyses(SLUG)
    place = f"reports/{SLUG}/{DATE}/report.md"
    assert place in written.to_summary()
    assert place in written.to_slack()
    (project / place).unlink()
    for text in (written.to_summary(), written.to_slack()):
        assert place not in text
        assert f"`holdfast analyze {SLUG} --as-of {DATE}`" in text


@pytest.mark.parametrize(("damage", "told"), [("as_of", "as of 1998-03-29"), ("future", "unknown field")])
def test_a_file_that_somebody_edited_overwrites_no_report(run: Run, project: Path, damage: str, told: str) -> None:
    path = project / "reports" / SLUG / DATE / "results.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {damage: "1998-03-29"}
    path.write_text(json.dumps(document), encoding="utf-8")
    before = contents(path.parent)
    code, out, err = run(SLUG)
    assert (code, out) == (1, "")
    assert told in " ".join(err.split())
    assert "if a newer Holdfast wrote this file, install that" in " ".join(err.split())
    assert contents(path.parent) == before
