"""assign --dry-run: what it says is what assign does, and nothing is written."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

import holdfast
from holdfast.cli.app import app
from holdfast.errors import AssignmentError, NotYet
from tests.exporting import contents

PROJECT = """\
schema_version: 1
project: shop
timezone: UTC
currency: USD
units: {customer: {source: customers}}
channels: {email: {consent: agreed, sent: messages.sent, unsubscribe: messages.left, cap: 2 per 7d}}
"""
SOURCES = """\
sources:
  customers: {grain: unit, path: c.parquet, keys: {customer: id}, properties: [country, agreed, home, since]}
  messages: {grain: event, path: m.parquet, keys: {customer: id}, timestamp: moment, facts: {sent: null, left: gone}}
properties:
  mails: {fact: messages.sent, operation: count, window: {last: 60d}}
  mail_band: {fact: messages.sent, operation: count, window: {last: 60d}, bands: {none: 0, some: 1, many: 3}}
"""
METRICS = """\
metrics:
  reached: {operation: conversion, fact: messages.sent, window: 14d, desired_change: increase}
"""
TACTICS = """\
tactics:
  a-letter: {type: custom, title: A letter, label: letter, channel: email}
  two-letters:
    {type: custom, label: two, channel: email, touches: [{day: 0, channel: email}, {day: 3, channel: email}]}
"""
EXPERIMENT = """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {assignment}
variants:
  control: {{weight: 1, control: true, tactic: same_as_today}}
  letter: {{weight: 1, tactic: {tactic}}}
enroll: {enroll}
metrics: {{primary: reached}}
acknowledge: [{{rule: control-not-described, because: They get nothing.}}]
"""
DAY = dt.date(2026, 3, 10)
PLANTED = "SECRET-"
Write = Callable[..., None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A shop of 600 customers, and what was mailed to them."""
    rng = random.Random(6)
    files = {"project.yaml": PROJECT, "sources/a.yaml": SOURCES, "metrics/a.yaml": METRICS, "tactics/a.yaml": TACTICS}
    for name, text in files.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    people = [(f"{PLANTED}{i}", rng.choice(["JP", "TW"]), rng.random() < 0.9, f"h{i // 2}", DAY) for i in range(600)]
    midnight = dt.datetime.combine(DAY, dt.time())
    mails = [
        (f"{PLANTED}{rng.randrange(600)}", midnight - dt.timedelta(hours=rng.randrange(1, 800)), None)
        for _ in range(2400)
    ]
    con = duckdb.connect()
    con.execute("CREATE TABLE c(id VARCHAR, country VARCHAR, agreed BOOLEAN, home VARCHAR, since DATE)")
    con.executemany("INSERT INTO c VALUES (?, ?, ?, ?, ?)", people)
    con.execute("CREATE TABLE m(id VARCHAR, moment TIMESTAMP, gone INTEGER)")
    con.executemany("INSERT INTO m VALUES (?, ?, ?)", mails)
    for table in ("c", "m"):
        con.execute(f"COPY {table} TO '{tmp_path / table}.parquet' (FORMAT parquet)")
    return tmp_path


@pytest.fixture
def experiment(root: Path) -> Write:
    def write(
        slug: str,
        assignment: str = "{method: hash, salt: first-1}",
        tactic: str = "a-letter",
        enroll: str = "{date: 2026-03-10}",
    ) -> None:
        path = root / "experiments" / slug / "experiment.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(EXPERIMENT.format(assignment=assignment, tactic=tactic, enroll=enroll), encoding="utf-8")

    return write


def _rows(root: Path, slug: str) -> list[tuple[str, str, str | None]]:
    pattern = root / "data" / "assignments" / slug / "v1" / "*.parquet"
    return duckdb.connect().execute(f"SELECT unit, variant, stratum FROM '{pattern}'").fetchall()


