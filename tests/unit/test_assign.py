"""Which batches are due, and what may not change once a customer is assigned."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast import assign, config
from holdfast.config.lock import read_lock, write_lock
from holdfast.errors import AssignmentError, NotYet
from holdfast.model.experiment import Enroll
from holdfast.model.lock import Lock, LockedTable
from holdfast.model.manifest import Batch, Draw, Manifest, UnknownSchema
from holdfast.model.study import Study
from holdfast.model.values import Duration, FactRef
from tests.builders import study

quiet = settings(derandomize=True, max_examples=60, deadline=None, database=None)

START = dt.date(2026, 3, 1)
SNAPSHOT = Enroll(date=START)
DAILY = Enroll(start=START, length=Duration.parse("7d"), each="day")
AT_FACT = Enroll(start=START, length=Duration.parse("7d"), at=FactRef("orders", "order"))


def on(day: int) -> dt.date:
    """A day counted from the first of enrolment."""
    return START + dt.timedelta(days=day)


def manifest(*days: dt.date, counts: Mapping[str, int] | None = None) -> Manifest:
    return Manifest(
        batches=tuple(
            Batch(
                as_of=day,
                file=f"{day}.parquet",
                counts=counts or {"control": 1, "treated": 1},
                digest="0",
                checksum="a",
                config_hash="0",
                method="hash",
                hash_version=1,
                traffic="50%",
            )
            for day in days
        )
    )


def test_a_snapshot_is_drawn_once() -> None:
    assert assign.due("trial", SNAPSHOT, None, on(0)) == (on(0),)
    assert assign.due("trial", SNAPSHOT, Manifest(batches=()), on(0)) == (on(0),)
    # Late is the same draw: of the audience on its date.
    assert assign.due("trial", SNAPSHOT, None, on(400)) == (on(0),)
    assert assign.due("trial", SNAPSHOT, manifest(on(0)), on(0)) == ()
    assert assign.due("trial", SNAPSHOT, manifest(on(0)), on(400)) == ()


def test_daily_batches_one_by_one() -> None:
    assert assign.due("trial", DAILY, None, on(0)) == (on(0),)
    assert assign.due("trial", DAILY, manifest(on(0)), on(0)) == ()
    assert assign.due("trial", DAILY, manifest(on(0)), on(1)) == (on(1),)
    assert assign.due("trial", DAILY, manifest(on(0), on(1)), on(6)) == (on(2), on(3), on(4), on(5), on(6))


def test_daily_batches_end_with_the_enrolment() -> None:
    """The end is exclusive: seven days are seven batches."""
    whole = tuple(on(day) for day in range(7))
    for day in (6, 7, 8, 400):
        assert assign.due("trial", DAILY, None, on(day)) == whole
        assert assign.due("trial", DAILY, manifest(*whole), on(day)) == ()
        assert assign.due("trial", DAILY, manifest(*whole[:5]), on(day)) == whole[5:]


def test_no_batch_before_the_last_one() -> None:
    assert assign.due("trial", DAILY, manifest(on(0), on(4)), on(2)) == ()
    assert assign.due("trial", DAILY, manifest(on(4)), on(5)) == (on(5),)


def test_enrolment_at_an_event_takes_all_before_the_date() -> None:
    assert assign.due("trial", AT_FACT, None, on(1)) == (on(1),)
    assert assign.due("trial", AT_FACT, None, on(5)) == (on(5),)
    assert assign.due("trial", AT_FACT, manifest(on(1)), on(1)) == ()
    assert assign.due("trial", AT_FACT, manifest(on(1)), on(5)) == (on(5),)
    assert assign.due("trial", AT_FACT, manifest(on(5)), on(3)) == ()
    # The last batch is that of the end, however late: it takes the last day's events.
    for day in (7, 8, 400):
        assert assign.due("trial", AT_FACT, manifest(on(5)), on(day)) == (on(7),)
        assert assign.due("trial", AT_FACT, manifest(on(7)), on(day)) == ()


@pytest.mark.parametrize(
    ("enroll", "first"), [(SNAPSHOT, on(0)), (DAILY, on(0)), (AT_FACT, on(1))], ids=["snapshot", "daily", "at fact"]
)
def test_not_yet(enroll: Enroll, first: dt.date) -> None:
    for early in (first - dt.timedelta(days=1), dt.date(2000, 1, 1)):
        with pytest.raises(NotYet, match=f"trial: .*{first}") as caught:
            assign.due("trial", enroll, None, early)
        assert caught.value.available_from == first
    assert assign.due("trial", enroll, None, first)


def test_an_enrolment_without_dates_is_a_fault() -> None:
    with pytest.raises(ValueError, match="a date, or a start and a length"):
        assign.due("trial", Enroll(), None, on(0))


@quiet
@given(
    st.sampled_from([SNAPSHOT, DAILY, AT_FACT]),
    st.lists(st.integers(min_value=1, max_value=12), min_size=1, max_size=8),
)
def test_any_calendar_of_calls_covers_the_enrolment_once(enroll: Enroll, calls: list[int]) -> None:
    """Batches rise, none is made twice, and a call at the end completes whatever the calls before it did."""
    made: tuple[dt.date, ...] = ()
    for day in (*sorted(calls), 12):
        new = assign.due("trial", enroll, manifest(*made), on(day))
        made += new
        assert assign.due("trial", enroll, manifest(*made), on(day)) == ()
        assert all(batch <= on(day) for batch in new)
    assert list(made) == sorted(set(made))
    expected_last = {"date": on(0), "each": on(6), "at": on(7)}
    assert made[-1] == expected_last["date" if enroll.date else "at" if enroll.at else "each"]
    if enroll.each:
        assert made == tuple(on(day) for day in range(7))


BASE: dict[str, Any] = {
    "title": "A title",
    "assignment": {"method": "hash", "unit": "customer", "salt": "trial-1", "traffic": "50%"},
    "audience": {"country": "JP", "orders": ">= 3"},
    "enroll": {"start": "2026-03-01", "length": "7d", "each": "day"},
    "metrics": {
        "primary": "retained",
        "guardrails": [{"metric": "complained", "tolerate": "0.5pt"}],
        "secondary": ["bought"],
    },
    "analysis": {"expect": "1pt"},
    "variants": {
        "control": {"weight": 50, "is_control": True, "tactic": "nothing"},
        "treated": {"weight": 50, "tactic": "same_as_today"},
    },
}


def trial(**changes: Any) -> Study:
    """The base experiment with some parts changed; a mapping is merged one level deep."""
    body = dict(BASE)
    for name, value in changes.items():
        merge = isinstance(value, Mapping) and name in {"assignment", "metrics", "analysis"}
        body[name] = {**BASE[name], **value} if merge else value
    window = {"length": "30d"}
    fact = {"fact": "orders.order", "window": window}
    return study(
        Path("/nowhere"),
        sources={
            "orders": {
                "grain": "event",
                "path": "orders.csv",
                "keys": {"customer": "id"},
                "timestamp": "at",
                "facts": {"order": {}},
            }
        },
        metrics={
            "retained": {"operation": "conversion", "desired_change": "increase", **fact},
            "bought": {"operation": "conversion", "desired_change": "increase", **fact},
            "complained": {"operation": "conversion", "desired_change": "decrease", **fact},
        },
        experiment=body,
    )


def variants(**weights: int) -> dict[str, Any]:
    return {
        key: {"weight": weight, "tactic": "nothing", "is_control": key == "control"} for key, weight in weights.items()
    }


FROZEN: dict[str, Any] = {
    "method": {"assignment": {"method": "external"}},
    "salt": {"assignment": {"salt": "trial-2"}},
    "unit": {"assignment": {"unit": "household"}},
    "weights": {"variants": variants(control=60, treated=40)},
    "weights, the same ratio": {"variants": variants(control=1, treated=1)},
    "weights, another order": {"variants": dict(reversed(list(BASE["variants"].items())))},
    "weights, a variant more": {"variants": variants(control=50, treated=50, other=50)},
    "weights, a variant renamed": {"variants": variants(control=50, mail=50)},
    "control": {
        "variants": {
            "control": {"weight": 50, "tactic": "same_as_today"},
            "treated": {"weight": 50, "is_control": True, "tactic": "nothing"},
        }
    },
    "audience, another value": {"audience": {"country": "KR", "orders": ">= 3"}},
    "audience, one more": {"audience": {"country": "JP", "orders": ">= 3", "age": "55..65"}},
    "audience, one less": {"audience": {"country": "JP"}},
    "audience, negated": {"audience": {"country": {"not": "JP"}, "orders": ">= 3"}},
    "audience, another operator": {"audience": {"country": "JP", "orders": "> 3"}},
    "enroll, start": {"enroll": {"start": "2026-03-02", "length": "7d", "each": "day"}},
    "enroll, length": {"enroll": {"start": "2026-03-01", "length": "8d", "each": "day"}},
    "enroll, kind": {"enroll": {"start": "2026-03-01", "length": "7d", "at": "orders.order"}},
    "enroll, snapshot": {"enroll": {"date": "2026-03-01"}},
    "primary": {"metrics": {"primary": "bought", "secondary": []}},
    "guardrails": {"metrics": {"guardrails": []}},
    "expect": {"analysis": {"expect": "2pt"}},
    "policy": {"decision": {"policy": "do_no_harm"}},
    "hypothesis": {"hypothesis": "other"},
}
FREE: dict[str, Any] = {
    "nothing": {},
    "title": {"title": "Another title"},
    "owner and words": {"owner": "b@example.com", "description": "other"},
    "traffic": {"assignment": {"traffic": "100%"}},
    "order of the audience": {"audience": {"orders": ">= 3", "country": "JP"}},
    "length in weeks": {"enroll": {"start": "2026-03-01", "length": "1w", "each": "day"}},
}


def lock_of(locked: Study, *days: dt.date, counts: Mapping[str, int] | None = None) -> Lock:
    """The lock that the first assignment of a study writes."""
    made = manifest(*(days or (on(0),)), counts=counts)
    design, cosmetic = config.design_document(locked), config.cosmetic_document(locked)
    return assign.lock(locked, made, design=design, cosmetic=cosmetic, before=None)


def stored(locked: Study, folder: Path) -> Lock:
    """The lock of a study as it comes back from its file."""
    write_lock(folder, lock_of(locked))
    found = read_lock(folder)
    assert found is not None
    return found


def check(changed: Study, locked: Lock) -> None:
    assign.check_design(changed, locked, config.design_document(changed))


@pytest.mark.parametrize("name", FROZEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    locked = stored(trial(), tmp_path)
    with pytest.raises(AssignmentError, match=r"^trial: the experiment was changed after it had started") as caught:
        check(trial(**FROZEN[name]), locked)
    assert "version: 2" in str(caught.value)
    field = name.split(",", maxsplit=1)[0]
    word = "variants" if field in {"weights", "control"} else field
    assert re.search(rf"experiment\.\S*{word}\S*: .* -> ", str(caught.value))


@pytest.mark.parametrize("name", FREE)
def test_what_is_not_refused(name: str, tmp_path: Path) -> None:
    check(trial(**FREE[name]), stored(trial(), tmp_path))


def test_every_changed_field_is_named(tmp_path: Path) -> None:
    changed = trial(assignment={"salt": "trial-2"}, audience={"country": "KR"}, title="x")
    with pytest.raises(AssignmentError) as caught:
        check(changed, stored(trial(), tmp_path))
    message = str(caught.value)
    assert 'experiment.assignment.salt: "trial-1" -> "trial-2"' in message
    assert "experiment.audience.country" in message
    assert "weight" not in message
    assert "title" not in message


def test_a_new_version_with_a_new_salt_may_change_everything(tmp_path: Path) -> None:
    changed = trial(assignment={"salt": "trial-2"}, version=2, audience={"country": "KR"})
    locked = stored(trial(), tmp_path)
    check(changed, locked)
    assert assign.assigned_by(changed, locked) == 2


def test_a_new_version_of_the_analysis_keeps_salt_and_assignment(tmp_path: Path) -> None:
    locked = stored(trial(), tmp_path)
    changed = trial(version=2, metrics={"primary": "bought", "secondary": []})
    check(changed, locked)
    assert assign.assigned_by(changed, locked) == 1
    with pytest.raises(AssignmentError, match="keeps the salt of version 1"):
        check(trial(version=2, audience={"country": "KR"}), locked)


def test_a_version_is_never_taken_back(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match="never taken back"):
        check(trial(), stored(trial(version=2), tmp_path))


def test_a_large_number_in_the_audience_counts_to_its_last_digit(tmp_path: Path) -> None:
    locked = stored(trial(audience={"signed_up": ">= 20260301"}), tmp_path)
    check(trial(audience={"signed_up": ">= 20260301"}), locked)
    with pytest.raises(AssignmentError, match="audience"):
        check(trial(audience={"signed_up": ">= 20260302"}), locked)


@pytest.mark.parametrize(("old", "new"), [(True, "yes"), (1, "1"), (["a", "b"], "a or b"), (1, True)])
def test_values_of_other_kinds_are_other_values(tmp_path: Path, old: object, new: object) -> None:
    with pytest.raises(AssignmentError, match="audience"):
        check(trial(audience={"country": new}), stored(trial(audience={"country": old}), tmp_path))


def test_fields_that_came_later_and_are_empty_are_no_difference() -> None:
    assert assign.differences({"a": {"b": 1}}, {"a": {"b": 1, "new": None, "list": [], "map": {}, "flag": False}}) == ()
    (found,) = assign.differences({"a": {"b": 1}}, {"a": {"b": 1, "new": 2}})
    assert str(found) == "a.new: nothing -> 2"


def test_a_lock_says_what_the_manifest_says() -> None:
    made = lock_of(trial(), on(0), on(1), counts={"control": 3, "treated": 4})
    assert [(batch.as_of, dict(batch.counts), batch.checksum) for batch in made.batches] == [
        (on(0), {"control": 3, "treated": 4}, "a"),
        (on(1), {"control": 3, "treated": 4}, "a"),
    ]
    assert made.config_hash == "0" * 64
    assert made.salt == "trial-1"


def test_what_was_made_again_must_be_the_same() -> None:
    locked = lock_of(trial(), on(0), on(1))
    assign.check_rebuilt("trial", locked, manifest(on(0), on(1)))
    # Further batches may follow.
    assign.check_rebuilt("trial", locked, manifest(on(0), on(1), on(2)))
    other = manifest(on(0), on(1), counts={"control": 2, "treated": 1})
    with pytest.raises(AssignmentError, match=r"trial: .*2026-03-01.*'control': 2.*'control': 1"):
        assign.check_rebuilt("trial", locked, other)


def test_manifests_survive_json_and_add_up() -> None:
    one = manifest(on(0), on(1), counts={"treated": 4, "control": 3})
    assert Manifest.from_json(one.to_json()) == one
    assert one.counts == {"control": 6, "treated": 8}
    assert one.checksum == "14"
    assert Manifest(batches=()).counts == {}
    drawn = replace(one.batches[1], draw=Draw(covariates=("orders", "age"), tries=7, distance=0.0123, limit=0.02))
    with_draw = Manifest(batches=(one.batches[0], replace(drawn, file=None, digest=None)))
    assert Manifest.from_json(json.loads(json.dumps(with_draw.to_json()))) == with_draw
    assert "draw" not in one.to_json()["batches"][0]
    with pytest.raises(UnknownSchema, match=r"schema holdfast\.manifest/3, where .* reads holdfast\.manifest/2"):
        Manifest.from_json({**one.to_json(), "schema": "holdfast.manifest/3"})
    with pytest.raises(KeyError):
        Manifest.from_json({"batches": []})


@pytest.mark.parametrize(
    "change",
    [
        {"counts": {"control": 2, "treated": 0}},
        {"checksum": "b"},
        {"traffic": "40%"},
        {"config_hash": "1"},
        {"as_of": on(2)},
        {"draw": Draw(covariates=("orders",), tries=1, distance=0.0, limit=0.1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_record_that_says_otherwise_than_the_lock_is_refused(change: dict[str, Any]) -> None:
    locked, made = lock_of(trial(), on(0), on(1)), manifest(on(0), on(1))
    changed = Manifest(batches=(made.batches[0], replace(made.batches[1], **change)))
    with pytest.raises(AssignmentError, match="the lock says"):
        assign.check_rebuilt("trial", locked, changed)


def test_whom_a_new_version_draws_again(tmp_path: Path) -> None:
    locked = lock_of(trial(), on(0), on(1), counts={"control": 3, "treated": 4})
    assert assign.drawn_again(trial(version=2, assignment={"salt": "trial-2"}), locked) == 14
    assert assign.drawn_again(trial(version=2), locked) == 0, "only the analysis changed"
    assert assign.drawn_again(trial(), locked) == 0
    assert assign.drawn_again(trial(version=2), None) == 0


TABLE = LockedTable(
    as_of=on(3),
    counts={"control": 1200, "treated": 1300},
    rows=2510,
    unlisted=4,
    duplicates=6,
    crossovers=2,
    checksum="abc",
    late=False,
)


def test_a_table_of_another_system_must_stay_as_locked() -> None:
    outside = trial(assignment={"method": "external", "assigned_at": "at"})
    assign.check_table(outside, TABLE, replace(TABLE, as_of=on(9), late=True))
    with pytest.raises(AssignmentError) as gone:
        assign.check_table(outside, TABLE, replace(TABLE, rows=2509, counts={"control": 1199, "treated": 1300}))
    assert "rows 2,510 -> 2,509, control 1,200 -> 1,199. Restore the table; rows with a later at" in str(gone.value)
    with pytest.raises(AssignmentError, match="some units have another variant or time of assignment"):
        assign.check_table(outside, TABLE, replace(TABLE, checksum="abd"))
    with pytest.raises(AssignmentError, match="name assigned_at, the column with the time of assignment"):
        assign.check_table(trial(assignment={"method": "external"}), TABLE, replace(TABLE, rows=2511))


@pytest.mark.parametrize(
    ("enroll", "traffic", "refusal"),
    [
        ({"start": "2026-03-01", "length": "7d", "each": "day"}, "30%", "never lowered"),
        ({"start": "2026-03-01", "length": "7d", "each": "day"}, "50%", None),
        ({"start": "2026-03-01", "length": "7d", "each": "day"}, "80%", None),
        ({"date": "2026-03-01"}, "30%", "never lowered"),
        ({"date": "2026-03-01"}, "80%", "enrolment ended"),
    ],
)
def test_traffic_rises_while_enrolment_lasts_and_never_falls(
    enroll: dict[str, Any], traffic: str, refusal: str | None
) -> None:
    """Who is assigned above a lowered limit would be told "not in the experiment" by a service."""
    made = Manifest(batches=(replace(manifest(on(0)).batches[0], traffic="50%"),))
    first = trial(enroll=enroll)
    design, cosmetic = config.design_document(first), config.cosmetic_document(first)
    locked = assign.lock(first, made, design=design, cosmetic=cosmetic, before=None)
    changed = trial(enroll=enroll, assignment={"traffic": traffic})
    if refusal is None:
        check(changed, locked)
        return
    with pytest.raises(AssignmentError, match=refusal):
        check(changed, locked)
