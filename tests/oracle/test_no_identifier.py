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
    return write(tmp_path_factory.mktemp("nobody"), data, PLAN)


COMMANDS = (
    ["validate", "--data"],
    ["plan", "trial"],
    ["analyze", "trial"],
    ["analyze", "trial", "--json"],
    ["report", "trial"],
    ["report", "trial", "--summary"],
    ["report", "trial", "--slack"],
    ["query", "trial", "--metric", "revenue"],
    ["explore", "trial", "--metric", "orders", "--segment", "home"],
    ["explore", "trial", "--metric", "orders", "--segment", "home", "--json"],
    ["explore", "trial", "--metric", "orders", "--segment", "id"],
    ["explore", "trial", "--metric", "nothing"],
    ["kpi", "--months", "3", "--by", "home", "--as-of", "2026-04-10"],
    ["status"],
    ["doctor"],
    ["index"],
)


def test_nobody_is_named(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other in one project; some are refused, which says no more."""
    ran = 0
    for words in COMMANDS:
        monkeypatch.setattr(sys, "argv", ["holdfast", *words, "--project", str(folder)])
        try:
            main()
        except SystemExit as end:
            ran += end.code in {0, None}
        told = capsys.readouterr()
        assert MARK not in told.out + told.err, words
    assert ran >= 10
    written = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    (results,) = folder.rglob("results.json")
    for path in written:
        assert MARK.encode() not in path.read_bytes(), path
    for path in results.parent.rglob("*.parquet"):
        assert MARK.encode() not in path.read_bytes(), path
    rows = json.loads(results.read_text("utf-8"))["segments"]
    assert {row["level"] for row in rows if row["dimension"] == "home"} <= {"north", "south", None}
