"""Cells under the privacy minimum: hidden, and not to be had from what is shown, over random tables."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast import estimate, planning
from holdfast.estimate.answers import curve_rows, moment_rows
from holdfast.model.kpi import Asked, MonthCounts
from holdfast.model.predicate import Predicate
from holdfast.model.reading import Cell, Curve
from holdfast.model.result import Analysis
from holdfast.model.values import FactRef
from holdfast.project.kpi import _rows
from holdfast.project.long_table import to_parquet
from holdfast.report import answers, from_json
from tests.builders import outcomes, reading, share_cell
from tests.conftest import ROOT

MINIMUM = 20
LEVELS = ("JP", "US", "TW", "KR", "LI", None)
VARIANTS = ("control", "treated", "other")
quiet = settings(derandomize=True, max_examples=150, deadline=None, database=None)
Counts = Mapping[tuple[str, str, str | None], int]
"""Metric, variant and level to its number of units."""

size = st.one_of(st.integers(0, 45), st.integers(15, 25), st.integers(100, 900))


@st.composite
def tables(draw: st.DrawFn) -> Counts:
    """Units by level and variant that count for one metric, and nearly as many that count for another."""
    levels = LEVELS[: draw(st.integers(1, len(LEVELS)))]
    variants = VARIANTS[: draw(st.integers(2, 3))]
    found: dict[tuple[str, str, str | None], int] = {}
    for variant in variants:
        for level in levels:
            first = draw(size)
            found["bought", variant, level] = first
            found["retained", variant, level] = max(0, first - draw(st.integers(0, 4)))
    return found


def analysed(counts: Counts) -> tuple[Any, Any]:
    """The results and the rows of moments.parquet of an experiment with these units."""
    variants = tuple(dict.fromkeys(variant for _, variant, _ in counts))
    study = outcomes(
        {"bought": {"desired_change": "increase"}, "retained": {"desired_change": "increase"}},
        {"primary": "bought", "secondary": ["retained"], "trio": {"retained": "retained"}},
        variants=variants[1:],
        analysis={"segments": ["country"]},
        observed={"until": "2026-02-01"},
    )
    plan = planning.plan(study, dt.date(2026, 3, 1))
    cells: list[Cell] = []
    parts: dict[tuple[str, str, str, str | None], Cell] = {}
    for metric in ("bought", "retained"):
        for variant in variants:
            own = {level: n for (key, name, level), n in counts.items() if (key, name) == (metric, variant)}
            cells.append(share_cell(metric, variant, sum(n // 3 for n in own.values()), sum(own.values())))
            for level, n in own.items():
                if n:
                    parts[metric, variant, "country", level] = share_cell(metric, variant, n // 3, n)
    read = reading(cells, segments=parts)
    return estimate.run(plan, read), tuple(moment_rows(plan, read))


def tells(counts: Counts, shown: set[tuple[str, str, str | None]]) -> list[tuple[str, str, str | None]]:
    """Cells that are too small and are shown, or that the whole minus what is shown tells: one that is left alone, or
    several of too few units together."""
    told = [key for key in shown if 0 < counts[key] < MINIMUM]
    for metric, variant in dict.fromkeys((key[0], key[1]) for key in counts):
        own = [key for key in counts if key[:2] == (metric, variant)]
        hidden = [key for key in own if key not in shown]
        if len(hidden) == len(own):
            continue  # the whole is shown as the whole
        left = [key for key in hidden if counts[key]]
        if 0 < sum(counts[key] for key in left) < MINIMUM:
            told += left
        elif len(hidden) == 1 and counts[hidden[0]] < MINIMUM:
            told += hidden
    return told


@quiet
@given(tables())
def test_no_cell_of_a_segment_can_be_had_from_the_rest(counts: Counts) -> None:
    results, moments = analysed(counts)
    control = VARIANTS[0]
    shown: set[tuple[str, str, str | None]] = set()
    for row in results.segments:
        if row.suppressed:
            numbers = (row.n, row.n_baseline, row.value, row.baseline_value)
            assert numbers == (None, None, None, None)
            assert all(each.estimate is None for each in (row.difference, row.lift, row.shrunken))
        else:
            assert (row.n, row.n_baseline) == tuple(
                counts[row.metric, each, row.level] for each in (row.variant, control)
            )
            shown |= {(row.metric, row.variant, row.level), (row.metric, control, row.level)}
    assert not tells(counts, shown)
    of_moments = {(row[0], row[1], row[3]) for row in map(tuple_of, moments) if row[2] == "country"}
    assert not tells(counts, of_moments)
    # A level is hidden of every metric or of none: two metrics count nearly the same units.
    for level in {level for _, _, level in counts}:
        metrics = {metric for metric, _, each in shown if each == level}
        assert len(metrics) in {0, 2} or any(counts["retained", v, level] == 0 for _, v, _ in counts)


@cache
def whole() -> Analysis:
    """Any result, to take what is asked for."""
    return from_json((ROOT / "reports/hillstrom-email").glob("*/results.json").__next__().read_text("utf-8"))


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """The rows of a Parquet file."""
    found: list[dict[str, Any]] = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    return found


@quiet
@given(tables())
def test_no_cell_of_a_segment_can_be_had_from_the_files(counts: Counts) -> None:
    """The same of results.parquet and moments.parquet, from the bytes; and of one as of the other."""
    results, moments = analysed(counts)
    info = whole().metrics[0]
    metrics = tuple(replace(info, key=key, trio=None) for key in ("bought", "retained"))
    told = replace(
        whole(), metrics=metrics, estimates=(), segments=results.segments, plan=replace(whole().plan, interim=False)
    )
    control = VARIANTS[0]
    shown: set[tuple[str, str, str | None]] = set()
    for row in rows_of(to_parquet(told)):
        if row["n"] is None:
            assert [
                row[name] for name in ("estimate", "se", "lower", "upper", "value", "baseline_value", "n_baseline")
            ] == ([None] * 7)
            continue
        shown |= {(row["metric"], each, row["level"]) for each in (row["variant"], control)}
    assert not tells(counts, shown)
    files = answers(moments, ())
    of_moments = {
        (row["metric"], row["variant"], row["level"])
        for row in rows_of(files["moments.parquet"])
        if row["dimension"] == "country"
    }
    assert not tells(counts, of_moments)
    # Side by side they tell no more.
    assert not tells(counts, shown | of_moments)


def test_what_one_metric_hides_is_hidden_of_all() -> None:
    """Nineteen and twenty customers of one level: shown of the other metric, the twenty would tell of nearly the same
    nineteen; in none of the files."""
    levels = {"JP": 300, "US": 200, "TW": 100, "LI": 20}
    counts: Counts = {
        (metric, variant, level): n - (1 if (metric, variant, level) == ("retained", "treated", "LI") else 0)
        for metric in ("bought", "retained")
        for variant in ("control", "treated")
        for level, n in levels.items()
    }
    results, moments = analysed(counts)
    hidden = {(row.metric, row.level) for row in results.segments if row.suppressed}
    assert hidden == {(metric, level) for metric in ("bought", "retained") for level in ("LI", "TW")}
    assert {row[3] for row in map(tuple_of, moments) if row[2] == "country"} == {"JP", "US"}


@st.composite
def followed(draw: st.DrawFn) -> dict[str, Curve]:
    """Curves of three variants: of those at risk some have the event, some are followed no further."""
    found, days = {}, draw(st.integers(1, 8))
    for variant in VARIANTS:
        left, at_risk, events, censored = draw(size), [], [], []
        for _ in range(days):
            gone = draw(st.integers(0, left))
            at_risk.append(left)
            events.append(draw(st.integers(0, gone)))
            censored.append(gone - events[-1])
            left -= gone
        price = [draw(st.integers(0, n)) for n in events]
        causes = {"price": tuple(price), "moved": tuple(n - p for n, p in zip(events, price, strict=True))}
        found[variant] = Curve(at_risk=tuple(at_risk), events=tuple(events), censored=tuple(censored), causes=causes)
    return found


@quiet
@given(followed())
def test_no_day_of_a_curve_tells_of_few_who_are_left(curves: dict[str, Curve]) -> None:
    """From the bytes of curves.parquet: who is followed on a day, and on the next, are many or none."""
    study = outcomes(
        {"bought": {"desired_change": "increase"}, "retained": {"desired_change": "increase"}},
        {"primary": "bought", "secondary": ["retained"], "trio": {"retained": "retained"}},
        variants=VARIANTS[1:],
        observed={"until": "2026-02-01"},
    )
    plan = planning.plan(study, dt.date(2026, 3, 1))
    read = reading([], curves={("retained", variant): curve for variant, curve in curves.items()})
    rows = rows_of(answers((), curve_rows(plan, read))["curves.parquet"])
    for row in rows:
        assert row["at_risk"] >= MINIMUM
        left = [*curves[row["variant"]].at_risk, 0][row["day"] + 1]
        assert left == 0 or left >= MINIMUM
    # Days stand without a gap: what is between two of them cannot be taken from their difference.
    for variant, curve in curves.items():
        days = [row["day"] for row in rows if row["variant"] == variant and row["cause"] is None]
        assert days == list(range(len(days)))
        for row in (row for row in rows if row["variant"] == variant and row["cause"]):
            assert row["day"] in days
            assert row["events"] == curve.causes[row["cause"]][row["day"]]


def tuple_of(row: Any) -> tuple[Any, ...]:
    """Metric, variant, dimension and level of a row of moments.parquet."""
    return (row.metric, row.variant, row.dimension, row.level)


def test_a_table_that_tells_is_found() -> None:
    """The check itself: one small level left out alone can be had as the whole minus the rest."""
    counts: Counts = {("m", "control", "JP"): 100, ("m", "control", "LI"): 7, ("m", "control", "US"): 50}
    assert tells(counts, {("m", "control", "JP"), ("m", "control", "US")}) == [("m", "control", "LI")]
    assert tells(counts, {("m", "control", "JP"), ("m", "control", "LI")}) == [("m", "control", "LI")]
    assert not tells(counts, {("m", "control", "JP")})


def months(counts: Sequence[Sequence[int]]) -> list[MonthCounts]:
    """Customers by month and level who order in every month or never come back: those of a month are the ones whose
    retention the next month tells."""
    return [
        MonthCounts(
            month=month,
            level=LEVELS[place],
            active_before=counts[month - 1][place] if month else n,
            retained=min(n, counts[month - 1][place]) if month else n // 2,
            alive=n,
            lapsed=0,
            customers=n,
            repeaters=n // 2,
            orders=2 * n,
            revenue=10.0 * n,
        )
        for month, row in enumerate(counts)
        for place, n in enumerate(row)
    ]


@quiet
@given(
    st.integers(2, 6).flatmap(
        lambda levels: st.lists(st.lists(size, min_size=levels, max_size=levels), min_size=1, max_size=4)
    )
)
def test_no_level_of_a_month_can_be_had_from_the_rest_or_from_the_next(counts: list[list[int]]) -> None:
    names = [f"2026-{place + 1:02d}" for place in range(len(counts))]
    fact: tuple[FactRef, Predicate] = (FactRef("orders", "order"), {})
    asked = Asked(active=fact, order=fact, revenue=fact, lapsing=fact, inactivity_days=60, starts=(), by="country")
    rows = list(_rows(months(counts), names, asked, MINIMUM))
    ever = {row.level for row in rows if not row.everybody and not row.suppressed}
    for month, name in enumerate(names):
        sizes = dict(zip(LEVELS, counts[month], strict=False))
        table = {(name, "all", level): n for level, n in sizes.items()}
        shown = {(name, "all", r.level) for r in rows if r.month == name and not r.everybody and not r.suppressed}
        whole = next(row for row in rows if row.month == name and row.everybody)
        if not whole.suppressed:
            assert not tells(table, shown)
        # Shown in one month is shown in all: its customers are what the next month's retention is a share of.
        assert {level for _, _, level in shown} == ever


@pytest.mark.parametrize("turned", [False, True])
def test_of_levels_of_one_size_the_same_is_hidden_every_time(turned: bool) -> None:
    """Whatever the order in which an engine answers: another choice in another run would tell both."""
    fact: tuple[FactRef, Predicate] = (FactRef("orders", "order"), {})
    asked = Asked(active=fact, order=fact, revenue=fact, lapsing=fact, inactivity_days=60, starts=(), by="country")
    counts = months([[40, 40, 7]])
    found = list(_rows(counts[::-1] if turned else counts, ["2026-01"], asked, MINIMUM))
    assert [row.level for row in found if not row.everybody and not row.suppressed] == ["US"]
