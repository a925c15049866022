"""A small project over customers with given ids, assigned by hash, whose audience files are exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import holdfast
from holdfast.project import ExperimentHandle

FILES = {
    "configs/project.yaml": """\
schema_version: 1
project: small
timezone: UTC
currency: USD
units: {customer: {source: customers}}
""",
    "configs/sources/all.yaml": """\
sources:
  customers: {grain: unit, path: c.parquet, keys: {customer: id}, known_from: since, properties: [email, score]}
  orders: {grain: event, path: o.parquet, keys: {customer: id}, timestamp: moment, facts: {order: null}}
""",
    "configs/metrics/all.yaml": """\
metrics:
  bought: {operation: conversion, fact: orders.order, window: 14d, desired_change: increase}
""",
    "configs/tactics/all.yaml": "tactics: {a-letter: {type: custom, title: A letter, label: letter}}\n",
}
EXPERIMENT = """\
title: A letter
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: hash, salt: letter-1}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
  card: {weight: 1, tactic: a-letter}
metrics: {primary: bought}
"""
ONCE = "enroll: {date: 2026-01-10}\n"
DAILY = "enroll: {each: day, from: 2026-01-10, for: 5d}\n"


def make(
    root: Path, ids: Sequence[Any], emails: Sequence[str | None] | None = None, *, enroll: str = ONCE
) -> ExperimentHandle:
    """The experiment `letter`, not yet assigned; when daily, customer i is known from 9 January plus i mod 5 days."""
    for name, text in {**FILES, "experiments/letter/experiment.yaml": EXPERIMENT + enroll}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_customers(root, ids, emails)
    moments = pa.array([0] * len(ids), pa.timestamp("us"))
    pq.write_table(pa.table({"id": pa.array(ids), "moment": moments}), root / "o.parquet")
    return letter(root)


def write_customers(root: Path, ids: Sequence[Any], emails: Sequence[str | None] | None = None) -> None:
    """The customers, with an e-mail address each."""
    first = 20_462 if "each: day" in (root / "experiments/letter/experiment.yaml").read_text() else 20_400
    table = {
        "id": pa.array(ids),
        "email": pa.array(
            emails if emails is not None else [f"c{n}@example.com" for n in range(len(ids))], pa.string()
        ),
        "score": pa.array([n / 2 for n in range(len(ids))]),
        "since": pa.array([first + n % 5 for n in range(len(ids))], pa.date32()),
    }
    pq.write_table(pa.table(table), root / "c.parquet")


def letter(root: Path) -> ExperimentHandle:
    """The experiment as its files are now."""
    return holdfast.open_project(root).experiment("letter")


def assigned(root: Path) -> dict[str, str]:
    """Every unit's variant, read from the manifest's own files."""
    paths = sorted((root / "data/assignments/letter/v1").glob("*.parquet"))
    return {str(row["unit"]): row["variant"] for path in paths for row in pq.read_table(path).to_pylist()}


def rows(folder: Path) -> dict[str, list[list[str]]]:
    """The rows of every CSV file by its name, header first, as Python's csv module reads them."""
    found = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.name] = list(csv.reader(file, strict=True))
    return found


def union(folder: Path) -> dict[str, str]:
    """Id to variant over all files; an id may stand on one row only."""
    listed = [tuple(row) for file in rows(folder).values() for row in file[1:]]
    assert len(listed) == len({unit for unit, _ in listed})
    return dict(listed)  # type: ignore[arg-type]


def index(folder: Path) -> dict[str, Any]:
    """export.json."""
    document: dict[str, Any] = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    return document


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
