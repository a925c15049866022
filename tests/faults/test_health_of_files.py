"""Health of assignments that another system wrote: sends, closed variants, and what was known of the units before."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import holdfast
from holdfast.model.result import Analysis, Check
from holdfast.project import AnalysisHandle
from tests.faults.conftest import PLANTED

Edit = Callable[[str, str, str], None]
FINISHED = "experiments/finished/experiment.yaml"
OUTCOMES = """\
metrics:
  primary: paid_after
  define: {paid_after: {operation: column, column: paid, unit_of_measure: USD, desired_change: increase}}
"""


def analysed(small: Path, slug: str = "finished") -> AnalysisHandle:
    return holdfast.open_project(small).experiment(slug).analyze()


def checks(analysis: Analysis) -> dict[str, Check]:
    return {check.id: check for check in analysis.checks}


def rewritten(small: Path, names: str, row: Callable[[list[str], random.Random], str]) -> None:
    """letters.csv with further columns, from its five and a generator of chance."""
    rng = random.Random(8)
    lines = (small / "letters.csv").read_text().splitlines()
    more = [f"{line},{row(line.split(','), rng)}" for line in lines[1:]]
    (small / "letters.csv").write_text("\n".join([f"{lines[0]},{names}", *more]) + "\n")


@pytest.mark.parametrize(
    ("column", "label"),
    [(lambda send: f"send {send}", "send 2"), (lambda send: f"2026-01-0{send}", "2026-01-02"),
     (lambda send: f"2026-01-0{send} 09:30:00", "2026-01-02")],
    ids=["text", "date", "time"],
)  # fmt: skip
def test_the_send_that_was_split_otherwise_is_named(
    small: Path, edit: Edit, column: Callable[[int], str], label: str
) -> None:
    """Send 2 went to the letter alone; a time of sending counts as its date."""

    def send(row: list[str], rng: random.Random) -> str:
        return column(2 if row[1] == "letter" and rng.random() < 0.5 else rng.choice([1, 3, 4]))

    rewritten(small, "send", send)
    edit(FINISHED, "variant: arm}", "variant: arm, batch: send}")
    handle = analysed(small)
    check = checks(handle.analysis)["batch_split"]
    assert (check.status, check.details["batch"], check.details["batches"]) == ("block", label, 4.0)
    assert handle.verdict.checks == ("batch_split",)
    shown = "2 Jan 2026" if label[0] == "2" else label
    assert f"over 4 batches; most of all {shown}" in handle.to_markdown()


def test_sends_alike_are_fine(small: Path, edit: Edit) -> None:
    rewritten(small, "send", lambda _, rng: rng.choice("abcd"))
    edit(FINISHED, "variant: arm}", "variant: arm, batch: send}")
    check = checks(analysed(small).analysis)["batch_split"]
    assert check.status == "ok"
    assert "most of all" not in analysed(small).to_markdown()


def test_a_batch_column_that_holds_ids_names_nobody(small: Path, edit: Edit) -> None:
    """130 labels of three donors each are put together until there are enough; none of them may be shown."""
    count = iter(range(1000))
    rewritten(small, "send", lambda row, _: f"{PLANTED}{row[1]}-{next(count) // 3:03d}")
    edit(FINISHED, "variant: arm}", "variant: arm, batch: send}")
    handle = analysed(small)
    check = checks(handle.analysis)["batch_split"]
    assert check.status == "block"
    assert check.details["batch"] == ""
    assert PLANTED not in handle.to_json() + handle.to_markdown() + handle.queries()


def test_a_donor_in_two_sends_counts_once(small: Path, edit: Edit) -> None:
    edit("experiments/events/experiment.yaml", "assigned_at: at}", "assigned_at: at, batch: wave}")
    lines = (small / "assigned.csv").read_text().splitlines()
    waves = [f"{line},{'first' if place % 2 else 'second'}" for place, line in enumerate(lines[1:])]
    again = [f"{line},third" for line in lines[1:6]]
    (small / "assigned.csv").write_text("\n".join([f"{lines[0]},wave", *waves, *again]) + "\n")
    found = checks(analysed(small, "events").analysis)
    assert found["contamination"].details["duplicates"] == 5.0
    assert found["batch_split"].details["batches"] == 2.0


def test_a_missing_batch_column_is_named(small: Path, edit: Edit) -> None:
    edit(FINISHED, "variant: arm}", "variant: arm, batch: sendd}")
    with pytest.raises(holdfast.errors.DataError, match='no column "sendd"'):
        analysed(small)


def closed(small: Path, edit: Edit) -> None:
    edit(FINISHED, "  letter: {weight: 1, tactic: a-letter}", "  letter: {weight: 1, tactic: a-letter}\n"
         "  poem: {weight: 0, tactic: a-letter, title: A poem}")  # fmt: skip


def test_a_closed_variant_is_told_and_compared_with_nothing(small: Path, edit: Edit) -> None:
    plain = analysed(small).analysis
    closed(small, edit)
    handle = analysed(small)
    analysis = handle.analysis
    assert analysis.verdict.recommendation == plain.verdict.recommendation
    assert analysis.estimates == plain.estimates
    assert {row.variant for row in analysis.estimates} == {"letter"}
    found = checks(analysis)
    assert found["srm"].value == checks(plain)["srm"].value
    assert found["empty_variant"].status == "ok"
    text = handle.to_markdown()
    assert "- **A poem**: closed, nobody was to get it." in text
    # Apart from that line and the split, no table knows of it.
    rest = [line for line in text.splitlines() if "A poem" in line or "1:1:0" in line]
    assert len(rest) == 3, rest
    assert handle["gift"].difference == handle["gift", "letter"].difference
    with pytest.raises(holdfast.errors.UsageError):
        handle["gift", "poem"]


def test_one_donor_in_a_closed_variant_leaves_no_verdict(small: Path, edit: Edit) -> None:
    closed(small, edit)
    with (small / "letters.csv").open("a") as file:
        file.write(f"{PLANTED}stray,poem,3,1,hello\n")
    handle = analysed(small)
    check = checks(handle.analysis)["srm"]
    assert (check.status, check.value) == ("block", 0.0)
    assert handle.verdict.recommendation == "no_verdict"
    text = handle.to_markdown()
    assert "- **A poem** (1): closed, and yet not empty." in text
    assert "**The split is wrong.**" in text
    assert PLANTED not in text + handle.to_json()


def test_covariates_of_a_file_are_compared(small: Path, edit: Edit) -> None:
    """A number and a text; the donors of one town all got the letter."""

    def known(row: list[str], rng: random.Random) -> str:
        town = "north" if row[1] == "letter" and rng.random() < 0.3 else rng.choice(["south", "west"])
        return f"{rng.randint(0, 900)},{town},{PLANTED}{row[0]}x"

    rewritten(small, "earlier,town,address", known)
    edit(FINISHED, "variant: arm}", "variant: arm, covariates: [earlier, town, address]}")
    handle = analysed(small)
    check = checks(handle.analysis)["balance"]
    assert (check.status, check.details["property"]) == ("block", "town")
    assert check.details["left_out_many_values"] == "address"
    assert [(row.property, row.kind) for row in handle.analysis.balance] == [
        ("earlier", "number"),
        ("town", "category"),
    ]
    text = handle.to_markdown()
    assert re.search(r"\| Town \| \*\*[01]\.\d\d\*\* \|", text), text
    assert "- Not compared: address (texts with too many values)." in text
    assert not any(word in text + handle.to_json() + handle.queries() for word in (PLANTED,))
    assert not any(word in text + handle.to_json() for word in ("north", "south", "west"))


def test_rows_that_are_units_are_compared_too(small: Path, edit: Edit) -> None:
    """Without a key, as in a file of letters, and with an empty value and one that is no number."""
    rewritten(small, "earlier", lambda row, rng: rng.choice(["", "12", "0.5", "1e300"]))
    edit(FINISHED, "unit: donor, variant: arm}", "unit: row, variant: arm, covariates: [earlier]}")
    handle = analysed(small)
    check = checks(handle.analysis)["balance"]
    assert check.status == "ok"
    assert check.details["columns"] == 2.0
    (row,) = handle.analysis.balance
    assert row.difference is not None
    assert abs(row.difference) < 0.4


def test_a_donor_on_two_rows_is_compared_once(small: Path, edit: Edit) -> None:
    edit("experiments/events/experiment.yaml", "assigned_at: at}", "assigned_at: at}\nanalysis: {covariates: [age]}")
    edit("configs/sources/gifts.yaml", "keys: {donor: donor}}", "keys: {donor: donor}, properties: [age]}")
    lines = (small / "assigned.csv").read_text().splitlines()
    rows = [f"{line},{30 + place % 40}" for place, line in enumerate(lines[1:])]
    (small / "assigned.csv").write_text("\n".join([f"{lines[0]},age", *rows, *rows[:7]]) + "\n")
    analysis = analysed(small, "events").analysis
    assert checks(analysis)["balance"].status == "ok"
    assert checks(analysis)["contamination"].details["duplicates"] == 7.0


def test_who_met_it_is_compared_by_what_was_known_at_assignment(small: Path, edit: Edit) -> None:
    """Gifts between the assignment and the visit that exposes are an effect already, and no property."""
    edit(
        "experiments/events/experiment.yaml",
        "metrics: {primary: repeated}",
        "metrics: {primary: repeated}\npopulation: {exposed: visits.visit}\nanalysis: {covariates: [gifts_before]}",
    )
    sources = small / "configs/sources/gifts.yaml"
    sources.write_text(
        sources.read_text()
        + "  visits: {grain: event, path: visits.csv, keys: {donor: donor}, timestamp: at, facts: {visit: null}}\n"
        + "properties:\n  gifts_before: {fact: gifts.gift, operation: count}\n"
    )
    visits = "".join(f"{PLANTED}{i},2026-01-29 09:00:00\n" for i in range(200))
    (small / "visits.csv").write_text("donor,at\n" + visits)
    analysis = analysed(small, "events").analysis
    assert sum(variant.assigned for variant in analysis.variants) == 200
    # Nobody gave before the assignment; a third did before the visit.
    assert checks(analysis)["balance"].details == {"left_out_hardly_varies": "gifts before"}


def test_an_outcome_that_is_listed_is_no_property(small: Path, edit: Edit) -> None:
    """Nor is the key, nor what the audience says of units that another system chose."""
    experiment = "experiments/events/experiment.yaml"
    edit(experiment, "metrics: {primary: repeated}", OUTCOMES)
    edit(experiment, "hypothesis:", 'audience: {age: ">= 18"}\nhypothesis:')
    edit(
        "configs/sources/gifts.yaml",
        "keys: {donor: donor}}",
        "keys: {donor: donor}, properties: [donor, paid, town]}\n"
        "  elsewhere: {grain: unit, path: nowhere.csv, keys: {donor: donor}, properties: [age]}",
    )
    lines = (small / "assigned.csv").read_text().splitlines()
    rows = [f"{line},{place % 7},{'ab'[place % 3 == 0]}" for place, line in enumerate(lines[1:])]
    (small / "assigned.csv").write_text("\n".join([f"{lines[0]},paid,town", *rows]) + "\n")
    analysis = analysed(small, "events").analysis
    assert [row.property for row in analysis.balance] == ["town"]
    assert checks(analysis)["balance"].details["left_out_unknown"] == "age"
