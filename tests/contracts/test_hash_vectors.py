"""The assignment hash, version 1, against published vectors: nobody may ever change who gets what.

Columns of hash_v1.csv: salt, id, traffic (decimal), weights (key:weight in file order), h_traffic, h_variant, variant
(empty outside the traffic). The recipe needs no Holdfast:

    h = lambda purpose: int(hashlib.md5(f"{salt}:{purpose}:{id}".encode()).hexdigest()[:13], 16)

or, in a shell, printf '%s' 'winback-1:variant:customer-17' | md5sum | cut -c1-13, read as a hexadecimal number. A unit
takes part when h("traffic") < floor(traffic * 2**52); it gets the first variant, in file order, with
h("variant") < floor(2**52 * (weights so far) / (all weights)).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, cast
from uuid import UUID

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast import hashing
from holdfast.warehouse import dialects
from tests.contracts.vectors import ROWS, VECTORS, Vector

SPACE = 2**52

quiet = settings(derandomize=True, max_examples=60, deadline=None, database=None)


def recipe(salt: str, purpose: str, unit: str) -> int:
    return int(hashlib.md5(f"{salt}:{purpose}:{unit}".encode()).hexdigest()[:13], 16)


def test_the_file_is_the_published_one() -> None:
    """A changed vector is a changed contract: it needs version 2 of the hash, not a new checksum here."""
    assert hashlib.sha256(VECTORS.read_bytes()).hexdigest() == SHA256


SHA256 = "f05817741fb062a510e1da3b6d871ef8fd293e4980e9b00a42228099b5337d0e"


def test_the_file_covers_the_awkward_cases() -> None:
    ids = [row.id for row in ROWS]
    assert len(ROWS) >= 60
    assert max(map(len, ids)) == 2000
    assert {"0", "0.1", "1"} <= {row.traffic for row in ROWS}
    assert {"", "control", "treated", "mail", "push", "voucher", "other"} == {row.variant for row in ROWS}
    assert any(":" in unit for unit in ids)
    assert any(unit != unit.strip() for unit in ids)
    assert any(not unit.isascii() for unit in ids)
    assert any(0 in row.shares.values() for row in ROWS)
    # Both spellings of an accent are there, and are different units.
    zoe = {row.id: row.h_variant for row in ROWS if row.id in {"zo\u00eb", "zoe\u0308"}}
    assert len(set(zoe.values())) == 2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.salt}-{row.id[:12]!a}-{row.traffic}-{row.weights}")
def test_recipe_and_product_agree_with_the_file(row: Vector) -> None:
    h_traffic, h_variant = int(row.h_traffic), int(row.h_variant)
    assert recipe(row.salt, "traffic", row.id) == h_traffic
    assert recipe(row.salt, "variant", row.id) == h_variant
    assert hashing.bucket(row.salt, "traffic", row.id) == h_traffic
    assert hashing.bucket(row.salt, "variant", row.id) == h_variant
    assert hashing.drawer(row.salt, "traffic")(row.id.encode()) == h_traffic
    assert hashing.drawer(row.salt, "variant")(row.id.encode()) == h_variant
    assert hashing.variant_of(row.salt, row.id, row.shares, row.traffic) == (row.variant or None)
    assert by_rule(row) == row.variant


def by_rule(row: Vector) -> str:
    """The variant by the words of the recipe, in exact fractions."""
    if not int(row.h_traffic) < int(Fraction(row.traffic) * SPACE):
        return ""
    upto, total = 0, sum(row.shares.values())
    for key, weight in row.shares.items():
        upto += weight
        if int(row.h_variant) < int(Fraction(SPACE * upto, total)):
            return key
    raise AssertionError


@pytest.fixture(scope="module")
def duck() -> Iterator[Any]:
    connection = ibis.duckdb.connect()
    yield connection
    connection.disconnect()


@pytest.mark.parametrize("salt", sorted({row.salt for row in ROWS}))
def test_the_engine_agrees(duck: Any, salt: str) -> None:
    """DuckDB through the dialect, and through plain SQL that anybody may write."""
    rows = [row for row in ROWS if row.salt == salt]
    table = ibis.memtable(pa.table({"number": list(range(len(rows))), "unit": [row.id for row in rows]}))
    text = dialects.unit_text(table.unit)
    found = table.select(
        "number",
        traffic=dialects.purpose_bucket(salt, "traffic", text),
        variant=dialects.purpose_bucket(salt, "variant", text),
    ).order_by("number")
    answer = duck.to_pyarrow(found).to_pydict()
    assert answer["traffic"] == [int(row.h_traffic) for row in rows]
    assert answer["variant"] == [int(row.h_variant) for row in rows]
    for row in rows:
        for purpose, expected in (("traffic", row.h_traffic), ("variant", row.h_variant)):
            plain = duck.con.execute(
                "select ('0x' || substr(md5(?), 1, 13))::bigint", [f"{salt}:{purpose}:{row.id}"]
            ).fetchone()
            assert plain == (int(expected),)


def test_integers_and_uuids_hash_as_their_text(duck: Any) -> None:
    numbers = [0, 1, 17, -5, 9223372036854775807]
    uuid = UUID("c2a1f6de-3d0b-4b1e-9a55-0f0c6c3c9e11")
    for number in numbers:
        assert hashing.bucket("winback-1", "variant", number) == recipe("winback-1", "variant", str(number))
    assert hashing.bucket("winback-1", "variant", uuid) == recipe("winback-1", "variant", str(uuid))
    table = ibis.memtable(pa.table({"unit": numbers}))
    hashed = dialects.purpose_bucket("winback-1", "variant", dialects.unit_text(table.unit)).name("h")
    assert duck.to_pyarrow(hashed).to_pylist() == [recipe("winback-1", "variant", str(number)) for number in numbers]
    upper = ibis.literal("C2A1F6DE-3D0B-4B1E-9A55-0F0C6C3C9E11", type="string").cast("uuid")
    hashed = dialects.purpose_bucket("winback-1", "variant", dialects.unit_text(upper)).name("h")
    assert duck.to_pyarrow(hashed).as_py() == recipe("winback-1", "variant", str(uuid))


def test_the_engine_leaves_ids_as_they_are(duck: Any) -> None:
    """No trimming, case folding or normalising on the way into the engine."""
    units = [" a", "a ", "A", "a", "zo\u00eb", "zoe\u0308", "\u200ba", "a\nb", "\ufeffa"]
    table = ibis.memtable(pa.table({"number": list(range(len(units))), "unit": units}))
    hashed = table.select("number", h=dialects.purpose_bucket("s", "slot", table.unit)).order_by("number")
    found = duck.to_pyarrow(hashed)["h"].to_pylist()
    assert found == [recipe("s", "slot", unit) for unit in units]
    assert len(set(found)) == len(units)


def test_a_missing_id_has_no_hash_in_the_engine(duck: Any) -> None:
    missing = ibis.null("string")
    assert duck.to_pyarrow(dialects.purpose_bucket("s", "variant", missing).name("h")).as_py() is None


@pytest.mark.parametrize("kind", ["float64", "boolean", "date", "decimal(10, 2)"])
def test_other_column_types_are_refused_in_the_engine(kind: str) -> None:
    with pytest.raises(TypeError, match="a unit id is a string, an integer or a UUID"):
        dialects.unit_text(ibis.null(kind))


def test_a_shell_gets_the_same() -> None:
    digest = subprocess.run(
        ["/usr/bin/env", "md5sum"], input="winback-1:variant:顧客-17".encode(), capture_output=True, check=True
    )
    expected = next(row for row in ROWS if (row.salt, row.id) == ("winback-1", "顧客-17"))
    assert int(digest.stdout[:13], 16) == int(expected.h_variant)


@pytest.mark.parametrize("unit", [None, True, False, 1.0, float("nan"), b"a", Decimal(1), ("a",)])
def test_what_is_no_id(unit: object) -> None:
    with pytest.raises(TypeError, match="a unit id is a string, an integer or a UUID"):
        hashing.bucket("s", "variant", cast(str, unit))


def test_the_empty_id_is_refused() -> None:
    with pytest.raises(ValueError, match="a unit id is empty"):
        hashing.variant_of("s", "", {"control": 1})


def test_an_enumerated_integer_is_its_number() -> None:
    class Customer(IntEnum):
        first = 17

    assert hashing.unit_text(Customer.first) == "17"


@pytest.mark.parametrize(
    ("share", "limit"),
    [
        ("0", 0),
        ("1", SPACE),
        ("1.000", SPACE),
        ("0.5", SPACE // 2),
        ("0.1", 450359962737049),
        ("1e-3", 4503599627370),
        ("0.3333333333333333333333333333333333", int(Fraction("0.3333333333333333333333333333333333") * SPACE)),
        ("0.99999999999999999999999999999999999999", SPACE - 1),
        ("0.0000000000000002220446049250313080847263336181640624", 0),
        ("0.0000000000000002220446049250313080847263336181640625", 1),
    ],
)
def test_shares_are_exact_and_rounded_down(share: str, limit: int) -> None:
    assert hashing.share_limit(share) == limit
    assert hashing.share_limit(Decimal(share)) == limit


@quiet
@given(st.decimals(min_value=0, max_value=1, allow_nan=False))
def test_share_limits_are_the_floor(share: Decimal) -> None:
    assert hashing.share_limit(share) == int(Fraction(share) * SPACE)


def test_raising_the_traffic_only_adds_units() -> None:
    weights = {"control": 1, "treated": 1}
    units = [f"c{number}" for number in range(2000)]
    before: dict[str, str] = {}
    for traffic in ("0", "0.05", "0.1", "0.5", "1"):
        now = {unit: found for unit in units if (found := hashing.variant_of("ramp", unit, weights, traffic))}
        assert before.items() <= now.items()
        before = now
    assert len(before) == 2000


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 0, "b": 0}, {"a": -1, "b": 2}, {"a": 3, "b": -1}])
def test_what_are_no_weights(weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="weights are not negative"):
        hashing.variant_limits(weights)


@quiet
@given(st.lists(st.integers(min_value=0, max_value=10**30), min_size=1, max_size=6).filter(any))
def test_every_hash_falls_into_a_variant_that_has_a_weight(weights: list[int]) -> None:
    named = {f"v{number}": weight for number, weight in enumerate(weights)}
    limits = hashing.variant_limits(named)
    assert [key for key, _ in limits] == list(named)
    assert limits[-1][1] == SPACE
    bounds = [0, *(limit for _, limit in limits)]
    assert bounds == sorted(bounds)
    for key, limit in limits:
        for value in (limit - 1, limit):
            if 0 <= value < SPACE:
                assert named[hashing.pick(value, limits)] > 0, key
    with pytest.raises(ValueError, match="is not a hash of version 1"):
        hashing.pick(SPACE, limits)


def test_hashes_fit_into_a_double() -> None:
    values = [int(row.h_variant) for row in ROWS]
    assert all(0 <= value < SPACE for value in values)
    assert json.loads(json.dumps([float(value) for value in values])) == values
