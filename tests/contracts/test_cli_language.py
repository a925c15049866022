"""The commands of the language: what they print, how they end, and that each explains itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.cli import main
from holdfast.cli.app import app
from holdfast.schemas import KINDS
from holdfast.starter import BUSINESSES, TACTIC_TYPES, init_project
from tests.conftest import ROOT
from tests.documents import checked


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process."""

    def call(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["holdfast", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return Ran(int(end.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project for a shop, as the working folder."""
    folder = tmp_path / "kelp"
    init_project(folder, "shop", "kelp-and-co")
    monkeypatch.chdir(folder)
    return folder


def _commands() -> list[str]:
    return sorted(item.name or item.callback.__name__ for item in app.registered_commands if item.callback)


def test_every_command_has_help_and_an_example(run: Run) -> None:
    names = _commands()
    assert {"init", "new", "validate", "templates", "metrics", "tactics", "schema", "simulate"} <= set(names)
    for name in names:
        shown = run(name, "--help")
        assert shown.code == 0
        assert f"Example: holdfast {name}" in " ".join(shown.out.split()), name


def test_help_imports_no_checks() -> None:
    code = "import sys; from holdfast.cli import main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"pydantic", "yaml", "rich", "holdfast.config", "holdfast.starter", "holdfast.project"} & set(loaded)


@pytest.mark.parametrize("business", BUSINESSES)
def test_init_writes_a_project_that_is_valid(run: Run, business: str, tmp_path: Path) -> None:
    made = run("init", str(tmp_path / "p"), "--template", business)
    assert made.code == 0
    assert "holdfast validate" in made.out
    checked = run("validate", "--project", str(tmp_path / "p"), "--fail-on", "warning")
    assert (checked.code, checked.out) == (0, "")


def test_init_refuses_what_it_cannot_do(run: Run, tmp_path: Path) -> None:
    wrong = run("init", str(tmp_path / "p"), "--template", "shopp")
    assert (wrong.code, wrong.out) == (2, "")
    assert 'did you mean "shop"?' in wrong.err
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert run("init", str(tmp_path)).code == 2
    below_a_file = run("init", str(tmp_path / "notes.txt" / "p"))
    assert (below_a_file.code, "cannot be written" in below_a_file.err) == (2, True)
    assert run("schema", "--out", str(tmp_path / "notes.txt" / "p")).code == 2


def test_new_writes_an_experiment_whose_todos_are_listed(run: Run, shop: Path) -> None:
    for number, tactic in enumerate(TACTIC_TYPES[::5]):
        made = run("new", f"try-{number}", "--tactic", tactic)
        assert made.code == 0
        assert made.out == f"experiments/try-{number}/experiment.yaml\n"
    checked = run("validate")
    assert checked.code == 1
    assert {line.split("error[")[1].split("]")[0] for line in checked.out.splitlines()} == {"todo-left"}
    assert run("new", "try-0", "--tactic", "incentive").code == 2
    assert "incentive" in run("new", "other").err
    assert 'did you mean "incentive"' in run("new", "other", "--tactic", "incentiv").err


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_validate_in_every_form(run: Run, shop: Path, form: str) -> None:
    run("new", "todo", "--tactic", "incentive")
    found = run("validate", "--format", form)
    assert found.code == 1
    assert "todo-left" in found.out
    assert "\x1b" not in found.out
    assert found.err.endswith(" errors, 0 warnings\n")
    assert run("validate", "--format", "yaml").code == 2


def test_paths_are_those_of_the_repository(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("new", "todo", "--tactic", "incentive")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(shop.parent))
    assert "file=kelp/experiments/todo/experiment.yaml," in run("validate", "--format", "github").out
    monkeypatch.delenv("GITHUB_WORKSPACE")
    assert "file=experiments/todo/experiment.yaml," in run("validate", "--format", "github").out


def test_explain_shows_every_value_with_its_origin(run: Run, shop: Path) -> None:
    slug = next((shop / "experiments").iterdir()).name
    shown = run("validate", "--explain", slug)
    assert shown.code == 0
    lines = [line for line in shown.out.splitlines() if line.startswith("  ") and line[2] != " "]
    rows = [line.split() for line in lines]
    headings = [line for line in shown.out.splitlines() if not line.startswith("  ")]
    assert len(rows) > 60
    assert {"experiment", "metrics", "analysis", "assignment", "variants", "project"} <= set(headings)
    assert len(headings) == len(set(headings))
    named = {row[0]: row[-1] for row in rows}
    assert named["owner"].startswith(f"experiments/{slug}/experiment.yaml:")
    assert named["metrics.primary"].startswith(("configs/templates/", "experiments/"))
    assert named["analysis.confidence"].startswith(("configs/project.yaml:", "default"))
    assert 'did you mean "' in run("validate", "--explain", slug[:-1]).err


def test_explain_of_a_wrong_file_prints_what_is_wrong(run: Run, shop: Path) -> None:
    run("new", "todo", "--tactic", "incentive")
    shown = run("validate", "--explain", "todo")
    assert shown.code == 1
    assert "todo-left" in shown.out


def test_metrics(run: Run, shop: Path) -> None:
    listed = run("metrics")
    assert listed.out.startswith("metric ")
    assert "average_order_value" in listed.out
    one = run("metrics", "average_order_value").out
    assert "formula sum of orders.revenue / number of orders.order" in " ".join(one.split())
    assert "better more" in " ".join(one.split())
    assert json.loads(run("metrics", "average_order_value", "--json").out)["name"] == "average_order_value"
    unknown = run("metrics", "averge_order_value")
    assert (unknown.code, 'did you mean "average_order_value"?' in unknown.err) == (2, True)


@pytest.mark.parametrize("name", ["average_order_value", "churned", "retained", "revenue_per_customer", "cancelled"])
def test_a_metric_is_shown_with_its_formula(run: Run, shop: Path, name: str) -> None:
    assert " / " in json.loads(run("metrics", name, "--json").out)["formula"]


def test_tactics(run: Run, shop: Path) -> None:
    rows = json.loads(run("tactics", "--json").out)
    assert all(row["type"] in TACTIC_TYPES for row in rows)
    assert "churn_drivers" in run("tactics", rows[0]["tactic"]).out
    assert "incentive: a type of tactic" in run("tactics", "incentive").out
    fields = run("tactics", "price_change").out
    assert "before" not in fields
    assert [line.split()[1] for line in fields.splitlines() if line.startswith(("from ", "to "))] == ["required"] * 2
    assert 'did you mean "incentive"?' in run("tactics", "incentve").err


def test_templates(run: Run, shop: Path) -> None:
    assert "winback-incentive" in run("templates").out
    shown = run("templates", "winback-incentive").out
    assert "metrics.primary" in shown
    assert 'did you mean "winback-incentive"?' in run("templates", "winback-incentiv").err


def test_outside_a_project_the_catalogue_is_that_of_a_new_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run("metrics")
    assert "retained" in shown.out
    assert "holdfast init" in shown.err
    assert "retained" in run("metrics", "--template", "app").out
    assert list(tmp_path.iterdir()) == []


def test_schema(run: Run, tmp_path: Path) -> None:
    assert run("schema").out.split() == list(KINDS)
    assert json.loads(run("schema", "experiment").out)["title"] == "Experiment"
    assert 'did you mean "experiment"?' in run("schema", "experimant").err
    assert run("schema", "--out", str(tmp_path)).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"{kind}.json" for kind in KINDS}


def test_simulated_data_go_into_a_project_that_is_there(run: Run, shop: Path) -> None:
    before = sorted(path for path in shop.rglob("*") if path.is_file())
    made = run("simulate", "--out", ".", "--data-only", "--customers", "500", "--quiet")
    assert made.code == 0
    added = {path.relative_to(shop).parts[0] for path in shop.rglob("*") if path.is_file() and path not in before}
    assert added == {"data"}
    (shop / "data" / "truth.json").unlink()
    refused = run("simulate", "--out", ".", "--data-only", "--customers", "500", "--quiet")
    assert (refused.code, "not simulated" in refused.err) == (2, True)
    (shop / "configs/project.yaml").unlink()
    assert "holds no project" in run("simulate", "--out", ".", "--data-only").err


def test_a_report_is_printed_in_another_language(run: Run) -> None:
    """From results.json alone, and report.md stays as it is."""
    project = ("--project", str(ROOT))
    path = next((ROOT / "reports" / "hillstrom-email").glob("*/report.md"))
    before = path.read_bytes()
    japanese = run("report", "hillstrom-email", "--language", "ja", *project)
    assert japanese.code == 0
    assert "> **結論：本採用をおすすめします（Men's e-mail）。** " in japanese.out
    assert "\x1b" not in japanese.out
    printed = run("report", "hillstrom-email", "--format", "markdown", *project)
    assert printed.out.strip() == before.decode().strip()
    assert path.read_bytes() == before
    wrong = run("report", "hillstrom-email", "--language", "jp", *project)
    assert (wrong.code, wrong.out) == (2, "")
    assert 'no report can be written in "jp" (known: en, ja)' in wrong.err


def test_validate_as_json_is_one_document(run: Run, shop: Path) -> None:
    """--json and --format json agree to the byte, counts stay on stderr, and no other form goes with it."""
    run("new", "todo", "--tactic", "incentive")
    first, second = run("validate", "--json"), run("validate", "--format", "json")
    assert (first.code, first.out) == (second.code, second.out) == (1, first.out)
    assert checked("findings", first.out)["errors"] > 1
    assert "errors" in first.err
    refused = run("validate", "--json", "--format", "github")
    assert (refused.code, refused.out) == (2, "")
    assert "ask for two forms" in refused.err
    assert "--explain prints one experiment as text" in run("validate", "--explain", "todo", "--json").err


def test_a_plan_as_json_says_what_the_text_says(run: Run, shop: Path) -> None:
    """Every metric of the table with its window; sizes only where a baseline was given; warnings within, not beside."""
    (slug,) = (path.parent.name for path in Path("experiments").glob("*/experiment.yaml"))
    found = checked("plan", run("plan", slug, "--json").out)
    text = run("plan", slug).out
    assert (found["experiment"], found["customers"]) == (slug, None)
    assert f"as of {found['as_of']}; readout {found['readout']}" in text
    for metric in found["metrics"]:
        days = f"days {metric['first_day']} to {metric['end_day'] - 1}, {metric['clock']}"
        assert any(line.startswith(metric["key"]) and days in line for line in text.splitlines())
        assert metric["size"] is None
    guardrail = next(
        item for item in found["metrics"] if item["role"] == "guardrail" and item["family"] == "proportion"
    )
    asked = run("plan", slug, "--customers", "300", "--baseline", f"{guardrail['key']}=0.4%", "--json")
    sized = checked("plan", asked.out)
    (metric,) = (item for item in sized["metrics"] if item["size"])
    assert (metric["key"], sized["customers"], asked.err) == (guardrail["key"], 300, "")
    assert metric["size"]["baseline"] == 0.004
    assert metric["size"]["unit_variance"] == pytest.approx(0.004 * 0.996)
    assert "it needs about" in metric["size"]["warning"]
    assert run("plan", slug, "--customers", "300", "--json").code == 2


def test_where_things_stand_as_json(run: Run, shop: Path) -> None:
    run("new", "todo", "--tactic", "incentive")
    found = checked("status", run("status", "--json", "--as-of", "2026-10-01").out)
    states = {item["slug"]: item["state"] for item in found["experiments"]}
    assert states["todo"] == "draft"
    assert len(states) == 2
    assert checked("doctor", run("doctor", "--json").out)["lines"]


def test_a_type_of_tactic_as_json(run: Run, shop: Path) -> None:
    found = json.loads(run("tactics", "incentive", "--json").out)
    assert found["type"] == "incentive"
    assert {"field", "required", "meaning", "example"} == set(found["fields"][0])
    assert next(item for item in found["fields"] if item["field"] == "offer")["required"]


WITHOUT_JSON = {
    "init": "writes files and says what to type next",
    "new": "writes a file and prints its path",
    "query": "prints a statement to be run as it stands",
    "report": "prints Markdown or Slack text; results.json is the document, and analyze --json prints it",
    "schema": "prints a schema, which is JSON",
    "simulate": "writes files; truth.json is the document",
    "demo": "is read by people; each report has its results.json",
    "index": "writes one file and prints its path",
}


def test_every_command_whose_answer_a_program_would_read_has_json(run: Run) -> None:
    lacking = {name for name in _commands() if "--json" not in run(*name.split(), "--help").out}
    assert {name.replace("_", "-") for name in lacking} == set(WITHOUT_JSON)
