"""One invalid file for every rule, each with the exact findings that it gives.

The first line of each file says which file of the sample project it stands in for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.config import RULES, validate

INVALID = Path(__file__).parents[2] / "invalid"
FILES = sorted(INVALID.glob("*.yaml"))
ELSEWHERE = {
    "cannot-read": "test_catalogue.py",
    "wrong-extension": "test_catalogue.py",
    "env-unset": "test_catalogue.py",
    "too-large": "test_loader.py",
    "too-complex": "test_loader.py",
    "wrong-encoding": "test_loader.py",
    "nul-byte": "test_loader.py",
    "control-character": "test_loader.py",
}
"""Rules about bytes and folders, which a text file in a corpus cannot break."""


def _expected(file: Path) -> str:
    return (INVALID / "expected" / f"{file.stem}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_findings_are_exactly_these(file: Path, project: Path) -> None:
    text = file.read_text(encoding="utf-8")
    target = project / text.splitlines()[0].removeprefix("# in place of ")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    findings = validate(project)
    assert "".join(f"{finding}\n" for finding in findings) == _expected(file)
    assert file.stem.split(".")[0] in {finding.rule for finding in findings}


def test_every_rule_has_an_invalid_file_or_a_test_of_its_own() -> None:
    in_corpus = {file.stem.split(".")[0] for file in FILES}
    assert in_corpus | set(ELSEWHERE) == set(RULES)
    assert not in_corpus & set(ELSEWHERE)
    for rule, module in ELSEWHERE.items():
        assert f'"{rule}"' in (Path(__file__).parent / module).read_text(encoding="utf-8")


def test_every_expectation_belongs_to_a_file() -> None:
    assert {path.stem for path in (INVALID / "expected").glob("*.txt")} == {file.stem for file in FILES}


def test_rules_are_explained_in_one_sentence() -> None:
    for rule, sentence in RULES.items():
        assert rule == rule.lower()
        assert sentence.endswith(".")
