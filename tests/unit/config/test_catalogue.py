"""Projects from folders: what is loaded, what is refused, and what the hash covers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.config import canonical, find_root, load_catalogue, load_study, validate
from holdfast.errors import ConfigError, ProjectNotFound, UsageError
from holdfast.model.values import Share

HEAVY = ("pandas", "scipy", "statsmodels", "matplotlib", "ibis", "duckdb")


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_sample_is_valid(project: Path) -> None:
    assert validate(project) == []
    catalogue = load_catalogue(project)
    assert catalogue.slugs == ("receipts", "winback")
    assert catalogue.files == project / "data"


def test_importing_config_imports_no_heavy_library() -> None:
    code = f"import sys, holdfast.config; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_root_is_the_nearest_folder_upward(project: Path, tmp_path: Path) -> None:
    assert find_root(project / "experiments" / "winback") == project
    assert find_root(project) == project
    with pytest.raises(ProjectNotFound, match="holdfast init"):
        find_root(tmp_path)


def test_without_the_variable_files_are_unknown_and_all_else_works(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KELP_DATA")
    catalogue = load_catalogue(project)
    assert catalogue.files is None
    assert load_study(catalogue, "winback").files is None
    (finding,) = validate(project)
    assert (finding.rule, finding.severity) == ("env-unset", "warning")
    assert "KELP_DATA" in finding.message


def test_the_folder_of_files_is_the_project_unless_it_is_named(project: Path) -> None:
    _edit(project / "configs/project.yaml", ', files: "${env:KELP_DATA}"', "")
    assert load_catalogue(project).files == project


def test_the_database_is_resolved_from_the_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _edit(project / "configs/project.yaml", "files:", 'database: "${env:KELP_DB}/shop.duckdb", files:')
    assert load_catalogue(project).project.connection.database == "${env:KELP_DB}/shop.duckdb"
    monkeypatch.setenv("KELP_DB", "engine")
    assert load_catalogue(project).project.connection.database == "engine/shop.duckdb"


def test_an_unknown_experiment_names_the_nearest(project: Path) -> None:
    with pytest.raises(UsageError, match='did you mean "winback"'):
        load_study(load_catalogue(project), "winbak")
    with pytest.raises(UsageError, match="known: receipts, winback"):
        validate(project, ["other"])


def test_errors_in_shared_files_come_all_at_once(project: Path) -> None:
    _edit(project / "configs/project.yaml", "Asia/Tokyo", "Tokyo")
    _edit(project / "configs/metrics/shop.yaml", "inactivity: 60d", "inactivity: 60")
    _edit(project / "configs/tactics/shop.yaml", "type: incentive", "type: gift")
    with pytest.raises(ConfigError) as caught:
        load_catalogue(project)
    assert [(item.path.split("/")[-1], item.line) for item in caught.value.findings] == [
        ("shop.yaml", 15),
        ("project.yaml", 4),
        ("shop.yaml", 3),
    ]


def test_a_broken_shared_file_does_not_make_every_reference_unknown(project: Path) -> None:
    (project / "configs/metrics/shop.yaml").write_text("metrics: [", encoding="utf-8")
    assert [item.rule for item in validate(project)] == ["yaml-syntax"]


def test_findings_of_one_experiment_leave_the_others_out(project: Path) -> None:
    _edit(project / "experiments/winback/experiment.yaml", "unit: customer", "unit: person")
    assert [item.rule for item in validate(project, ["winback"])] == ["unknown-unit"]
    assert validate(project, ["receipts"]) == []
    with pytest.raises(ConfigError, match="unknown-unit"):
        load_study(load_catalogue(project), "winback")
    load_study(load_catalogue(project), "receipts")


def test_warnings_do_not_stop(project: Path) -> None:
    _edit(project / "experiments/winback/experiment.yaml", "margin_per_customer@90d", "average_order_value")
    _edit(project / "experiments/winback/experiment.yaml", ", average_order_value]", "]")
    assert [item.severity for item in validate(project)] == ["warning"]
    assert load_study(load_catalogue(project), "winback").slug == "winback"


def test_files_that_cannot_be_read(project: Path) -> None:
    (project / "configs/metrics/folder.yaml").mkdir()
    (project / "configs/sources/old.yml").write_text("sources: {}", encoding="utf-8")
    (project / "experiments/third").mkdir()
    (project / "experiments/third/experiment.yml").write_text("", encoding="utf-8")
    assert sorted((item.path, item.rule) for item in validate(project)) == [
        ("configs/metrics/folder.yaml", "cannot-read"),
        ("configs/sources/old.yml", "wrong-extension"),
        ("experiments/third/experiment.yml", "wrong-extension"),
    ]


def test_a_folder_without_a_project_is_one_finding(tmp_path: Path) -> None:
    assert [(item.path, item.rule) for item in validate(tmp_path)] == [("configs/project.yaml", "cannot-read")]
    with pytest.raises(ConfigError):
        load_catalogue(tmp_path)


def _hash(project: Path) -> str:
    return load_study(load_catalogue(project), "winback").config_hash


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("experiments/winback/experiment.yaml", "voucher: {weight: 50", "voucher: {weight: 51"),
        ("experiments/winback/experiment.yaml", "80 JPY", "90 JPY"),
        ("configs/metrics/shop.yaml", "99.9%", "99%"),
        ("configs/sources/shop.yaml", "column: margin", "column: margin_net"),
        ("configs/sources/shop.yaml", "last: 365d", "last: 364d"),
        ("configs/project.yaml", "Asia/Tokyo", "Europe/Paris"),
        ("configs/project.yaml", "confidence: 95%", "confidence: 90%"),
        ("configs/project.yaml", "note: 0.01", "note: 0.02"),
        ("configs/project.yaml", "consent: email_opt_in", "consent: plan"),
        ("configs/tactics/shop.yaml", "discount: 10%", "discount: 15%"),
    ],
)
def test_the_hash_covers_what_moves_numbers(project: Path, file: str, old: str, new: str) -> None:
    before = _hash(project)
    _edit(project / file, old, new)
    assert _hash(project) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("experiments/winback/experiment.yaml", "owner:", "# a comment\nowner:"),
        ("experiments/winback/experiment.yaml", "traffic: 50%", "traffic: 50.0%"),
        ("configs/metrics/shop.yaml", "cancelled: {operation: churn", "gone: {operation: churn"),
        ("configs/sources/shop.yaml", "end: cancelled_at", "end: ended_at"),
        ("configs/project.yaml", "household: {source: orders}", "household: {source: purchases}"),
        ("configs/tactics/shop.yaml", "surface: till", "surface: door"),
    ],
)
def test_the_hash_ignores_the_rest(project: Path, file: str, old: str, new: str) -> None:
    before = _hash(project)
    if "household" in new:
        _edit(project / "configs/sources/shop.yaml", "keys: {customer: customer}", "keys: {household: customer}")
    _edit(project / file, old, new)
    assert _hash(project) == before


def test_the_canonical_text_holds_no_folder_and_keeps_the_order_of_variants(project: Path) -> None:
    study = load_study(load_catalogue(project), "winback")
    text = canonical(study)
    assert str(project) not in text
    assert text == canonical(replace(study, root=Path("elsewhere"), files=None))
    turned = dict(reversed(list(study.experiment.variants.items())))
    assert text != canonical(replace(study, experiment=replace(study.experiment, variants=turned)))


def test_limits_that_an_experiment_does_not_name_stay_the_projects(project: Path) -> None:
    _edit(project / "configs/project.yaml", "note: 0.01}", "note: 0.01}\n  contamination: {block: 5%, note: 2%}")
    _edit(project / "experiments/winback/experiment.yaml", "owner:", "health: {srm: {note: 0.05}}\nowner:")
    health = load_study(load_catalogue(project), "winback").health
    assert (health.srm.block, health.srm.note) == (0.0005, 0.05)
    assert health.contamination.block == Share.parse("5%")
