"""Damaged files give findings, never an exception of Python or of a library, and never a warning."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from holdfast.config import RULES, load_catalogue, load_study, validate
from holdfast.errors import ConfigError

FILES = (
    "configs/project.yaml",
    "configs/sources/shop.yaml",
    "configs/metrics/shop.yaml",
    "configs/tactics/shop.yaml",
    "experiments/winback/experiment.yaml",
    "experiments/receipts/experiment.yaml",
)
PIECES = (
    *("", "~", "[]", "{}", "[[]]", "{a: b}", "true", "0", "-1", "1.5", "99999999999999", "''", "x", "TODO", "NO"),
    *("0d", "99999999999d", "36h", "0%", "100%", "250%", "-3pt", "1 JPY", "0.0pt", "a.b", "a@b", "a@0d", "@", "@1d"),
    *("2026-02-30", "0001-01-01", "9999-12-31", ">= 3", ">3", "none", "5..1", "${env:X}", "*a", "&a", "<<", "!x"),
    *("/etc", "..", "\t", "\0", "\ufeff", "日本語", "\U0001f600", "٣d", "٣%", "'", '"', ":", "- ", "|", "%", "1e999"),
    *("nothing", "data", "control", "customer", "orders", "orders.order", "retained", "column", "ratio", "external"),
    *("9" * 400, "9" * 400 + "d", "9" * 5000 + "%", "9" * 400 + " JPY", "a" * 3000, "Asia", "../x", "not"),
)


def _damaged(random_: random.Random, text: str) -> bytes:
    lines = text.splitlines()
    for _ in range(random_.randint(1, 3)):
        index = random_.randrange(len(lines))
        line = lines[index]
        match random_.randrange(7):
            case 0:
                del lines[index]
                lines = lines or ["a: 1"]
            case 1:
                lines.insert(index, random_.choice(lines))
            case 2 | 3:
                words = line.split(" ")
                words[random_.randrange(len(words))] = random_.choice(PIECES)
                lines[index] = " ".join(words)
            case 4:
                head, separator, _ = line.partition(":")
                lines[index] = f"{head}{separator} {random_.choice(PIECES)}"
            case 5:
                at = random_.randrange(len(line) + 1)
                lines[index] = line[:at] + random_.choice("{}[],:#&*!|>'\"%@` \t0aé") + line[at + 1 :]
            case _:
                lines[index] = line.replace(",", f", {random_.choice(PIECES)}: {random_.choice(PIECES)},", 1)
    data = bytearray("\n".join(lines).encode())
    if random_.random() < 0.1:
        data[random_.randrange(len(data))] = random_.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("seed", range(10))
def test_damage_gives_findings_only(seed: int, project: Path) -> None:
    random_ = random.Random(seed)
    whole = {name: (project / name).read_text(encoding="utf-8") for name in FILES}
    for _ in range(40):
        name = random_.choice(FILES)
        (project / name).write_bytes(_damaged(random_, whole[name]))
        findings = validate(project)
        assert findings == sorted(findings)
        assert all(finding.rule in RULES and len(finding.message) < 1500 for finding in findings)
        _load_everything(project, clean=not any(finding.severity == "error" for finding in findings))
        (project / name).write_text(whole[name], encoding="utf-8")


def _load_everything(project: Path, *, clean: bool) -> None:
    """Loading fails exactly when validation found an error."""
    failed = False
    try:
        catalogue = load_catalogue(project)
        for slug in catalogue.slugs:
            try:
                assert len(load_study(catalogue, slug).config_hash) == 64
            except ConfigError as error:
                assert error.findings
                failed = True
    except ConfigError as error:
        assert error.findings
        failed = True
    assert failed != clean
