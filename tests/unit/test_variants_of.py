"""The variants of many units at once: the same as one by one, whatever the ids come in."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from decimal import Decimal
from enum import Enum, IntEnum
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import holdfast
from holdfast import hashing
from holdfast.model.values import Share
from holdfast.warehouse import variants
from tests.contracts.vectors import ROWS, Vector

WEIGHTS = {"control": 40, "mail": 30, "push": 30}
TEXTS = ["a", "A", " a", "customer-17", "顧客-17", "zo\u00eb", "zoe\u0308", "a\0b", "x" * 2000]
NUMBERS = [0, 1, 17, -5, 2**31, 9223372036854775807]
UUIDS = [UUID("c2a1f6de-3d0b-4b1e-9a55-0f0c6c3c9e11"), UUID(int=0), UUID(int=2**128 - 1)]


def one_by_one(ids: Any, traffic: str = "1") -> list[str | None]:
    return [hashing.variant_of("many-1", unit, WEIGHTS, traffic) for unit in ids]


def at_once(ids: Any, traffic: str = "100%") -> list[str | None]:
    found = holdfast.variants_of(ids, salt="many-1", weights=WEIGHTS, traffic=traffic)
    assert isinstance(found, np.ndarray)
    assert found.dtype == object
    return list(found)


def percent(share: str) -> str:
    return f"{Decimal(share) * 100:f}%"


def test_every_vector() -> None:
    def plan(row: Vector) -> tuple[str, str, str]:
        return row.salt, row.traffic, row.weights

    for (salt, traffic, _), group in groupby(sorted(ROWS, key=plan), plan):
        rows = list(group)
        found = holdfast.variants_of(
            [row.id for row in rows], salt=salt, weights=rows[0].shares, traffic=percent(traffic)
        )
        assert list(found) == [row.variant or None for row in rows]


class Stream:
    """What another library hands over: the Arrow protocol and nothing else."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.array.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "wrap",
    [
        list,
        tuple,
        iter,
        np.array,
        lambda ids: np.array(ids, dtype=object),
        pd.Series,
        pd.Index,
        lambda ids: pd.Series(ids, dtype=object),
        lambda ids: pd.Series(ids, index=range(len(ids), 0, -1)),
        pa.array,
        lambda ids: pa.chunked_array([ids[:2], ids[2:]], type=pa.array(ids).type),
        lambda ids: Stream(pa.chunked_array([pa.array(ids)])),
    ],
)
@pytest.mark.parametrize("ids", [TEXTS, NUMBERS, UUIDS], ids=["texts", "integers", "uuids"])
def test_whatever_the_ids_come_in(wrap: Callable[[Any], Any], ids: list[Any]) -> None:
    assert at_once(wrap(ids)) == one_by_one(ids)
    assert at_once(wrap(ids), "50%") == one_by_one(ids, "0.5")


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array([*TEXTS, *TEXTS]).dictionary_encode(),
        pd.Series(TEXTS, dtype="category"),
        np.array(TEXTS, dtype=np.dtypes.StringDType()),
    ],
    ids=["large", "view", "dictionary", "category", "numpy"],
)
def test_every_kind_of_text(ids: Any) -> None:
    assert at_once(ids) == one_by_one((TEXTS * 2)[: len(ids)])


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_every_width_of_integer(kind: str) -> None:
    limits = np.iinfo(kind)
    ids = [0, 1, 17, limits.min, limits.max]
    assert at_once(np.array(ids, dtype=kind)) == one_by_one(int(unit) for unit in ids)
    assert at_once(pd.Series(ids, dtype=kind.replace("i", "I").replace("uI", "UI"))) == one_by_one(ids)


def test_ids_of_several_types_count_each_by_its_own() -> None:
    class Number(IntEnum):
        seventeen = 17

    class Name(str, Enum):  # noqa: UP042 (its str() is its name, unlike StrEnum's)
        one = "customer-17"

    mixed = ["a", 17, UUIDS[0], 2**70, -(2**70), Number.seventeen, Name.one]
    as_text = ["a", "17", str(UUIDS[0]), str(2**70), str(-(2**70)), "17", "customer-17"]
    assert at_once(mixed) == one_by_one(mixed) == one_by_one(as_text)
    assert at_once([Name.one]) == at_once(["customer-17"])
    assert at_once(["a", np.int64(17)]) == one_by_one(["a", 17])


