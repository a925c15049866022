"""Every estimate of an analysis as one long table: results.parquet, `.to_arrow()` and `.to_pandas()`.

Numbers are those of results.json, digit for digit, so that the same document gives the same table wherever it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from holdfast.model.found import Quantity, SegmentRow
from holdfast.model.result import Analysis, Estimand, Estimate, MetricInfo
from holdfast.report.document import DIGITS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Row = dict[str, Any]

_FIRST = (
    ("experiment", "text"), ("metric", "text"), ("role", "text"), ("variant", "text"), ("baseline", "text"),
    ("window", "text"), ("segment", "text"), ("population", "text"), ("estimand", "text"), ("estimator", "text"),
    ("estimate", "real"), ("se", "real"), ("lower", "real"), ("upper", "real"), ("p", "real"), ("p_adjusted", "real"),
    ("n", "whole"), ("n_baseline", "whole"), ("unit", "text"),
)  # fmt: skip
_THEN = (
    ("as_of", "text"), ("version", "whole"), ("dimension", "text"), ("level", "text"), ("status", "text"),
    ("reason", "text"), ("detail", "text"), ("state", "text"), ("margin", "real"), ("value", "real"),
    ("baseline_value", "real"), ("confidence", "real"), ("lower_adjusted", "real"), ("upper_adjusted", "real"),
    ("confidence_adjusted", "real"), ("log10_p", "real"), ("correction", "text"), ("unadjusted", "real"),
    ("unadjusted_lower", "real"), ("unadjusted_upper", "real"), ("variance_saved", "real"),
)  # fmt: skip
COLUMNS = _FIRST + _THEN
"""Names and kinds of the columns: those that every tool needs first, then the rest."""
_AS_THEY_ARE = (
    "metric", "role", "variant", "baseline", "estimand", "estimate", "se", "lower", "upper", "p", "p_adjusted", "n",
    "n_baseline", "status", "reason", "state", "margin", "confidence", "lower_adjusted", "upper_adjusted",
    "confidence_adjusted", "log10_p", "unadjusted", "unadjusted_lower", "unadjusted_upper", "variance_saved",
)  # fmt: skip


def to_arrow(analysis: Analysis) -> pa.Table:
    """One row for each metric, comparison and estimand, and for each segment of it; none before the readout, when the
    report shows no effect either. docs/reports.md tells the columns."""
    return _arrow(list(_rows(analysis)), analysis)


def _arrow(rows: Sequence[Row], analysis: Analysis) -> pa.Table:
    import pyarrow as pa

    kinds = {"text": pa.string(), "real": pa.float64(), "whole": pa.int64()}
    # The document's schema, and no date and no machine: the same document gives the same bytes.
    schema = pa.schema([(name, kinds[kind]) for name, kind in COLUMNS], metadata={"holdfast": analysis.schema})
    columns = [pa.array([_plain(row.get(name)) for row in rows], kinds[kind]) for name, kind in COLUMNS]
    return pa.Table.from_arrays(columns, schema=schema)


def to_pandas(analysis: Analysis) -> pd.DataFrame:
    """The same table as a data frame; counts that are not known are missing and never turn counts into fractions."""
    import pandas as pd
    import pyarrow as pa

    frame: pd.DataFrame = to_arrow(analysis).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame


def to_parquet(analysis: Analysis) -> bytes:
    """The same table as a Parquet file; the same document gives the same bytes with one version of pyarrow, whose name
    stands in the file."""
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(to_arrow(analysis), sink, compression="zstd", use_dictionary=True)
    return bytes(sink.getvalue().to_pybytes())


def _plain(value: Any) -> Any:
    """A value as results.json holds it: 12 significant digits; an empty text is no text."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    return None if value == "" else value


def _rows(analysis: Analysis) -> Iterator[Row]:
    if analysis.plan.interim:
        return
    metrics = {info.key: info for info in analysis.metrics}
    for row in analysis.estimates:
        yield _shared(analysis, metrics[row.metric], row.estimand) | _estimate(analysis, row)
    for segment in analysis.segments:
        for estimand, found in (("difference", segment.difference), ("lift", segment.lift)):
            yield _shared(analysis, metrics[segment.metric], estimand) | _segment(analysis, segment, estimand, found)
        if segment.shrunken.estimate is not None:
            yield _shared(analysis, metrics[segment.metric], "shrunken") | _segment(
                analysis, segment, "shrunken", segment.shrunken
            )


def _shared(analysis: Analysis, metric: MetricInfo, estimand: str) -> Row:
    """What all rows of a metric have."""
    return {
        "experiment": analysis.experiment.slug,
        "version": analysis.experiment.version,
        "as_of": analysis.as_of,
        "role": metric.role,
        "window": _window(metric),
        "population": _population(analysis),
        "unit": _unit(metric, estimand),
    }


def _population(analysis: Analysis) -> str | None:
    """Who counts: all who were assigned, or those who were exposed; where clusters were drawn the document does not
    tell."""
    # The health check of exposure is made for an exposed population and for no other, and not of clusters.
    if any(check.id == "exposure" for check in analysis.checks):
        return "exposed"
    return None if analysis.experiment.cluster else "assigned"


def _window(metric: MetricInfo) -> str | None:
    """First and last day after assignment, as in 56..89."""
    if metric.first_day is None or metric.end_day is None:
        return None
    return f"{metric.first_day}..{metric.end_day - 1}"


def _unit(metric: MetricInfo, estimand: Estimand | str) -> str | None:
    """What the estimate counts: a currency, a noun, a share of 1, or a change relative to the baseline."""
    if estimand == "lift":
        return "relative"
    share = metric.family == "proportion" or (metric.family == "survival" and not metric.unit)
    return "share" if share else metric.unit


def _estimate(analysis: Analysis, row: Estimate) -> Row:
    """One contrast of the whole population."""
    values = [analysis.level(row.metric, key) for key in (row.variant, row.baseline)]
    return {name: getattr(row, name) for name in _AS_THEY_ARE} | {
        "estimator": row.estimator,
        "detail": row.detail,
        "correction": row.correction,
        "value": values[0].value if values[0] else None,
        "baseline_value": values[1].value if values[1] else None,
    }


def _segment(analysis: Analysis, row: SegmentRow, estimand: str, found: Quantity) -> Row:
    """One contrast within one segment: never corrected, never decides."""
    level = "not known" if row.level is None else row.level
    estimated = "estimated" if found.estimate is not None else "not_estimable"
    return {
        "metric": row.metric,
        "variant": row.variant,
        "baseline": row.baseline,
        "segment": f"{row.dimension}: {level}",
        "dimension": row.dimension,
        "level": row.level,
        "estimand": estimand,
        "status": "suppressed" if row.suppressed else estimated,
        "reason": found.reason,
        "detail": found.detail,
        "estimate": found.estimate,
        "lower": found.lower,
        "upper": found.upper,
        "confidence": None if row.suppressed else analysis.plan.confidence,
        "n": row.n,
        "n_baseline": row.n_baseline,
        "value": row.value,
        "baseline_value": row.baseline_value,
    }
