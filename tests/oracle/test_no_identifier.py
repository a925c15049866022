"""No customer's id, address or household reaches what people read: every form and every command, errors included."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from holdfast.cli import main
from tests.oracle.small_shop import HEAD, TWO, shop, write

MARK = "zqx"
"""Stands in every planted id, address and name, and nowhere else."""
DRAWN = f"""\
owner: a@example.com
hypothesis: A letter brings customers back.
{TWO}assignment: {{method: hash, salt: drawn-1, cluster: home}}
enroll: {{date: 2026-03-01}}
metrics: {{primary: revenue}}
"""
"""Drawn by household, whose ids are addresses."""
PLAN = f"{HEAD}{TWO}metrics: {{primary: revenue, secondary: [orders]}}\nanalysis: {{segments: [home, country]}}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose ids are recognisable, with an address for few customers and a side for most."""
    data = shop(7)
    names = {old: f"{MARK}-customer-{place}" for place, old in enumerate(data.units["id"])}
    for frame in (data.units, data.orders, data.messages, data.periods):
        frame["id"] = frame["id"].map(names)
    few = np.arange(len(data.units)) < 60
    homes = [f"{MARK}{place}@example.com" for place in range(len(data.units))]
    data.units["home"] = np.where(few, homes, np.where(np.arange(len(data.units)) % 2, "north", "south"))
    # One household, and its customer, is told apart from a variant by nothing but its label.
    data.units.loc[data.units.index[-1], "variant"] = f"{MARK}@example.com"
    made = write(tmp_path_factory.mktemp("nobody"), data, PLAN)
    path = made / "experiments" / "drawn" / "experiment.yaml"
    path.parent.mkdir()
    path.write_text(DRAWN, encoding="utf-8")
    return made


COMMANDS = (
    ["validate", "--data"],
    ["plan", "trial"],
    ["assign", "drawn", "--as-of", "2026-03-01", "--dry-run"],
    ["assign", "drawn", "--as-of", "2026-03-01"],
    ["assign", "drawn", "--as-of", "2026-03-01", "--json"],
    ["assign", "trial", "--as-of", "2026-05-01"],
    ["export", "drawn", "--out", "{files}/audience"],
    ["export", "drawn", "--out", "{files}/mail", "--format", "mailchimp"],
    ["export", "drawn", "--out", "{files}/homes", "--id-column", "home"],
    ["analyze", "drawn"],
    ["query", "drawn", "--metric", "revenue"],
    ["status", "drawn", "--json"],
    ["analyze", "trial"],
    ["analyze", "trial", "--json"],
    ["report", "trial"],
    ["report", "trial", "--summary"],
    ["report", "trial", "--format", "slack"],
    ["report", "trial", "--language", "ja"],
    ["report", "trial", "--html"],
    ["diff", "trial", "--from", "2026-05-01", "--to", "2026-05-01"],
    ["diff", "trial", "--from", "2026-05-01", "--to", "2026-05-01", "--json"],
    ["query", "trial", "--metric", "revenue"],
    ["explore", "trial", "--metric", "orders", "--segment", "home"],
    ["explore", "trial", "--metric", "orders", "--segment", "home", "--json"],
    ["explore", "trial", "--metric", "orders", "--segment", "id"],
    ["explore", "trial", "--metric", "orders", "--where", "home=north", "--segment", "country"],
    ["explore", "drawn", "--metric", "orders", "--segment", "home"],
    ["explore", "trial", "--metric", "nothing"],
    ["kpi", "--months", "3", "--by", "home", "--as-of", "2026-04-10"],
    ["status"],
    ["doctor"],
    ["index"],
)


def test_nobody_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other in one project; some are refused, which says no more."""
    ran = 0
    refused = []
    for words in COMMANDS:
        line = [word.format(files=tmp_path) for word in words]
        monkeypatch.setattr(sys, "argv", ["holdfast", *line, "--project", str(folder)])
        try:
            main()
            ran += 1
        except SystemExit as end:
            ran += end.code in {0, None}
            refused += [words] if end.code else []
        told = capsys.readouterr()
        assert MARK not in told.out + told.err, words
    assert ran >= 22, refused
    # Who is in which variant stands where it is for: in audience files and the manifest.
    assert any(MARK.encode() in path.read_bytes() for path in (tmp_path / "audience").rglob("*.csv"))
    written = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    (results,) = (folder / "reports" / "trial").rglob("results.json")
    for path in written:
        assert MARK.encode() not in path.read_bytes(), path
    for path in results.parent.rglob("*.parquet"):
        assert MARK.encode() not in path.read_bytes(), path
    rows = json.loads(results.read_text("utf-8"))["segments"]
    assert {row["level"] for row in rows if row["dimension"] == "home"} <= {"north", "south", None}


BROKEN = {
    "an amount": ("amount", f"{MARK}@example.com"),
    "a moment": ("moment", f"{MARK}@example.com"),
    "an id": ("id", ""),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize(
    "command", [["analyze", "trial"], ["validate", "--data"], ["doctor"], ["kpi", "--months", "2"]]
)
def test_a_row_that_cannot_be_read_is_not_quoted(
    what: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bad row of a text file among good ones, each with an id that is somebody's address."""
    data = shop(7, 300)
    for frame in (data.units, data.orders, data.messages, data.periods):
        frame["id"] = frame["id"].map(lambda old: f"{MARK}-{old}@example.com")
    made = write(tmp_path, data, PLAN)
    path = made / "configs" / "sources" / "all.yaml"
    path.write_text(path.read_text("utf-8").replace("path: o.parquet", "path: o.csv"), encoding="utf-8")
    column, value = BROKEN[what]
    rows = data.orders.astype({column: object})
    rows.loc[rows.index[40], column] = value
    rows.to_csv(made / "o.csv", index=False)
    monkeypatch.setattr(sys, "argv", ["holdfast", *command, "--project", str(made)])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    assert MARK not in told.out + told.err
    kept = [path for path in made.rglob("*") if path.is_file() and path.suffix not in {".parquet", ".csv"}]
    assert not any(MARK.encode() in path.read_bytes() for path in kept)
