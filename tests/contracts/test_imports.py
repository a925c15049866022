"""Commands start at once: what answers questions about files imports no engine and no statistics."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "pyarrow", "pandas", "scipy", "statsmodels", "matplotlib", "ibis", "duckdb", "jinja2")


def loaded(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after running some code."""
    script = f"import sys\n{code}\nprint(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import holdfast",
        "import holdfast.hashing",
        "from holdfast.cli.app import app",
        "import holdfast.config, pathlib; holdfast.config.validate(pathlib.Path('.').resolve())",
        "import holdfast; holdfast.open_project('.').slugs",
        "import holdfast; holdfast.analyze_frame",
        "import holdfast.serve",
        "import holdfast, holdfast.serve; holdfast.serve.HoldfastProvider(holdfast.open_project('.'))",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    assert loaded(code) == set()


def test_estimates_need_no_slow_statistics_modules() -> None:
    code = "import holdfast.stats, holdfast.estimate, sys; assert 'scipy.stats' not in sys.modules"
    assert loaded(code) <= {"numpy", "scipy"}


def test_serving_without_the_sdk_says_what_to_install() -> None:
    code = "import sys; sys.modules['openfeature'] = None; import holdfast.serve"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: holdfast.serve needs the OpenFeature SDK; run: pip install 'holdfast[serve]'"
    )


def test_public_names_exist() -> None:
    import holdfast

    for name in holdfast.__all__:
        assert getattr(holdfast, name)
    with pytest.raises(AttributeError):
        _ = holdfast.no_such_name