@pytest.mark.parametrize(
    "assignment",
    [
        "{method: hash, salt: first-1}",
        "{method: hash, salt: first-1, traffic: 40%}",
        "{method: balanced, salt: first-1, strata: [country]}",
        "{method: hash, salt: first-1, cluster: home}",
        "{method: balanced, salt: first-1, rerandomise: {on: [mails], accept: 5%}}",
    ],
)
def test_what_it_says_is_what_assign_does(root: Path, experiment: Write, assignment: str) -> None:
    experiment("first", assignment)
    before = contents(root)
    seen = holdfast.open_project(root).experiment("first").preview("2026-03-10")
    assert contents(root) == before, "nothing is written"
    done = holdfast.open_project(root).experiment("first").assign("2026-03-10")
    assert dict(seen.batches[DAY]) == done.counts
    rows = _rows(root, "first")
    strata = {stratum for _, _, stratum in rows if stratum}
    assert {stratum: Counter(v for _, v, s in rows if s == stratum) for stratum in strata} == seen.strata
    homes = {int(unit.removeprefix(PLANTED)) // 2 for unit, _, _ in rows}
    assert sum(seen.clusters.values()) == (len(homes) if "home" in assignment else 0)


def test_days_ahead_and_batches_that_follow(root: Path, experiment: Write) -> None:
    experiment("first", enroll="{from: 2026-03-09, for: 2w, each: day}")
    handle = holdfast.open_project(root).experiment("first")
    seen = handle.preview("2026-03-11")
    assert list(seen.batches) == [DAY - dt.timedelta(days=1), DAY, DAY + dt.timedelta(days=1)]
    handle.assign("2026-03-09")
    later = holdfast.open_project(root).experiment("first").preview("2026-03-11")
    assert dict(later.assigned) == dict(seen.batches[DAY - dt.timedelta(days=1)])
    assert list(later.batches) == [DAY, DAY + dt.timedelta(days=1)]
    assert later.batches[DAY] == seen.batches[DAY]
    experiment("next", "{method: hash, salt: next-1}", enroll="{date: 2027-11-05}")
    ahead = holdfast.open_project(root).experiment("next")
    assert ahead.preview().as_of == dt.date(2027, 11, 5)
    with pytest.raises(NotYet):
        ahead.preview("2026-11-05")


def test_without_a_salt_it_says_that_another_will_be_drawn(root: Path, experiment: Write) -> None:
    experiment("first", "{method: hash}")
    seen = holdfast.open_project(root).experiment("first").preview("2026-03-10")
    assert (seen.drawn, seen.salt) == (False, "first-preview")
    found = CliRunner().invoke(app, ["assign", "first", "--dry-run", "--as-of", "2026-03-10", "--project", str(root)])
    assert "no salt is drawn yet" in found.output
    assert not (root / "experiments" / "first" / "lock.yaml").exists()


def test_contact_pressure_is_that_of_the_data(root: Path, experiment: Write) -> None:
    experiment("first", tactic="two-letters")
    seen = holdfast.open_project(root).experiment("first").preview("2026-03-10")
    (pressure,) = seen.pressure
    rows = (
        duckdb.connect()
        .execute(
            f"""SELECT c.id, c.agreed,
        count(m.moment) FILTER (m.moment > TIMESTAMP '2026-03-03' AND m.moment < TIMESTAMP '2026-03-10') AS week,
        count(m.moment) FILTER (m.moment > TIMESTAMP '2026-03-06' AND m.moment < TIMESTAMP '2026-03-10') AS late
        FROM '{root}/c.parquet' c LEFT JOIN '{root}/m.parquet' m ON m.id = c.id GROUP BY ALL"""
        )
        .fetchall()
    )
    # Two letters leave no room: at day 0 one of two is taken, at day 3 both.
    fits = {unit: week for unit, agreed, week, late in rows if agreed and week <= 1 and late <= 0}
    assert sum(sum(counts.values()) for counts in seen.batches.values()) == len(fits)
    assert dict(pressure.recent) == Counter(fits.values())
    assert pressure.left_out == sum(1 for _, agreed, *_ in rows if agreed) - len(fits)
    assert dict(pressure.planned) == {"control": 0, "letter": 2}


def test_other_running_experiments_are_crossed(root: Path, experiment: Write) -> None:
    experiment("first")
    experiment("second", "{method: hash, salt: second-1, traffic: 50%}", tactic="two-letters")
    experiment("old", "{method: hash, salt: old-1}", enroll="{date: 2026-01-02}")
    experiment("idle", "{method: hash, salt: idle-1}")
    project = holdfast.open_project(root)
    project.experiment("first").assign("2026-03-10")
    project.experiment("old").assign("2026-03-10")
    seen = holdfast.open_project(root).experiment("second").preview("2026-03-10")
    (overlap,) = seen.overlaps
    assert overlap.slug == "first", "idle has nobody, old is read"
    assert dict(overlap.contacts) == {"email": 3}
    done = holdfast.open_project(root).experiment("second").assign("2026-03-10")
    there = {unit: variant for unit, variant, _ in _rows(root, "first")}
    both = Counter((variant, there[unit]) for unit, variant, _ in _rows(root, "second") if unit in there)
    assert overlap.units is not None
    assert {(a, b): n for a, row in overlap.units.items() for b, n in row.items()} == both
    assert overlap.total == sum(both.values()) == sum(done.counts.values())
    (root / "data" / "assignments" / "first" / "v1" / "2026-03-10.parquet").unlink()
    experiment("third", "{method: hash, salt: third-1}")
    gone = holdfast.open_project(root).experiment("third").preview("2026-03-10")
    assert [item.units for item in gone.overlaps if item.slug == "first"] == [None]


def test_the_command_shows_it_and_no_id(root: Path, experiment: Write) -> None:
    experiment("first")
    experiment("second", "{method: balanced, salt: second-1, strata: [mail_band]}", tactic="two-letters")
    holdfast.open_project(root).experiment("first").assign("2026-03-10")
    words = ["assign", "second", "--dry-run", "--as-of", "2026-03-10", "--project", str(root)]
    found = CliRunner().invoke(app, [*words, "-q"])
    assert found.exit_code == 0, found.output
    for text in ("nothing was written", "first is running", "messages by email", "stay out", "mail_band="):
        assert text in found.output
    document = json.loads(CliRunner().invoke(app, [*words, "--json", "-q"]).stdout)
    assert document["slug"] == "second"
    assert PLANTED not in found.output + json.dumps(document)


def test_another_systems_assignment_has_no_draw(root: Path, experiment: Write) -> None:
    experiment("first")
    path = root / "experiments" / "first" / "experiment.yaml"
    labels = "labels: {JP: control, TW: letter}"
    table = f"{{method: external, source: customers, variant: country, {labels}, assigned_at: since}}"
    text = path.read_text(encoding="utf-8").replace("{method: hash, salt: first-1}", table)
    path.write_text(text.replace("enroll: {date: 2026-03-10}\n", "observed: {to: 2026-04-01}\n"), encoding="utf-8")
    with pytest.raises(AssignmentError, match="no draw to look at"):
        holdfast.open_project(root).experiment("first").preview("2026-03-10")


def test_a_repeated_draw_is_recorded_and_made_again(root: Path, experiment: Write) -> None:
    experiment("first", "{method: balanced, salt: first-1, rerandomise: {on: [mails], accept: 2%}}")
    holdfast.open_project(root).experiment("first").assign("2026-03-10")
    folder = root / "data" / "assignments" / "first" / "v1"
    draw = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["batches"][0]["draw"]
    assert draw["covariates"] == ["mails"]
    assert draw["distance"] <= draw["limit"]
    assert draw["limit"] == pytest.approx(0.000628, rel=1e-2), "the 2 % quantile of chi-square with one degree"
    kept = _rows(root, "first")
    for file in folder.glob("*"):
        file.unlink()
    holdfast.open_project(root).experiment("first").assign("2026-03-10")
    assert _rows(root, "first") == kept
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["batches"][0]["draw"] == draw


def test_the_report_says_how_they_were_drawn(root: Path, experiment: Write) -> None:
    experiment("homes", "{method: hash, salt: homes-1, cluster: home}")
    experiment("blocks", "{method: balanced, salt: blocks-1, strata: [mail_band], rerandomise: {on: [mails]}}")
    for slug in ("homes", "blocks"):
        holdfast.open_project(root).experiment(slug).assign("2026-03-10")
    homes = holdfast.open_project(root).experiment("homes").analyze("2026-04-20")
    text = homes.to_markdown()
    drawn = {variant.key: variant.clusters for variant in homes.analysis.variants}
    members = _rows(root, "homes")
    for variant, clusters in drawn.items():
        assert clusters == len({int(u.removeprefix(PLANTED)) // 2 for u, v, _ in members if v == variant})
    assert f"of one home were drawn together: {sum(n or 0 for n in drawn.values())} draws" in text
    assert f"{drawn['control']} to {drawn['letter']}" in text
    checks = {check.id: check.status for check in homes.analysis.checks}
    assert (checks["clusters"], checks["balance"]) == ("ok", "not_applicable")
    blocks = holdfast.open_project(root).experiment("blocks").analyze("2026-04-20")
    assert "Dealt at random by Holdfast in blocks within mail band, 50/50" in blocks.to_markdown()
    # What the draw was repeated for is read with every metric, and so are the strata.
    assert "k0_mails" in blocks.queries()
    assert "the same within mail_band" in blocks.queries()
