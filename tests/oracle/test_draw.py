"""The draw against plain Python: blocks dealt within strata, clusters drawn as one, contact caps, daily batches."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from holdfast import hashing, warehouse
from holdfast.errors import DataError
from holdfast.model.study import Study
from holdfast.project.drawing import draw
from tests.builders import study as build

DAY = dt.date(2026, 3, 10)
T0 = dt.datetime.combine(DAY, dt.time())
THREE = {
    "control": {"weight": 2, "is_control": True, "tactic": "nothing"},
    "mail": {"weight": 1, "tactic": "mail"},
    "push": {"weight": 1, "tactic": "mail"},
}


class Person(NamedTuple):
    id: str
    household: str | None
    country: str | None
    signed: dt.date
    spend: int


AGREED = ("true", "T", "yes", "false", "no", "maybe", None)


class Row(NamedTuple):
    variant: str
    stratum: str | None
    cluster: str | None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 customers in households of one to four, and the messages that were sent to them."""
    where = tmp_path_factory.mktemp("draw")
    con = duckdb.connect()
    con.execute("CREATE TABLE c(id VARCHAR, household VARCHAR, country VARCHAR, signed DATE, spend INTEGER)")
    con.executemany("INSERT INTO c VALUES (?, ?, ?, ?, ?)", [tuple(person) for person in PEOPLE])
    con.execute("CREATE TABLE m(id VARCHAR, moment TIMESTAMP)").executemany("INSERT INTO m VALUES (?, ?)", SENT)
    cases = " ".join(f"WHEN {i} THEN '{word}'" for i, word in enumerate(AGREED) if word)
    con.execute("ALTER TABLE c ADD COLUMN agreed VARCHAR")
    con.execute(f"UPDATE c SET agreed = CASE CAST(id[2:] AS INTEGER) % {len(AGREED)} {cases} END")
    con.execute("ALTER TABLE c ADD COLUMN blank VARCHAR DEFAULT ''")
    for table in ("c", "m"):
        con.execute(f"COPY {table} TO '{where / table}.parquet' (FORMAT parquet)")
    return where


def _people() -> list[Person]:
    rng = random.Random(3)
    people: list[Person] = []
    home = 0
    while len(people) < 2000:
        home += 1
        country = rng.choice(["JP", "JP", "TW", "KR", None])
        for _ in range(rng.choice([1, 1, 2, 4])):
            signed = DAY + dt.timedelta(days=rng.choice([-30, -3, 0, 1, 2]))
            people.append(Person(f"c{len(people)}", f"h{home}", country, signed, rng.choice([0, 0, 5, 50, 500])))
    return people


PEOPLE = _people()
BY_ID = {person.id: person for person in PEOPLE}
_RNG = random.Random(8)
SENT = [
    (f"c{_RNG.randrange(2000)}", T0 - dt.timedelta(minutes=_RNG.randrange(-3 * 1440, 14 * 1440))) for _ in range(4000)
]


def _study(
    folder: Path,
    *,
    variants: Mapping[str, Any] = THREE,
    audience: Mapping[str, Any] | None = None,
    enroll: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    channels: Mapping[str, Any] | None = None,
    tactic: Mapping[str, Any] | None = None,
    **assignment: Any,
) -> Study:
    return build(
        folder,
        project={"units": {"customer": {"source": "customers"}}, "channels": channels or {}},
        sources={
            "customers": {
                "grain": "unit",
                "path": "c.parquet",
                "keys": {"customer": "id"},
                "known_from": "signed",
                "properties": ["household", "country", "spend", "signed", "agreed", "blank"],
            },
            "messages": {
                "grain": "event",
                "path": "m.parquet",
                "keys": {"customer": "id"},
                "timestamp": "moment",
                "facts": {"sent": {}},
            },
        },
        properties=properties,
        tactics={"mail": {"type": "custom", "label": "mail", "channel": ["email"], **(tactic or {})}},
        metrics={
            "reached": {
                "operation": "conversion",
                "fact": "messages.sent",
                "window": {"length": "5d"},
                "desired_change": "increase",
            }
        },
        experiment={
            "variants": variants,
            "assignment": {"method": "balanced", "unit": "customer", "salt": "trial-1", **assignment},
            "enroll": enroll or {"date": DAY.isoformat()},
            "audience": audience or {},
            "metrics": {"primary": "reached"},
        },
    )


