"""New projects and new experiments run on simulated data, from assignment to a report."""

from __future__ import annotations

from pathlib import Path

import pytest

import holdfast
from holdfast.errors import UsageError
from holdfast.project.demo import add_data
from holdfast.starter import init_project, new_experiment

from .test_experiments import filled, slug_of

KINDS = ("personalised_email", "service_recovery", "cart_reminder", "exit_offer", "product_change")
"""One of each way to enrol that is quick, and of each table that only some experiments need."""


def run(root: Path, slug: str) -> None:
    """Assign, analyse and write the report of one experiment."""
    experiment = holdfast.open_project(root).experiment(slug)
    counts = experiment.assign("2025-12-01").counts
    assert min(counts.values()) >= 5
    analysis = experiment.analyze("2026-03-01")
    assert analysis.analysis.estimates
    assert not [item for item in analysis.analysis.deviations if item.id == "not_computed"]
    assert analysis.write().is_file()


@pytest.mark.parametrize(("business", "slug"), [("subscription", "stay-tuned-course"), ("app", "onboarding-checklist")])
def test_the_example_runs(tmp_path: Path, business: str, slug: str) -> None:
    init_project(tmp_path, business, "kelp-and-co")  # type: ignore[arg-type]
    add_data(tmp_path, 1_500, 5, lambda _: None)
    run(tmp_path, slug)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with data."""
    root = tmp_path_factory.mktemp("runs") / "shop"
    init_project(root, "shop", "kelp-and-co")
    add_data(root, 1_500, 5, lambda _: None)
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_experiment_runs(shop: Path, kind: str) -> None:
    path = new_experiment(shop, slug_of(kind), kind, None)
    text = filled(path.read_text()).replace("from: 2026-10-01", "from: 2025-10-01").replace("2026-11-05", "2025-11-05")
    path.write_text(text)
    run(shop, slug_of(kind))


def test_data_of_ones_own_are_not_replaced(tmp_path: Path) -> None:
    init_project(tmp_path, "shop", "kelp-and-co")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.parquet").write_bytes(b"mine")
    with pytest.raises(UsageError, match="holds data that were not simulated"):
        add_data(tmp_path, 500, 5, lambda _: None)
    assert (tmp_path / "data" / "orders.parquet").read_bytes() == b"mine"
