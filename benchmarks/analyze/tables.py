"""The Markdown tables, and their place in benchmarks/README.md."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from measure import Entry, agreement

BEGIN, END = "<!-- analyze: begin -->", "<!-- analyze: end -->"


def comparison(head: str, entries: Sequence[Entry], floor: Entry) -> str:
    """One row a way: time and memory, as they are and as multiples of the floor's."""
    heads = ("seconds", "× floor", "of the processor", "× floor", "peak MB", "× floor", "numbers")
    lines = [f"| {head} | {' | '.join(heads)} |", "|---|--:|--:|--:|--:|--:|--:|---|"]
    for entry in entries:
        if entry.left_out:
            lines.append(f"| {entry.title} | left out: {plain(entry.left_out)} | | | | | | |")
            continue
        cells = []
        for of, form in (("seconds", ".2f"), ("processor", ".2f"), ("memory", ",.0f")):
            cells += [f"{entry.median(of):{form}}", f"{entry.ratio(floor, of):.2f}"]
        lines.append(f"| {entry.title} | {' | '.join(cells)} | {agreement(entry, floor)} |")
    return "\n".join(lines)


def start_up(entries: Sequence[Entry]) -> str:
    """What a command takes before it does any work."""
    lines = ["| start-up | seconds | of the processor |", "|---|--:|--:|"]
    for entry in entries:
        if entry.left_out:
            lines.append(f"| {entry.title} | left out: {plain(entry.left_out)} | |")
        else:
            lines.append(f"| {entry.title} | {entry.median('seconds'):.2f} | {entry.median('processor'):.2f} |")
    return "\n".join(lines)


def growth(sizes: Sequence[tuple[str, int]], rows: Sequence[tuple[str, Sequence[Entry]]]) -> str:
    """What each further million facts takes between one size and the next: start-up is in neither."""
    steps = list(pairwise(sizes))
    heads = [f"{one} to {two}: {what}" for what in ("seconds", "MB") for (one, _), (two, _) in steps]
    lines = [f"| for each further million facts | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    for title, entries in rows:
        if any(entry.left_out for entry in entries):
            continue
        cells = []
        for of, form in (("seconds", ".3f"), ("memory", ".1f")):
            for place, ((_, few), (_, many)) in enumerate(steps):
                more = entries[place + 1].median(of) - entries[place].median(of)
                cells.append(f"{more / (many - few) * 1e6:{form}}")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def metric_counts(head: str, counts: Sequence[int], rows: Sequence[tuple[str, Sequence[Entry]]]) -> str:
    """Seconds with few and with many metrics of one source."""
    few, many = counts
    lines = [f"| {head} | {few} metrics | {many} metrics | ratio |", "|---|--:|--:|--:|"]
    for title, (one, other) in rows:
        if why := one.left_out or other.left_out:
            lines.append(f"| {title} | left out: {plain(why)} | | |")
            continue
        seconds = f"{one.median('seconds'):.2f} s | {other.median('seconds'):.2f} s"
        lines.append(f"| {title} | {seconds} | {other.ratio(one, 'seconds'):.2f} |")
    return "\n".join(lines)


def plain(text: str) -> str:
    """A text that cannot break a table."""
    return text.replace("|", "/").replace("\n", " ")


def write(readme: Path, text: str) -> None:
    """Put the tables between the markers."""
    before, begin, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{readme.name} lacks the lines {BEGIN} and {END}")
    readme.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