def _drawn(study: Study, folder: Path, days: int = 1) -> list[dict[str, Row]]:
    """The batches of so many days in a row."""
    batches: list[dict[str, Row]] = []
    paths: list[Path] = []
    for number in range(days):
        target = folder / f"out{number}.parquet"
        target.unlink(missing_ok=True)
        with warehouse.connect(study.project.connection, folder, folder) as engine:
            earlier = engine.parquet(paths) if paths else None
            draw(engine, study, DAY + dt.timedelta(days=number), earlier=earlier, target=target)
        paths.append(target)
        rows = duckdb.connect().execute(f"SELECT unit, variant, stratum, cluster FROM '{target}'").fetchall()
        batches.append({unit: Row(*row) for unit, *row in rows})
    return batches


def _h(text: str) -> int:
    return int(hashlib.md5(text.encode()).hexdigest()[:13], 16)


def dealt(strata: Mapping[str, list[str]], one: list[str], day: dt.date, salt: str = "trial-1") -> dict[str, str]:
    """The deal in plain Python, as docs/assignment.md has it."""
    found = {}
    for stratum, keys in strata.items():
        ordered = sorted(keys, key=lambda key: (_h(f"{salt}:variant:{key}"), key))
        for start in range(0, len(ordered), len(one)):
            block = start // len(one)
            cards = range(len(one))
            hand = sorted(cards, key=lambda card: (_h(f"{salt}:block:{day}:{stratum}:{block}:{card}"), card))
            for key, card in zip(ordered[start:], hand, strict=False):
                found[key] = one[card]
    return found


def _known(day: dt.date = DAY) -> list[Person]:
    return [person for person in PEOPLE if person.signed < day]


def test_balanced_is_the_deal_in_plain_python(folder: Path) -> None:
    study = _study(folder, strata=["country"])
    found = _drawn(study, folder)[0]
    strata: dict[str, list[str]] = defaultdict(list)
    for person in _known():
        strata[f"country={person.country or 'none'}"].append(person.id)
    assert {unit: row.variant for unit, row in found.items()} == dealt(
        strata, ["control", "control", "mail", "push"], DAY
    )
    assert {unit: row.stratum for unit, row in found.items()} == {
        unit: stratum for stratum, units in strata.items() for unit in units
    }


def test_counts_are_exact_in_every_stratum(folder: Path) -> None:
    found = _drawn(_study(folder, strata=["country", "band"], properties=BANDS), folder)[0]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in found.values():
        assert row.stratum is not None
        counts[row.stratum][row.variant] += 1
    assert len(counts) > 8
    for by_variant in counts.values():
        n = by_variant.total()
        # Full blocks are exact; the rest is a part of one block of two, one and one.
        assert n // 4 <= by_variant["mail"] <= n // 4 + 1
        assert n // 4 <= by_variant["push"] <= n // 4 + 1
        assert 2 * (n // 4) <= by_variant["control"] <= 2 * (n // 4) + 2


BANDS = {"band": {"operation": "count", "fact": "messages.sent", "bands": {"none": 0, "some": 1, "many": 3}}}


def test_each_day_is_a_deal_of_its_own_and_nobody_moves(folder: Path) -> None:
    study = _study(folder, strata=["country"], enroll={"start": DAY.isoformat(), "length": "5d", "each": "day"})
    first, second, third = _drawn(study, folder, days=3)
    assert not first.keys() & second.keys()
    assert not second.keys() & third.keys()
    joined: dict[str, list[str]] = defaultdict(list)
    day = DAY + dt.timedelta(days=1)
    for person in _known(day):
        if person.id not in first:
            joined[f"country={person.country or 'none'}"].append(person.id)
    assert {unit: row.variant for unit, row in second.items()} == dealt(
        joined, ["control", "control", "mail", "push"], day
    )
    assert first.keys() | second.keys() | third.keys() == {p.id for p in _known(DAY + dt.timedelta(days=2))}


@pytest.mark.parametrize("method", ["hash", "balanced"])
def test_a_household_is_assigned_as_one_over_all_batches(folder: Path, method: str) -> None:
    enroll = {"start": DAY.isoformat(), "length": "5d", "each": "day"}
    batches = _drawn(_study(folder, method=method, cluster="household", enroll=enroll), folder, days=3)
    homes: dict[str, set[str]] = defaultdict(set)
    for batch in batches:
        for unit, row in batch.items():
            assert row.cluster == BY_ID[unit].household
            homes[row.cluster or ""].add(row.variant)
    assert all(len(variants) == 1 for variants in homes.values())
    assert {next(iter(variants)) for variants in homes.values()} == set(THREE)
    if method == "hash":
        weights = {"control": 2, "mail": 1, "push": 1}
        assert {home: next(iter(v)) for home, v in homes.items()} == {
            home: hashing.variant_of("trial-1", home, weights) for home in homes
        }
    else:
        first = {row.cluster: row.variant for row in batches[0].values()}
        n = Counter(first.values())
        assert abs(n["control"] - len(first) / 2) <= 2
        assert abs(n["mail"] - len(first) / 4) <= 1


def test_the_traffic_of_clusters_is_drawn_by_cluster(folder: Path) -> None:
    found = _drawn(_study(folder, method="hash", cluster="household", traffic="50%"), folder)[0]
    inside = {BY_ID[unit].household for unit in found}
    expected = {p.household for p in _known() if hashing.bucket("trial-1", "traffic", p.household or "") < 2**51}
    assert inside == expected


def test_customers_without_a_cluster_are_not_one_cluster(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'have no "country".*audience: \{country: \{not: none\}\}'):
        _drawn(_study(folder, method="hash", cluster="country"), folder)
    assert not (tmp_path / "out0.parquet").exists()
    found = _drawn(_study(folder, method="hash", cluster="country", audience={"country": {"not": "none"}}), folder)[0]
    assert {row.cluster for row in found.values()} == {"JP", "TW", "KR"}


def test_an_empty_cluster_is_none(folder: Path) -> None:
    """A file of texts says nothing with an empty one."""
    study = _study(folder, method="hash", cluster="blank")
    with pytest.raises(DataError, match=r'have no "blank".*missing'):
        _drawn(study, folder)


@pytest.mark.parametrize(("flag", "expected"), [(True, {"true", "T", "yes"}), (False, {"false", "no"})])
def test_true_and_false_of_texts(folder: Path, flag: bool, expected: set[str]) -> None:
    """Excluded test accounts stay out where a file has true and false as texts."""
    found = _drawn(_study(folder, method="hash", audience={"agreed": flag}), folder)[0]
    assert {AGREED[int(unit[1:]) % len(AGREED)] for unit in found} == expected


def test_strata_that_tear_a_cluster_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match='units of "household" lie in several strata'):
        _drawn(_study(folder, cluster="household", strata=["spend"]), folder)


