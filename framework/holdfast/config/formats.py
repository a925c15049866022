"""Findings in the forms that people, editors and build servers read: text, json, github, sarif and junit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from holdfast.config.files import EXPERIMENT, PROJECT, experiment_slugs
from holdfast.config.rules import RULES
from holdfast.errors import Finding

FINDINGS_SCHEMA = "holdfast.findings/1"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://pypi.org/project/holdfast/"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Checked:
    """What a check has found, and where it looked."""

    findings: Sequence[Finding]
    files: Sequence[str]
    """Every file that was read, relative to the project."""
    prefix: str = ""
    """From the repository's folder to the project's, with a slash at the end; empty when they are one."""
    version: str = ""
    """The version of Holdfast."""

    def in_repository(self, path: str) -> str:
        """A file as the repository knows it."""
        return self.prefix + path


def checked_files(root: Path, slugs: Iterable[str] = ()) -> list[str]:
    """Every file that a check of the project reads (of all experiments, or of those named), sorted."""
    shared = [path.relative_to(root).as_posix() for path in root.glob("configs/*/*.yaml")]
    own = [f"experiments/{slug}/{EXPERIMENT}" for slug in (slugs or experiment_slugs(root))]
    return sorted({PROJECT, *shared, *own})


def render(checked: Checked, form: str) -> str:
    """The findings in one of FORMS, ending in a newline unless it is empty."""
    return FORMS[form](checked)


def shown(text: str) -> str:
    """A text without characters that would break a line, a terminal or an XML file; those are spelt out."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def line_of(finding: Finding) -> str:
    """One finding as one line."""
    return shown(str(finding))


def _text(checked: Checked) -> str:
    return "".join(f"{line_of(finding)}\n" for finding in checked.findings)


def counts(findings: Sequence[Finding]) -> tuple[int, int, int]:
    """How many errors, warnings and notes there are."""
    found = [finding.severity for finding in findings]
    return found.count("error"), found.count("warning"), found.count("note")


def _json(checked: Checked) -> str:
    errors, warnings, notes = counts(checked.findings)
    rows = [
        {
            "path": finding.path,
            "line": finding.line or None,
            "column": finding.column or None,
            "rule": finding.rule,
            "severity": finding.severity,
            "message": finding.message,
        }
        for finding in checked.findings
    ]
    numbers = {"errors": errors, "warnings": warnings, "notes": notes}
    return _dumped({"schema": FINDINGS_SCHEMA, **numbers, "findings": rows})


def _dumped(document: Mapping[str, Any]) -> str:
    # a lone surrogate can stand in a file's name, and has no place in UTF-8
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _github(checked: Checked) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "".join(_command(checked, finding) + "\n" for finding in checked.findings)


def _command(checked: Checked, finding: Finding) -> str:
    place = {"file": checked.in_repository(finding.path)}
    if finding.line:
        place |= {"line": str(finding.line), "col": str(finding.column)}
    place["title"] = finding.rule
    parameters = ",".join(f"{key}={_property(value)}" for key, value in place.items())
    level = "notice" if finding.severity == "note" else finding.severity
    return f"::{level} {parameters}::{_data(finding.message)}"


def _data(text: str) -> str:
    return shown(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(checked: Checked) -> str:
    """SARIF 2.1.0: every rule with its sentence, and one result a finding."""
    rules = {rule: number for number, rule in enumerate(RULES)}
    driver = {
        "name": "holdfast",
        "version": checked.version or "0",
        "informationUri": _HOME,
        "rules": [_sarif_rule(rule, sentence) for rule, sentence in RULES.items()],
    }
    results = [_sarif_result(checked, finding, rules) for finding in checked.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _dumped({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def _sarif_rule(rule: str, sentence: str) -> dict[str, Any]:
    return {"id": rule, "shortDescription": {"text": sentence}, "help": {"text": sentence}}


def _sarif_result(checked: Checked, finding: Finding, rules: Mapping[str, int]) -> dict[str, Any]:
    uri = quote(checked.in_repository(finding.path), errors="surrogateescape")
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if finding.line:
        place["region"] = {"startLine": finding.line, "startColumn": max(finding.column, 1)}
    result: dict[str, Any] = {"ruleId": finding.rule}
    if finding.rule in rules:
        result["ruleIndex"] = rules[finding.rule]
    return result | {
        "level": finding.severity,
        "message": {"text": finding.message or finding.rule},
        "locations": [{"physicalLocation": place}],
    }


def _junit(checked: Checked) -> str:
    """One test case a file: it fails when the file has an error; warnings and notes stand in its output."""
    by_file: dict[str, list[Finding]] = {path: [] for path in checked.files}
    for finding in checked.findings:
        by_file.setdefault(finding.path, []).append(finding)
    cases = "".join(_case(path, found) for path, found in by_file.items())
    failures = sum(bool(errors_of(found)) for found in by_file.values())
    counts = f'tests="{len(by_file)}" failures="{failures}" errors="0"'
    suite = f'<testsuite name="holdfast validate" {counts} skipped="0" time="0">\n{cases}</testsuite>\n'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {counts}>\n{suite}</testsuites>\n'


def _case(path: str, findings: Sequence[Finding]) -> str:
    errors = [line_of(finding) for finding in errors_of(findings)]
    warnings = [line_of(finding) for finding in findings if finding.severity != "error"]
    head = f"  <testcase classname={_attribute('holdfast.validate')} name={_attribute(path)} time={_attribute('0')}"
    inner = ""
    if errors:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        message = _attribute(f"{errors_of(findings)[0].message}{more}")
        inner += f'    <failure type="invalid" message={message}>{escape(chr(10).join(errors))}</failure>\n'
    if warnings:
        inner += f"    <system-out>{escape(chr(10).join(warnings))}</system-out>\n"
    return f"{head}>\n{inner}  </testcase>\n" if inner else f"{head}/>\n"


def errors_of(findings: Sequence[Finding]) -> list[Finding]:
    """The errors among the findings."""
    return [finding for finding in findings if finding.severity == "error"]


def _attribute(text: str) -> str:
    return quoteattr(shown(text))


FORMS: Mapping[str, Callable[[Checked], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
    "junit": _junit,
}
"""The name of each form and what writes it."""
