"""moments.parquet and curves.parquet: what the engine answered, in long rows, the same bytes on every run."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from holdfast.model.answers import CurveRow, MomentRow

MOMENTS, CURVES = "moments.parquet", "curves.parquet"


def answers(moments: Iterable[MomentRow], curves: Iterable[CurveRow]) -> dict[str, bytes]:
    """The content of both files, by name."""
    return {MOMENTS: _parquet(MomentRow, moments), CURVES: _parquet(CurveRow, curves)}


def _parquet(kind: type[Any], rows: Iterable[Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    types = {"int": pa.int64(), "float": pa.float64()}
    schema = pa.schema([(item.name, types.get(str(item.type), pa.string())) for item in fields(kind)])
    listed = [{item.name: getattr(row, item.name) for item in fields(kind)} for row in rows]
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(listed, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()
