"""What a service is told is what `assign` did: every customer of a shop, through the SDK client and in the manifest."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails, Reason

import holdfast
from holdfast.serve import HoldfastProvider

DAY = dt.date(2026, 3, 1)
TOKYO = dt.timezone(dt.timedelta(hours=9))
PROJECT = """
schema_version: 1
project: small
timezone: Asia/Tokyo
currency: JPY
units: {customer: {source: customers, exclude: {is_test: true, country: JP}}}
channels: {email: {consent: email_opt_in, sent: visits.mailed, unsubscribe: visits.left}}
holdouts: {global-2026: {share: 15%, salt: global-2026, from: 2026-01-01, until: 2026-12-31}}
exclusion_groups: {offers: {salt: offers-1}}
purposes: [service]
"""
SOURCES = """
sources:
  customers:
    grain: unit
    path: customers.parquet
    keys: {customer: id}
    properties: [country, plan, spend, email_opt_in, is_test, home]
  visits:
    grain: event
    path: visits.parquet
    keys: {customer: id}
    timestamp: moment
    facts: {visit: null, mailed: mailed, left: left, signup: signup}
properties:
  days_since_last_visit: {fact: visits.visit, operation: recency}
"""
METRICS = """
metrics:
  came_back: {operation: conversion, fact: visits.visit, window: 14d, desired_change: increase}
"""
TACTICS = """
tactics:
  letter: {type: personalised_email, template: letter-1, channel: email, uses: [service]}
  checklist: {type: onboarding_change, surface: app, flag: the-checklist, change: A list, activation: visits.visit}
"""
EXPERIMENT = """
owner: a@example.com
hypothesis: It brings customers back.
metrics: {{primary: came_back}}
{rest}
"""
SNAPSHOT = "enroll: {date: 2026-03-01}\n"
DAILY = "enroll: {from: 2026-03-01, for: 2w, each: day}\n"
LETTERS = """variants:
  control: {weight: 3, control: true, tactic: nothing}
  letter: {weight: 5, tactic: letter}
  other: {weight: 2, tactic: letter}
"""
CHECKLIST = """variants:
  control: {weight: 1, control: true, tactic: same_as_today}
  checklist: {weight: 1, tactic: checklist}
