"""The notebook for a project and the analyst's script cannot drift: both run, without a kernel."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast.project.demo import make_shop
from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "examples" / "notebook.ipynb"
SCRIPT = ROOT / "experiments" / "hillstrom-email" / "analysis.py"


def test_the_cells_of_the_notebook_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_shop(tmp_path / "demo", 6_000, 11, lambda _: None)
    holdfast.open_project(root).experiment("winback-voucher").assign("2025-12-01")
    monkeypatch.chdir(root)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    assert "| primary |" in names["experiment"].plan()._repr_markdown_()
    page = names["experiment"].plan()._repr_html_()
    assert "<td" in page
    assert page.count("<tr>") == 1 + len(names["plan"])
    assert "primary" in set(names["plan"]["role"])
    assert names["analysis"]._repr_html_().count('<th scope="row"') > 3
    assert '<th scope="row"' in names["primary"]._repr_html_()
    assert names["analysis"]._repr_markdown_().count("|") > 20
    assert names["primary"].difference.estimate is not None
    assert "| primary" not in names["primary"]._repr_markdown_()
    assert names["report"].is_file()


def test_the_script_of_an_analyst_runs(
    data_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it prints are the numbers of the data set's README: +0.7698 dollars, for 21,307 customers."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    folder = tmp_path / "experiments" / "hillstrom-email"
    shutil.copytree(SCRIPT.parent, folder)
    monkeypatch.setenv("HOLDFAST_DATA", str(data_folder))
    names = runpy.run_path(str(folder / SCRIPT.name))
    printed = capsys.readouterr().out
    assert printed.startswith(f"ship {names['analysis'].verdict.variant} ")
    assert "spend: mens_email against control" in printed
    assert "+0.769827" in printed
    assert "21,307" in printed
