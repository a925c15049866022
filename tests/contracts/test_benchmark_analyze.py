"""The speed benchmark of the analysis at a tiny size: Holdfast finds the numbers that SQL written by hand finds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "benchmarks" / "analyze" / "run.py"
FLOOR, HOLDFAST = "**floor: SQL written by hand**", "**Holdfast, checks, figures and report included**"
VARIANTS = {"control", "short_form", "one_page"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the benchmark kept of one round with the floor and Holdfast alone."""
    folder = tmp_path_factory.mktemp("benchmark")
    command = [sys.executable, str(SCRIPT), "--customers", "2000", "--facts", "20000", "--ready-rows", "2000"]
    command += ["--rounds", "1", "--peers", "floor", "holdfast", "--parts", "analysis", "metrics", "ready"]
    command += ["--data", str(folder / "data"), "--json", str(folder / "runs.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    kept: dict[str, Any] = json.loads((folder / "runs.json").read_text())
    assert "| 2000-20000: 2,000 customers, 20,000 facts |" in done.stdout
    return kept


def _answers(ran: dict[str, Any], title: str) -> list[dict[str, dict[str, float]]]:
    return [entry["answer"] for entry in ran["entries"] if entry["title"] == title]


def test_every_way_ran_and_agreed(ran: dict[str, Any]) -> None:
    """From the facts, with 5 and with 20 metrics, and from a table with one row a customer."""
    assert len(ran["entries"]) == 8
    assert [entry["left_out"] for entry in ran["entries"]] == [""] * 8
    assert ran["wrong"] == []


def test_holdfast_has_units_means_and_variances(ran: dict[str, Any]) -> None:
    """Read from both answers here, beside the benchmark's own comparison."""
    floor, holdfast = _answers(ran, FLOOR)[0], _answers(ran, HOLDFAST)[0]
    assert set(floor) == set(holdfast) == VARIANTS
    numbers = {"orders", "revenue", "sessions", "capped"}
    shares = {"day_7", "day_30", "churned", "bought"}
    wanted = {"n"} | {f"s_{name}" for name in numbers | shares} | {f"q_{name}" for name in numbers}
    for variant in VARIANTS:
        assert wanted <= set(holdfast[variant])
        for name, value in holdfast[variant].items():
            assert value == pytest.approx(floor[variant][name], rel=1e-9), (variant, name)


def test_the_data_exercise_every_metric(ran: dict[str, Any]) -> None:
    """No sum is zero, some revenue is above the cap, and nobody's numbers are all alike."""
    for sums in _answers(ran, FLOOR)[0].values():
        assert min(sums.values()) > 0
        assert sums["q_orders"] > sums["s_orders"] ** 2 / sums["n"]
    capped = sum(sums["s_capped"] for sums in _answers(ran, FLOOR)[0].values())
    assert capped < sum(sums["s_revenue"] for sums in _answers(ran, FLOOR)[0].values())


def test_a_wrong_number_is_found() -> None:
    """The comparison that the run fails by sees one part in ten million, and a missing variant."""
    code = (
        "from measure import differences\n"
        "floor = {'control': {'n': 10, 's_orders': 4.0}, 'one_page': {'n': 10, 's_orders': 5.0}}\n"
        "wrong = {'control': {'n': 10, 's_orders': 4.0000004}, 'one_page': {'n': 10, 's_orders': 5.0}}\n"
        "assert differences(floor, floor) == []\n"
        "assert differences(wrong, floor) == ['control s_orders: 4.0000004 is not 4.0']\n"
        "assert len(differences({'control': floor['control']}, floor)) == 2\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(SCRIPT).parent, check=True, timeout=60)
