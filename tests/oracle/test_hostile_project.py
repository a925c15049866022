"""Hostile text in every free field and in the data, through every command: what comes out has the shape of the twin's.

Warnings stand where they stood, tables have their cells and rows, pages and Markdown their elements, terminals are not
steered. GitHub's own renderer judges Markdown.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.cli import main
from tests.contracts.test_github_rendering import rendered
from tests.oracle.hostile_shop import Words, hostile_project
from tests.unit.report.test_twins import page, skeleton, unseen

AS_OF = "2026-05-01"
LISTS = {
    "validate": ["validate"],
    "plan": ["plan", "trial"],
    "plan drawn": ["plan", "drawn"],
    "assign": ["assign", "drawn", "--as-of", "2026-02-20", "--quiet"],
    "status": ["status", "--as-of", AS_OF],
    "status of one": ["status", "trial", "--as-of", AS_OF],
    "export": ["export", "drawn", "--out", "out", "--quiet"],
    "analyze": ["analyze", "trial", "--quiet"],
    "explore": ["explore", "trial", "--metric", "orders", "--segment", "country", "--quiet"],
    "analyze again": ["analyze", "trial", "--quiet"],
    "diff": ["diff", "trial", "--from", AS_OF, "--to", AS_OF],
    "kpi": ["kpi", "--months", "2", "--by", "country", "--as-of", "2026-04-01", "--quiet"],
    "metrics": ["metrics"],
    "tactics": ["tactics"],
    "templates": ["templates"],
    "data": ["validate", "--data", "--format", "github", "--quiet"],
    "wrong level": ["explore", "trial", "--metric", "orders", "--segment", "cuntry", "--quiet"],
}
"""Commands that print as many lines of whatever text: rows of tables, findings, one fact a line."""
TOLD = {
    "explained": ["validate", "--explain", "trial"],
    "metric": ["metrics", "orders"],
    "tactic": ["tactics", "every-custom"],
    "template": ["templates", "a-template"],
    "query": ["query", "trial", "--metric", "revenue", "--quiet"],
    "json": ["explore", "trial", "--metric", "orders", "--segment", "country", "--json"],
    "metrics json": ["metrics", "--json"],
}
"""Commands that break long texts into lines."""
FORMS = {
    "markdown": ["report", "trial", "--format", "markdown"],
    "japanese": ["report", "trial", "--language", "ja"],
    "summary": ["report", "trial", "--summary"],
    "slack": ["report", "trial", "--format", "slack"],
    "slack in japanese": ["report", "trial", "--format", "slack", "--language", "ja"],
    "page": ["report", "trial", "--html"],
}
MARKDOWN = ("markdown", "japanese", "summary")


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: object
    out: str
    err: str


@dataclass(frozen=True)
class Ran:
    """A project through every command."""

    folder: Path
    said: Mapping[str, Said]
    files: Mapping[str, str]


def run(folder: Path, words: Words, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Write the project and run every command in it, one after the other."""
    hostile_project(folder, words)
    said = {}
    for name, line in (LISTS | TOLD | FORMS).items():
        monkeypatch.setattr(sys, "argv", ["holdfast", *line, "--project", str(folder)])
        monkeypatch.chdir(folder)
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        told = capsys.readouterr()
        said[name] = Said(code, told.out, told.err)
    report = folder / "reports" / "trial" / AS_OF
    index = (folder / "reports" / "README.md").read_text("utf-8")
    files = {"report": (report / "report.md").read_text("utf-8"), "index": index}
    files["page"] = (report / "report.html").read_text("utf-8")
    return Ran(folder, said, files)


def elements(text: str) -> Counter[str]:
    """What GitHub's renderer makes of it: elements, and where links and images lead."""
    found: Counter[str] = Counter()
    for element in rendered(text).iter():
        if element.tag in {"code", "br"}:
            continue
        found[f"{element.tag} {element.get('href', '')}{element.get('src', '')}"] += 1
    return found


@pytest.mark.parametrize("turn", [0, 9])
def test_every_command_keeps_its_shape(
    turn: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each round puts other payloads into the same fields."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain = run(tmp_path / "a", Words(None), capsys, monkeypatch)
    words = Words(turn)
    hostile = run(tmp_path / "b", words, capsys, monkeypatch)
    wrong = []
    for name, usual in plain.said.items():
        found = hostile.said[name]
        if found.code != usual.code:
            wrong.append(f"{name}: ends {found.code}, not {usual.code}: {found.err[-300:]}")
        if left := unseen(found.out + found.err):
            wrong.append(f"{name}: prints {sorted(map(ascii, left))}")
        if name in LISTS:
            for stream in ("out", "err"):
                lines, before = getattr(found, stream).splitlines(), getattr(usual, stream).splitlines()
                if len(lines) != len(before):
                    wrong.append(f"{name}: {len(lines)} lines of {stream}, not {len(before)}")
    for name in MARKDOWN:
        text, before = hostile.said[name].out, plain.said[name].out
        if name != "summary" and skeleton(text) != skeleton(before):
            wrong.append(f"{name}: another shape")
        if extra := elements(text) - elements(before):
            wrong.append(f"{name}: has {extra}")
    for name, usual_text in plain.files.items():
        text = hostile.files[name]
        if name == "page":
            same = page(text) == page(usual_text)
        else:
            same = skeleton(text) == skeleton(usual_text) and elements(text) == elements(usual_text)
        if not same or unseen(text):
            wrong.append(f"{name}: another shape, or {unseen(text)}")
    for name in ("slack", "slack in japanese"):
        text = hostile.said[name].out
        if re.search(r"[<>]|(?<!\w)@|://", text) or re.search("&(?!(amp|lt|gt);)", text):
            wrong.append(f"{name}: calls or links")
    assert not wrong, "\n".join(wrong)
    # Warnings and what the check of labels found are seen in both.
    assert "Check: Unknown labels: ⚠" in hostile.said["analyze"].out
    assert re.search(r"^\| Unknown labels \| ⚠", hostile.files["report"], re.M)
    refused = {name: said for name, said in plain.said.items() if said.code}
    assert set(refused) == {"wrong level"}, refused
    shutil.rmtree(tmp_path)
