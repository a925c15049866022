"""The variants of many units at once: ids from Python in, hashed in the engine, an array out. No project is needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa

from holdfast import hashing
from holdfast.model.values import Share
from holdfast.warehouse.dialects import purpose_bucket, unit_text
from holdfast.warehouse.draw import picked
from holdfast.warehouse.engine import refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 122_880
"""Rows of a batch, DuckDB's row group: the engine gives batches, and not their parts, to its threads."""


def variants_of(
    ids: Iterable[Any], *, salt: str, weights: Mapping[str, int], traffic: str | Share = "100%"
) -> NDArray[np.object_]:
    """The variant of each unit, in the order of the ids, and None for units outside the traffic.

    It is what holdfast.hashing.variant_of gives for each id alone, and what `assign` gives in the engine. `ids` is a
    list, a NumPy array, a pandas or polars Series or an Arrow array of texts, integers or UUIDs. The answer is always a
    NumPy array of objects, whatever came in: it goes by position, so that it can be set beside the ids as a column of
    any data frame, filtered or sorted; its texts are shared, eight bytes a unit. benchmarks/README.md says how fast.

    >>> import holdfast
    >>> ids = ["customer-17", "customer-18", "customer-19"]
    >>> holdfast.variants_of(ids, salt="winback-1", weights={"control": 50, "voucher": 50})
    array(['voucher', 'control', 'voucher'], dtype=object)

    In pandas: customers["variant"] = holdfast.variants_of(customers["id"], salt=..., weights=..., traffic="12.5%").

    Raises:
        TypeError: ids are missing, or are neither texts nor integers nor UUIDs; a weight is not a whole number.
        ValueError: ids are empty; the traffic is not a share such as 12.5%; no weight is positive, or one is negative.
    """
    if any(isinstance(weight, bool) or not isinstance(weight, int) for weight in weights.values()):
        raise TypeError("weights are whole numbers, such as {'control': 50, 'voucher': 50}")
    limits = hashing.variant_limits(weights)
    share = hashing.share_limit((traffic if isinstance(traffic, Share) else Share.parse(traffic)).value)
    units = _units(ids)
    found = np.full(len(units), None, dtype=object)
    if len(units):
        # By position, not by order: no engine has to keep the order of rows.
        names = np.array([key for key, _ in limits], dtype=object)
        place, variant = _hashed(units, salt, share, [limit for _, limit in limits])
        found[place] = names[variant]
    return found


def _hashed(units: Any, salt: str, share: int, bounds: list[int]) -> tuple[Any, Any]:
    """For each unit within the traffic its position, and the position of its variant."""
    backend = ibis.duckdb.connect()
    try:
        with refused("the ids"):
            backend.raw_sql("SET enable_progress_bar = false").fetchall()
            rows = pa.table({"unit": units, "place": np.arange(len(units))})
            backend.con.register("units", pa.Table.from_batches(rows.to_batches(max_chunksize=BATCH)))
            table = backend.table("units")
            text = unit_text(table.unit)
            _check(backend.to_pyarrow(table.aggregate(known=text.count(), empty=(text == "").sum())), len(units))
            found = backend.to_pyarrow(drawn(table, salt, share, bounds).select("place", "variant"))
    finally:
        backend.disconnect()
    return found["place"].to_numpy(), found["variant"].to_numpy()


def drawn(table: Any, salt: str, share: int, bounds: Sequence[int]) -> Any:
    """The rows of a table whose unit is within the traffic, with the position of its variant in a column variant."""
    if share < hashing.SPACE:
        table = table.filter(purpose_bucket(salt, "traffic", unit_text(table.unit)) < share)
    table = table.mutate(h=purpose_bucket(salt, "variant", unit_text(table.unit)))
    limits = [(ibis.literal(place, "int32"), bound) for place, bound in enumerate(bounds)]
    return table.mutate(variant=picked(table.h, limits)).drop("h")


def _check(counts: Any, everything: int) -> None:
    """Refuse ids that are missing or empty."""
    known, empty = counts["known"][0].as_py(), counts["empty"][0].as_py()
    if known < everything:
        raise TypeError(f"{hashing.ID_RULE}; {_of(everything - known, everything)} missing")
    if empty:
        raise ValueError(f"{_of(empty, everything)} empty")


def _units(ids: Iterable[Any]) -> Any:
    """The ids as one Arrow array."""
    if isinstance(ids, str | bytes | Mapping | Set):
        raise TypeError(f"ids are a list, an array or a Series of ids, not {type(ids).__name__}")
    ids = ids if hasattr(ids, "__len__") else list(ids)
    units = _arrow(ids)
    if units is None:
        return _one_by_one(ids)
    return units.cast(pa.string()) if pa.types.is_null(units.type) else units


def _arrow(ids: Any) -> Any:
    """The ids as Arrow, or None when they are of several types, too large or not in UTF-8."""
    if isinstance(ids, pa.Array | pa.ChunkedArray):
        return ids
    if isinstance(ids, np.ndarray) and ids.dtype.kind == "U":
        ids = ids.astype(object)  # PyArrow would end a text of fixed width at its first NUL.
    try:
        return pa.chunked_array(ids) if hasattr(ids, "__arrow_c_stream__") else pa.array(ids)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None


def _is_nan(unit: object) -> bool:
    return isinstance(unit, float) and math.isnan(unit)


def _one_by_one(ids: Iterable[Any]) -> Any:
    """The texts of ids of several types. Slower, and every id counts by its own type."""
    texts, faults = [], Counter[str]()
    for unit in ids:
        try:
            text = hashing.unit_text(unit.item() if isinstance(unit, np.integer) else unit)
            text.encode()
        except TypeError:
            faults["missing" if unit is None or _is_nan(unit) else f"of type {type(unit).__name__}"] += 1
        except UnicodeEncodeError:
            faults["not valid Unicode"] += 1
        except ValueError:
            faults["empty"] += 1
        else:
            texts.append(text)
    if faults:
        everything = len(texts) + faults.total()
        told = "; ".join(f"{_of(count, everything)} {fault}" for fault, count in faults.items())
        wrong_type = faults.keys() - {"not valid Unicode", "empty"}
        raise TypeError(f"{hashing.ID_RULE}; {told}") if wrong_type else ValueError(told)
    return pa.array(texts, pa.string())


def _of(count: int, everything: int) -> str:
    return f"{count:,} of {everything:,} ids {'is' if count == 1 else 'are'}"
