"""The simulated shop: the engine must enrol, assign and measure exactly what the simulation knows it did.

The simulation computes enrolment, variants and outcomes in plain numpy, customer by customer; Holdfast computes them in
SQL from the tables that the simulation wrote. Two routes, one answer.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import holdfast
import holdfast.errors
from holdfast.project import AnalysisHandle, Project
from holdfast.project.demo import compare, make_shop, read_truth
from holdfast.simulate import Truth

SLUGS = ("onboarding-checklist", "personal-picks-mail", "winback-voucher")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Truth]:
    root = make_shop(tmp_path_factory.mktemp("shop") / "demo", 6_000, 11, lambda _: None)
    return holdfast.open_project(root), read_truth(root)


@pytest.fixture(scope="module")
def analyses(shop: tuple[Project, Truth]) -> dict[str, AnalysisHandle]:
    project, _ = shop
    made = {}
    for slug in SLUGS:
        experiment = project.experiment(slug)
        experiment.assign("2025-12-01")
        made[slug] = experiment.analyze()
    return made


def test_the_project_is_valid(shop: tuple[Project, Truth]) -> None:
    assert shop[0].validate() == []


@pytest.mark.parametrize("slug", SLUGS)
def test_everybody_gets_the_variant_that_the_simulation_gave(
    shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle], slug: str
) -> None:
    assigned = {variant.key: variant.assigned for variant in analyses[slug].analysis.variants}
    assert assigned == dict(shop[1].experiments[slug].by_variant)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_metric_equals_what_the_simulation_counted(
    shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle], slug: str
) -> None:
    analysis, observed = analyses[slug].analysis, shop[1].experiments[slug].observed
    checked = 0
    for info in analysis.metrics:
        for name in (info.trio, info.key.partition("@")[0]):
            if name not in observed:
                continue
            for variant, expected in observed[name].items():
                level = analysis.level(info.key, variant)
                assert level is not None
                assert level.n == level.mature
                value = level.value if level.raw_value is None else level.raw_value
                assert value == pytest.approx(expected, rel=1e-9), (info.key, variant)
                checked += 1
    assert checked >= 12


@pytest.mark.parametrize("slug", SLUGS)
def test_most_intervals_hold_the_truth(
    shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle], slug: str
) -> None:
    """One draw of one shop: at 95 % each, a miss may happen, several would be a fault."""
    compared = list(compare(analyses[slug].analysis, shop[1]))
    assert len(compared) >= 5
    assert sum(not item.covered for item in compared) <= 2


def test_assigning_again_changes_nothing(shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle]) -> None:
    assert analyses
    for slug in SLUGS:
        again = shop[0].experiment(slug).assign("2025-12-01")
        assert (again.added, again.batches) == (0, 0)


def test_a_lost_assignment_is_made_again_from_the_lock(
    shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle]
) -> None:
    project, _ = shop
    folder = project.root / "data" / "assignments" / "personal-picks-mail" / "v1"
    for path in folder.glob("*"):
        path.unlink()
    again = project.experiment("personal-picks-mail").analyze()
    assert again.to_json() == analyses["personal-picks-mail"].to_json()


def test_a_changed_assignment_is_refused(shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle]) -> None:
    project, _ = shop
    assert analyses
    path: Path = next((project.root / "data" / "assignments" / "winback-voucher" / "v1").glob("*.parquet"))
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    try:
        with pytest.raises(holdfast.errors.AssignmentError, match="was changed after it was written"):
            project.experiment("winback-voucher").analyze()
    finally:
        path.write_bytes(kept)


def test_an_interim_analysis_shows_no_effect(shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle]) -> None:
    assert analyses
    handle = shop[0].experiment("winback-voucher").analyze("2025-12-15")
    analysis = handle.analysis
    assert analysis.verdict.recommendation == "keep_running"
    assert analysis.verdict.until == "2026-02-11"
    assert (analysis.estimates, analysis.levels, analysis.curves, analysis.money) == ((), (), (), ())
    assert "p_adjusted" not in handle.to_json().replace('"p_adjusted": null', "")
    assert not any("__s0" in statement.sql for statement in handle.statements), "no effect is computed anywhere"


def test_batches_that_a_machine_lacks_are_made_again(
    shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle]
) -> None:
    """Whoever pulls a lock with more batches than lie on this machine gets the same assignment, not half of it."""
    project, _ = shop
    folder = project.root / "data" / "assignments" / "winback-voucher" / "v1"
    index = folder / "manifest.json"
    kept = index.read_text()
    document = json.loads(kept)
    for batch in document["batches"][20:]:
        (folder / batch["file"]).unlink()
    document["batches"] = document["batches"][:20]
    index.write_text(json.dumps(document))
    again = project.experiment("winback-voucher").analyze()
    assert again.to_json() == analyses["winback-voucher"].to_json()
    assert len(json.loads(index.read_text())["batches"]) == 42


def test_data_that_changed_since_do_not_rewrite_the_lock(
    shop: tuple[Project, Truth], analyses: dict[str, AnalysisHandle]
) -> None:
    project, _ = shop
    assert analyses
    lock = project.root / "experiments" / "personal-picks-mail" / "lock.yaml"
    kept = lock.read_text()
    changed = kept.replace("checksum: ", "checksum: 1")
    lock.write_text(changed)
    try:
        for attempt in (lambda e: e.assign("2025-12-01"), lambda e: e.analyze()):
            with pytest.raises(holdfast.errors.AssignmentError, match="the lock says"):
                attempt(project.experiment("personal-picks-mail"))
        assert lock.read_text() == changed
    finally:
        lock.write_text(kept)
