"""`data:`, by which a finished experiment names the file that holds its assignment and its outcomes."""

from __future__ import annotations

from difflib import get_close_matches

from holdfast.config.marks import Map, Mark, Seq, Sheet
from holdfast.errors import nearest

DATA_SOURCE = "data"
"""The name of the source that `data:` stands for, visible to its own experiment only."""
_LOCATION = ("path", "table", "sql")
_READING = ("format", "missing", "union", "timezone")
_DIVISION = ("variant", "labels", "rules", "assigned_at", "batch")
DATA_FIELDS = (*_LOCATION, "unit", *_DIVISION, "covariates", *_READING)


def data_source(sheet: Sheet, tree: Map) -> Map | None:
    """Replace `data:` by an external assignment, and return the source that it names."""
    data, key_mark, mark = tree.take("data")
    if not isinstance(data, Map):
        message = "`data` must hold fields: {path: orders.csv, unit: row, variant: group}"
        sheet.add_at(mark, "invalid-value", message)
        sheet.unreadable |= {("assignment",), ("data",)}
        if "assignment" not in tree:
            tree.put("assignment", _external(Map(mark), key_mark), key_mark, mark)
        return None
    _unknown_data_fields(sheet, data)
    if "assignment" in tree:
        message = "`data` already says who got which variant; remove `assignment`, or name a source there instead"
        sheet.add("data-with-assignment", ("assignment",), message, at="key")
        sheet.unreadable.add(("assignment",))
    else:
        tree.put("assignment", _external(data, key_mark), key_mark, mark)
    _covariates(sheet, tree, data)
    return _source_of(sheet, data, key_mark)


def _covariates(sheet: Sheet, tree: Map, data: Map) -> None:
    """Columns to adjust for, named beside the file that holds them."""
    if "covariates" not in data:
        return
    key_mark, mark = data.key_marks["covariates"], data.value_marks["covariates"]
    analysis = tree.get("analysis")
    if "analysis" not in tree:
        analysis = Map(key_mark)
        tree.put("analysis", analysis, key_mark)
    if not isinstance(analysis, Map):
        return
    if "covariates" in analysis:
        message = "`data.covariates` and `analysis.covariates` say the same; keep one of them"
        sheet.add_at(key_mark, "two-forms", message)
    else:
        analysis.put("covariates", data["covariates"], key_mark, mark)


def _external(data: Map, key_mark: Mark) -> Map:
    assignment = data.only(set(_DIVISION))
    assignment.put("method", "external", key_mark)
    assignment.put("source", DATA_SOURCE, key_mark)
    return assignment


def _source_of(sheet: Sheet, data: Map, key_mark: Mark) -> Map:
    result = data.only({*_LOCATION, *_READING})
    result.put("grain", "unit", key_mark)
    if isinstance(data.get("covariates"), Seq):
        # a column that is adjusted for is a property of the file's units
        result.put("properties", data["covariates"], data.key_marks["covariates"], data.value_marks["covariates"])
    unit = data.get("unit")
    if unit == "row":
        result.put("row", True, data.key_marks["unit"])
    elif isinstance(unit, str):
        keys = Map(data.value_marks["unit"])
        keys.put("unit", unit, data.value_marks["unit"])
        result.put("keys", keys, data.key_marks["unit"], data.value_marks["unit"])
    else:
        message = "`unit` of `data` is the column that identifies a unit, or `row` when each row is one: unit: row"
        mark = data.value_marks.get("unit", key_mark)
        sheet.add_at(mark, "invalid-value" if "unit" in data else "missing-field", message)
        result.put("row", True, key_mark)
    return result


def _unknown_data_fields(sheet: Sheet, data: Map) -> None:
    for key in data:
        if key not in DATA_FIELDS:
            message = f'unknown field "{key[:60]}"{nearest(key, DATA_FIELDS)}'
            sheet.add_at(data.key_marks[key], "unknown-field", message)
            sheet.unreadable |= {("assignment", name) for name in get_close_matches(key, _DIVISION, n=1)}
