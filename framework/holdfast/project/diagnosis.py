"""Whether all is in order for Holdfast to work: the installation, the project, its connection and its folders."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdfast import atomic, config
from holdfast.errors import ConfigError, ProjectNotFound

Progress = Callable[[str], None]
Answer = Literal["ok", "note", "problem"]
NAME = "holdfast"
MEGABYTE = 1_000_000
LEAST, LITTLE = 100 * MEGABYTE, 1000 * MEGABYTE
"""Free space below which nothing can be assigned, and below which it should be looked after."""
_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(?:;\s*(.*))?$")
_NOT_FOR_USERS = ("dev", "bench")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at."""

    area: str
    what: str
    answer: Answer
    found: str
    do: str = ""
    """What to do, where something is wrong."""
    transient: bool = False
    """Whether the same look may succeed later."""


def doctor(start: Path, progress: Progress) -> tuple[Line, ...]:
    """Everything that was looked at, in order, in the project of a folder; outside one only the installation."""
    return tuple(_lines(start, progress))


def _lines(start: Path, progress: Progress) -> Iterator[Line]:
    progress("looking at the installation")
    yield from installation()
    try:
        root = config.find_root(start.resolve())
    except ProjectNotFound:
        yield Line(
            area="project",
            what="folder",
            answer="note",
            found="no project here or in any folder above",
            do="start one: holdfast init my-shop; or name one with --project",
        )
        return
    yield Line(area="project", what="folder", answer="ok", found=root.name)
    progress("looking at the files")
    yield from _files(root)
    yield from _folders(root)
    yield from _remnants(root)
    yield from _git(root)
    try:
        catalogue = config.load_catalogue(root)
    except ConfigError:
        do = "put the files of configs/ right first: holdfast validate"
        yield Line(area="connection", what="opens", answer="note", found="not looked at", do=do)
        return
    yield from _zone(catalogue.project.timezone)
    from holdfast.project.connecting import connection

    yield from connection(catalogue, progress)


# the installation


def installation() -> Iterator[Line]:
    """Python and the packages, against what this version needs."""
    version = platform.python_version()
    fits = sys.version_info >= (3, 11)
    yield _line("installation", "Python", version, "" if fits else "install Python 3.11 or newer")
    try:
        wanted = metadata.requires(NAME) or []
        yield Line(area="installation", what=NAME, answer="ok", found=metadata.version(NAME))
    except metadata.PackageNotFoundError:
        do = "install it: python -m pip install holdfast"
        yield Line(area="installation", what=NAME, answer="problem", found="not installed as a package", do=do)
        return
    extras: dict[str, list[str]] = {}
    for text in wanted:
        match = _REQUIREMENT.match(text)
        if match is None:
            continue
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", match[3] or "")
        if extra is None:
            yield _package(match[1], match[2].strip())
        elif extra[1] not in _NOT_FOR_USERS:
            extras.setdefault(extra[1], []).append(text)
    for name, texts in extras.items():
        yield _extra(name, texts)


def _package(name: str, bounds: str) -> Line:
    do = f"install it: python -m pip install '{name}{bounds}'"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Line(area="installation", what=name, answer="problem", found="missing", do=do)
    fits = within(version, bounds)
    return _line("installation", name, version if fits else f"{version}, and {bounds} is needed", "" if fits else do)


def _extra(name: str, texts: list[str]) -> Line:
    """An optional part: nothing is wrong without it."""
    lines = [_package(match[1], match[2].strip()) for text in texts if (match := _REQUIREMENT.match(text))]
    lacking = [line for line in lines if line.answer != "ok"]
    if not lacking:
        found = ", ".join(f"{line.what} {line.found}" for line in lines)
        return Line(area="installation", what=f"optional: {name}", answer="ok", found=found)
    return Line(
        area="installation",
        what=f"optional: {name}",
        answer="note",
        found=", ".join(f"{line.what}: {line.found}" for line in lacking),
        do=f"only if you need it: python -m pip install 'holdfast[{name}]'",
    )


def within(version: str, bounds: str) -> bool:
    """Whether a version keeps bounds such as `>=1.4,<2`; of a pre-release only its numbers count."""
    mine = _numbers(version)
    for bound in filter(None, (part.strip() for part in bounds.split(","))):
        match = re.fullmatch(r"(>=|<=|==|!=|<|>)\s*([\w.*+!-]+)", bound)
        if match is None:
            continue
        other = _numbers(match[2])
        size = max(len(mine), len(other))
        left, right = mine + (0,) * (size - len(mine)), other + (0,) * (size - len(other))
        fits = {
            ">=": left >= right,
            "<=": left <= right,
            "==": left == right,
            "!=": left != right,
            "<": left < right,
            ">": left > right,
        }
        if not fits[match[1]]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else ()


# the project


