"""The example of each command's --help runs as it stands, in the project that `holdfast demo` makes."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

import holdfast
from holdfast.cli import main
from holdfast.cli.app import app
from holdfast.project.demo import make_shop

SLUG, AFTER_ENROLMENT = "winback-voucher", "2025-12-01"
IN_AN_EMPTY_FOLDER = ("init", "simulate", "demo")
EXAMPLES = [
    str(item.epilog).removeprefix("Example: ")
    for item in app.registered_commands
    if not str(item.epilog).startswith("Example: holdfast demo")
]
"""All but the demo itself, which is run from one end to the other by tests of its own."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo: customers are assigned, and there are two reports."""
    root = make_shop(tmp_path_factory.mktemp("examples") / "demo", 4000, 2, lambda _: None)
    experiment = holdfast.open_project(root).experiment(SLUG)
    experiment.assign(AFTER_ENROLMENT)
    for day in ("2026-02-11", "2026-02-18"):
        experiment.analyze(day).write()
    rows = [f"{n},{'AB'[n % 2]},{n % 3 // 2},{n % 7},{n % 5 + 1}" for n in range(400)]
    (root / "orders.csv").write_text("customer_id,group,bought,revenue,orders\n" + "\n".join(rows) + "\n", "utf-8")
    return root


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split()[1])
def test_the_example_runs_as_it_stands(
    example: str, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(example)
    monkeypatch.chdir(tmp_path if words[1] in IN_AN_EMPTY_FOLDER else demo)
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    printed = capsys.readouterr()
    assert not end.value.code, printed.err
    # A check that finds nothing says so beside its results.
    assert printed.out or printed.err
    # What `new` wrote is unfinished, and later examples look at every experiment.
    shutil.rmtree(demo / "experiments" / "spring-voucher", ignore_errors=True)


def test_the_first_page_is_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command with a line that is not cut, and where to begin."""
    monkeypatch.setattr(sys, "argv", ["holdfast"])
    with pytest.raises(SystemExit):
        main()
    printed = capsys.readouterr()
    page = printed.out + printed.err
    assert "..." not in page.replace("[ARGS]...", "")
    for item in app.registered_commands:
        name = item.name or (item.callback.__name__ if item.callback else "")
        assert f"\n  {name.replace('_', '-')} " in page, name
    assert "Begin with: holdfast demo" in " ".join(page.split())
