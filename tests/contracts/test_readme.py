"""The README cannot drift: its excerpts are the files' own lines, its commands exist, its links lead somewhere.

HOLDFAST_UPDATE=1 writes the excerpts again.
"""

from __future__ import annotations

import os
import re

from holdfast.cli.app import app
from holdfast.project import open_project
from tests.conftest import ROOT

README = ROOT / "README.md"
JAPANESE = ROOT / "README.ja.md"
_BLOCK = re.compile(r"<!-- begin (\S+)(?: (\d+) (\d+))? -->\n(.*?)<!-- end -->", re.S)


def _excerpt(path: str, first: str | None, last: str | None) -> str:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    chosen = lines[int(first) - 1 : int(last)] if first and last else lines
    text = "\n".join(chosen) + "\n"
    return f"```yaml\n{text}```\n" if path.endswith(".yaml") else text


def test_excerpts_are_the_files_own_lines() -> None:
    text = README.read_text(encoding="utf-8")
    blocks = list(_BLOCK.finditer(text))
    assert len(blocks) >= 2
    fresh = _BLOCK.sub(
        lambda m: (
            "<!-- begin "
            + " ".join(part for part in m.groups()[:3] if part)
            + f" -->\n{_excerpt(m[1], m[2], m[3])}<!-- end -->"
        ),
        text,
    )
    if os.environ.get("HOLDFAST_UPDATE"):
        README.write_text(fresh, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == fresh


def test_every_command_stands_in_the_readme_or_its_own_help() -> None:
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"^    holdfast (\w+)", text, re.M))
    known = {
        command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands
    }
    assert named <= known
    for command in app.registered_commands:
        assert command.epilog, f"{command.name} has no example"
        assert command.epilog.startswith("Example: holdfast ")


def test_links_lead_somewhere() -> None:
    for document in [
        README,
        JAPANESE,
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "reports").rglob("*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", document.read_text(encoding="utf-8")):
            if not target.startswith(("http", "mailto")):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


_REPORT = re.compile(r"(<!-- begin report (\S+) (\w+) -->\n)(.*?)(<!-- end -->)", re.S)


def _head(slug: str, language: str) -> str:
    """The head of a report in a language, up to its first table's end."""
    (newest,) = open_project(ROOT).analyses(slug)
    lines = newest.to_markdown(language).splitlines()[2:]
    first = next(place for place, line in enumerate(lines) if line.startswith("|"))
    last = next(place for place, line in enumerate(lines[first:], first) if not line.startswith("|"))
    return "\n".join(lines[:last]) + "\n"


def test_the_japanese_readme_shows_a_report_as_it_is() -> None:
    text = JAPANESE.read_text(encoding="utf-8")
    assert len(_REPORT.findall(text)) == 1
    fresh = _REPORT.sub(lambda m: m[1] + _head(m[2], m[3]) + m[5], text)
    if os.environ.get("HOLDFAST_UPDATE"):
        JAPANESE.write_text(fresh, encoding="utf-8")
    assert JAPANESE.read_text(encoding="utf-8") == fresh


def _commands(text: str) -> list[str]:
    """The indented lines of commands without what is said beside them, and the lines of code."""
    shown = re.findall(r"^    ((?:holdfast|make|cd) .*)$", text, re.M)
    code = [line for block in re.findall(r"```python\n(.*?)```", text, re.S) for line in block.splitlines()]
    commands = [re.split(r" {2,}", line)[0] for line in shown]
    return commands + [line.split("  #")[0] for line in code if line and not line.startswith(("# which", "# one"))]


def test_the_japanese_readme_has_the_same_commands() -> None:
    """And the same links, but for the two to each other, and the line that shows the language."""
    texts = {path: path.read_text(encoding="utf-8") for path in (README, JAPANESE)}
    own = ("holdfast report hillstrom-email --language ja", 'analysis.to_markdown("ja")')
    japanese = [
        line for line in _commands(texts[JAPANESE]) if line not in own and not line.startswith(("# 誰", "# 1行"))
    ]
    assert japanese == _commands(texts[README])
    links = {path: set(re.findall(r"\]\(([^)\s]+)\)", text)) for path, text in texts.items()}
    assert links[README] - links[JAPANESE] - {"README.ja.md"} == {
        "reports/hillstrom-email/2008-03-15/figures/forest.png"
    }
    assert links[JAPANESE] - links[README] == {"README.md", "experiments/hillstrom-email/experiment.yaml"}
