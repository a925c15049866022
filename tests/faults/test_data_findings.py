"""`validate --data`: one broken data set for every rule of the data, and none for data that are in order."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

import holdfast
from holdfast.cli.app import main
from holdfast.config.rules.table import DATA, NOTES, WARNINGS
from holdfast.errors import Finding, TransientError, WrongData
from holdfast.model.source_state import Looked
from holdfast.warehouse import source_state
from tests.faults.healthy import PLANTED, RULED

AS_OF = "2026-02-01"
PAGE = Path(__file__).parents[2] / "docs" / "checking-data.md"


def looked(folder: Path, *slugs: str) -> list[Finding]:
    return holdfast.open_project(folder).validate(slugs, data=True, as_of=AS_OF)


@dataclass(frozen=True)
class Broken:
    """One change of a file, and what has to be said of it."""

    rule: str
    file: str
    old: str
    new: str
    where: str
    """File, line and column of the finding, or a part of them."""
    says: str


SHARED = "configs/sources/tables.yaml"
ONE = f"{PLANTED}7,"
CASES = [
    Broken("connection-fails", "configs/project.yaml", "units:", "connection: {database: shop.duckdb}\nunits:",
           "configs/project.yaml:5:24", "the database shop.duckdb does not exist"),
    Broken("source-not-found", SHARED, "orders.csv", "order.csv", f"{SHARED}:11:11",
           "no file matches {files}/order.csv"),
    Broken("column-not-found", SHARED, "column: amount", "column: amonut", f"{SHARED}:17:44",
           'no column "amonut", did you mean "amount"?; fact revenue names it'),
    Broken("column-not-found", "experiments/handed/experiment.yaml", "variant: arm", "variant: amr",
           "experiments/handed/experiment.yaml:3:56", 'no column "amr", did you mean "arm"?; variant names it'),
    Broken("no-rows", "orders.csv", "*", "customer_id,ordered_at,amount,channel\n", f"{SHARED}:11:11", "has no rows"),
    Broken("not-a-time", SHARED, "timestamp: ordered_at", "timestamp: channel", f"{SHARED}:14:16",
           '"channel" holds text, and timestamp needs dates or times'),
    Broken("time-zone-assumed", SHARED, "    path: orders.csv\n    timezone: UTC\n", "    path: orders.csv\n",
           f"{SHARED}:13:16", "times without a zone (ordered_at) are read as UTC"),
    Broken("time-empty", "orders.csv", "2026-01-08 08:07:00", "", f"{SHARED}:14:16",
           "1 of 400 (0.2%) of the rows have no"),
    Broken("not-numbers", SHARED, "column: amount", "column: channel", f"{SHARED}:17:44",
           'column "channel" holds text, and fact revenue, summed by metric revenue needs numbers'),
    Broken("number-empty", "orders.csv", ",7.50,", ",,", f"{SHARED}:17:44",
           '2 of 400 (0.5%) of the rows have no "amount"'),
    Broken("id-not-exact", "customers.csv", PLANTED, "0.", f"{SHARED}:6:22", "which have no exact text to hash"),
    Broken("keys-differ", "orders.csv", PLANTED, "", f"{SHARED}:13:22",
           'holds whole numbers, that of the units ("customer_id" of customers) text'),
    Broken("key-empty", "customers.csv", ONE, ",", f"{SHARED}:6:22", '1 of 200 rows have no key "customer_id"'),
    Broken("key-repeated", "customers.csv", ONE, f"{PLANTED}8,", f"{SHARED}:6:22", "1 of 200 rows repeat the key"),
    Broken("unit-assigned-twice", "given.csv", ONE, f"{PLANTED}8,", f"{SHARED}:29:22", "1 of 200 rows repeat the key"),
    Broken("event-without-key", "orders.csv", ONE, ",", f"{SHARED}:13:22",
           "2 of 400 (0.5%) of the rows belong to nobody"),
    Broken("rows-repeated", "orders.csv", f"{ONE}2026-01-08 08:07:00,7.50,app",
           f"{ONE}2026-01-08 08:07:00,7.50,app\n{ONE}2026-01-08 08:07:00,7.50,app", f"{SHARED}:14:16",
           "1 rows repeat another one (the same customer_id, ordered_at, channel, amount)"),
    Broken("span-reversed", "periods.csv", f"{PLANTED}5,2025-07-01 00:00:00,2026-01-20",
           f"{PLANTED}5,2025-07-01 00:00:00,2025-06-20", f"{SHARED}:24:10", "1 of 100 periods end before they start"),
    Broken("fact-in-future", "orders.csv", "2026-01-08 08:07:00", "2999-12-31 08:07:00", f"{SHARED}:14:16",
           "1 of 400 rows lie in the future"),
    Broken("source-late", "orders.csv", "2026-01-", "2025-12-", f"{SHARED}:14:16",
           "the latest fact is of 2025-12-31 09:33 UTC, and facts up to 2026-01-31 00:00 UTC should have arrived "
           "(freshness: 1d)"),
    Broken("label-unlisted", "given.csv", f"{ONE}B", f"{ONE}b", "experiments/handed/experiment.yaml:3:56",
           '1 rows have the label "b", which is no variant'),
    Broken("label-unlisted", "experiments/handed/experiment.yaml", "variant: arm", "variant: customer_id",
           "experiments/handed/experiment.yaml:3:56", "so many values that it cannot be one"),
    Broken("label-never-occurs", "experiments/handed/experiment.yaml", "B: letter", "BB: letter",
           "experiments/handed/experiment.yaml:3:86", 'no row has the label "BB"'),
    Broken("condition-not-comparable", "experiments/drawn/experiment.yaml", "age:", "status:",
           "experiments/drawn/experiment.yaml:3:39", 'so ">= 18" of audience compares no numbers'),
    Broken("value-never-occurs", "configs/metrics/orders.yaml", "channel: app", "channel: ap",
           "configs/metrics/orders.yaml:6:22", 'did you mean "app"? (known: app, web)'),
    Broken("value-never-occurs", "experiments/drawn/experiment.yaml", "[JP, FR]", "[JP, FRA]",
           "experiments/drawn/experiment.yaml:3:12", "in no row is \"country\" FRA, as audience asks"),
]  # fmt: skip


def broken(folder: Path, case: Broken) -> None:
    path = folder / case.file
    text = path.read_text(encoding="utf-8")
    if case.old == "*":
        text = case.new
    else:
        assert case.old in text, case
        text = text.replace(case.old, case.new)
    path.write_text(text, encoding="utf-8")


def test_data_in_order_give_no_finding(healthy: Path) -> None:
    assert looked(healthy) == []
    (healthy / "experiments/handed/experiment.yaml").write_text(RULED)
    assert looked(healthy) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.file}")
def test_what_is_wrong_is_found_where_the_files_name_it(healthy: Path, case: Broken) -> None:
    broken(healthy, case)
    found = [finding for finding in looked(healthy) if finding.rule == case.rule]
    assert len(found) == 1, looked(healthy)
    assert case.says in found[0].message
    assert f"{found[0].path}:{found[0].line}:{found[0].column}" == case.where
    assert found[0].severity == ("warning" if case.rule in WARNINGS else "note" if case.rule in NOTES else "error")
    assert not any(PLANTED in str(finding) for finding in looked(healthy))


def test_every_rule_of_the_data_is_tried_and_explained() -> None:
    assert {case.rule for case in CASES} == set(DATA)
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|note) \|", page, re.MULTILINE)
    severity = {rule: "warning" if rule in WARNINGS else "note" if rule in NOTES else "error" for rule in DATA}
    assert dict(rows) == severity
    assert len(rows) == len(DATA)


def test_rules_that_no_row_meets_and_rows_that_meet_no_rule(healthy: Path) -> None:
    (healthy / "experiments/handed/experiment.yaml").write_text(RULED.replace("arm: B", "arm: C"))
    found = {(finding.rule, finding.line) for finding in looked(healthy, "handed")}
    assert found == {("label-never-occurs", 3), ("label-unlisted", 3), ("value-never-occurs", 3)}


def test_only_the_sources_of_the_named_experiments_are_read(healthy: Path) -> None:
    (healthy / "customers.csv").unlink()
    assert [finding.rule for finding in looked(healthy)] == ["source-not-found"]
    assert looked(healthy, "handed") == []


def test_an_experiment_whose_file_is_wrong_is_passed_over(healthy: Path) -> None:
    path = healthy / "experiments/drawn/experiment.yaml"
    path.write_text(path.read_text().replace("primary: revenue", "primary: revenu"))
    (healthy / "given.csv").unlink()
    assert {finding.rule for finding in looked(healthy)} == {"unknown-metric", "source-not-found"}


def test_facts_need_not_be_newer_than_the_readout(healthy: Path) -> None:
    """A finished experiment stays in order for ever, though nothing has arrived since."""
    assert holdfast.open_project(healthy).validate(data=True, as_of="2027-06-01") == []


def test_values_of_ids_are_never_printed(healthy: Path) -> None:
    broken(healthy, Broken("", "configs/metrics/orders.yaml", "{channel: app}", "{customer_id: c-secret-7}", "", ""))
    broken(healthy, Broken("", SHARED, "[channel]", "[channel, customer_id]", "", ""))
    (found,) = (finding for finding in looked(healthy) if finding.rule == "value-never-occurs")
    assert found.message.endswith("compare the spelling with the data")
    assert PLANTED not in found.message


def test_each_source_is_read_in_few_statements(healthy: Path) -> None:
    """Counts, empty values, times, keys and conditions together; then repeats, and labels."""
    steps: list[str] = []
    holdfast.open_project(healthy).validate(data=True, as_of=AS_OF, progress=steps.append)
    reading = [step for step in steps if step.startswith("reading ")]
    assert sorted(reading) == [
        "reading customers (1 of 4): rows, keys, times and empty values",
        "reading given (4 of 4): rows, keys, times and empty values",
        "reading given (4 of 4): values of arm",
        "reading orders (2 of 4): rows that repeat another",
        "reading orders (2 of 4): rows, keys, times and empty values",
        "reading periods (3 of 4): rows that repeat another",
        "reading periods (3 of 4): rows, keys, times and empty values",
    ]


def test_of_a_large_source_only_the_latest_rows_are_compared(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(healthy, CASES[[case.rule for case in CASES].index("rows-repeated")])
    assert "rows-repeated" in {finding.rule for finding in looked(healthy)}
    monkeypatch.setattr(source_state, "MOST_COMPARED", 40)
    # The repeated order is of 8 January, and a tenth of the time is compared.
    assert looked(healthy) == []


def test_a_database_that_is_busy_is_tried_again_later(healthy: Path) -> None:
    with duckdb.connect(str(healthy / "shop.duckdb")) as writer:
        writer.execute("CREATE TABLE nothing (a INTEGER)")
        broken(healthy, CASES[0])
        with pytest.raises(TransientError):
            looked(healthy)


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> int:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_findings_come_in_every_form(
    healthy: Path, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for rule in ("label-unlisted", "rows-repeated"):
        broken(healthy, CASES[[case.rule for case in CASES].index(rule)])
    with (healthy / "orders.csv").open("a") as orders:
        orders.write(",2026-01-30 08:00:00,1.00,app\n")
    arguments = ("validate", "--data", "--as-of", AS_OF, "--format", form)
    assert run(monkeypatch, healthy, *arguments) == 0
    printed = capsys.readouterr()
    assert "event-without-key" in printed.out
    assert printed.err.endswith("0 errors, 2 warnings, 1 note\n")
    assert "reading orders" in printed.err
    assert PLANTED not in printed.out + printed.err
    if form == "json":
        assert json.loads(printed.out)["notes"] == 1
    if form == "github":
        assert "::notice file=configs/sources/tables.yaml,line=13,col=22,title=event-without-key::" in printed.out
    assert run(monkeypatch, healthy, *arguments, "--fail-on", "warning", "-q") == 1
    assert "reading" not in capsys.readouterr().err


def test_a_wrong_configuration_is_told_before_the_data(
    healthy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(healthy, Broken("", "configs/metrics/orders.yaml", "fact: orders.revenue", "fact: orders.revenu", "", ""))
    (healthy / "orders.csv").unlink()
    assert run(monkeypatch, healthy, "validate", "--data") == 1
    printed = capsys.readouterr()
    assert "unknown-fact" in printed.out
    assert "source-not-found" not in printed.out
    assert "the data were not looked at" in printed.err
    assert run(monkeypatch, healthy, "validate", "--data", "--as-of", "soon") == 2


def test_what_is_wrong_with_the_data_is_no_wrong_configuration(
    healthy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (healthy / "orders.csv").unlink()
    assert run(monkeypatch, healthy, "validate", "--data", "--as-of", AS_OF) == 1
    printed = capsys.readouterr()
    assert "source-not-found" in printed.out
    assert "not looked at" not in printed.err


def test_files_alone_need_no_engine(healthy: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.argv = ['holdfast', 'validate']\n"
        "from holdfast.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=healthy)
    assert not {"ibis", "duckdb", "pandas", "scipy"} & set(done.stdout.split())


def test_an_analysis_says_everything_that_is_wrong_with_columns_at_once(healthy: Path) -> None:
    for case in CASES:
        if case.rule == "column-not-found" and case.file != SHARED:
            broken(healthy, case)
    broken(healthy, Broken("", SHARED, "column: amount", "column: amonut", "", ""))
    (healthy / "given.csv").write_text((healthy / "given.csv").read_text().replace("at\n", "when\n", 1))
    with pytest.raises(WrongData) as refused:
        holdfast.open_project(healthy).experiment("handed").analyze(AS_OF)
    assert [finding.rule for finding in refused.value.findings] == ["column-not-found"] * 3, str(refused.value)
    assert 'did you mean "arm"?' in str(refused.value)


def test_an_analysis_of_text_files_reads_only_headers_for_that(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is scanned: the types of a file of text would have to be found in all of it."""
    asked: list[bool] = []
    true_columns = source_state.columns

    def columns(*arguments: object, **named: object) -> object:
        found = true_columns(*arguments, **named)  # type: ignore[arg-type]
        asked.append(all(column.kind == "unknown" for column in found.values()))
        return found

    monkeypatch.setattr("holdfast.warehouse.columns", columns)
    holdfast.open_project(healthy).experiment("handed").analyze(AS_OF)
    assert asked == [True] * 2


def test_a_look_at_nothing_is_zero() -> None:
    empty = Looked(rows=0, empty={})
    assert (empty.without_key, empty.in_future, empty.last) == (0, 0, None)
    assert dt.date.fromisoformat(AS_OF).year == 2026
