"""What the terminal shows: results on stdout, messages and progress on stderr, plain text wherever nobody watches."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Progress = Callable[[str], None]
Row = Sequence[str]


def out(text: str = "") -> None:
    """A result."""
    print(text)


def note(text: str) -> None:
    """A message beside the results."""
    print(text, file=sys.stderr)


def interactive() -> bool:
    """Whether a person watches stderr and wants colour and motion."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """Shows the step under way: a moving line on a terminal, one plain line a step elsewhere, nothing when quiet."""
    if quiet:
        yield lambda _: None
    elif interactive():
        from rich.console import Console

        with Console(stderr=True).status("starting") as status:
            yield lambda step: status.update(_first_line(step))
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


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""


def table(header: Row, rows: Sequence[Row]) -> None:
    """A table: ruled on a terminal, aligned plain text when piped."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        from rich.console import Console
        from rich.table import Table

        ruled = Table(*header, header_style="bold", box=None, pad_edge=False)
        for row in rows:
            ruled.add_row(*(_literal(cell) for cell in row))
        Console().print(ruled)
        return
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        out("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _literal(text: str) -> str:
    from rich.markup import escape

    return escape(text)