def test_a_number_without_bands_is_no_stratum(folder: Path) -> None:
    with pytest.raises(DataError, match="strata, which is too many to balance"):
        _drawn(_study(folder, strata=["household"]), folder)


def test_a_smaller_traffic_is_dealt_among_those_within_it(folder: Path) -> None:
    found = _drawn(_study(folder, traffic="30%"), folder)[0]
    inside = [p.id for p in _known() if hashing.bucket("trial-1", "traffic", p.id) < hashing.share_limit("0.3")]
    assert {unit: row.variant for unit, row in found.items()} == dealt(
        {"": inside}, ["control", "control", "mail", "push"], DAY
    )
    assert all(row.stratum is None for row in found.values())


CHANNELS = {"email": {"sent": "messages.sent", "cap": {"contacts": 3, "within": "7d"}}}
HISTORY = {unit: sorted(at for _, at in rows) for unit, rows in groupby(sorted(SENT), key=lambda row: row[0])}


@pytest.mark.parametrize("days", [(), (0, 3), (2, 5, 9)])
def test_contacts_within_the_cap_count_those_already_sent(folder: Path, days: tuple[int, ...]) -> None:
    """At each planned contact the messages of the seven days up to it, sent and planned, are at most three."""
    touches = [{"day": day, "channel": "email"} for day in days]
    study = _study(folder, method="hash", channels=CHANNELS, tactic={"touches": touches})

    def fits(unit: str) -> bool:
        week = dt.timedelta(days=7)
        planned = [T0 + dt.timedelta(days=day) for day in (days or (0,))]
        before = [at for at in HISTORY.get(unit, []) if at < T0]
        return all(
            sum(1 for at in [*before, *planned] if at > moment - week and at <= moment) <= 3 for moment in planned
        )

    found = _drawn(study, folder)[0]
    assert set(found) == {person.id for person in _known() if fits(person.id)}
    assert 0.5 < len(found) / len(_known()) < 1


def test_a_cap_binds_only_the_channels_that_are_used(folder: Path) -> None:
    study = _study(folder, method="hash", channels=CHANNELS, tactic={"channel": ["push"]})
    assert len(_drawn(study, folder)[0]) == len(_known())


def test_the_top_share_of_every_day_is_one_of_everybody(folder: Path) -> None:
    """Were it taken among those left, all would enrol within a few weeks."""
    enroll = {"start": DAY.isoformat(), "length": "5d", "each": "day"}
    study = _study(folder, method="hash", audience={"spend": "top 20%"}, enroll=enroll)
    batches = _drawn(study, folder, days=3)
    assert {BY_ID[unit].spend for batch in batches for unit in batch} == {500}
