"""New projects, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.starter import BUSINESSES, init_project


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A fresh project of each business; tests that write make their own."""
    folder = tmp_path_factory.mktemp("starter")
    for business in BUSINESSES:
        init_project(folder / business, business, "kelp-and-co")
    return {business: folder / business for business in BUSINESSES}
