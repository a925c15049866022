"""The examples in the docstrings of the statistics run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import holdfast.stats

MODULES = sorted(
    path.stem for path in Path(holdfast.stats.__file__).parent.glob("*.py") if ">>>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(f"holdfast.stats.{name}")
    failed, attempted = doctest.testmod(module)
    assert failed == 0
    assert attempted > 0


@pytest.mark.parametrize("name", holdfast.stats.__all__)
def test_public_names_exist_and_say_what_they_are(name: str) -> None:
    documented = getattr(holdfast.stats, name).__doc__
    assert documented is not None
    assert len(documented.splitlines()[0]) > 10


def test_importing_the_statistics_loads_no_heavy_module() -> None:
    """scipy.stats, scipy.optimize, statsmodels and pandas cost seconds and are not on the common path."""
    code = (
        "import sys; from holdfast.stats import *; "
        "mn_difference(treated=(5, 90), control=(9, 80), confidence=0.95); srm([5, 6], [1, 1]); "
        "heavy = {'scipy.stats', 'scipy.optimize', 'statsmodels', 'pandas'} & set(sys.modules); "
        "print(*sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "")