def test_no_ids_have_no_variants() -> None:
    assert at_once([]) == []
    assert at_once(pa.array([], pa.string())) == []
    assert at_once(pd.Series([], dtype="int64")) == []


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", None, None], "2 of 3 ids are missing"),
        ([None], "1 of 1 ids is missing"),
        (pd.Series(["a", None]), "1 of 2 ids is missing"),
        (pd.Series(["a", None], dtype="category"), "1 of 2 ids is missing"),
        (pa.DictionaryArray.from_arrays([0, 1, 1], ["a", None]), "2 of 3 ids are missing"),
        (["a", float("nan"), 1.5], "1 of 3 ids is missing; 1 of 3 ids is of type float"),
        ([True, "a"], "1 of 2 ids is of type bool"),
        ([1.0, 2.0], "not float64"),
        (pd.Series([1, None]), "not float64"),
        ([True], "not boolean"),
        ([b"a"], "not binary"),
        (np.array(["2026-01-01"], dtype="datetime64[D]"), "not date"),
        (pa.array([Decimal(1)]), "not decimal"),
        (pa.table({"secret": ["a"]}), "not struct"),
        (np.array([["a"]]), "of type ndarray"),
    ],
)
def test_what_are_no_ids(ids: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        at_once(ids)
    assert str(caught.value).startswith("a unit id is a string, an integer or a UUID")
    assert message in str(caught.value)


@pytest.mark.parametrize("ids", ["customer-17", b"customer-17", {"customer-17": 1}, {"customer-17"}])
def test_one_id_and_ids_without_an_order_are_refused(ids: Any) -> None:
    with pytest.raises(TypeError, match="ids are a list, an array or a Series"):
        at_once(ids)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "", ""], "2 of 3 ids are empty"),
        (pa.array(["", "a"], pa.string_view()), "1 of 2 ids is empty"),
        (["", 17], "1 of 2 ids is empty"),
        (["\ud800", "a"], "1 of 2 ids is not valid Unicode"),
    ],
)
def test_ids_without_a_text_are_refused(ids: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        at_once(ids)


def test_no_error_names_an_id() -> None:
    """Not even as the cause that a traceback prints."""
    for ids in (["sensitive-1", 1.5], ["sensitive-1", None], ["sensitive-1", ""], ["sensitive-1", "\ud800"]):
        with pytest.raises((TypeError, ValueError)) as caught:
            at_once(ids)
        assert "sensitive" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}])
def test_what_are_no_weights(weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="weights are not negative"):
        holdfast.variants_of(["a"], salt="s", weights=weights)


@pytest.mark.parametrize("weight", [0.5, True, "1"])
def test_weights_are_whole_numbers(weight: Any) -> None:
    with pytest.raises(TypeError, match="weights are whole numbers"):
        holdfast.variants_of(["a"], salt="s", weights={"a": weight})


@pytest.mark.parametrize("traffic", ["0.5", "50", 0.5, "101%", "-1%"])
def test_traffic_is_written_as_in_a_file(traffic: Any) -> None:
    with pytest.raises(ValueError, match="share"):
        holdfast.variants_of(["a"], salt="s", weights={"a": 1}, traffic=traffic)


def test_traffic_may_be_a_share() -> None:
    found = holdfast.variants_of(TEXTS, salt="many-1", weights=WEIGHTS, traffic=Share.parse("12.5%"))
    assert list(found) == at_once(TEXTS, "12.5%") == one_by_one(TEXTS, "0.125")


def test_many_batches_keep_their_places() -> None:
    """More units than a batch, on several threads: positions come from the ids, not from the order of the answer."""
    ids = [f"customer-{number}" for number in range(4 * variants.BATCH + 17)]
    chosen = range(0, len(ids), 997)
    found, part = at_once(ids), at_once(ids, "12.5%")
    assert [found[k] for k in chosen] == one_by_one(ids[k] for k in chosen)
    assert [part[k] for k in chosen] == one_by_one((ids[k] for k in chosen), "0.125")


def test_a_filtered_frame_keeps_its_rows() -> None:
    frame = pd.DataFrame({"id": [f"c{number}" for number in range(100)]})
    chosen = frame[frame.index % 7 == 3].sort_values("id", ascending=False)
    chosen = chosen.assign(variant=np.array(at_once(chosen["id"]), dtype=object))
    assert chosen["variant"].to_list() == one_by_one(chosen["id"])


def test_the_example_runs() -> None:
    finder = doctest.DocTestFinder().find(variants.variants_of, globs={})
    results = [doctest.DocTestRunner().run(example) for example in finder]
    assert [(result.failed, result.attempted > 0) for result in results] == [(0, True)]


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
any_id = st.one_of(texts, st.integers(), st.uuids())


@settings(derandomize=True, max_examples=40, deadline=None, database=None)
@given(
    ids=st.one_of(*(st.lists(kind, max_size=30) for kind in (texts, st.integers(-(2**63), 2**63 - 1), any_id))),
    salt=texts,
    weights=st.lists(st.integers(min_value=0, max_value=10**20), min_size=1, max_size=5).filter(any),
    thousandths=st.integers(min_value=0, max_value=100_000),
)
def test_at_once_is_one_by_one(ids: list[Any], salt: str, weights: list[int], thousandths: int) -> None:
    shares = {f"v{number}": weight for number, weight in enumerate(weights)}
    traffic = Decimal(thousandths) / 1000
    found = holdfast.variants_of(ids, salt=salt, weights=shares, traffic=f"{traffic}%")
    assert list(found) == [hashing.variant_of(salt, unit, shares, traffic / 100) for unit in ids]
