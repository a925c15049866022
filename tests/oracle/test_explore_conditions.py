"""Every form of condition over every type of column, against a plain WHERE on the rows; and what cannot be asked."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from holdfast.cli import main
from holdfast.cli.asking import conditions
from holdfast.errors import HoldfastError, UsageError
from holdfast.model.result import Level
from tests.oracle.small_shop import HEAD, SOURCES, TWO, shop, trial, write

OTHERS = "word, zip, whole, part, exact, flag, day, local, instant, empty"
COLUMNS = """
    ['alpha', 'beta', '<18', '3'][1 + (hash(id) % 4)::INT] AS word,
    ['00501', '00502', '1.10'][1 + (hash(id || 'z') % 3)::INT] AS zip,
    (hash(id || 'w') % 9)::INT AS whole,
    ((hash(id || 'p') % 9) / 2)::DOUBLE AS part,
    ((hash(id || 'e') % 9) / 2)::DECIMAL(10, 2) AS exact,
    nullif((hash(id || 'f') % 5)::INT, 4) % 2 = 1 AS flag,
    DATE '2026-01-01' + (hash(id || 'd') % 3)::INT AS day,
    TIMESTAMP '2026-01-01 10:00:00' + INTERVAL 1 DAY * (hash(id || 'l') % 3)::INT AS local,
    TIMESTAMPTZ '2026-01-01 10:00:00+00' + INTERVAL 1 DAY * (hash(id || 'i') % 3)::INT AS instant,
    NULL AS empty
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop, whose customers have a property of every type."""
    sources = SOURCES.replace("home, agreed]", f"home, agreed, {OTHERS}]")
    root = write(
        tmp_path_factory.mktemp("typed"), shop(11), f"{HEAD}{TWO}metrics: {{primary: revenue}}\n", sources=sources
    )
    path = root / "u.parquet"
    rows = duckdb.sql(f"SELECT *, {COLUMNS} FROM '{path}'").to_arrow_table()
    duckdb.from_arrow(rows).write_parquet(str(path))
    return root


ALLOWED = [
    ("word=alpha", "word = 'alpha'"),
    ("word=3", "word = '3'"),
    ("word=none", "word IS NULL"),
    ("country=none", "country IS NULL"),
    ("zip=00501", "zip = '00501'"),
    ("zip=1.10", "zip = '1.10'"),
    ("whole=3", "whole = 3"),
    ("whole=3.0", "whole = 3"),
    ("whole=>= 3", "whole >= 3"),
    ("whole=> 3", "whole > 3"),
    ("whole=<= 3", "whole <= 3"),
    ("whole=<3", "whole < 3"),
    ("whole=2..5", "whole BETWEEN 2 AND 5"),
    ("part=1.5", "part = 1.5"),
    ("part=1.50", "part = 1.5"),
    ("part=2", "part = 2"),
    ("part=>= 1.5", "part >= 1.5"),
    ("part=0.5..2.5", "part BETWEEN 0.5 AND 2.5"),
    ("exact=1.5", "exact = 1.5"),
    ("exact=1.50", "exact = 1.5"),
    ("exact=< 1.5", "exact < 1.5"),
    ("size=> 3", "size > 3"),
    ("flag=true", "flag"),
    ("flag=false", "NOT flag"),
    ("flag=1", "flag"),
    ("flag=none", "flag IS NULL"),
    ("flag=>= 1", "flag::INT >= 1"),
    ("day=2026-01-02", "day = DATE '2026-01-02'"),
    ("local=2026-01-02 10:00:00", "local = TIMESTAMP '2026-01-02 10:00:00'"),
    ("empty=none", "empty IS NULL"),
]


@pytest.fixture(autouse=True)
def nothing_asked_before(folder: Path) -> None:
    """Each question is the first: what was asked before is counted with each, and would refuse what it tells apart."""
    (folder / "experiments" / "trial" / "explorations.yaml").unlink(missing_ok=True)


@pytest.mark.parametrize(("asked", "sql"), ALLOWED)
def test_the_units_are_those_of_a_plain_where(folder: Path, asked: str, sql: str) -> None:
    """As typed on the command line; where nobody meets a condition, or everybody, the query says so too."""
    counts = duckdb.sql(f"SELECT variant, count(*) FROM '{folder / 'u.parquet'}' WHERE {sql} GROUP BY 1").fetchall()
    if not counts:
        assert "fewer than 20 units" in _refused(folder, asked)
        return
    assert {each.variant: each.n for each in _explored(folder, asked)} == dict(counts)


@pytest.mark.parametrize("column", ["word", "day", "local", "instant"])
@pytest.mark.parametrize("asked", [">= 3", "> 3", "<= 3", "< 3", "2..5"])
def test_what_is_no_number_is_not_compared(folder: Path, column: str, asked: str) -> None:
    """The rule of audiences, its name, what the column holds, and no word of the engine's."""
    said = _refused(folder, f"{column}={asked}")
    kinds = {"word": "text", "day": "dates", "local": "times without a zone", "instant": "times with a zone"}
    assert f'condition-not-comparable: the property "{column}" holds {kinds[column]}, so "' in said
    assert "ask for a value" in said
    assert "onver" not in said


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("whole=>= many", "compares with no number"),
        ("whole=> ", "compares with no number"),
        ("whole=>> 3", "compares with no number"),
        ("whole=5..2", "empty range"),
        ("day=2026-01-01..2026-01-02", "no range of numbers"),
        ("whole>=3", "write the property, =, and what it must be"),
        ("country!=JP", "write the property, =, and what it must be"),
        ("whole=top 20%", "compares customers with each other"),
        ("whole=alpha", "fewer than 20 units"),
        ("flag=maybe", "fewer than 20 units"),
        ("flag=2", "fewer than 20 units"),
        ("day=tomorrow", "fewer than 20 units"),
        ("empty=>= 3", "fewer than 20 units"),
        ("=3", "needs a property and a value"),
        ("whole", "needs a property and a value"),
    ],
)
def test_nonsense_is_refused_with_a_reason(folder: Path, asked: str, says: str) -> None:
    before = _recorded(folder)
    assert says in _refused(folder, asked)
    assert _recorded(folder) == before


def test_the_command_ends_with_the_code_of_a_wrong_question(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["holdfast", "explore", "trial", "--metric", "orders", "--project", str(folder), "--where", "word=>= 3"]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "error: condition-not-comparable" in printed.err


def _explored(folder: Path, asked: str) -> tuple[Level, ...]:
    return trial(folder).explore("orders", where=conditions([asked])).result.levels


def _refused(folder: Path, asked: str) -> str:
    with pytest.raises(HoldfastError) as wrong:
        _explored(folder, asked)
    if "not-comparable" in str(wrong.value):
        assert isinstance(wrong.value, UsageError)
    return str(wrong.value)


def _recorded(folder: Path) -> str:
    path = folder / "experiments" / "trial" / "explorations.yaml"
    return path.read_text(encoding="utf-8") if path.exists() else ""
