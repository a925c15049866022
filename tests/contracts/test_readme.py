"""The README cannot drift: its excerpts are the files' own lines, its commands exist, its links lead somewhere.

HOLDFAST_UPDATE=1 writes the excerpts again.
"""

from __future__ import annotations

import os
import re

from holdfast.cli.app import app
from tests.conftest import ROOT

README = ROOT / "README.md"
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
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "reports").rglob("*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", document.read_text(encoding="utf-8")):
            if not target.startswith(("http", "mailto")):
                assert (document.parent / target).exists(), f"{document.name}: {target}"
