"""One invalid file for every rule, each with the exact findings that it gives.

The first line of each file says which file of tests/invalid/project it stands in for, or stands beside. `repeated N
times` after it means that all that follows does. With HOLDFAST_UPDATE=1 the expected findings are written again.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from docs.make_rules import PAGE, document

from holdfast.config import RULES, validate
from holdfast.config.rules.table import BY_COMMAND, GROUPS, JUDGEMENT, WARNINGS

INVALID = Path(__file__).parents[2] / "invalid"
FILES = sorted(INVALID.glob("*.yaml"))
_FIRST = re.compile(rb"# in place of (\S+)(?:, repeated (\d+) times)?\n")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project that the invalid files belong to."""
    monkeypatch.setenv("KELP_DATA", "data")
    monkeypatch.delenv("KELP_ELSEWHERE", raising=False)
    return Path(shutil.copytree(INVALID / "project", tmp_path / "project"))


def _expected(file: Path) -> Path:
    return INVALID / "expected" / f"{file.stem}.txt"


def _put_in_place(file: Path, shop: Path) -> None:
    data = file.read_bytes()
    first = _FIRST.match(data)
    assert first, "the first line says which file of the project this one stands in for"
    target = shop / first[1].decode()
    target.parent.mkdir(parents=True, exist_ok=True)
    body = data[first.end() :]
    # the line itself stays, so that places in the file are those of the findings
    target.write_bytes(first[0] + body * int(first[2] or 1))


def test_the_project_itself_is_valid(shop: Path) -> None:
    assert validate(shop) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_findings_are_exactly_these(file: Path, shop: Path) -> None:
    _put_in_place(file, shop)
    findings = validate(shop)
    text = "".join(f"{finding}\n" for finding in findings)
    if os.environ.get("HOLDFAST_UPDATE"):
        _expected(file).write_text(text, encoding="utf-8")
    assert text == _expected(file).read_text(encoding="utf-8")
    assert file.stem.split(".")[0] in {finding.rule for finding in findings}
    for finding in findings:
        assert finding.severity == ("warning" if finding.rule in WARNINGS else "error")


def test_every_rule_has_an_invalid_file_or_needs_more_than_files() -> None:
    in_corpus = {file.stem.split(".")[0] for file in FILES}
    assert in_corpus | set(BY_COMMAND) == set(RULES)
    assert not in_corpus & set(BY_COMMAND)


def test_every_expectation_belongs_to_a_file() -> None:
    assert {path.stem for path in (INVALID / "expected").glob("*.txt")} == {file.stem for file in FILES}


def test_rules_are_explained_in_one_sentence() -> None:
    assert sum(map(len, GROUPS.values())) == len(RULES)
    assert set(RULES) >= WARNINGS | JUDGEMENT
    for rule, sentence in RULES.items():
        assert rule == rule.lower()
        assert sentence.endswith(".")
        assert len(sentence) < 120


def test_the_page_of_rules_is_complete_and_current() -> None:
    if os.environ.get("HOLDFAST_UPDATE"):
        PAGE.write_text(document(), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    assert text == document(), "run: python -m docs.make_rules"
    assert all(f"| `{rule}` |" in text for rule in RULES)


def test_every_form_of_a_condition_is_in_the_table_of_conditions() -> None:
    from holdfast.model.predicate import Condition

    text = (PAGE.parent / "predicates.md").read_text(encoding="utf-8")
    for field in ("`a..b`", '`">= a"`', "`none`", "`top n%`", "`{not: ...}`", "a list", "a value"):
        assert field in text
    examples = re.findall(r"`(\w+): ([^`]+)`", text)
    assert len(examples) > 8
    for _, condition in examples:
        if condition[0] not in '{["':
            assert isinstance(Condition.parse(condition), Condition)


@pytest.mark.parametrize("rule", sorted(JUDGEMENT - set(BY_COMMAND)))
def test_what_is_weighed_is_no_finding(rule: str, shop: Path) -> None:
    _put_in_place(INVALID / f"{rule}.yaml", shop)
    found = [finding for finding in validate(shop) if finding.rule == rule]
    assert found
    for finding in found:
        file = shop / finding.path
        text = file.read_text(encoding="utf-8")
        weighed = f"acknowledge: [{{rule: {rule}, because: We looked at it.}}]\n"
        file.write_text(re.sub(r"^acknowledge:.*\n", "", text, flags=re.MULTILINE) + weighed, encoding="utf-8")
    assert rule not in {finding.rule for finding in validate(shop)}
