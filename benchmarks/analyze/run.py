"""How long an analysis takes, and how much memory, beside SQL written by hand and the ways that people use today.

    python benchmarks/analyze/run.py --size S [M L] [--rounds 3] [--peers floor holdfast ...] [--parts analysis ...]
        [--key integer|text|both] [--memory-limit 2GiB] [--install-peers] [--data FOLDER] [--write] [--json FILE]

One experiment with three variants on 60 % of the customers, ten numbers, from 1 to 100 million facts in Parquet files.
Every way is a process of its own, started fresh: reading, computing and, for Holdfast, all checks, figures and the
report. The ways take turns, round by round; medians count, and ratios are to the floor in the same round. All of them
print the same sums, which are compared; the run fails when any differ. The first run makes the data.

Parts: analysis (from the facts), start (commands that do no work), metrics (5 and 20 metrics of one source, at the
largest size given), ready (from a table with one row a customer). With more than one size: how both grow.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import holdfast_results
import peers
import project
import tables
from job import DATA_FORM, EXPERIMENT, KEYS, SIZES, Answer
from measure import Entry, Run, contest, differences

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOLDFAST = (sys.executable, "-c", "from holdfast.cli import main; main()")
COUNTS = (5, 20)
PARTS = ("analysis", "start", "metrics", "ready")


def show(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def made(folder: Path, options: argparse.Namespace, *, customers: int, facts: int, ready: bool = False) -> Path:
    """The folder of the data, made when it is not there yet, and read once so that no way is the first to."""
    about = {"customers": customers, "facts": facts, "seed": options.seed, "form": DATA_FORM}
    path = folder / "about.json"
    if not path.is_file() or not about.items() <= json.loads(path.read_text()).items():
        show(f"making {customers:,} customers and {facts:,} facts in {folder}")
        what = ["--ready", str(customers)] if ready else ["--customers", str(customers), "--facts", str(facts)]
        command = [sys.executable, str(HERE / "data.py"), str(folder), *what, "--seed", str(options.seed)]
        # In a process of its own: the memory of every later child is counted from this one's.
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            sys.exit("the data could not be made")
    for file in sorted(folder.glob("*.parquet")):
        with file.open("rb") as opened:
            while opened.read(1 << 20):
                pass
    return folder


def by_script(way: peers.Way, data: Path, options: argparse.Namespace, *more: str, title: str = "") -> Entry:
    """A way that is a script of ours."""
    python = peers.python_of(way.environment, options.data)
    command = [python, str(HERE / "ways" / f"{way.script}.py"), str(data), *way.options, *more]
    return Entry(title or way.title, command, {"PYTHONPATH": str(HERE)}, answer=printed, data=data.name)


def printed(done: Run) -> Answer | None:
    """What a script printed last."""
    lines = done.out.strip().splitlines()
    return dict(json.loads(lines[-1])["answer"]) if lines else None


def by_holdfast(title: str, folder: Path, data: Path, answer: Callable[[], Answer]) -> Entry:
    """`holdfast analyze`, as it is typed, on a project whose reports are removed before."""
    command = [*HOLDFAST, "analyze", EXPERIMENT, "--project", str(folder), "--quiet"]
    before = partial(shutil.rmtree, folder / "reports", ignore_errors=True)
    return Entry(title, command, variables(data), before, lambda _: answer(), data.name)


def variables(data: Path) -> dict[str, str]:
    """What Holdfast's processes need: this checkout's code, and the folder that the projects name."""
    return {"PYTHONPATH": str(ROOT / "framework"), "HOLDFAST_BENCHMARK": str(data)}


@dataclass(frozen=True)
class Setting:
    """Which ways run from the facts, on which key, and within which memory."""

    key: str
    ways: tuple[peers.Way, ...] = peers.FROM_FACTS
    memory_limit: str | None = None
    note: str = ""


def settings(options: argparse.Namespace) -> Iterator[Setting]:
    """All ways on one key; a few also on texts, and two also under a limit of memory."""
    key = "text" if options.key == "text" else "integer"
    yield Setting(key)
    if options.key == "both":
        yield Setting("text", _ways("floor", "holdfast", "polars"), note=", text keys")
    if options.memory_limit:
        note = f", engine limited to {options.memory_limit}"
        yield Setting(key, _ways("floor", "holdfast"), options.memory_limit, note)


def _ways(*names: str) -> tuple[peers.Way, ...]:
    return tuple(way for way in peers.FROM_FACTS if way.peer in names)


def from_facts(data: Path, options: argparse.Namespace, setting: Setting) -> Iterator[Entry]:
    """The ways from the facts, in one setting."""
    column, limit = KEYS[setting.key], setting.memory_limit
    for way in setting.ways:
        if way.peer not in options.peers:
            continue
        title = way.title + setting.note
        if way.peer == "holdfast":
            folder = data / f"project-{setting.key}{'-limited' if limit else ''}"
            project.ten_metrics(folder, data, column, limit)
            yield by_holdfast(title, folder, data, partial(holdfast_results.sums, folder))
        else:
            more = ["--key", column, *(["--memory-limit", limit] if limit else [])]
            yield by_script(way, data, options, *more, title=title)


def from_ready(data: Path, options: argparse.Namespace) -> Iterator[Entry]:
    """The ways from a table with one row a customer."""
    for way in peers.FROM_READY:
        if way.peer not in options.peers:
            continue
        if way.peer == "holdfast":
            folder = data / "project"
            project.from_ready(folder)
            yield by_holdfast(way.title, folder, data, partial(holdfast_results.sums, folder))
        else:
            yield by_script(way, data, options, "--ready")


def by_count(data: Path, options: argparse.Namespace) -> list[tuple[str, list[Entry]]]:
    """Few and many metrics of one source, by the floor and by Holdfast."""
    floor, holdfast = _ways("floor", "holdfast")
    rows: list[tuple[str, list[Entry]]] = []
    rows.append((floor.title, [by_script(floor, data, options, "--metrics", str(count)) for count in COUNTS]))
    if "holdfast" in options.peers:
        entries = []
        for count in COUNTS:
            folder = data / f"project-{count}-metrics"
            project.many_metrics(folder, data, count)
            entries.append(by_holdfast(holdfast.title, folder, data, partial(holdfast_results.many, folder, count)))
        rows.append((holdfast.title, entries))
    return rows


def starts(data: Path) -> list[Entry]:
    """Commands that do no work, beside Python itself."""
    folder = data / "project-start"
    project.ten_metrics(folder, data, KEYS["integer"], None)
    validate = [*HOLDFAST, "validate", "--project", str(folder)]
    return [
        Entry("Python alone", [sys.executable, "-c", "pass"], {}),
        Entry("`holdfast --help`", [*HOLDFAST, "--help"], variables(data)),
        Entry("`holdfast --version`", [*HOLDFAST, "--version"], variables(data)),
        Entry("`holdfast validate`, one experiment", validate, variables(data)),
    ]


class Contest:
    """The tables so far, every entry behind them, and every number that differs from the floor's."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.texts: list[str] = []
        self.entries: list[Entry] = []
        self.wrong: list[str] = []

    def race(self, entries: Sequence[Entry]) -> None:
        """Run the entries in turn."""
        contest(entries, self.options.rounds, self.options.timeout, show)
        self.entries.extend(entries)

    def compare(self, entries: Sequence[Entry], floor: Entry) -> None:
        """Note every number that is not the floor's."""
        if floor.found is None:
            sys.exit(f"the floor failed, so nothing can be compared: {floor.left_out}")
        for entry in entries:
            if entry.found is not None:
                self.wrong += [f"{entry.title}: {line}" for line in differences(entry.found, floor.found)]

    def from_facts(self, folders: Sequence[Path]) -> None:
        """The job at every size, and how it grows."""
        options = self.options
        by_size: list[list[Entry]] = []
        for (name, customers, facts), data in zip(options.size, folders, strict=True):
            groups = [list(from_facts(data, options, setting)) for setting in settings(options)]
            self.race([entry for entries in groups for entry in entries])
            head = f"{name}: {said(customers)} customers, {said(facts)} facts"
            for entries in groups:
                self.compare(entries, entries[0])
                self.texts.append(tables.comparison(head, entries, entries[0]))
            by_size.append([entry for entries in groups for entry in entries])
        if len(by_size) > 1:
            rows = [(entries[0].title, entries) for entries in zip(*by_size, strict=True)]
            self.texts.append(tables.growth([(name, facts) for name, _, facts in options.size], rows))

    def by_count(self, data: Path) -> None:
        """Few and many metrics of one source."""
        rows = by_count(data, self.options)
        self.race([entry for _, entries in rows for entry in entries])
        for place in range(len(COUNTS)):
            self.compare([entries[place] for _, entries in rows], rows[0][1][place])
        self.texts.append(tables.metric_counts(f"{self.options.size[-1][0]}: of one source", COUNTS, rows))

    def from_ready(self) -> None:
        """From a table with one row a customer."""
        rows = self.options.ready_rows
        data = made(self.options.data / f"ready-{rows}", self.options, customers=rows, facts=rows, ready=True)
        entries = list(from_ready(data, self.options))
        self.race(entries)
        self.compare(entries, entries[0])
        self.texts.append(tables.comparison(f"a table of {said(rows)} customers", entries, entries[0]))

    def start(self, data: Path) -> None:
        """Commands that do no work."""
        entries = starts(data)
        self.race(entries)
        self.texts.append(tables.start_up(entries))


