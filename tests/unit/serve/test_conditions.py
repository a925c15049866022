"""Conditions on attributes are answered as the engine answers them at enrolment."""

from __future__ import annotations

from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.model.predicate import Condition
from holdfast.serve.conditions import UnfitAttribute, agreed, all_hold, holds
from holdfast.warehouse.engine import Engine, refused
from holdfast.warehouse.relations import holds as engine_holds

WRITTEN = (
    *("JP", "1", "true", "True", "3.5", "none", ">= 3", "> 3", "<= 3", "< 3", "< -1.5", "1..3", "-2..2.5"),
    *(1, 0, 3, 3.5, True, False, ["JP", "US"], [1, 2], [True, "JP"], ["1", 3.5]),
)
COLUMNS: dict[str, list[Any]] = {
    "string": ["JP", "US", "", "1", "3", "3.5", "true", "True", "jp", None],
    "int64": [-2, 0, 1, 2, 3, 4, 10**15, None],
    "float64": [-1.5, 0.0, 1.0, 2.5, 3.0, 3.5, None],
    "boolean": [True, False, None],
}


def in_engine(kind: str, values: list[Any], condition: Condition) -> list[bool] | None:
    """What the engine says of each value; None where it refuses the column."""
    table = ibis.memtable({"place": range(len(values)), "x": values}, schema={"place": "int64", "x": kind})
    with Engine(ibis.duckdb.connect(), {}) as engine:
        try:
            with refused("conditions"):
                rows = engine.rows("x", table.select("place", found=engine_holds(table.x, condition)))
        except DataError:
            return None
    return [row["found"] for row in sorted(rows, key=lambda row: row["place"])]


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("negated", [False, True], ids=["", "not"])
@pytest.mark.parametrize("written", WRITTEN, ids=str)
def test_every_kind_of_condition_on_every_kind_of_value(written: Any, negated: bool, kind: str) -> None:
    condition = Condition.parse({"not": written} if negated else written)
    check = holds("x", condition)
    for value in COLUMNS[kind]:
        expected = in_engine(kind, [value], condition)
        try:
            found = [check({"x": value})]
        except UnfitAttribute:
            found = None
        # What the engine refuses, such as a number compared with true, nobody is ever assigned by.
        assert expected is None or found == expected, f"{condition} on {kind} {value!r}"


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9).map(lambda x: f">= {x:.6f}"),
        st.tuples(st.integers(-99, 99), st.integers(0, 50)).map(lambda pair: f"{pair[0]}..{pair[0] + pair[1]}"),
        st.lists(st.integers(-5, 5), min_size=1, max_size=4),
    ),
    st.lists(st.one_of(st.none(), st.integers(-100, 100)), min_size=1, max_size=20),
)
def test_any_condition_on_numbers(written: Any, values: list[int | None]) -> None:
    condition = Condition.parse(written)
    check = holds("x", condition)
    assert [check({"x": value}) for value in values] == in_engine("int64", values, condition)


def test_a_text_that_is_no_number_is_refused_by_both() -> None:
    condition = Condition.parse(">= 3")
    assert in_engine("string", ["many"], condition) is None
    with pytest.raises(UnfitAttribute, match='"x" must be a number'):
        holds("x", condition)({"x": "many"})


def test_a_missing_attribute_is_a_missing_value() -> None:
    for written in WRITTEN:
        for condition in (Condition.parse(written), Condition.parse({"not": written})):
            assert holds("x", condition)({}) is holds("x", condition)({"x": None})
            assert holds("x", condition)({}) is (condition.missing and not condition.negated)


def test_all_conditions_have_to_hold() -> None:
    check = all_hold({"a": Condition.parse(1), "b": Condition.parse("none")})
    assert check({"a": 1})
    assert not check({"a": 1, "b": 2})
    assert not check({"b": None})


def test_top_shares_cannot_be_told_from_one_unit() -> None:
    with pytest.raises(ValueError, match="spend: top 20%"):
        holds("spend", Condition.parse("top 20%"))


@pytest.mark.parametrize("value", [True, False, 1, 0, 2, None, "true", "F", "yes", "no", "1", "0", "perhaps", ""])
def test_consent_is_read_as_the_engine_reads_it(value: Any) -> None:
    """The engine's own rule for a consent: cast to boolean, a missing one is none (warehouse.enrol)."""
    kind = "string" if isinstance(value, str) else "boolean" if isinstance(value, bool) else "int64"
    table = ibis.memtable({"x": [value]}, schema={"x": kind})
    agreement = ibis.coalesce(table.x.cast("boolean"), ibis.literal(False))
    with Engine(ibis.duckdb.connect(), {}) as engine:
        try:
            with refused("consent"):
                expected = engine.rows("x", table.select(found=agreement))[0]["found"]
        except DataError:
            expected = None
    try:
        found = agreed("x")({"x": value})
    except UnfitAttribute:
        found = None
    assert found is expected
    assert agreed("x")({}) is False
