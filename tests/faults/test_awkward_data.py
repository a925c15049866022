"""Data as they come: every case either gives the number that plain counting gives, or says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import holdfast
from holdfast.errors import DataError, UsageError
from holdfast.project import AnalysisHandle
from tests.faults.conftest import PLANTED

Edit = Callable[[str, str, str], None]


def analysed(small: Path, slug: str = "events", as_of: str | None = None) -> AnalysisHandle:
    return holdfast.open_project(small).experiment(slug).analyze(as_of)


@pytest.mark.parametrize("name", ["elapsed", "calendar", "ts", "t0", "unit", "variant", "label", "day", "begun"])
def test_columns_may_have_the_names_that_queries_use(small: Path, edit: Edit, name: str) -> None:
    edit(
        "configs/metrics/gifts.yaml",
        "{operation: conversion, fact: gifts.gift,",
        "{operation: sum, fact: gifts.amount,",
    )
    edit("configs/sources/gifts.yaml", "facts: {", "properties: [amount], facts: {")
    expected = analysed(small).analysis.levels
    edit("gifts.csv", "amount", name)
    edit("configs/sources/gifts.yaml", "amount: amount", f"amount: {name}")
    edit("configs/sources/gifts.yaml", "[amount]", f"[{name}]")
    edit("configs/metrics/gifts.yaml", "fact: gifts.amount,", f'fact: gifts.amount, where: {{{name}: ">= 0"}},')
    assert analysed(small).analysis.levels == expected


@pytest.mark.parametrize("name", ["ts", "t0", "unit"])
def test_times_and_keys_too(small: Path, edit: Edit, name: str) -> None:
    expected = analysed(small).analysis.levels
    edit("gifts.csv", "given_at", name)
    edit("configs/sources/gifts.yaml", "timestamp: given_at", f"timestamp: {name}")
    assert analysed(small).analysis.levels == expected


def test_keys_that_cannot_be_compared_are_named(small: Path) -> None:
    text = (small / "gifts.csv").read_text().replace(PLANTED, "")
    (small / "gifts.csv").write_text(text)
    with pytest.raises(DataError, match='source "gifts": its key holds whole numbers, the assigned units have text'):
        analysed(small)


def test_a_table_that_a_temporary_one_would_hide_is_refused(small: Path, edit: Edit) -> None:
    edit("configs/sources/gifts.yaml", "path: gifts.csv", "table: main.Holdfast_Units")
    with pytest.raises(DataError, match=r'source "gifts": the table is called "main.Holdfast_Units".*make a view'):
        analysed(small)


def test_numbers_are_no_times(small: Path) -> None:
    lines = (small / "gifts.csv").read_text().splitlines()
    (small / "gifts.csv").write_text(
        "\n".join([lines[0], *(f"{line.split(',')[0]},1767862800000,{line.split(',')[2]}" for line in lines[1:])])
        + "\n"
    )
    with pytest.raises(DataError, match='"given_at" holds whole numbers, not dates or times'):
        analysed(small)


def test_text_cannot_be_summed(small: Path, edit: Edit) -> None:
    edit(
        "configs/metrics/gifts.yaml",
        "{operation: conversion, fact: gifts.gift,",
        "{operation: sum, fact: gifts.amount,",
    )
    text = (small / "gifts.csv").read_text().replace(",3\n", ",three\n")
    (small / "gifts.csv").write_text(text)
    with pytest.raises(DataError, match='source "gifts": column "amount" holds text, not numbers'):
        analysed(small)


def test_units_without_a_time_of_assignment_are_not_dropped(small: Path) -> None:
    text = (small / "assigned.csv").read_text().replace("2026-01-03 08:00:00", "", 1)
    (small / "assigned.csv").write_text(text)
    with pytest.raises(DataError, match="1 units have no time of assignment"):
        analysed(small)


def test_two_labels_of_one_variant_are_no_crossover(small: Path, edit: Edit) -> None:
    edit(
        "experiments/events/experiment.yaml",
        "variant: arm,",
        "variant: arm, labels: {C: control, control: control, letter: letter},",
    )
    lines = (small / "assigned.csv").read_text().splitlines()
    extra = [f"{PLANTED}{i},C,2026-01-20 08:00:00" for i in range(0, 40, 2)]
    (small / "assigned.csv").write_text("\n".join([*lines, *extra]) + "\n")
    (check,) = (check for check in analysed(small).analysis.checks if check.id == "contamination")
    assert (check.status, check.details["crossovers"], check.details["duplicates"]) == ("ok", 0.0, 20.0)


def test_what_happens_after_the_as_of_date_is_no_crossover(small: Path) -> None:
    lines = (small / "assigned.csv").read_text().splitlines()
    extra = [f"{PLANTED}{i},letter,2026-03-01 08:00:00" for i in range(0, 40, 2)]
    (small / "assigned.csv").write_text("\n".join([*lines, *extra]) + "\n")
    (check,) = (check for check in analysed(small).analysis.checks if check.id == "contamination")
    assert check.status == "ok"


def test_real_crossovers_leave_no_verdict(small: Path) -> None:
    lines = (small / "assigned.csv").read_text().splitlines()
    extra = [f"{PLANTED}{i},letter,2026-01-20 08:00:00" for i in range(0, 40, 2)]
    (small / "assigned.csv").write_text("\n".join([*lines, *extra]) + "\n")
    analysis = analysed(small).analysis
    (check,) = (check for check in analysis.checks if check.id == "contamination")
    assert (check.status, check.details["crossovers"]) == ("block", 20.0)
    assert analysis.verdict.recommendation == "no_verdict"


def test_observation_ends_where_it_ended(small: Path, edit: Edit) -> None:
    """Read a month later, the same outcomes are observed: nobody matures by waiting."""
    early, late = analysed(small).analysis, analysed(small, as_of="2026-03-01").analysis
    assert [level.n for level in early.levels] == [level.n for level in late.levels]


def test_a_complement_counts_the_missing_where_zero_was_said(small: Path, edit: Edit) -> None:
    lines = (small / "letters.csv").read_text().splitlines()
    for number in range(1, 21):
        donor, arm, gift, _, note = lines[number].split(",")
        lines[number] = f"{donor},{arm},{gift},,{note}"
    (small / "letters.csv").write_text("\n".join(lines) + "\n")
    edit(
        "experiments/finished/experiment.yaml",
        "    gave: {operation: column, column: gave,",
        "    lost: {operation: column, column: gave, complement: true, nulls: zero, desired_change: decrease}\n"
        "    gave: {operation: column, column: gave, nulls: zero,",
    )
    edit("experiments/finished/experiment.yaml", "secondary: [gave]", "secondary: [gave, lost]")
    analysis = analysed(small, "finished").analysis
    for variant in ("control", "letter"):
        gave, lost = analysis.level("gave", variant), analysis.level("lost", variant)
        assert gave and lost and gave.value is not None and lost.value is not None
        assert gave.value + lost.value == pytest.approx(1)


def test_money_stays_money_when_it_is_all_zero(small: Path, edit: Edit) -> None:
    lines = (small / "letters.csv").read_text().splitlines()
    zero = [lines[0], *(",".join([*line.split(",")[:2], "0", *line.split(",")[3:]]) for line in lines[1:])]
    (small / "letters.csv").write_text("\n".join(zero) + "\n")
    analysis = analysed(small, "finished").analysis
    row = analysis.find("gift", "letter")
    assert row is not None
    assert (row.status, row.reason) == ("not_estimable", "zero_variance")
    assert next(info.family for info in analysis.metrics if info.key == "gift") == "mean"


def test_a_header_that_names_a_column_twice_is_refused(small: Path, edit: Edit) -> None:
    edit("letters.csv", "donor,arm,gift,gave,note", "donor,arm,gift,gift,note")
    with pytest.raises(DataError, match=r"names a column twice: gift"):
        analysed(small, "finished")


def test_a_short_header_does_not_make_a_customer_the_header(small: Path, edit: Edit) -> None:
    edit("letters.csv", "donor,arm,gift,gave,note", "donor,arm,gift")
    with pytest.raises(DataError) as refused:
        analysed(small, "finished")
    assert PLANTED not in str(refused.value)


def test_decimals_are_summed_as_they_are(small: Path, edit: Edit) -> None:
    query = f"SELECT donor, given_at, CAST(amount AS DECIMAL(4, 2)) AS amount FROM read_csv('{small}/gifts.csv')"
    edit("configs/sources/gifts.yaml", "path: gifts.csv", f'sql: "{query}"')
    edit(
        "configs/metrics/gifts.yaml",
        "{operation: conversion, fact: gifts.gift,",
        "{operation: sum, fact: gifts.amount,",
    )
    assert all(level.value for level in analysed(small).analysis.levels)


def test_the_future_is_refused(small: Path) -> None:
    experiment = holdfast.open_project(small).experiment("events")
    with pytest.raises(UsageError, match="is in the future"):
        experiment.analyze("2099-01-01")


def test_statements_do_not_depend_on_where_the_data_lie(small: Path, tmp_path: Path) -> None:
    import shutil

    elsewhere = tmp_path / ("a-much-longer-name-" * 6)
    shutil.copytree(small, elsewhere, ignore=shutil.ignore_patterns("a-much*"))
    assert analysed(small).queries() == analysed(elsewhere).queries()
