"""The ways that are compared, and where the packages that they need come from."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

POLARS = "polars==2.1.0"
ENVIRONMENTS = {
    "polars": (POLARS,),
    "tea-tasting": ("tea-tasting==1.14.0", "ibis-framework[duckdb]==12.0.0", "pandas>=3,<4", POLARS),
    "gbstats": ("gbstats==0.8.0", "pandas<2"),
    "confidence": ("spotify-confidence==4.1.0", "pyarrow>=20"),
    "ambrosia": ("Ambrosia==0.5.3.post1", "pyarrow>=20"),
}
"""Each in an environment of its own: their pins clash with Holdfast's or with each other's."""
WITH_DUCKDB = ("tea-tasting", "gbstats")
"""They get the version of DuckDB that Holdfast runs on."""


@dataclass(frozen=True)
class Way:
    """One way to do the job."""

    peer: str
    """What --peers calls it."""
    title: str
    script: str = ""
    environment: str = ""
    options: tuple[str, ...] = ()


FROM_FACTS = (
    Way("floor", "**floor: SQL written by hand**", "floor"),
    Way("read", "only reading the columns", "read_only"),
    Way("holdfast", "**Holdfast, checks, figures and report included**"),
    Way("polars", "polars, streaming", "with_polars", "polars"),
    Way("per-metric", "a query for each metric", "per_metric"),
    Way("gbstats", "SQL by hand, then gbstats", "with_gbstats", "gbstats"),
    Way("tea-tasting", "a table by hand in Ibis, then tea-tasting", "with_tea_tasting", "tea-tasting"),
    Way("pandas", "pandas, scipy, statsmodels", "with_pandas"),
)
FROM_READY = (
    Way("floor", "**floor: SQL written by hand**", "floor"),
    Way("holdfast", "**Holdfast, checks, figures and report included**"),
    Way("gbstats", "SQL by hand, then gbstats", "with_gbstats", "gbstats"),
    Way("tea-tasting", "tea-tasting on polars", "with_tea_tasting", "tea-tasting", ("--frame", "polars")),
    Way("tea-tasting", "tea-tasting on pandas", "with_tea_tasting", "tea-tasting", ("--frame", "pandas")),
    Way("tea-tasting", "tea-tasting on Ibis", "with_tea_tasting", "tea-tasting", ("--frame", "ibis")),
    Way("ambrosia", "ambrosia", "with_ambrosia", "ambrosia"),
    Way("pandas", "pandas, scipy, statsmodels", "with_pandas"),
    Way("confidence", "Spotify Confidence", "with_confidence", "confidence"),
)
PEERS = tuple(dict.fromkeys(way.peer for way in (*FROM_FACTS, *FROM_READY)))


def python_of(environment: str, folder: Path) -> str:
    """The interpreter of an environment; this one where there is none, so that what is missing can say so."""
    path = folder / "peers" / environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    return str(path) if environment and path.is_file() else sys.executable


def versions(folder: Path, wanted: set[str]) -> str:
    """What was compared, package by package, as far as it is installed."""
    found = [f"{name} {version(name)}" for name in ("duckdb", "pandas", "scipy", "statsmodels")]
    for name, packages in ENVIRONMENTS.items():
        if name in wanted and python_of(name, folder) != sys.executable:
            found.append(" ".join(packages[0].split("==")))
    return ", ".join(found)


def install(folder: Path, wanted: set[str], show: Callable[[str], None]) -> None:
    """The environments of the peers that are wanted and not there yet; one that fails is left out, and said."""
    for name, packages in ENVIRONMENTS.items():
        place = folder / "peers" / name
        if name not in wanted or (place / "done").is_file():
            continue
        show(f"installing {name}")
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        engine = (f"duckdb=={version('duckdb')}",) if name in WITH_DUCKDB else ()
        command = [python_of(name, folder), "-m", "pip", "install", "--quiet", *packages, *engine]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(place, ignore_errors=True)
            show(f"  {name} cannot be installed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        else:
            (place / "done").touch()
