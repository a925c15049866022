"""The guide to one table cannot drift: its command prints what it says, its Python, script and notebook run.

HOLDFAST_UPDATE=1 writes what the command prints into the guide.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import runpy
import shlex
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast.cli.app import main
from holdfast.project.question import FORMS, Question
from tests.conftest import ROOT

GUIDE = ROOT / "docs" / "analyze-file.md"
EXAMPLES = ROOT / "docs" / "examples"
_COMMAND = re.compile(r"<!-- run -->\n```sh\n(.*?)```\n\n<!-- prints -->\n```text\n(.*?)```\n", re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the file of the guide, as the working folder."""
    shutil.copy(EXAMPLES / "vouchers.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_what_the_guide_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    found = _COMMAND.search(text)
    assert found
    words = shlex.split(found[1].replace("\\\n", " "))
    monkeypatch.setattr("sys.argv", [*words, "-q"])
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    assert (stopped.value.code or 0, printed.err) == (0, "")
    if os.environ.get("HOLDFAST_UPDATE"):
        start, end = found.span(2)
        text = text[:start] + printed.out + text[end:]
        GUIDE.write_text(text, encoding="utf-8")
    again = _COMMAND.search(text)
    assert again
    assert again[2] == printed.out
    assert (folder / "reports" / "vouchers" / "queries.sql").is_file()


def test_the_python_of_the_guide_runs(folder: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    assert isinstance(names["analysis"], holdfast.AnalysisHandle)
    assert len(list(folder.glob("reports/frame/*/report.md"))) == 1


def test_the_script_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(EXAMPLES / "analyze_frame.py"))
    assert names["analysis"].verdict.recommendation in capsys.readouterr().out


def test_the_cells_of_the_notebook_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a kernel: the code of every cell in turn, in one name space."""
    notebook = json.loads((EXAMPLES / "analyze_frame.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, Any] = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 4
    for cell in cells:
        assert cell["outputs"] == []
        exec("".join(cell["source"]), names)
    adjusted = names["adjusted"]["revenue"].difference
    plain = names["analysis"]["revenue"].difference
    assert adjusted.variance_saved is not None
    assert 0.02 < adjusted.variance_saved < 0.9, "what was spent before tells of revenue, or the example shows nothing"
    assert adjusted.unadjusted == pytest.approx(plain.estimate)
    assert "EUR" in capsys.readouterr().out or "€" in names["adjusted"].to_markdown()


def test_command_line_and_python_speak_one_language() -> None:
    """Each part of a question can be said in both, and stands in the guide with both names."""
    of_text_files = {"empty", "decimal", "encoding"}
    parts = {each.name for each in fields(Question)} - {"typed"} - of_text_files
    assert parts <= set(inspect.signature(holdfast.analyze_frame).parameters)
    text = GUIDE.read_text(encoding="utf-8")
    assert all(f"`--{part} " in text for part in of_text_files)
    option = {
        "metrics": "metric",
        "guardrails": "guardrail",
        "covariates": "covariate",
        "segments": "segment",
        "weights": "weight",
    }
    for part in parts - {"title", "owner", "unit_name", "as_of"}:
        name = "--" + option.get(part, part).replace("_", "-")
        assert f"{name} " in text or f"{name}`" in text, part
        assert f"{part}=" in text, part
    for word in FORMS:
        assert f"`{word}:" in text
