"""The life of a lock: drawn salt, refused edits with a diff, changes that are allowed and listed, new versions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

import holdfast
from holdfast.cli.app import main
from holdfast.errors import AssignmentError

PROJECT = """\
schema_version: 1
project: small
timezone: UTC
currency: USD
units: {customer: {source: customers}}
"""
SHARED = """\
sources:
  customers: {grain: unit, path: c.parquet, keys: {customer: id}, properties: [country]}
  orders:
    grain: event
    path: o.parquet
    keys: {customer: id}
    timestamp: moment
    facts: {order: null, revenue: {column: amount, scale: 2}}
"""
METRICS = """\
metrics:
  bought: {operation: conversion, fact: orders.order, window: 14d, desired_change: increase}
  orders: {operation: count, fact: orders.order, window: 14d, desired_change: increase}
"""
TACTICS = "tactics: {a-letter: {type: custom, title: A letter, label: letter}}\n"
EXPERIMENT = """\
title: A letter
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: hash}
audience: {country: JP}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
enroll: {date: 2026-01-10}
metrics: {primary: bought}
"""
Edit = Callable[[str, str], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "configs/project.yaml": PROJECT,
        "configs/sources/all.yaml": SHARED,
        "configs/metrics/all.yaml": METRICS,
        "configs/tactics/all.yaml": TACTICS,
        "experiments/letter/experiment.yaml": EXPERIMENT,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE c AS SELECT i AS id, CASE WHEN i % 4 = 0 THEN 'TW' ELSE 'JP' END AS country FROM range(400) t(i)"
    )
    con.execute(
        "CREATE TABLE o AS SELECT (i * 7) % 400 AS id, TIMESTAMP '2026-01-01' + INTERVAL (i % 30) DAY AS moment, "
        "10.5 AS amount FROM range(900) t(i)"
    )
    for table in ("c", "o"):
        con.execute(f"COPY {table} TO '{tmp_path / table}.parquet' (FORMAT parquet)")
    return tmp_path


@pytest.fixture
def edit(root: Path) -> Edit:
    def replace(old: str, new: str) -> None:
        path = root / "experiments" / "letter" / "experiment.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace


def letter(root: Path) -> holdfast.ExperimentHandle:
    return holdfast.open_project(root).experiment("letter")


def lock(root: Path) -> dict[str, object]:
    document: dict[str, object] = yaml.safe_load((root / "experiments" / "letter" / "lock.yaml").read_text())
    return document


def test_a_salt_is_drawn_once_and_kept(root: Path) -> None:
    letter(root).assign("2026-01-10")
    salt = lock(root)["salt"]
    assert isinstance(salt, str)
    assert salt.startswith("letter-")
    first = letter(root).analyze().to_json()
    shutil.rmtree(root / "data")
    assert letter(root).analyze().to_json() == first, "made again with the same salt"
    assert lock(root)["salt"] == salt


def test_a_missing_lock_is_not_drawn_anew(root: Path) -> None:
    letter(root).assign("2026-01-10")
    (root / "experiments" / "letter" / "lock.yaml").unlink()
    with pytest.raises(AssignmentError, match="the lock is missing"):
        letter(root).assign("2026-01-10")


@pytest.mark.parametrize(
    ("old", "new", "shows"),
    [
        ("primary: bought", "primary: orders", 'experiment.metrics.primary: "bought" -> "orders"'),
        ("country: JP", "country: TW", "experiment.audience.country"),
        ("letter: {weight: 1", "letter: {weight: 3", "experiment.variants.letter.weight: 1 -> 3"),
        ("date: 2026-01-10", "date: 2026-01-09", 'experiment.enroll.date: "2026-01-10" -> "2026-01-09"'),
    ],
)
def test_an_edit_after_the_start_is_refused_with_a_diff(root: Path, edit: Edit, old: str, new: str, shows: str) -> None:
    letter(root).assign("2026-01-10")
    before = (root / "experiments" / "letter" / "lock.yaml").read_bytes()
    edit(old, new)
    for attempt in (lambda: letter(root).assign("2026-01-10"), lambda: letter(root).analyze()):
        with pytest.raises(AssignmentError) as refused:
            attempt()
        assert shows in str(refused.value)
        assert "version: 2" in str(refused.value)
    assert (root / "experiments" / "letter" / "lock.yaml").read_bytes() == before


def test_a_shared_definition_counts_as_the_experiments_own(root: Path) -> None:
    letter(root).assign("2026-01-10")
    path = root / "configs" / "metrics" / "all.yaml"
    path.write_text(path.read_text().replace("window: 14d", "window: 7d"))
    with pytest.raises(AssignmentError, match=r"metrics\.bought\.window\.length"):
        letter(root).analyze()


def test_a_title_and_a_descriptive_metric_may_change_and_are_listed(root: Path, edit: Edit) -> None:
    letter(root).assign("2026-01-10")
    edit("title: A letter", "title: A letter by post")
    edit("metrics: {primary: bought}", "metrics: {primary: bought, descriptive: [orders]}")
    handle = letter(root).analyze()
    changed = [
        deviation.details["name"] for deviation in handle.analysis.deviations if deviation.id == "cosmetic_change"
    ]
    assert "experiment.title" in changed
    assert any("descriptive" in name for name in changed)
    assert "experiment.title" in handle.to_markdown()


def test_a_new_version_of_the_analysis_keeps_the_assignment(root: Path, edit: Edit) -> None:
    letter(root).assign("2026-01-10")
    before = letter(root).analyze().analysis
    edit("primary: bought", "primary: orders")
    edit("title: A letter", "title: A letter\nversion: 2")
    with pytest.raises(AssignmentError, match="version 2 is not locked yet"):
        letter(root).analyze()
    done = letter(root).assign("2026-01-10")
    assert done.added == 0
    after = letter(root).analyze().analysis
    assert [v.assigned for v in after.variants] == [v.assigned for v in before.variants]
    assert after.plan.primary == "orders"
    assert "new_version" in {deviation.id for deviation in after.deviations}
    edit("version: 2", "version: 1")
    with pytest.raises(AssignmentError, match="never taken back"):
        letter(root).analyze()


def test_a_new_version_of_the_assignment_needs_a_new_salt(root: Path, edit: Edit) -> None:
    letter(root).assign("2026-01-10")
    edit("country: JP", "country: TW")
    edit("title: A letter", "title: A letter\nversion: 2")
    with pytest.raises(AssignmentError, match="Give it a new salt"):
        letter(root).assign("2026-01-10")
    edit("method: hash", "method: hash, salt: letter-again")
    done = letter(root).assign("2026-01-10")
    assert done.added == 100
    assert lock(root)["salt"] == "letter-again"
    assert sum(v.assigned for v in letter(root).analyze().analysis.variants) == 100


def test_versions_do_not_write_over_each_others_reports(root: Path, edit: Edit) -> None:
    """The first version keeps the plain date as its folder; the newest version is the one that is shown."""
    letter(root).assign("2026-01-10")
    first = letter(root).analyze("2026-02-01").write()
    before = first.read_bytes()
    edit("primary: bought", "primary: orders")
    edit("title: A letter", "title: A letter\nversion: 2")
    letter(root).assign("2026-01-10")
    second = letter(root).analyze("2026-02-01").write()
    again = letter(root).analyze("2026-02-01").write()
    earlier = letter(root).analyze("2026-01-30").write()
    folders = [path.relative_to(root).parent.as_posix() for path in (first, second, again, earlier)]
    assert folders == [
        "reports/letter/2026-02-01",
        "reports/letter/2026-02-01-v2",
        "reports/letter/2026-02-01-v2",
        "reports/letter/2026-01-30-v2",
    ]
    assert first.read_bytes() == before
    project = holdfast.open_project(root)
    shown = [(handle.analysis.experiment.version, handle.analysis.as_of) for handle in project.analyses("letter")]
    assert shown == [(1, "2026-02-01"), (2, "2026-01-30"), (2, "2026-02-01")]
    assert [handle.analysis.plan.primary for handle in project.newest()] == ["orders"]
    assert "(letter/2026-02-01-v2/report.md)" in project.write_index().read_text(encoding="utf-8")


def test_ten_versions_are_in_order(root: Path, edit: Edit) -> None:
    letter(root).assign("2026-01-10")
    edit("title: A letter", "title: A letter\nversion: 2")
    letter(root).assign("2026-01-10")
    letter(root).analyze("2026-02-01").write()
    edit("version: 2", "version: 10")
    letter(root).assign("2026-01-10")
    letter(root).analyze("2026-02-01").write()
    project = holdfast.open_project(root)
    assert [handle.analysis.experiment.version for handle in project.newest()] == [10]


def test_drawing_again_is_said(
    root: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letter(root).assign("2026-01-10")
    edit("title: A letter", "title: A letter\nversion: 2")
    edit("method: hash", "method: hash, salt: letter-again")
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["holdfast", "assign", "letter", "--as-of", "2026-01-10", "-q"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    printed = capsys.readouterr()
    assert printed.err == (
        "letter: this version draws again: 300 units of the version before it may get another variant, and whatever "
        "they were given already stays given\n"
    )
    assert printed.out.startswith("letter: +300 new, 0 moved; 300 assigned by 2026-01-10")
    with pytest.raises(SystemExit):
        main()
    assert not capsys.readouterr().err
    # Both versions' assignments are kept.
    assert sorted(path.name for path in (root / "data/assignments/letter").iterdir()) == ["v1", "v2"]
    assert letter(root).assign("2026-01-10").drawn_again == 0


def test_a_lock_of_another_schema_is_refused_everywhere(root: Path) -> None:
    letter(root).assign("2026-01-10")
    path = root / "experiments" / "letter" / "lock.yaml"
    path.write_text(path.read_text().replace("holdfast.lock/1", "holdfast.lock/2"))
    for attempt in (lambda: letter(root).assign("2026-01-10"), lambda: letter(root).analyze()):
        with pytest.raises(AssignmentError, match=r"is of schema holdfast\.lock/2, .* install the version"):
            attempt()


def test_traffic_may_rise_between_batches_and_each_keeps_its_design(root: Path, edit: Edit) -> None:
    """What is made again later is drawn with the traffic and under the design that it had."""
    edit("enroll: {date: 2026-01-10}", "enroll: {from: 2026-01-10, for: 3d, each: day}")
    edit("method: hash", 'method: hash, traffic: "40%"')
    letter(root).assign("2026-01-10")
    edit('traffic: "40%"', 'traffic: "100%"')
    letter(root).assign("2026-01-12")
    document: dict[str, Any] = lock(root)
    first, second, _ = document["batches"]
    assert (first["traffic"], second["traffic"]) == ("40%", "100%")
    assert first["config_hash"] != second["config_hash"] == document["config_hash"]
    index = root / "data/assignments/letter/v1/manifest.json"
    before = index.read_bytes()
    shutil.rmtree(root / "data")
    letter(root).analyze()
    assert index.read_bytes() == before
