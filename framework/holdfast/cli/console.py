"""What the terminal shows: results on stdout, messages and progress on stderr, plain text wherever nobody watches."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from holdfast.errors import ConfigError, HoldfastError, WrongData

Progress = Callable[[str], None]
Row = Sequence[str]
_COLOURS = {"error": "\x1b[31m", "warning": "\x1b[33m", "note": "\x1b[36m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_WIDTH, _VALUE = 100, 60
_CELL, _NAME = 200, 100
"""Characters of a cell of a table, and of the name of a value: nothing of ours is longer."""
_TOP = "experiment"
# What steers a terminal (escape sequences, the bell, a line written over) or turns the direction of text around: names
# and titles come from files that others wrote. Lines may end, and columns stand apart.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# What nobody sees, and makes two names look like one.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
_OURS = re.compile("(\x1b\\[(?:0|1|31|33|36)m)")


def out(text: str = "") -> None:
    """A result on one line, whatever its words hold."""
    print(one_line(text))


def write(text: str) -> None:
    """A result that is whole as it stands."""
    sys.stdout.write(harmless(text))


def note(text: str) -> None:
    """A message beside the results."""
    print(harmless(text), file=sys.stderr)


def harmless(text: str) -> str:
    """The text without what would steer a terminal, each such character shown as �, and without what cannot be seen;
    our own colours stay on a terminal."""
    pieces = _OURS.split(text) if watched() else [text]
    return "".join(piece if place % 2 else _tamed(piece) for place, piece in enumerate(pieces))


def _tamed(text: str) -> str:
    return _STEERING.sub("�", _UNSEEN.sub("", text))


def one_line(text: str, most: int | None = None) -> str:
    """The text without what would steer a terminal, its lines as one; with a length, as words that are not ours, which
    have no colours, cut where they are longer."""
    line = re.sub(r"\s*[\r\n]\s*", " ", text)
    if most is None:
        return harmless(line)
    line = _tamed(line)
    return line if len(line) <= most else line[: most - 1] + "…"


def watched() -> bool:
    """Whether a person reads stdout and wants colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(line: str, severity: str) -> str:
    """A finding with its severity in colour on a terminal, unchanged when piped."""
    if not watched():
        return line
    place, found, rest = line.partition(f"{severity}[")
    return f"{place}{_COLOURS[severity]}{found}{rest.replace(']', f']{_PLAIN}', 1)}" if found else line


def marked(text: str, severity: str) -> str:
    """A text in the colour of a severity on a terminal, unchanged when piped or without one."""
    return f"{_COLOURS[severity]}{text}{_PLAIN}" if watched() and severity in _COLOURS else text


def interactive() -> bool:
    """Whether a person watches stderr and wants colour and motion."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """Shows the step under way: one moving line on a terminal, with the steps that are done and the time they took; one
    plain line a step elsewhere; nothing when quiet."""
    if quiet:
        yield lambda _: None
    elif interactive():
        with _live_line() as show:
            yield show
    else:
        shown: set[str] = set()

        def plain(step: str) -> None:
            # A counter that moves on is one step, said once.
            line = _first_line(step)
            kind = re.sub(r"\d+", "", line)
            if kind not in shown:
                shown.add(kind)
                note(f"  {line}")

        yield plain


@contextmanager
def _live_line() -> Iterator[Progress]:
    """One line that is gone at the end, whatever happens; a long text is cut to the terminal's width."""
    from rich.console import Console
    from rich.progress import Progress as Live
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        TextColumn("{task.completed} done", table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
    )
    with Live(*columns, console=Console(stderr=True), transient=True, expand=True, redirect_stdout=False) as live:
        task = live.add_task("starting", total=None)
        steps = 0

        def show(step: str) -> None:
            nonlocal steps
            live.update(task, description=_first_line(step), completed=steps)
            steps += 1

        yield show


def message(error: HoldfastError) -> str:
    """An error as the terminal shows it."""
    if isinstance(error, ConfigError):
        return f"{error}\n{len(error.findings)} findings; nothing was changed"
    return f"error: {error if isinstance(error, WrongData) else one_line(str(error))}"


def _first_line(text: str) -> str:
    return harmless(text.splitlines()[0]) if text else ""


def table(header: Row, rows: Sequence[Row]) -> None:
    """A table: ruled on a terminal, aligned plain text when piped."""
    header, *rows = ([one_line(cell, _CELL) for cell in row] for row in (header, *rows))
    if watched():
        from rich.console import Console
        from rich.table import Table

        ruled = Table(*(_literal(cell) for cell in header), header_style="bold", box=None, pad_edge=False)
        for row in rows:
            ruled.add_row(*(_literal(cell) for cell in row))
        Console().print(ruled)
        return
    for line in _aligned((header, *rows)):
        out(line)


def _aligned(rows: Sequence[Row]) -> list[str]:
    """Rows as lines whose columns stand below each other."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def grouped(rows: Sequence[tuple[str, str, str]]) -> None:
    """Name, value and origin, by the first part of the dotted names; long values go on in the lines below."""
    groups: dict[str, list[tuple[str, str, str]]] = {}
    rows = [(one_line(name, _NAME), _tamed(value), one_line(source, _NAME)) for name, value, source in rows]
    for row in rows:
        groups.setdefault(row[0].partition(".")[0] if "." in row[0] else _TOP, []).append(row)
    wide = max((len(name) for name, _, _ in rows), default=0)
    room = min(max((len(value) for _, value, _ in rows), default=0), _VALUE)
    for heading, group in groups.items():
        out(f"{_BOLD}{heading}{_PLAIN}" if watched() else heading)
        for name, value, source in group:
            first, *rest = textwrap.wrap(value, room) or [""]
            out(f"  {name.ljust(wide)}  {first.ljust(room)}  {source}".rstrip())
            for line in rest:
                out(f"  {' ' * wide}  {line}")


def paragraph(text: str) -> None:
    """A text in lines of readable length, a blank line after it; nothing when there is none."""
    if text:
        for line in textwrap.wrap(_tamed(text), _WIDTH):
            out(line)
        out()


def pairs(items: Iterable[tuple[str, str]]) -> None:
    """Names with their values, the values below each other."""
    listed = [(one_line(name, _NAME), value) for name, value in items]
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        out(f"{name.ljust(width)}  {value}")


def _literal(text: str) -> str:
    from rich.markup import escape

    return escape(text)
