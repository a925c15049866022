"""The demo project: a simulated shop with three experiments, and what is truly the case beside what was estimated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from holdfast import atomic
from holdfast.errors import UsageError
from holdfast.model.result import Analysis, Estimate, MetricInfo
from holdfast.simulate import ShopSettings, Truth, simulate_shop
from holdfast.starter import init_project

MARK = ".holdfast-demo"
TRUTH = "truth.json"
_PARTS = ("configs", "experiments", "data", "reports")
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """One estimate beside the truth."""

    metric: MetricInfo
    estimate: Estimate
    true_difference: float

    @property
    def covered(self) -> bool:
        """Whether the interval holds the true effect."""
        low, high = self.estimate.lower, self.estimate.upper
        return low is not None and high is not None and low <= self.true_difference <= high


def make_shop(folder: Path, customers: int, seed: int, progress: Progress, *, replace: bool = False) -> Path:
    """Write the project, its data and its true effects; a demo that is there already is replaced only on request.

    Raises:
        UsageError: the folder holds something else.
    """
    root = folder.resolve()
    if root.exists() and any(root.iterdir()) and not (replace and (root / MARK).is_file()):
        raise UsageError(f"{folder} is not empty; choose another folder with --out")
    for part in _PARTS:
        shutil.rmtree(root / part, ignore_errors=True)
    there = {path.name for path in root.iterdir()} if root.exists() else set()
    with atomic.undone(root) as note:
        note(root / MARK)
        atomic.write_text(root / MARK, "Made by holdfast demo; replaced when it runs again.\n")
        try:
            init_project(root, "shop", "kelp-and-co")
            with as_file(files("holdfast.simulate") / "shop_project") as more, atomic.naming(root / "experiments"):
                for path in sorted(path for path in more.rglob("experiments/*/*") if path.is_file()):
                    atomic.write_bytes(root / path.relative_to(more), path.read_bytes())
            _simulate(root, customers, seed, progress)
        except BaseException:
            for path in root.iterdir():
                if path.name not in {*there, MARK}:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            raise
    return root


def add_data(root: Path, customers: int, seed: int, progress: Progress) -> Path:
    """The folder of a project into which the tables of a simulated shop were written; earlier ones are replaced.

    Raises:
        UsageError: the project has data of its own.
    """
    folder = root / "data"
    own = sorted(path.name for path in folder.glob("*.parquet")) if folder.is_dir() else []
    if own and not (folder / "truth.json").is_file():
        raise UsageError(f"{folder} holds data that were not simulated ({', '.join(own[:3])}); they stay as they are")
    _simulate(root, customers, seed, progress)
    return folder


def _simulate(root: Path, customers: int, seed: int, progress: Progress) -> None:
    def show(stage: str, share: float) -> None:
        progress(f"simulating {customers:,} customers: {stage} {share:.0%}")

    simulate_shop(root / "data", ShopSettings(customers=customers, seed=seed), show)


def read_truth(root: Path) -> Truth:
    """The true effects of a simulated project."""
    return Truth.from_json((root / "data" / TRUTH).read_text(encoding="utf-8"))


def compare(analysis: Analysis, truth: Truth) -> Iterator[Compared]:
    """Each estimated difference whose true effect is known."""
    known = truth.experiments[analysis.experiment.slug].metrics
    for info in analysis.metrics:
        # The simulation names metrics as the catalogue does, and the trio by its parts.
        names = [name for name in (info.trio, info.key.partition("@")[0]) if name in known]
        treated = [variant.key for variant in analysis.variants if not variant.is_control]
        row = analysis.find(info.key, treated[0])
        if names and row and row.status == "estimated":
            true = known[names[0]].difference
            if true is not None:
                yield Compared(info, row, true)
