"""Every form of the findings is valid by its own schema or grammar, whatever the messages hold."""

from __future__ import annotations

import importlib
import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.config import RULES
from holdfast.config.formats import FORMS, Checked, render
from holdfast.errors import Finding
from holdfast.schemas import schema_text
from tests.conftest import missing

NASTY = 'a "quoted" <b> & 100%: one,\ntwo\r\x1b[31m\x00\ufffe ]]> ::error:: é 日本'
FINDINGS = (
    Finding("configs/project.yaml", 0, 0, "cannot-read", "the file cannot be read", "error"),
    Finding("experiments/a b,c:d/experiment.yaml", 3, 7, "unknown-field", NASTY, "error"),
    Finding("experiments/a b,c:d/experiment.yaml", 9, 1, "ratio-primary", "a ratio", "warning"),
    Finding("experiments/z/experiment.yaml", 1, 1, "not-in-the-table", "x", "warning"),
)
FILES = ("configs/project.yaml", "configs/metrics/shop.yaml")
CHECKED = Checked(FINDINGS, FILES, "projects/kelp/", "1.2.3")
NONE = Checked((), FILES)

_TEXTS = st.text(max_size=60)
_FINDING = st.builds(
    Finding,
    path=_TEXTS.filter(bool),
    line=st.integers(0, 9999),
    column=st.integers(0, 9999),
    rule=st.sampled_from(sorted(RULES)),
    message=_TEXTS,
    severity=st.sampled_from(["error", "warning"]),
)


def _tool(name: str) -> Path:
    path = Path(os.environ.get("HOLDFAST_TOOLS") or "nowhere") / name
    if not path.is_file():
        missing(f"HOLDFAST_TOOLS names no folder with {name}; .ci/run shows what it holds")
    return path


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return missing(f"{name} is not installed")


def _check_json(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    _module("jsonschema").Draft7Validator(json.loads(schema_text("findings"))).validate(document)
    return document


def test_json_is_valid_by_its_schema() -> None:
    document = _check_json(render(CHECKED, "json"))
    assert (document["schema"], document["errors"], document["warnings"]) == ("holdfast.findings/1", 2, 2)
    first, second = document["findings"][:2]
    assert (first["line"], first["column"]) == (None, None)
    assert (second["line"], second["column"], second["message"]) == (3, 7, NASTY)
    assert _check_json(render(NONE, "json"))["findings"] == []


_COMMAND = re.compile(
    r"::(?P<level>error|warning) file=(?P<file>[^,:\r\n]+)(,line=\d+,col=\d+)?,title=[^,:\r\n]+::(?P<message>[^\r\n]*)"
)


def test_github_commands_follow_their_grammar() -> None:
    lines = render(CHECKED, "github").splitlines()
    matches = [_COMMAND.fullmatch(line) for line in lines]
    assert all(matches)
    assert len(lines) == len(FINDINGS)
    assert lines[0] == "::error file=projects/kelp/configs/project.yaml,title=cannot-read::the file cannot be read"
    assert lines[1].startswith("::error file=projects/kelp/experiments/a b%2Cc%3Ad/experiment.yaml,line=3,col=7,")
    assert "100%25: one," in lines[1]
    assert render(NONE, "github") == ""


def test_sarif_is_valid_by_its_schema() -> None:
    schema = json.loads(_tool("node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
    validator = _module("jsonschema").validators.validator_for(schema)
    for checked in (CHECKED, NONE):
        validator(schema).validate(json.loads(render(checked, "sarif")))


def test_sarif_says_all_that_code_scanning_needs() -> None:
    run = json.loads(render(CHECKED, "sarif"))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"]: rule["shortDescription"]["text"] for rule in rules} == dict(RULES)
    whole, placed, *_, unlisted = run["results"]
    assert "region" not in whole["locations"][0]["physicalLocation"]
    place = placed["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "projects/kelp/experiments/a%20b%2Cc%3Ad/experiment.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 7}
    assert rules[placed["ruleIndex"]]["id"] == placed["ruleId"] == "unknown-field"
    assert (placed["level"], unlisted["level"]) == ("error", "warning")
    assert "ruleIndex" not in unlisted


def test_junit_is_valid_by_its_schema() -> None:
    etree = _module("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(_tool("junit-10.xsd"))))
    for checked in (CHECKED, NONE):
        schema.assertValid(etree.fromstring(render(checked, "junit").encode()))


def test_junit_has_a_case_for_each_file() -> None:
    root = ET.fromstring(render(CHECKED, "junit"))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert list(cases) == [*FILES, "experiments/a b,c:d/experiment.yaml", "experiments/z/experiment.yaml"]
    assert (root.get("tests"), root.get("failures")) == ("4", "2")
    assert cases["configs/metrics/shop.yaml"].find("failure") is None
    assert cases["experiments/z/experiment.yaml"].find("failure") is None
    assert cases["experiments/z/experiment.yaml"].find("system-out") is not None


def test_text_is_one_line_a_finding_and_holds_nothing_that_a_terminal_obeys() -> None:
    lines = render(CHECKED, "text").split("\n")
    assert len(lines) == len(FINDINGS) + 1
    assert lines[1].startswith("experiments/a b,c:d/experiment.yaml:3:7: error[unknown-field]: a ")
    assert "\x1b" not in render(CHECKED, "text")


@settings(max_examples=150, deadline=None)
@given(st.lists(_FINDING, max_size=4))
def test_any_finding_can_be_printed_in_any_form(findings: list[Finding]) -> None:
    checked = Checked(findings, FILES)
    for form in FORMS:
        render(checked, form).encode("utf-8")
    _check_json(render(checked, "json"))
    json.loads(render(checked, "sarif"))
    ET.fromstring(render(checked, "junit"))
    assert all(_COMMAND.fullmatch(line) for line in render(checked, "github").split("\n")[:-1])
    assert len(render(checked, "text").split("\n")) == len(findings) + 1
