"""One small simulated shop, written once for all tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.simulate import ShopRun, ShopSettings, Truth, run_shop, simulate_shop

SETTINGS = ShopSettings(customers=6_000, seed=7)


@dataclass(frozen=True)
class WrittenShop:
    """A shop on disk, what its writing returned and reported, and the same shop in memory."""

    folder: Path
    truth: Truth
    progress: list[tuple[str, float]]
    run: ShopRun


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> WrittenShop:
    folder = tmp_path_factory.mktemp("simulated") / "shop"
    progress: list[tuple[str, float]] = []
    truth = simulate_shop(folder, SETTINGS, lambda stage, fraction: progress.append((stage, fraction)))
    return WrittenShop(folder, truth, progress, run_shop(SETTINGS))
