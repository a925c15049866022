"""What all tests share: the folder of real data, and the rule that a missing engine is a failure in CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def missing(reason: str) -> None:
    """Skip on a user's machine; fail in CI, where everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real experiments."""
    named = os.environ.get("HOLDFAST_DATA")
    if not named:
        missing("HOLDFAST_DATA names no folder with the real experiments")
    folder = (ROOT / str(named)).resolve()
    if not (folder / "hillstrom").is_dir():
        missing(f"{folder.name} does not hold the real experiments")
    return folder
