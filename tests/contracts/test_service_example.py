"""The example service, end to end: asked over HTTP, its log read back by Holdfast, compared with `assign`."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import holdfast
from holdfast import config
from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "service"
SLUG = "welcome-checklist"
EIGHT_DAYS = [dt.date(2026, 3, day) for day in range(4, 12)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The example in a folder of its own."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "service", ignore=shutil.ignore_patterns("data", "__pycache__")))


class Service:
    """The running service."""

    def __init__(self, folder: Path, at: str) -> None:
        command = [sys.executable, str(folder / "service.py"), "--port", "0", "--at", at]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip().partition("?")[0]

    def ask(self, customer: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.address}?customer={customer}", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def stop(self, how: signal.Signals) -> tuple[int, str]:
        """The exit code, and all that it printed meanwhile."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out + err


def served_on(folder: Path, day: dt.date, customers: list[str], how: signal.Signals) -> dict[str, dict[str, Any]]:
    """What customers are shown on one day, before the service is stopped or killed."""
    service = Service(folder, f"{day}T09:00+09:00")
    try:
        answers = {customer: service.ask(customer) for customer in [*customers, *customers]}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            service.ask("nobody")
    finally:
        code, printed = service.stop(how)
    assert (code, printed) == ((0, "") if how == signal.SIGTERM else (-signal.SIGKILL, ""))
    return answers


@pytest.fixture
def customers() -> list[dict[str, str]]:
    with (EXAMPLE / "customers.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_project_of_the_example_is_valid() -> None:
    assert config.validate(EXAMPLE) == []


def test_what_customers_are_shown_is_what_assign_gives(copy: Path, customers: list[dict[str, str]]) -> None:
    first, second = [row["customer_id"] for row in customers[:50]], [row["customer_id"] for row in customers[25:]]
    answers = served_on(copy, EIGHT_DAYS[0], first, signal.SIGTERM)
    later = served_on(copy, EIGHT_DAYS[3], second, signal.SIGTERM)
    assert all(later[key] == answers[key] for key in answers.keys() & later.keys()), "nobody's screen changed"
    shown = {key: answer["variant"] for key, answer in (answers | later).items() if answer["reason"] == "SPLIT"}
    eligible = {row["customer_id"] for row in customers if row["country"] in {"JP", "TW"} and row["is_test"] == "false"}
    assert shown.keys() == eligible
    assert set(shown.values()) == {"tour", "checklist"}

    # The log holds them, with the first time of each, and Holdfast reads it as the fact that enrols.
    lines = list(_lines(copy))
    assert {(line["unit"], line["variant"]) for line in lines} == shown.items()
    done = holdfast.open_project(copy).experiment(SLUG).assign(EIGHT_DAYS[-1])
    assert done.counts == {name: list(shown.values()).count(name) for name in ("checklist", "tour")}
    assigned = _assigned(copy)
    assert {unit: variant for unit, variant, _ in assigned} == shown
    on_first = {key for key in answers if key in shown}
    # Nine o'clock in Tokyo is midnight in UTC.
    first_time = {key: EIGHT_DAYS[0] if key in on_first else EIGHT_DAYS[3] for key in shown}
    assert {unit: str(moment) for unit, _, moment in assigned} == {
        k: f"{day} 00:00:00" for k, day in first_time.items()
    }

    analysis = holdfast.open_project(copy).experiment(SLUG).analyze("2026-04-20").analysis
    assert sum(variant.assigned for variant in analysis.variants) == len(shown)


def test_an_exposed_population_is_who_was_served(copy: Path, customers: list[dict[str, str]]) -> None:
    """Everybody eligible enrols on one date; those who met the first screen are read, each from then on."""
    path = copy / "experiments" / SLUG / "experiment.yaml"
    text = path.read_text(encoding="utf-8")
    snapshot = "enroll: {date: 2026-03-04}\npopulation: {exposed: exposures.shown}\n"
    path.write_text(re.sub(r"enroll: .*\n", snapshot, text), encoding="utf-8")
    answers = served_on(copy, EIGHT_DAYS[1], [row["customer_id"] for row in customers[:40]], signal.SIGTERM)
    shown = [answer["variant"] for answer in answers.values() if answer["reason"] == "SPLIT"]
    experiment = holdfast.open_project(copy).experiment(SLUG)
    enrolled = experiment.assign(EIGHT_DAYS[0]).counts
    assert sum(enrolled.values()) > len(shown)
    analysis = experiment.analyze("2026-04-20").analysis
    assert {variant.key: variant.assigned for variant in analysis.variants} == Counter(shown)
    assert [(day, dict(counts)) for day, counts in analysis.enrolment] == [("2026-03-05", Counter(shown))]


def test_customers_who_were_served_before_a_kill_are_in_the_log(copy: Path, customers: list[dict[str, str]]) -> None:
    """A request takes longer than the log lingers, so at most the last of them are lost."""
    keys = [row["customer_id"] for row in customers[:40]]
    answers = served_on(copy, EIGHT_DAYS[0], keys, signal.SIGKILL)
    shown = {key: answer["variant"] for key, answer in answers.items() if answer["reason"] == "SPLIT"}
    logged = {line["unit"]: line["variant"] for line in _lines(copy)}
    assert logged.items() <= shown.items()
    assert len(logged) >= len(shown) // 2


def test_the_answers_of_the_readme_are_the_services_own(copy: Path) -> None:
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    pairs = re.findall(r"customer=(c\d+)'\n    (\{.*\})\n", text)
    assert len(pairs) == 3
    found = served_on(copy, dt.date(2026, 3, 5), [key for key, _ in pairs], signal.SIGTERM)
    assert {key: json.loads(answer) for key, answer in pairs} == found


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "data" / "exposures" / SLUG).glob("*.jsonl")):
        yield from (json.loads(line) for line in path.read_text().splitlines() if line)


def _assigned(folder: Path) -> list[tuple[str, str, dt.datetime]]:
    files = folder / "data" / "assignments" / SLUG / "v1" / "*.parquet"
    return duckdb.connect().execute(f"SELECT unit, variant, assigned_at FROM '{files}'").fetchall()
