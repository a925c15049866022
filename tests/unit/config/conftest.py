"""Small complete projects, copied for each test that changes them: one in long forms, one with every short form."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample"
KELP = Path(__file__).parent / "kelp"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample project whose folder of files is known."""
    monkeypatch.setenv("KELP_DATA", "data")
    return Path(shutil.copytree(SAMPLE, tmp_path / "project"))


@pytest.fixture
def kelp(tmp_path: Path) -> Path:
    """A copy of the project whose experiments extend templates."""
    return Path(shutil.copytree(KELP, tmp_path / "kelp"))
