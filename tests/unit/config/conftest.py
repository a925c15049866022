"""A small complete project, copied for each test that changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample project whose folder of files is known."""
    monkeypatch.setenv("KELP_DATA", "data")
    return Path(shutil.copytree(SAMPLE, tmp_path / "project"))
