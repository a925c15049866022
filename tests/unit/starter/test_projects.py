"""A new project is valid at once, complete, and never at the cost of what was there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from holdfast import config
from holdfast.errors import UsageError
from holdfast.starter import BUSINESSES, Business, init_project

MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


@pytest.mark.parametrize("business", BUSINESSES)
def test_a_new_project_is_valid(projects: dict[str, Path], business: Business) -> None:
    assert config.validate(projects[business]) == []
    catalogue = config.load_catalogue(projects[business])
    assert catalogue.project.business == business
    assert catalogue.project.project == "kelp-and-co"
    assert len(catalogue.slugs) == 1


@pytest.mark.parametrize("business", BUSINESSES)
def test_it_has_what_editors_ci_and_version_control_need(projects: dict[str, Path], business: Business) -> None:
    root = projects[business]
    assert "/data/" in (root / ".gitignore").read_text()
    assert "holdfast validate --format github" in (root / ".github/workflows/holdfast.yml").read_text()
    readme = (root / "README.md").read_text()
    assert next((root / "experiments").iterdir()).name in readme
    assert "@" not in re.sub(r"\w@example", "", readme)
    for path in [*root.glob("configs/**/*.yaml"), *root.glob("experiments/**/*.yaml")]:
        first = path.read_text().splitlines()[0]
        named = MODELINE.fullmatch(first)
        assert named, f"{path.name}: the first line names the schema"
        assert (path.parent / named[1]).resolve().parent == (root / ".holdfast/schemas").resolve()


def test_schemas_are_copied_as_they_ship(projects: dict[str, Path]) -> None:
    from importlib.resources import files

    shipped = files("holdfast.schemas")
    for kind in ("project", "sources", "metrics", "tactics", "templates", "experiment"):
        copied = (projects["shop"] / f".holdfast/schemas/{kind}.json").read_text(encoding="utf-8")
        assert copied == (shipped / f"{kind}.json").read_text(encoding="utf-8")


def test_it_says_what_was_written(tmp_path: Path) -> None:
    written = init_project(tmp_path / "new", "shop", "kelp-and-co")
    assert sorted(written) == sorted(path for path in (tmp_path / "new").rglob("*") if path.is_file())


def test_what_is_there_stays(tmp_path: Path) -> None:
    for name in ("README.md", ".gitignore", "LICENSE"):
        (tmp_path / name).write_text("mine\n")
    (tmp_path / ".git").mkdir()
    written = init_project(tmp_path, "app", "kelp-and-co")
    assert [(tmp_path / name).read_text() for name in ("README.md", ".gitignore")] == ["mine\n", "mine\n"]
    assert not {"README.md", ".gitignore"} & {path.name for path in written}
    assert config.validate(tmp_path) == []


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"is not empty \(it holds notes.txt\); name a new or empty folder"):
        init_project(tmp_path, "shop", "kelp-and-co")
    with pytest.raises(UsageError, match="is a file"):
        init_project(tmp_path / "notes.txt", "shop", "kelp-and-co")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_twice_is_refused(tmp_path: Path) -> None:
    init_project(tmp_path, "shop", "kelp-and-co")
    with pytest.raises(UsageError, match="is not empty"):
        init_project(tmp_path, "shop", "kelp-and-co")


def test_an_unknown_business_is_refused_with_the_nearest(tmp_path: Path) -> None:
    business: Any = "shopp"
    with pytest.raises(UsageError, match=r'unknown business "shopp", did you mean "shop"\? \(known: app, shop, subs'):
        init_project(tmp_path, business, "kelp-and-co")


@pytest.mark.parametrize("name", ["Kelp & Co: tea", "海藻商店", "no", "true", "2026", 'a "b"', "@example@ #1"])
def test_any_name_is_kept(tmp_path: Path, name: str) -> None:
    init_project(tmp_path, "shop", name)
    assert config.load_catalogue(tmp_path).project.project == name
    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith(f"# {name}\n")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "TODO", "${env:HOME}"])
def test_a_name_that_means_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a project"):
        init_project(tmp_path, "shop", name)
