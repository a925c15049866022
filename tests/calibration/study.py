"""A study of a method on simulated data of known truth: one row of docs/calibration.md, and one test.

`studies_<topic>.py` modules hold them, in a list called STUDIES. The tests run each with 2,000 replications, the page
is written with 10,000 (`python -m docs.make_calibration`), from the same seeds.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Study:
    """How often a method errs or covers, where the truth is known."""

    topic: str
    """Heading of the page that it belongs to, such as Proportions."""
    method: str
    """What is judged, in a few words, such as Welch t."""
    data: str
    """The simulated data in a sentence: units, distribution, true effect."""
    measures: Literal[
        "type I error", "coverage", "false alarms", "family-wise error", "false discovery rate", "false coverage rate"
    ]
    nominal: float
    """The rate that the method promises."""
    at_most: bool = False
    """Whether a lower rate of error is right too, as for always-valid tests; for coverage: a higher one."""
    seed: int
    """Of the generator; never changed to make a study pass. Only studies of the same data share one."""
    hits: Callable[[np.random.Generator, int], Sequence[float]]
    """Generator and number of replications to one answer each: whether an error was made, or the interval covered; or
    the share of several answers that were wrong."""
    known: str = ""
    """Why the promise is not quite kept, where the page shows that; printed below its table."""
    cheap: bool = True
    """Whether 2,000 replications take seconds at most; the tests run the others 500 times."""

    @property
    def runs(self) -> int:
        """Replications in a test."""
        return 2_000 if self.cheap else 500


@dataclass(frozen=True)
class Found:
    """What a study found."""

    rate: float
    low: float
    """Lower end of the band of 3.29 standard errors, binomial ones for yes and no: a right method leaves it once in a
    thousand."""
    high: float
    ok: bool


def judge(study: Study, runs: int) -> Found:
    """Run a study with that many replications."""
    answers = study.hits(np.random.default_rng(study.seed), runs)
    assert len(answers) == runs, "a study gives one answer for each replication"
    values = np.asarray(answers, dtype=float)
    rate = float(values.mean())
    yes_or_no = bool(np.isin(values, (0.0, 1.0)).all())
    variance = study.nominal * (1 - study.nominal) if yes_or_no else float(values.var())
    reach = 3.29 * math.sqrt(variance / runs)
    low, high = study.nominal - reach, study.nominal + reach
    if study.at_most:
        low, high = (low, 1.0) if study.measures == "coverage" else (0.0, high)
    return Found(rate, max(low, 0.0), min(high, 1.0), low <= rate <= high)


def all_studies() -> list[Study]:
    """Every study, in the order of their modules."""
    here = Path(__file__).parent
    modules = [importlib.import_module(f"tests.calibration.{path.stem}") for path in sorted(here.glob("studies_*.py"))]
    return [study for module in modules for study in module.STUDIES]
