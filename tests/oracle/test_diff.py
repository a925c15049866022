"""`holdfast diff`: each reason why two reports differ is told, with its numbers from the rows, and no other one."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import holdfast
from holdfast.cli import main
from holdfast.errors import UsageError
from holdfast.model.changed import Diff, LevelChange
from tests.documents import checked
from tests.oracle.small_shop import HEAD, TWO, Shop, save, shop, trial, write

OPEN = "\n".join(line for line in HEAD.splitlines() if not line.startswith("observed")) + "\n"
PLAN = f"{OPEN}{TWO}metrics: {{primary: revenue, secondary: [bought]}}\n"
EARLY, LATE, LATER = "2026-02-20", "2026-05-01", "2026-05-08"


def report(folder: Path, as_of: str) -> None:
    trial(folder).analyze(as_of).write()


def compared(folder: Path, start: str | None = None, end: str | None = None) -> Diff:
    return holdfast.open_project(folder).diff("trial", start, end)


def of(found: Diff, metric: str, variant: str) -> LevelChange:
    (row,) = [each for each in found.levels if (each.metric, each.variant) == (metric, variant)]
    return row


@pytest.fixture
def data() -> Shop:
    return shop(5)


@pytest.fixture
def folder(tmp_path: Path, data: Shop) -> Path:
    return write(tmp_path, data, PLAN)


def test_windows_that_closed_in_between(folder: Path, data: Shop) -> None:
    """As many as the rows say: assigned thirty days before one date and not before the other."""
    report(folder, EARLY)
    report(folder, LATE)
    found = compared(folder)
    assert (found.before, found.after) == (EARLY, LATE)
    assert found.why == ("newly_mature",)
    closed = data.units["t0"] + pd.Timedelta(days=30)
    for variant in ("control", "letter"):
        row = of(found, "revenue", variant)
        new = (closed > pd.Timestamp(EARLY)) & (closed <= pd.Timestamp(LATE)) & (data.units["variant"] == variant)
        assert row.newly_mature == int(new.sum()) > 0
        # What came late cannot be told from what is new.
        assert row.late_total is None
    assert not found.fields
    assert found.config_hash_before == found.config_hash_after


def test_facts_that_came_late(folder: Path, data: Shop) -> None:
    """Ten orders more of customers whose windows were closed at both dates: their sum, and of whom."""
    report(folder, LATE)
    treated = data.units[data.units["variant"] == "letter"].head(10)
    more = pd.DataFrame(
        {
            "id": treated["id"].to_numpy(),
            "moment": (treated["t0"] + pd.Timedelta(days=3)).to_numpy(),
            "amount": 12.5,
            "discount": 0.0,
            "margin": 5.0,
        }
    )
    save(folder, Shop(data.units, pd.concat([data.orders, more], ignore_index=True), data.messages, data.periods))
    report(folder, LATER)
    found = compared(folder)
    assert found.why == ("late_facts",)
    assert of(found, "revenue", "letter").late_total == pytest.approx(125.0)
    assert of(found, "revenue", "control").late_total == 0
    (row,) = [each for each in found.estimates if (each.metric, each.estimand) == ("revenue", "difference")]
    assert row.after is not None
    assert row.before is not None
    n = int((data.units["variant"] == "letter").sum())
    assert row.after - row.before == pytest.approx(125.0 / n, rel=1e-6)


def test_units_that_came_late(folder: Path, data: Shop) -> None:
    """Five customers assigned in January who were not in the table at first."""
    save(folder, Shop(data.units.iloc[5:], data.orders, data.messages, data.periods))
    report(folder, LATE)
    save(folder, data)
    report(folder, LATER)
    found = compared(folder)
    assert "late_assignments" in found.why
    assert "newly_assigned" not in found.why
    assert sum(each.late or 0 for each in found.assigned) == 5
    assert sum(each.after - each.before for each in found.assigned) == 5


def test_files_that_were_changed(folder: Path, data: Shop) -> None:
    report(folder, LATE)
    changed = PLAN.replace("secondary: [bought]", "guardrails: [{metric: bought, tolerate: 2pt}]")
    write(folder, data, changed + "analysis: {expect: 2 USD}\n")
    report(folder, LATER)
    found = compared(folder)
    assert found.why == ("configuration",)
    assert found.config_hash_before != found.config_hash_after
    fields = {each.field: (each.before, each.after) for each in found.fields}
    assert fields["metrics.bought.role"] == ("secondary", "guardrail")
    assert fields["metrics.bought.tolerate"] == (None, "2pt")
    assert fields["plan.expect"] == (None, "2 USD")
    assert not any("assigned" in field or field.endswith(".cap") for field in fields)


def test_checks_verdict_and_deviations(folder: Path, data: Shop) -> None:
    """Half of one variant is gone from the table: the split fails, and there is no verdict any more."""
    report(folder, LATE)
    trial(folder).explore("orders")
    gone = data.units[data.units["variant"] == "letter"].index[::2]
    save(folder, Shop(data.units.drop(gone), data.orders, data.messages, data.periods))
    report(folder, LATER)
    found = compared(folder)
    (split,) = [each for each in found.checks if each.id == "srm"]
    assert (split.before, split.after) == ("ok", "block")
    assert found.verdict_after.startswith("no_verdict")
    assert not found.verdict_before.startswith("no_verdict")
    assert found.deviations_added == ("explored: name orders",)
    assert "late_assignments" in found.why


def test_the_same_data_and_files_give_no_reason(folder: Path) -> None:
    report(folder, LATE)
    report(folder, LATER)
    found = compared(folder)
    assert found.why == ()
    assert all(each.value_before == each.value_after for each in found.levels)


def test_reports_by_date_and_which_are_missing(folder: Path) -> None:
    with pytest.raises(UsageError, match="holdfast analyze trial"):
        compared(folder)
    report(folder, EARLY)
    with pytest.raises(UsageError, match="nothing to compare it with"):
        compared(folder)
    report(folder, LATE)
    report(folder, LATER)
    assert compared(folder).before == LATE
    assert compared(folder, EARLY).before == EARLY
    assert (compared(folder, EARLY, LATE).before, compared(folder, EARLY, LATE).after) == (EARLY, LATE)
    with pytest.raises(UsageError, match=r'no report as of "2026-05-02".*2026-05-01'):
        compared(folder, "2026-05-02")
    with pytest.raises(UsageError, match='did you mean "trial"'):
        holdfast.open_project(folder).diff("trail")


def test_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    report(folder, EARLY)
    report(folder, LATE)

    def run(*arguments: str) -> str:
        line = ["holdfast", "diff", "trial", "--from", EARLY, "--to", LATE, "--project", str(folder), *arguments]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        return capsys.readouterr().out

    found = checked("diff", run("--json"))
    assert (found["schema"], found["why"]) == ("holdfast.diff/1", ["newly_mature"])
    text = run()
    assert text.startswith(f"trial: {EARLY} and {LATE}\n  because the windows of more units have closed\n")
    assert "letter against control" in text
