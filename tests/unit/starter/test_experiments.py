"""The first lines of an experiment: valid but for what only its author knows, and valid once that is filled in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from holdfast import config
from holdfast.errors import UsageError
from holdfast.model.tactic import Tactic
from holdfast.starter import TACTIC_TYPES, init_project, new_experiment

WORDS = {
    "owner": "growth@example.com",
    "hypothesis": "It keeps more customers.",
    "discount": "10%",
    "surface": "order page",
    "change": "One step less",
    "template": "picks-v2",
    "fallback": "bestsellers",
    "earn": "1 point for 100 JPY",
    "burn": "500 points for a voucher",
    "delay": "4h",
    "per_send": "0.4 JPY",
    "per_contact": "450 JPY",
    "cost_per_contact": "900 JPY",
    "unit_cost": "380 JPY",
    "remedy": "apology by a person",
    "within": "4h",
    "title": "An answer within a day",
    "recommender": "bought-together-v1",
    "placement": "below the cart",
    "item": "tin of tea",
    "to": "60 days",
    "theme": "brewing guides",
    "format": "article",
    "label": "free repair",
    "anything": "2",
    "ask": "nps",
    "customers": "42000",
    "because": "Friends rarely are customers here.",
    "date": "2026-11-05",
}


def kinds() -> list[str]:
    """Every type of tactic that the language has."""
    return sorted(get_args(get_type_hints(member)["type"])[0] for member in get_args(get_args(Tactic)[0]))


def filled(text: str) -> str:
    """The file with each TODO replaced as an author would."""

    def line(row: str) -> str:
        code, mark, note = row.partition("#")
        if code.startswith("expect: TODO"):
            example = re.search(r"such as (\S+(?: JPY)?)", note)
            assert example, row
            return code.replace("TODO", example[1])
        code = re.sub(r"^enroll: \{from: TODO", "enroll: {from: 2026-10-01", code)
        code = code.replace("from: TODO", "from: 14 days")
        code = re.sub(r"(\w+): TODO", lambda found: f"{found[1]}: {WORDS[found[1]]}", code)
        return code + mark + note

    return "\n".join(map(line, text.splitlines())) + "\n"


def slug_of(kind: str) -> str:
    return kind.replace("_", "-")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a new experiment of every type."""
    folder = tmp_path_factory.mktemp("every") / "shop"
    init_project(folder, "shop", "kelp-and-co")
    for kind in TACTIC_TYPES:
        new_experiment(folder, slug_of(kind), kind, None)
    return folder


def test_every_type_of_tactic_has_its_text() -> None:
    assert list(TACTIC_TYPES) == kinds()
    assert len(TACTIC_TYPES) == 27


def test_nothing_but_todos_is_found(root: Path) -> None:
    found = config.validate(root)
    assert {finding.rule for finding in found} == {"todo-left"}
    assert {finding.path for finding in found} == {
        f"experiments/{slug_of(kind)}/experiment.yaml" for kind in TACTIC_TYPES
    }


@pytest.mark.parametrize("business", ["shop", "subscription", "app"])
def test_nothing_is_found_once_they_are_filled_in(tmp_path: Path, business: str) -> None:
    init_project(tmp_path, business, "kelp-and-co")  # type: ignore[arg-type]
    for kind in TACTIC_TYPES:
        path = new_experiment(tmp_path, slug_of(kind), kind, "growth@example.com")
        path.write_text(filled(path.read_text()))
        assert "TODO" not in re.sub(r"#.*", "", path.read_text())
    assert [str(finding) for finding in config.validate(tmp_path)] == []
    catalogue = config.load_catalogue(tmp_path)
    for kind in TACTIC_TYPES:
        study = config.load_study(catalogue, slug_of(kind))
        tactics = {
            study.tactics[item.tactic].type for item in study.experiment.variants.values() if not item.is_control
        }
        assert tactics == {kind}


@pytest.mark.parametrize("kind", TACTIC_TYPES)
def test_it_is_short_and_teaches(root: Path, kind: str) -> None:
    lines = (root / "experiments" / slug_of(kind) / "experiment.yaml").read_text().splitlines()
    assert 9 <= sum(not line.startswith("#") for line in lines) <= 16
    assert sum("#" in line for line in lines) >= 8
    assert max(map(len, lines)) <= 140
    assert not any("@slug@" in line or "@salt@" in line or "@owner@" in line for line in lines)


def test_the_salt_is_drawn(tmp_path: Path) -> None:
    texts = [new_experiment(tmp_path / name, "spring", "incentive", None).read_text() for name in "ab"]
    salts = [re.findall(r"salt: (spring-[0-9a-f]{8})}", text) for text in texts]
    assert all(len(found) == 1 for found in salts)
    assert salts[0] != salts[1]


def test_the_owner_is_written(tmp_path: Path) -> None:
    path = new_experiment(tmp_path, "spring", "incentive", "growth@example.com")
    assert "\nowner: growth@example.com" in path.read_text()
    odd = new_experiment(tmp_path, "summer", "incentive", "Team: growth # 1")
    assert '\nowner: "Team: growth # 1"' in odd.read_text()
    with pytest.raises(UsageError, match="cannot be an owner"):
        new_experiment(tmp_path, "autumn", "incentive", "a\nb: c")


@pytest.mark.parametrize("slug", ["", "Spring", "a b", "../up", "a/b", "-a", ".a", "ü", "a" * 81, "a\n"])
def test_a_bad_slug_is_refused(tmp_path: Path, slug: str) -> None:
    with pytest.raises(UsageError, match="cannot name an experiment: use at most 80 lower-case letters"):
        new_experiment(tmp_path, slug, "incentive", None)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_type_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='unknown type of tactic "insentive", did you mean "incentive"') as caught:
        new_experiment(tmp_path, "spring", "insentive", None)
    assert all(kind in str(caught.value) for kind in TACTIC_TYPES)
    assert list(tmp_path.iterdir()) == []


def test_an_experiment_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = new_experiment(tmp_path, "spring", "incentive", None)
    before = path.read_bytes()
    with pytest.raises(UsageError, match='there is an experiment "spring" already'):
        new_experiment(tmp_path, "spring", "content", None)
    assert path.read_bytes() == before
