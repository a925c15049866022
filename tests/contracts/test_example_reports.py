"""The committed reports are what the code writes, byte for byte, and a second run writes the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import holdfast
from tests.conftest import ROOT

SLUGS = ("cdnow-replay", "cookie-cats-gate", "hillstrom-email", "karlan-list-match")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize("slug", SLUGS)
def test_reports_are_output_of_the_code(tmp_path: Path, slug: str) -> None:
    experiment = holdfast.open_project(ROOT).experiment(slug)
    first = contents(experiment.analyze().write(tmp_path / "first").parent)
    second = contents(experiment.analyze().write(tmp_path / "second").parent)
    assert first == second
    (committed,) = (ROOT / "reports" / slug).iterdir()
    # The engine's version stands in the report; another patch release of it is no other result.
    engine = json.loads((committed / "results.json").read_text())["provenance"]["engine"]
    if json.loads(first["results.json"])["provenance"]["engine"] != engine:
        pytest.skip(f"the committed reports were made with {engine}")
    texts = {"report.md", "results.json", "queries.sql"}
    kept = contents(committed)
    assert set(kept) == set(first)
    for name in texts:
        assert kept[name].decode() == first[name].decode(), name


def test_the_index_is_output_of_the_code() -> None:
    from holdfast import report

    project = holdfast.open_project(ROOT)
    text = report.render_index([handle.analysis for handle in project.newest()], project.portfolio())
    assert (ROOT / "reports" / "README.md").read_text(encoding="utf-8") == text


def test_a_report_is_a_pure_function_of_its_results() -> None:
    from holdfast import report

    for path in sorted((ROOT / "reports").glob("*/*/results.json")):
        analysis = report.from_json(path.read_text(encoding="utf-8"))
        assert report.to_json(analysis) == path.read_text(encoding="utf-8")
        assert report.render_markdown(analysis) == (path.parent / "report.md").read_text(encoding="utf-8")


def test_reports_hold_no_machine_path(data_folder: Path) -> None:
    for path in (ROOT / "reports").rglob("*"):
        if path.suffix in {".md", ".json", ".sql", ".svg"}:
            text = path.read_text(encoding="utf-8")
            assert str(data_folder) not in text
            assert str(ROOT) not in text
