"""queries.sql is pasted as it stands and says again what the report says.

The statements that `holdfast analyze` wrote run in order in a fresh DuckDB, with the two folders in place of their
names. What results.json has for each metric and variant is worked out again from the sums, with
nothing but the comments to say what they are.
"""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

import holdfast
from tests.engines.compiled import PROJECT, TABLES

AS_OF = "2025-12-01"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report on facts that lie in files."""
    root = tmp_path_factory.mktemp("pasted")
    with duckdb.connect() as con:
        con.execute(TABLES)
        (root / "data").mkdir()
        for name in ("assigned", "orders", "sessions"):
            con.execute(f"COPY shop.{name} TO '{root}/data/{name}.parquet'")
    for name, text in PROJECT.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        placed = re.sub(r"table: shop\.(\w+)", r"path: \1.parquet", text)
        placed = placed.replace("{database: facts.duckdb}", "{files: data}").replace("CAPPED", "winsorize: 90%,")
        path.write_text(placed, encoding="utf-8")
    return holdfast.open_project(root).experiment("winback").analyze(AS_OF).write().parent


def pasted(report: Path) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each statement's comment and its rows."""
    text = (report / "queries.sql").read_text(encoding="utf-8")
    root = report.parents[2]
    text = text.replace("{files}/", f"{root}/data/").replace("{project}/", f"{root}/")
    assert "{" not in text
    found = []
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for block in re.split(r"(?m)^-- \d+\n", text)[1:]:
            cursor = con.execute(block)
            names = [column[0] for column in cursor.description or ()]
            found.append((block, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]))
    return found


def test_every_statement_runs(report: Path) -> None:
    """In order, on nothing but the files."""
    assert len(pasted(report)) >= 8
    assert str(report.parents[2]) not in (report / "queries.sql").read_text(encoding="utf-8")


def test_every_level_is_found_again(report: Path) -> None:
    """n, value and variance of each metric in each variant, from the statement of moments and the comments alone."""
    blocks = pasted(report)
    ((comment, rows),) = [each for each in blocks if each[0].startswith("-- all moments of all metrics")]
    scales = {
        name: int(scale)
        for block, _ in blocks
        for name, scale in re.findall(r"^--   (\w+): in units of 10\^-(\d+)$", block, re.M)
    }
    (variants,) = re.findall(r"^--   variant: (.*)$", comment, re.M)
    places = {key: int(place) for place, key in re.findall(r"(\d+) is (\w+)", variants)}
    legend = re.findall(r"^--   (\w+): (m\d+), (\w+)(?: over (\w+))?(?:, with .*)?$", comment, re.M)
    by_place = {row["variant"]: row for row in rows}
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    levels = {(level["metric"], level["variant"]): level for level in results["levels"]}
    metrics = [entry for entry in legend if (entry[0], "control") in levels]
    assert [key for key, *_ in metrics] == ["day_7", "churned", "average_order_value", "revenue"]
    for key, mask, *names in metrics:
        for variant, place in places.items():
            level = levels[key, variant]
            n, value, variance = _moments(by_place[place], mask, [name for name in names if name], scales)
            assert level["n"] == n
            assert level["value"] == pytest.approx(float(value), rel=1e-9), (key, variant)
            assert level["se"] == pytest.approx(math.sqrt(variance / n), rel=1e-9), (key, variant)
            if len([name for name in names if name]) == 1:
                assert level["unit_variance"] == pytest.approx(float(variance), rel=1e-9), (key, variant)


def _moments(
    row: dict[str, Any], mask: str, names: list[str], scales: dict[str, int]
) -> tuple[int, Fraction, Fraction]:
    """Units, mean (or ratio of sums) and the variance of a unit's number (or of its linearised ratio)."""
    n = int(row[f"n_{mask}"])
    bare = [re.sub(r"_cap\d+$", "", name) for name in names]
    units = [Fraction(10) ** scales.get(name, 0) for name in bare]
    short = [name.split("_")[0] + name.removeprefix(plain) for name, plain in zip(names, bare, strict=True)]
    sums = [Fraction(row[f"s_{name}_{mask}"]) / unit for name, unit in zip(names, units, strict=True)]

    def covariance(one: int, other: int) -> Fraction:
        product = row.get(f"p_{short[one]}_{short[other]}_{mask}", row[f"s_{names[one]}_{mask}"])
        return (Fraction(product) / (units[one] * units[other]) - sums[one] * sums[other] / n) / (n - 1)

    if len(names) == 1:
        return n, sums[0] / n, covariance(0, 0)
    ratio = sums[0] / sums[1]
    spread = covariance(0, 0) - 2 * ratio * covariance(0, 1) + ratio**2 * covariance(1, 1)
    return n, ratio, spread / (sums[1] / n) ** 2