"""
DESIGNS = {
    "all-at-once": SNAPSHOT
    + LETTERS
    + "audience: {country: [JP, US], spend: 100..700, days_since_last_visit: '<= 90'}\n"
    "assignment: {salt: s-1, traffic: 70%, holdout: global-2026, exclusion_group: {name: offers, slot: 10%..80%}}\n",
    "everybody": SNAPSHOT + CHECKLIST,
    "who-did-not": DAILY + CHECKLIST + "audience: {plan: {not: basic}, spend: none}\nassignment: {salt: s-2}\n",
    "who-never-came": DAILY
    + LETTERS
    + "audience: {days_since_last_visit: none}\nassignment: {salt: s-3, traffic: 62.5%}\n",
    "homes": SNAPSHOT + CHECKLIST + "assignment: {salt: s-5, cluster: home, traffic: 60%, holdout: global-2026, "
    "exclusion_group: {name: offers, slot: 80%..100%}}\n",
    "at-sign-up": "enroll: {from: 2026-03-01, for: 2w, at: visits.signup}\n"
    + CHECKLIST
    + "assignment: {salt: s-4, holdout: global-2026}\naudience: {country: {not: none}}\n",
}
Row = dict[str, Any]


def customers(*, numbers: bool) -> list[Row]:
    """1,500 customers, some properties of whom are missing."""
    draw = random.Random(5)
    return [
        {
            "id": number if numbers else f"客-{number}",
            "country": draw.choice(["JP", "US", "DE", None]),
            "plan": draw.choice(["basic", "plus", None]),
            "spend": draw.choice([None, *range(0, 900, 50)]),
            "email_opt_in": draw.choice([True, True, False, None]),
            "is_test": draw.choice([False, False, True, None]),
            "home": f"h{number // 3}",
            "last_visit": draw.choice([None, draw.randint(1, 150)]),
        }
        for number in range(1500)
    ]


@pytest.fixture(scope="module", params=[False, True], ids=["texts", "numbers"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    root = tmp_path_factory.mktemp("shop")
    files = {
        "configs/project.yaml": PROJECT,
        "configs/sources/all.yaml": SOURCES,
        "configs/metrics/all.yaml": METRICS,
        "configs/tactics/all.yaml": TACTICS,
        **{f"experiments/{slug}/experiment.yaml": EXPERIMENT.format(rest=rest) for slug, rest in DESIGNS.items()},
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    rows = customers(numbers=request.param)
    noon = dt.datetime.combine(DAY, dt.time(12))
    never = {"mailed": False, "left": False, "signup": False}
    visits = [
        {"id": row["id"], "moment": noon - dt.timedelta(days=row["last_visit"]), **never}
        for row in rows
        if row["last_visit"]
    ]
    # Everybody signs up once: on a day before, within or after the enrolment.
    visits += [
        {"id": row["id"], "moment": noon + dt.timedelta(days=place % 25 - 5), **never, "signup": True}
        for place, row in enumerate(rows)
    ]
    pq.write_table(pa.Table.from_pylist(rows).drop_columns("last_visit"), root / "customers.parquet")
    pq.write_table(pa.Table.from_pylist(visits), root / "visits.parquet")
    return root, rows


@pytest.fixture(autouse=True)
def _no_provider_stays() -> Iterator[None]:
    yield
    api.clear_providers()


def served(root: Path, slug: str, rows: list[Row], now: dt.datetime) -> dict[str, FlagEvaluationDetails[str]]:
    """What each customer is told, by id as a text."""
    api.set_provider_and_wait(HoldfastProvider(holdfast.open_project(root), clock=lambda: now))
    client = api.get_client()
    found = {}
    for row in rows:
        attributes = {name: value for name, value in row.items() if name != "id" and value is not None}
        # As of the first day: whoever signed up before it was there on that day.
        attributes["days_since_last_visit"] = attributes.pop("last_visit", None)
        context = EvaluationContext(str(row["id"]), attributes)
        found[str(row["id"])] = client.get_string_details(slug, "default", context)
    return found


def assigned(root: Path, slug: str, as_of: dt.date) -> dict[str, str]:
    """What `assign` gave each customer, by id as a text."""
    holdfast.open_project(root).experiment(slug).assign(as_of)
    files = root / "data" / "assignments" / slug / "v1" / "*.parquet"
    return dict(duckdb.connect().execute(f"SELECT CAST(unit AS VARCHAR), variant FROM '{files}'").fetchall())


@pytest.mark.parametrize("slug", [slug for slug in DESIGNS if slug != "at-sign-up"])
def test_exactly_those_who_were_assigned_get_exactly_their_variant(shop: tuple[Path, list[Row]], slug: str) -> None:
    root, rows = shop
    # Sign-ups are visits too; those of days before the first are the last visit of some.
    rows = [{**row, "last_visit": _last_visit(place, row)} for place, row in enumerate(rows)]
    expected = assigned(root, slug, DAY)
    details = served(root, slug, rows, dt.datetime(2026, 3, 1, 9, tzinfo=TOKYO))
    drawn = {key: item.variant for key, item in details.items() if item.reason == Reason.SPLIT}
    assert drawn == expected
    assert len(expected) > 20
    for key, item in details.items():
        assert item.error_code is None
        assert item.value == expected.get(key, "default")
        assert item.reason == (Reason.SPLIT if key in expected else Reason.DEFAULT)


def _last_visit(place: int, row: Row) -> int | None:
    since = 5 - place % 25
    found = [days for days in (row["last_visit"], since) if days is not None and days > 0]
    return min(found, default=None)


def test_enrolment_at_an_event_is_a_part_of_those_served(shop: tuple[Path, list[Row]]) -> None:
    """The service cannot know the event's date; of those who had it within the enrolment each got what was served."""
    root, rows = shop
    expected = assigned(root, "at-sign-up", dt.date(2026, 3, 20))
    details = served(root, "at-sign-up", rows, dt.datetime(2026, 3, 14, tzinfo=TOKYO))
    drawn = {key: item.variant for key, item in details.items() if item.reason == Reason.SPLIT}
    assert expected.items() <= drawn.items()
    inside = {str(row["id"]) for place, row in enumerate(rows) if 5 <= place % 25 < 19}
    assert expected.keys() == drawn.keys() & inside


def test_a_salt_that_assign_drew_is_the_one_that_serves(shop: tuple[Path, list[Row]]) -> None:
    root, rows = shop
    before = served(root, "everybody", rows[:20], dt.datetime(2026, 3, 1, 9, tzinfo=TOKYO))
    if not (root / "experiments" / "everybody" / "lock.yaml").exists():
        assert {item.flag_metadata["left_out"] for item in before.values()} == {"not_assigned_yet"}
    expected = assigned(root, "everybody", DAY)
    after = served(root, "everybody", rows, dt.datetime(2026, 3, 2, tzinfo=TOKYO))
    assert {key: item.variant for key, item in after.items() if item.variant} == expected
