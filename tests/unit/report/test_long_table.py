"""The long table: results.parquet, `.to_arrow()` and `.to_pandas()` hold what results.json holds."""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from pyarrow import parquet

from holdfast.model.result import Analysis, Check
from holdfast.project import AnalysisHandle, long_table
from holdfast.report import from_json, to_json
from tests.unit.report import fuller as parts

FIRST = (
    "experiment", "metric", "role", "variant", "baseline", "window", "segment", "population", "estimand", "estimator",
    "estimate", "se", "lower", "upper", "p", "p_adjusted", "n", "n_baseline", "unit",
)  # fmt: skip


@pytest.fixture
def full(voucher: Analysis) -> Analysis:
    """The voucher experiment with all that a result may hold."""
    return parts.fuller(voucher)


def test_the_columns_that_tools_need_come_first(full: Analysis) -> None:
    frame = AnalysisHandle(full, (), Path()).to_pandas()
    assert tuple(frame.columns[: len(FIRST)]) == FIRST
    assert list(frame.columns) == [name for name, _ in long_table.COLUMNS]
    assert str(frame["n"].dtype) == str(frame["n_baseline"].dtype) == "Int64"
    assert str(frame["estimate"].dtype) == "float64"
    assert set(frame["experiment"]) == {"winback-voucher"}


def test_every_estimate_and_every_segment_has_its_rows(full: Analysis) -> None:
    frame = long_table.to_pandas(full)
    whole, split = frame[frame["segment"].isna()], frame[frame["segment"].notna()]
    assert len(whole) == len(full.estimates)
    shrunken = sum(row.shrunken.estimate is not None for row in full.segments)
    assert shrunken
    assert len(split) == 2 * len(full.segments) + shrunken
    assert {"primary", "secondary", "guardrail"} <= set(whole["role"])
    for row, (_, found) in zip(full.estimates, whole.iterrows(), strict=True):
        assert (found["metric"], found["variant"], found["estimand"], found["state"]) == (
            row.metric,
            row.variant,
            row.estimand,
            row.state,
        )
        assert found["n"] == row.n
        for name in ("estimate", "lower", "upper", "p", "margin"):
            exact = getattr(row, name)
            same = math.isnan(found[name]) if exact is None else math.isclose(found[name], exact, rel_tol=1e-11)
            assert same, (row.metric, name)


def test_a_row_says_what_it_is(full: Analysis) -> None:
    frame = long_table.to_pandas(full)
    whole = frame[frame["segment"].isna()].to_dict("records")
    rows = {(row["metric"], row["estimand"]): row for row in whole}
    margin = rows["margin", "difference"]
    assert (margin["window"], margin["unit"], margin["population"]) == ("0..89", "JPY", "assigned")
    assert (margin["value"], margin["baseline_value"]) == (765, 684)
    assert rows["retained", "difference"]["window"] == "56..89"
    assert rows["retained", "difference"]["unit"] == "share"
    assert rows["retained", "lift"]["unit"] == "relative"


def test_segments_that_may_not_be_shown_have_no_numbers(full: Analysis) -> None:
    frame = long_table.to_pandas(full)
    hidden = frame[frame["status"] == "suppressed"]
    assert set(hidden["segment"]) == {"country: KR"}
    assert hidden[["estimate", "se", "lower", "upper", "p", "n", "n_baseline", "value"]].isna().all(axis=None)
    unknown = frame[frame["segment"] == "country: not known"]
    assert len(unknown)
    assert unknown["level"].isna().all()
    assert set(unknown["dimension"]) == {"country"}


def test_an_interim_run_has_no_rows(interim: Analysis) -> None:
    assert interim.estimates
    assert len(long_table.to_pandas(interim)) == 0
    assert long_table.to_arrow(interim).num_columns == len(long_table.COLUMNS)


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher", "full", "interim"])
def test_the_same_document_gives_the_same_file(name: str, request: pytest.FixtureRequest) -> None:
    analysis: Analysis = request.getfixturevalue(name)
    written = long_table.to_parquet(analysis)
    assert written == long_table.to_parquet(from_json(to_json(analysis)))
    read = parquet.read_table(BytesIO(written))
    assert read.equals(long_table.to_arrow(analysis))
    assert parquet.read_metadata(BytesIO(written)).metadata[b"holdfast"] == b"holdfast.results/1"
    pd.testing.assert_frame_equal(
        pd.read_parquet(BytesIO(written)).astype({"n": "Int64", "n_baseline": "Int64", "version": "Int64"}),
        long_table.to_pandas(analysis),
        check_dtype=False,
    )


def test_the_population_is_told_where_it_is_known(voucher: Analysis) -> None:
    exposed = replace(voucher, checks=(*voucher.checks, Check(id="exposure", status="ok", value=0.4)))
    assert set(long_table.to_pandas(exposed)["population"]) == {"exposed"}
    drawn = replace(voucher, experiment=replace(voucher.experiment, cluster="shop"))
    assert long_table.to_pandas(drawn)["population"].isna().all()
