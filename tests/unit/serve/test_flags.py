"""From files to flags: names, salts, payloads, dates, and what cannot be served."""

from __future__ import annotations

import datetime as dt
import textwrap
from decimal import Decimal
from pathlib import Path

import pytest

import holdfast
from holdfast.model.flag import Flag, FlagHoldout, FlagSlot
from holdfast.model.predicate import Condition

PROJECT = """
schema_version: 1
project: small
timezone: Asia/Tokyo
currency: JPY
units: {customer: {source: customers, exclude: {is_test: true}}}
channels: {email: {consent: email_opt_in, sent: visits.mailed, unsubscribe: visits.left}}
holdouts: {global-2026: {share: 5%, salt: global-2026, from: 2026-01-01, until: 2026-12-31}}
exclusion_groups: {offers: {salt: offers-1}}
purposes: [service]
"""
SOURCES = """
sources:
  customers: {grain: unit, path: c.parquet, keys: {customer: id}, properties: [country, email_opt_in, is_test]}
  visits:
    grain: event
    path: v.parquet
    keys: {customer: id}
    timestamp: moment
    facts: {visit: null, mailed: mailed, left: left}
    freshness: 36h
"""
METRICS = """
metrics:
  came_back: {operation: conversion, fact: visits.visit, window: 14d, desired_change: increase}
"""
TACTICS = """
tactics:
  checklist:
    type: onboarding_change
    surface: app
    flag: onboarding-checklist
    change: A checklist
    activation: visits.visit
    payload: {value: three, steps: 3}
  letter: {type: personalised_email, template: letter-1, channel: email, uses: [service]}
"""
EXPERIMENT = """
owner: a@example.com
hypothesis: A checklist brings customers back.
assignment: {method: hash, salt: welcome-1}
variants:
  control: {weight: 1, control: true, tactic: same_as_today}
  checklist: {weight: 2, tactic: checklist, payload: {steps: 5}}
enroll: {from: 2026-03-01, for: 4w, each: day}
metrics: {primary: came_back}
"""
TOKYO = dt.timezone(dt.timedelta(hours=9))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in (
        ("configs/project.yaml", PROJECT),
        ("configs/sources/all.yaml", SOURCES),
        ("configs/metrics/all.yaml", METRICS),
        ("configs/tactics/all.yaml", TACTICS),
        ("experiments/welcome/experiment.yaml", EXPERIMENT),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def write(root: Path, slug: str, *changes: tuple[str, str]) -> None:
    """An experiment like the first one, with some texts replaced."""
    text = EXPERIMENT
    for old, new in changes:
        assert old in text
        text = text.replace(old, textwrap.dedent(new))
    path = root / "experiments" / slug / "experiment.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def only(root: Path, slug: str = "welcome") -> Flag:
    return next(flag for flag in holdfast.open_project(root).flags() if flag.experiment == slug)


def midnight(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, tzinfo=TOKYO)


def test_a_flag_holds_all_that_a_service_needs(root: Path) -> None:
    flag = only(root)
    assert flag.names == ("welcome", "onboarding-checklist")
    assert (flag.salt, flag.version, flag.hash_version) == ("welcome-1", 1, 1)
    assert flag.config_hash == holdfast.open_project(root).experiment("welcome").study.config_hash
    assert [(item.key, item.weight, item.is_control) for item in flag.variants] == [
        ("control", 1, True),
        ("checklist", 2, False),
    ]
    assert flag.exclude == {"is_test": Condition.parse(True)}
    assert (flag.problem, flag.readable, flag.slot, flag.holdouts, flag.cluster) == ("", True, None, (), None)
    assert flag.traffic == 1


def test_a_payload_is_the_tactics_with_the_variants_own_values(root: Path) -> None:
    assert [dict(item.payload) for item in only(root).variants] == [{}, {"value": "three", "steps": 5}]


def test_it_runs_from_the_enrolment_to_the_readout(root: Path) -> None:
    """Enrolment ends on 29 March, the last window 14 days later, and facts arrive within two days: 14 April."""
    flag = only(root)
    assert (flag.opens, flag.closes) == (midnight(2026, 3, 1), midnight(2026, 4, 14))
    plan = holdfast.open_project(root).experiment("welcome").plan("2026-03-10")
    assert plan.readout == dt.date(2026, 4, 14)


def test_dates_are_in_the_experiments_own_zone(root: Path) -> None:
    write(root, "welcome", ("metrics:", "timezone: America/New_York\nmetrics:"))
    assert only(root).opens == dt.datetime(2026, 3, 1, 5, tzinfo=dt.UTC)


def test_audience_traffic_slot_and_consent(root: Path) -> None:
    write(
        root,
        "welcome",
        ("tactic: checklist, payload: {steps: 5}", "tactic: letter"),
        (
            "{method: hash, salt: welcome-1}",
            "{method: hash, salt: w, traffic: 12.5%, exclusion_group: {name: offers, slot: 10%..60%}}",
        ),
        ("enroll:", "audience: {country: JP}\nenroll:"),
        ("tactic: same_as_today", "tactic: nothing"),
    )
    flag = only(root)
    assert flag.audience == {"country": Condition.parse("JP")}
    assert flag.consents == ("email_opt_in",)
    assert flag.traffic == Decimal("0.125")
    assert flag.slot == FlagSlot(name="offers", salt="offers-1", low=Decimal("0.1"), high=Decimal("0.6"))
    assert flag.names == ("welcome",)


@pytest.mark.parametrize(
    ("enroll", "dates", "start", "end"),
    [
        # It lasts to the end of the enrolment: whoever was held out stays out for good.
        ("from: 2026-03-01, for: 4w, each: day", "2026-01-01 2026-12-31", midnight(2026, 1, 1), None),
        ("from: 2026-03-01, for: 4w, each: day", "2026-03-10 2026-03-28", midnight(2026, 3, 10), None),
        # It ends before: from then on everybody may enrol.
        ("from: 2026-03-01, for: 4w, each: day", "2026-01-01 2026-03-27", midnight(2026, 1, 1), midnight(2026, 3, 28)),
        ("date: 2026-03-01", "2026-01-01 2026-03-01", midnight(2026, 1, 1), None),
    ],
)
def test_a_holdout_counts_on_the_day_of_enrolment(
    root: Path, enroll: str, dates: str, start: dt.datetime, end: dt.datetime | None
) -> None:
    _hold_out(root, enroll, dates)
    expected = FlagHoldout(name="global-2026", salt="global-2026", share=Decimal("0.05"), start=start, end=end)
    assert only(root).holdouts == (expected,)


@pytest.mark.parametrize(
    ("enroll", "dates"),
    [
        ("from: 2026-03-01, for: 4w, each: day", "2026-03-29 2026-12-31"),
        ("from: 2026-03-01, for: 4w, each: day", "2026-01-01 2026-02-28"),
        ("date: 2026-03-01", "2026-03-02 2026-12-31"),
    ],
)
def test_a_holdout_that_does_not_run_while_they_enrol(root: Path, enroll: str, dates: str) -> None:
    _hold_out(root, enroll, dates)
    assert only(root).holdouts == ()


def _hold_out(root: Path, enroll: str, dates: str) -> None:
    start, end = dates.split()
    text = PROJECT.replace("2026-01-01", start).replace("2026-12-31", end)
    (root / "configs/project.yaml").write_text(text, encoding="utf-8")
    write(
        root,
        "welcome",
        ("salt: welcome-1", "salt: welcome-1, holdout: global-2026"),
        ("from: 2026-03-01, for: 4w, each: day", enroll),
    )


def test_without_a_salt_the_locks_is_taken(root: Path) -> None:
    write(root, "welcome", (", salt: welcome-1", ""))
    assert only(root).salt is None
    (root / "c.parquet").unlink(missing_ok=True)
    _data(root)
    project = holdfast.open_project(root)
    project.experiment("welcome").assign("2026-03-02")
    salt = only(root).salt
    assert salt
    assert salt.startswith("welcome-")
    assert f"salt: {salt}" in (root / "experiments/welcome/lock.yaml").read_text(encoding="utf-8")


def _data(root: Path) -> None:
    import duckdb

    con = duckdb.connect()
    con.execute(
        "CREATE TABLE c AS SELECT 'c' || i AS id, 'JP' AS country, true AS email_opt_in, false AS is_test "
        "FROM range(50) t(i)"
    )
    con.execute(f"COPY c TO '{root / 'c.parquet'}' (FORMAT parquet)")


def test_what_was_changed_after_the_start_is_not_served(root: Path) -> None:
    _data(root)
    holdfast.open_project(root).experiment("welcome").assign("2026-03-02")
    assert only(root).readable
    write(root, "welcome", ("weight: 2", "weight: 3"))
    flag = only(root)
    assert not flag.readable
    assert "holdfast validate welcome" in flag.problem


def test_one_wrong_file_leaves_the_others_alone(root: Path) -> None:
    write(root, "broken", ("owner:", "onwer:"))
    found = {flag.experiment: flag for flag in holdfast.open_project(root).flags()}
    assert found["welcome"].problem == ""
    assert not found["broken"].readable


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("method: hash, salt: welcome-1", "method: balanced, salt: welcome-1"), "assigned in blocks"),
        (("method: hash, salt: welcome-1", "method: external, source: customers, variant: country"), "another system"),
    ],
)
def test_what_no_hash_decides(root: Path, change: tuple[str, str], words: str) -> None:
    changes = [change]
    if "external" in change[1]:
        changes += [("enroll: {from: 2026-03-01, for: 4w, each: day}\n", "")]
        changes += [("variant: country", "variant: country, assigned_at: country")]
    write(root, "welcome", *changes)
    assert words in only(root).problem


def test_this_repository_has_flags() -> None:
    for flag in holdfast.open_project(Path(__file__)).flags():
        assert flag.readable, flag.problem
