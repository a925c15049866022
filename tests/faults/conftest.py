"""A small project on disk: one finished experiment in a CSV file, one over events."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import healthy as in_order

PROJECT = """\
schema_version: 1
project: small
timezone: UTC
currency: USD
"""
FINISHED = """\
owner: a@example.com
hypothesis: A letter brings donors back.
data: {path: letters.csv, unit: donor, variant: arm}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
metrics:
  primary: gift
  secondary: [gave]
  define:
    gift: {operation: column, column: gift, unit_of_measure: USD, desired_change: increase}
    gave: {operation: column, column: gave, desired_change: increase}
observed: {from: 2026-01-01, to: 2026-02-01}
"""
TACTICS = """\
tactics:
  a-letter: {type: custom, title: A letter, label: letter}
"""
EVENTS = """\
owner: a@example.com
hypothesis: A letter brings donors back.
assignment: {method: external, source: assigned, variant: arm, assigned_at: at}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
metrics: {primary: repeated}
observed: {from: 2026-01-01, to: 2026-02-01}
"""
SOURCES = """\
sources:
  assigned: {grain: unit, path: assigned.csv, keys: {donor: donor}}
  gifts: {grain: event, path: gifts.csv, keys: {donor: donor}, timestamp: given_at, facts: {gift: null, amount: amount}}
"""
METRICS = """\
metrics:
  repeated: {operation: conversion, fact: gifts.gift, window: 14d, desired_change: increase}
"""
PLANTED = "DONOR-SECRET-"


def letters(rows: int = 400) -> list[str]:
    """Rows of letters.csv: donor, arm, gift, gave, note."""
    rng = random.Random(4)
    lines = []
    for number in range(rows):
        gave = rng.random() < 0.5
        arm = "control" if rng.random() < 0.5 else "letter"
        lines.append(f"{PLANTED}{number},{arm},{rng.randint(1, 50) if gave else 0},{int(gave)},hello")
    return lines


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The project's folder; both experiments are valid and their data are in order."""
    files = {
        "configs/project.yaml": PROJECT,
        "configs/tactics/letters.yaml": TACTICS,
        "configs/sources/gifts.yaml": SOURCES,
        "configs/metrics/gifts.yaml": METRICS,
        "experiments/finished/experiment.yaml": FINISHED,
        "experiments/events/experiment.yaml": EVENTS,
        "letters.csv": "\n".join(["donor,arm,gift,gave,note", *letters()]) + "\n",
        "assigned.csv": "donor,arm,at\n"
        + "".join(
            f"{PLANTED}{i},{'letter' if i % 2 else 'control'},2026-01-{1 + i % 20:02d} 08:00:00\n" for i in range(200)
        ),
        "gifts.csv": "donor,given_at,amount\n"
        + "".join(f"{PLANTED}{i},2026-01-{8 + i % 20:02d} 09:00:00,{i % 30}\n" for i in range(0, 200, 3)),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    """A project with events, periods and an assignment handed over; its data are in order."""
    in_order.make(tmp_path)
    return tmp_path


@pytest.fixture
def edit(small: Path) -> Callable[[str, str, str], None]:
    """Replace a text in one of the project's files."""

    def replace(name: str, old: str, new: str) -> None:
        path = small / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace
