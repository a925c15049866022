"""The Markdown tables, and their place in benchmarks/README.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from measure import Entry, agreement

BEGIN, END = "<!-- analyze: begin -->", "<!-- analyze: end -->"


def comparison(head: str, entries: Sequence[Entry], floor: Entry) -> str:
    """One row a way: time and memory, as they are and as multiples of the floor's."""
    lines = [
        f"| {head} | seconds | × floor | of the processor | peak MB | × floor | numbers |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for entry in entries:
        if entry.left_out:
            lines.append(f"| {entry.title} | left out: {plain(entry.left_out)} | | | | | |")
            continue
        lines.append(
            f"| {entry.title} | {entry.median('seconds'):.2f} | {entry.ratio(floor, 'seconds'):.2f} "
            f"| {entry.median('processor'):.2f} | {entry.median('memory'):,.0f} | {entry.ratio(floor, 'memory'):.2f} "
            f"| {agreement(entry, floor)} |"
        )
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
    """Seconds and memory for a million facts at each size, of the ways that were measured at all of them."""
    heads = [f"{name}: s a million facts" for name, _ in sizes] + [f"{name}: MB a million facts" for name, _ in sizes]
    lines = [f"| growth | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    for title, entries in rows:
        if any(entry.left_out for entry in entries):
            continue
        pairs = list(zip(entries, sizes, strict=True))
        seconds = [f"{entry.median('seconds') / facts * 1e6:.3f}" for entry, (_, facts) in pairs]
        memory = [f"{entry.median('memory') / facts * 1e6:.1f}" for entry, (_, facts) in pairs]
        lines.append(f"| {title} | {' | '.join([*seconds, *memory])} |")
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
