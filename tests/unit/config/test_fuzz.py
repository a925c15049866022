"""Damaged, random and hostile files give findings within two seconds, never an exception and never a warning.

The same files, many more of them: benchmarks/fuzz_config.py.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from benchmarks import fuzz_config
from benchmarks.fuzz_config import MAKERS, Outcome, one_file, read_project

from holdfast.config import validate
from holdfast.config.marks import MAX_FINDINGS


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project that the files belong to."""
    monkeypatch.setenv("KELP_DATA", "data")
    return Path(shutil.copytree(fuzz_config.PROJECT, tmp_path / "project"))


@pytest.mark.parametrize("maker", [maker for maker, _ in MAKERS], ids=lambda maker: maker.__name__)
def test_whatever_is_written_is_read_or_refused_in_words(maker: fuzz_config.Maker, root: Path) -> None:
    whole = read_project()
    outcome = Outcome()
    random_ = random.Random(f"tests/{maker.__name__}")
    for _ in range(8 if maker in {fuzz_config.large, fuzz_config.bomb} else 40):
        name = random_.choice(list(whole))
        one_file(root, name, maker(random_, whole, name), outcome)
        (root / name).write_text(whole[name], encoding="utf-8")
    assert not outcome.tracebacks, outcome.tracebacks[0]
    assert outcome.valid + outcome.refused >= 8


def test_the_same_seed_gives_the_same_files() -> None:
    whole = read_project()
    for maker, _ in MAKERS:
        name = list(whole)[-1]
        assert maker(random.Random(3), whole, name) == maker(random.Random(3), whole, name)


WINBACK = "experiments/winback/experiment.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (WINBACK, "[retained, churned,", "[" + ", ".join(f"retaned{i}" for i in range(40_000)) + ","),
        (WINBACK, "audience: {", "audience: {" + "".join(f"a{i}: 1, " for i in range(30_000))),
        (WINBACK, "rollout:", "".join(f"k{i}: v\n" for i in range(30_000)) + "rollout:"),
        ("configs/sources/shop.yaml", "sources:\n", "sources:\n" + "".join(f"  k{i}: v\n" for i in range(20_000))),
        ("configs/tactics/shop.yaml", "touches: [", "touches: [" + "{day: 0, channel: email}, " * 15_000),
        ("configs/project.yaml", "[service,", "[" + "service, " * 60_000),
    ],
    ids=["metrics", "audience", "fields", "sources", "touches", "purposes"],
)
def test_many_faults_in_one_file_take_no_longer(name: str, old: str, new: str, root: Path) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    start = time.process_time()
    findings = validate(root)
    assert time.process_time() - start < 4, "two seconds, and as much again for a busy machine"
    per_file = Counter(finding.path for finding in findings)
    assert 0 < per_file[name] <= MAX_FINDINGS + 1
