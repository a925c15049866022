"""Frames of pandas, polars and Arrow as one Arrow table, without importing any library that nobody has loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.errors import DataError, UsageError


def column_names(frame: Any) -> tuple[str, ...]:
    """The columns of a frame, in order.

    Raises:
        UsageError: it is no frame, or a name is no text.
    """
    names = _names(frame)
    if names is None:
        kind = type(frame).__name__
        hint = "; collect it first: frame.collect()" if hasattr(frame, "collect") else ""
        raise UsageError(f"a {kind} is no frame: hand over a pandas, polars or Arrow table{hint}")
    for name in names:
        if not isinstance(name, str):
            raise UsageError(f"the frame has a column whose name is no text ({type(name).__name__}); rename it")
    return tuple(names)


def _names(frame: Any) -> list[Any] | None:
    if _is_pandas(frame):
        return list(frame.columns)
    if not hasattr(frame, "__arrow_c_stream__"):
        return None
    import pyarrow as pa

    schema, columns = getattr(frame, "schema", None), getattr(frame, "columns", None)
    if isinstance(schema, pa.Schema):
        return list(schema.names)
    if isinstance(columns, list | tuple):
        return list(columns)
    try:
        return list(pa.table(frame).column_names)
    except pa.ArrowException:
        return None  # one column is no table


def arrow_table(frame: Any, columns: Sequence[str]) -> Any:
    """Some columns of a frame as an Arrow table; what is not a number in a pandas frame is missing, as pandas has it.

    Raises:
        DataError: a column holds values of several kinds.
    """
    import pyarrow as pa

    if not _is_pandas(frame):
        # Of polars only what is asked for is handed over: other columns may be of kinds that Arrow has not.
        chosen = frame.select(list(columns)) if type(frame).__module__.startswith("polars.") else frame
        table = pa.table(chosen).select(list(columns))
        return pa.table({name: _readable(table[name]) for name in columns})
    return pa.table({name: _readable(_of_pandas(frame[name], name)) for name in columns})


def _of_pandas(column: Any, name: str) -> Any:
    """A column of a pandas frame as Arrow data."""
    import pandas as pd
    import pyarrow as pa

    dtype = column.dtype
    kinds = dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    if isinstance(kinds, pd.IntervalDtype | pd.PeriodDtype):
        # As pandas shows them: groups that `cut` made, months. Arrow would hand over what they are made of.
        column = column.astype(object).map(str, na_action="ignore")
    elif isinstance(dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    try:
        return pa.array(column, from_pandas=True)
    except OverflowError as error:
        raise DataError(
            f'column "{name}" holds whole numbers beyond 64 bits; make ids texts: frame["{name}"].astype(str)'
        ) from error
    except (pa.ArrowException, TypeError) as error:
        raise DataError(
            f'column "{name}" holds values of several kinds, or of one that is no table\'s; make them all numbers '
            "or all texts"
        ) from error


def _readable(column: Any) -> Any:
    """Arrow data of a kind that the engine reads: small and very exact numbers as the usual ones."""
    import pyarrow as pa

    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    if pa.types.is_decimal256(column.type):
        return column.cast(pa.float64())
    return column


def _is_pandas(frame: Any) -> bool:
    """Whether it is a frame of pandas; nobody who has not loaded pandas can hold one."""
    import sys

    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(frame, pandas.DataFrame)
