"""The schemas are those of the types, hold for every example, refuse what is misshapen, and serve an editor."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from docs import make_schemas
from docs.schema_maker.kinds import TITLES
from docs.schema_maker.tactics import document as tactics_page

from holdfast.config.words import known_fields
from holdfast.errors import UsageError
from holdfast.model import experiment, metric, project, source, tactic
from holdfast.schemas import FILES, KINDS, schema_text
from holdfast.starter import BUSINESSES, TACTIC_TYPES, init_project, new_experiment
from tests.conftest import ROOT, missing
from tests.contracts import editor

KIND_OF = {"sources": "sources", "metrics": "metrics", "tactics": "tactics", "templates": "templates"}
PROJECTS = (".", "framework/holdfast/simulate/shop_project", "tests/unit/config/sample", "docs/examples/service")
SHAPE = (
    *("unknown-field", "missing-field", "invalid-value", "not-a-duration", "not-a-share", "not-an-effect"),
    *("not-a-fact", "not-a-metric", "not-a-condition", "not-a-currency", "bad-name"),
)
"""Rules of which a schema sees most breaches."""
BEYOND = {
    "bad-name.3": "a name that is kept for another use",
    "invalid-value.8": "the order of two numbers",
    "not-a-condition": "the order of two numbers",
}
"""Misshapen files that a schema cannot refuse, and why."""


def kind_of(path: Path) -> str:
    """The kind of a YAML file by its place."""
    if path.name == "project.yaml":
        return "project"
    return KIND_OF.get(path.parent.name, "experiment")


def files_of(root: Path) -> list[Path]:
    """Every YAML file of a project."""
    return sorted([*root.glob("configs/**/*.yaml"), *root.glob("experiments/*/experiment.yaml")])


def check_files(kind: str, files: list[Path]) -> str:
    """What check-jsonschema says about files; empty when they are valid."""
    schema = ROOT / "framework/holdfast/schemas" / f"{kind}.json"
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module", autouse=True)
def _checker() -> None:
    for name in ("check_jsonschema", "jsonschema"):
        try:
            importlib.import_module(name)
        except ImportError:
            missing(f"{name} is not installed")


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_that_of_the_types(kind: str) -> None:
    committed, fresh = schema_text(kind), make_schemas.schema_text(kind)
    if kind == "results":  # its examples are those of the newest reports
        committed, fresh = (json.dumps(_without_examples(json.loads(text))) for text in (committed, fresh))
    assert committed == fresh, "run: python -m docs.make_schemas"


def _without_examples(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_examples(value) for key, value in node.items() if key != "examples"}
    return [_without_examples(item) for item in node] if isinstance(node, list) else node


def test_the_table_of_tactics_is_that_of_the_types() -> None:
    assert make_schemas.TACTICS.read_text(encoding="utf-8") == tactics_page()


def test_kinds() -> None:
    assert tuple(TITLES) == KINDS
    assert schema_text("metric") == schema_text("metrics")
    with pytest.raises(UsageError, match='did you mean "experiment"'):
        schema_text("experimnt")


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(inner)


@pytest.mark.parametrize("kind", KINDS)
def test_draft_7_without_what_tools_disagree_on(kind: str) -> None:
    jsonschema = importlib.import_module("jsonschema")
    document = json.loads(schema_text(kind))
    jsonschema.Draft7Validator.check_schema(document)
    assert document["$schema"] == "http://json-schema.org/draft-07/schema#"
    for node in _nodes(document):
        assert not {"$defs", "prefixItems", "discriminator", "unevaluatedProperties"} & node.keys()
        assert not isinstance(node.get("items"), list)
        if "$ref" in node:
            assert len(node) == 1, node
            assert node["$ref"].removeprefix("#/definitions/") in document["definitions"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_explained_and_its_examples_are_valid(kind: str) -> None:
    jsonschema = importlib.import_module("jsonschema")
    document = json.loads(schema_text(kind))
    seen = 0
    for owner in [document, *document["definitions"].values()]:
        for name, field in owner.get("properties", {}).items():
            whole = document["definitions"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
            assert whole["description"].endswith((".", "`", ":")), (name, whole["description"])
            assert whole["examples"], name
            checker = jsonschema.Draft7Validator({**whole, "definitions": document["definitions"]})
            for example in whole["examples"]:
                problems = [problem.message for problem in checker.iter_errors(example)]
                assert not problems, (name, example, problems)
            seen += 1
    assert seen >= 4


def _types() -> dict[str, type[Any]]:
    modules = (experiment, metric, project, source, tactic)
    found = [item for module in modules for item in vars(module).values() if isinstance(item, type)]
    return {item.__name__: item for item in found if is_dataclass(item)}


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "results"])
def test_definitions_have_exactly_the_fields_that_the_files_may_have(kind: str) -> None:
    types = _types()
    compared = 0
    for name, schema in json.loads(schema_text(kind))["definitions"].items():
        if name in types and "properties" in schema and schema.get("additionalProperties") is False:
            known = {*known_fields(types[name]), *(item.name for item in fields(types[name]))}
            assert set(schema["properties"]) == known, name
            compared += 1
    assert compared >= 1


@pytest.mark.parametrize("root", PROJECTS)
def test_every_example_is_valid(root: str) -> None:
    by_kind: dict[str, list[Path]] = {}
    for path in files_of(ROOT / root):
        by_kind.setdefault(kind_of(path), []).append(path)
    assert "experiment" in by_kind
    assert "".join(check_files(kind, files) for kind, files in by_kind.items()) == ""


@pytest.mark.parametrize("business", BUSINESSES)
def test_every_file_of_a_new_project_is_valid_and_names_its_schema(business: str, tmp_path: Path) -> None:
    init_project(tmp_path, business, "kelp-and-co")  # type: ignore[arg-type]
    by_kind: dict[str, list[Path]] = {}
    for path in files_of(tmp_path):
        by_kind.setdefault(kind_of(path), []).append(path)
        first = path.read_text(encoding="utf-8").splitlines()[0]
        named = (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve()
        assert named == (tmp_path / ".holdfast/schemas" / f"{kind_of(path)}.json").resolve(), path
        assert named.read_text(encoding="utf-8") == schema_text(kind_of(path))
    assert set(by_kind) >= {"project", "experiment", "sources", "metrics", "tactics", "templates"}
    assert "".join(check_files(kind, files) for kind, files in by_kind.items()) == ""


def test_a_new_experiment_of_each_type_is_valid_when_its_todos_are_filled_in(tmp_path: Path) -> None:
    init_project(tmp_path, "shop", "kelp-and-co")
    written = [new_experiment(tmp_path, f"try-{name.replace('_', '-')}", name, "a@b.example") for name in TACTIC_TYPES]
    said = check_files("experiment", written)
    wrong = [line for line in said.splitlines() if "::" in line and "TODO" not in line]
    assert not wrong, "\n".join(wrong)


def test_results_of_the_example_reports_are_valid() -> None:
    reports = sorted((ROOT / "reports").glob("*/*/results.json"))
    assert reports
    assert check_files("results", reports) == ""


@cache
def _validator(kind: str) -> Any:
    jsonschema = importlib.import_module("jsonschema")
    return jsonschema.Draft7Validator(json.loads(schema_text(kind)))


def _invalid() -> list[Path]:
    files = sorted((ROOT / "tests/invalid").glob("*.yaml"))
    return [file for file in files if file.stem.split(".")[0] in SHAPE]


@pytest.mark.parametrize("file", _invalid(), ids=lambda file: file.stem)
def test_what_is_misshapen_is_refused(file: Path) -> None:
    from holdfast.config.loader import load

    text = file.read_text(encoding="utf-8")
    stands_for = Path(text.splitlines()[0].removeprefix("# in place of "))
    tree = json.loads(json.dumps(load(text.encode(), file.name).tree))
    refused = not _validator(kind_of(stands_for)).is_valid(tree)
    assert refused != (file.stem in BEYOND), "refused" if refused else "accepted"


def test_an_error_speaks_of_the_chosen_type_alone() -> None:
    tree = {"metrics": {"stayed": {"operation": "retention", "fact": "orders.order", "windo": "30d"}}}
    messages = sorted(error.message for error in _validator("metrics").iter_errors(tree))
    assert messages == [
        "'definition' is a required property",
        "'desired_change' is a required property",
        "Additional properties are not allowed ('windo' was unexpected)",
    ]


def test_the_schemas_are_part_of_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["holdfast"]
    package = ROOT / "framework/holdfast"
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    assert {package / "schemas" / f"{kind}.json" for kind in KINDS} <= shipped


def _editor_tools() -> Path:
    tools = editor.tools_folder()
    if tools is None:
        missing("HOLDFAST_TOOLS names no folder with yaml-language-server, or there is no node; see docs/editor.md")
    assert tools
    return tools


def test_an_editor_completes_explains_and_marks() -> None:
    with editor.editor(_editor_tools()) as opened:
        offered = opened.complete("experiment", "extends: winback-incentive\n|\n")
        assert {"owner", "hypothesis", "tactic", "control", "enroll", "expect", "metrics"} <= set(offered)
        assert offered["owner"] == "Who answers for it."
        operations = opened.complete("metrics", "metrics:\n  bought:\n    operation: |\n")
        assert {"conversion", "retention", "ratio"} <= set(operations)
        assert operations["retention"].startswith("1 when the unit was active")
        retention = opened.complete("metrics", "metrics:\n  stayed:\n    operation: retention\n    |\n")
        assert {"definition", "fact", "day", "window"} <= set(retention)
        assert "numerator" not in retention
        incentive = opened.complete("tactics", "tactics:\n  voucher:\n    type: incentive\n    |\n")
        assert "offer" in incentive
        assert "personalised_by" not in incentive
        inline = opened.complete("experiment", "owner: a@b.example\ntactic:\n  type: |\n")
        assert set(TACTIC_TYPES) <= set(inline)
        enroll = opened.complete("experiment", "enroll:\n  |\n")
        assert {"date", "from", "for", "each", "at"} <= set(enroll)
        assert "start" not in enroll
        told = opened.hover("experiment", "assignment:\n  tra|ffic: 20%\n")
        assert "the share of the audience that takes part" in told
        assert "100%" in told
        marked = opened.check(
            "metrics", "metrics:\n  x: {operation: count, fact: a.b, windo: 30d, desired_change: none}\n"
        )
        assert marked == ["Property windo is not allowed."]