def held(options: argparse.Namespace) -> Contest:
    """All that was asked for, measured."""
    found = Contest(options)
    folders = [made(options.data / name, options, customers=n, facts=facts) for name, n, facts in options.size]
    if "analysis" in options.parts:
        found.from_facts(folders)
    if "metrics" in options.parts:
        found.by_count(folders[-1])
    if "ready" in options.parts:
        found.from_ready()
    if "start" in options.parts:
        found.start(folders[0])
    return found


def said(number: int) -> str:
    """A number as people say it."""
    return f"{number / 1e6:g} million" if number >= 1_000_000 else f"{number:,}"


def options_given() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--size", nargs="+", choices=list(SIZES), default=["S"])
    parser.add_argument("--customers", type=int, help="with --facts: a size of your own in place of --size")
    parser.add_argument("--facts", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=peers.PEERS, default=list(peers.PEERS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--key", choices=[*KEYS, "both"], default="integer")
    parser.add_argument("--memory-limit", metavar="2GiB", help="also the floor and Holdfast under such a limit")
    parser.add_argument("--ready-rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=1800, help="seconds after which a way is left out")
    parser.add_argument("--data", type=Path, default=ROOT / "benchmarks" / "data", help="where data and peers are kept")
    parser.add_argument("--install-peers", action="store_true", help="make an environment for each peer that needs one")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    parser.add_argument("--json", type=Path, help="write every run to this file")
    options = parser.parse_args()
    options.data = options.data.resolve()
    options.peers = ["floor", *options.peers]
    if options.customers and options.facts:
        options.size = [(f"{options.customers}-{options.facts}", options.customers, options.facts)]
    else:
        options.size = [(name, *SIZES[name]) for name in SIZES if name in options.size]
    return options


def main() -> None:
    """Measure, print, and fail when any numbers differ."""
    options = options_given()
    # As an installer leaves it: nobody compiles Python anew with every command.
    for folder in (ROOT / "framework" / "holdfast", HERE):
        compileall.compile_dir(folder, quiet=1)
    if options.install_peers:
        peers.install(options.data, set(options.peers), show)
    found = held(options)
    machine = (
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {peers.versions(options.data, set(options.peers))}; "
        f"medians of {options.rounds} rounds, ratios within a round."
    )
    text = "\n\n".join([*found.texts, machine])
    print(text)
    if options.json:
        kept = [
            {"title": entry.title, "data": entry.data, "left_out": entry.left_out, "answer": entry.found}
            | {of: [getattr(done, of) for done in entry.runs] for of in ("seconds", "processor", "memory")}
            for entry in found.entries
        ]
        options.json.write_text(
            json.dumps({"machine": machine, "entries": kept, "wrong": found.wrong}, indent=1) + "\n"
        )
    if found.wrong:
        sys.exit("numbers differ from the floor's:\n" + "\n".join(found.wrong[:20]))
    if options.write:
        tables.write(ROOT / "benchmarks" / "README.md", text)


if __name__ == "__main__":
    main()