def _files(root: Path) -> Iterator[Line]:
    from holdfast.project.validating import validate

    findings = validate(root)
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    found = f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
    if errors:
        yield Line(area="project", what="files", answer="problem", found=found, do="holdfast validate")
    elif warnings:
        yield Line(area="project", what="files", answer="note", found=found, do="holdfast validate")
    else:
        yield Line(area="project", what="files", answer="ok", found=found)
    text = (root / "configs" / "project.yaml").read_text(encoding="utf-8", errors="replace")
    for name in dict.fromkeys(_ENV.findall("\n".join(line.partition(" #")[0] for line in text.splitlines()))):
        # Only whether it is set: a value may hold a password.
        set_now = bool(os.environ.get(name))
        do = "" if set_now else f"set it, for example: export {name}=..."
        yield _line("project", f"variable {name}", "set" if set_now else "not set", do)


def _folders(root: Path) -> Iterator[Line]:
    for name in ("reports", "data"):
        folder = root / name
        there = folder if folder.exists() else root
        writable = os.access(there, os.W_OK | os.X_OK) and (there.is_dir())
        found = "writable" if writable else "not writable"
        if not folder.exists():
            found += ", made when it is needed"
        do = "" if writable else f"give yourself the right to write into {name}/"
        yield _line("project", f"folder {name}/", found, do)
    data = root / "data"
    free = shutil.disk_usage(data if data.is_dir() else root).free
    answer: Answer = "problem" if free < LEAST else "note" if free < LITTLE else "ok"
    do = "" if answer == "ok" else "make room: an assignment takes about 20 bytes a customer, a report a few megabytes"
    yield Line(area="project", what="disk space", answer=answer, found=f"{free / 1e9:,.1f} GB free for data/", do=do)


def _remnants(root: Path) -> Iterator[Line]:
    """What killed runs left behind, and who is at work."""
    homes = [
        *sorted((root / "data").glob("assignments/**/")),
        *sorted((root / "experiments").glob("*/")),
        root / "data",
    ]
    rooms = [room for home in homes if home.is_dir() for room in atomic.left_behind(home)]
    locks = sorted((root / "data").glob("assignments/**/.*lock"))
    held = [path for path in locks if atomic.is_held(path)]
    if held:
        found = f"{len(held)} held: somebody is assigning now ({held[0].parent.relative_to(root).as_posix()})"
        yield Line(area="project", what="locks", answer="note", found=found, do="wait, or look for a run that hangs")
    if rooms:
        found = f"{len(rooms)} unfinished folders of killed runs"
        do = "nothing: the next holdfast assign removes them"
        yield Line(area="project", what="remnants", answer="note", found=found, do=do)
    if not held and not rooms:
        yield Line(area="project", what="locks", answer="ok", found="none held, nothing left behind")


def _git(root: Path) -> Iterator[Line]:
    """Whether ids stay out of version control."""
    what, probe = "ids out of git", "data/assignments/any/v1/2000-01-01.parquet"
    git = shutil.which("git")
    if git is None or _run(git, root, "rev-parse", "--is-inside-work-tree") is None:
        found = "not a git repository" if git else "git is not installed"
        do = "when you put it into version control, ignore data/"
        yield Line(area="project", what=what, answer="note", found=found, do=do)
        return
    tracked = (_run(git, root, "ls-files", "data/assignments") or "").split("\n")
    tracked = [name for name in tracked if name]
    if tracked:
        do = "take them out, and out of the history: git rm -r --cached data/assignments"
        found = f"{len(tracked)} files of data/assignments are committed, and they hold ids"
        yield Line(area="project", what=what, answer="problem", found=found, do=do)
    elif _run(git, root, "check-ignore", "-q", probe) is None:
        do = "add a line `data/` to .gitignore"
        found = "data/assignments is not ignored, and it will hold ids"
        yield Line(area="project", what=what, answer="problem", found=found, do=do)
    else:
        yield Line(area="project", what=what, answer="ok", found="data/assignments is ignored")


def _run(git: str, root: Path, *arguments: str) -> str | None:
    """What git says; None when it refuses."""
    try:
        done = subprocess.run(  # noqa: S603 (arguments of our own)
            [git, "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _zone(name: str) -> Iterator[Line]:
    try:
        offset = dt.datetime(2026, 1, 1, tzinfo=ZoneInfo(name)).strftime("%z")
    except (ZoneInfoNotFoundError, ValueError):
        do = "install the time zones: python -m pip install tzdata"
        yield Line(area="project", what="time zone", answer="problem", found=f"{name} is not known here", do=do)
        return
    yield Line(area="project", what="time zone", answer="ok", found=f"{name} (January {offset})")


def _line(area: str, what: str, found: str, do: str) -> Line:
    """In order unless there is something to do."""
    return Line(area=area, what=what, answer="problem" if do else "ok", found=found, do=do)


__all__ = ["Line", "doctor", "installation", "within"]
