"""The command that assigns, and what it shows beforehand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.console import message, note, out, progress, table
from holdfast.cli.options import AllOption, AsOfOption, JsonOption, ProjectOption, QuietOption, SlugsArgument, named
from holdfast.errors import HoldfastError, NotYet

if TYPE_CHECKING:
    from holdfast.model.preview import Overlap, Pressure, Preview
    from holdfast.model.result import BalanceRow
    from holdfast.project import Project
    from holdfast.project.assigning import Assigned
    from holdfast.warehouse import TableState


def assign(
    slugs: SlugsArgument = None,
    everything: AllOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who would get what, and write nothing; the date may lie ahead.")
    ] = False,
    project: ProjectOption = Path(),
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Enrol and assign everybody who is due, append to the manifest and write the lock. Again: nothing changes.

    Where another system assigned, count and lock its table; --all leaves those experiments out.
    """
    from holdfast.project import open_project

    opened = open_project(project)
    chosen = named(opened, slugs, everything)
    if everything:
        chosen = [slug for slug in chosen if opened.experiment(slug).study.experiment.assignment.by_holdfast]
    worst = 0
    for slug in chosen:
        try:
            _one(opened, slug, as_of, dry_run=dry_run, as_json=as_json, quiet=quiet)
        except HoldfastError as error:
            if len(chosen) == 1:
                raise
            note(message(error))
            # A daily job over all experiments is in order while some have not begun.
            worst = max(worst, 0 if isinstance(error, NotYet) else error.exit_code)
    if worst:
        raise typer.Exit(worst)


def _one(opened: Project, slug: str, as_of: str | None, *, dry_run: bool, as_json: bool, quiet: bool) -> None:
    experiment = opened.experiment(slug)
    with progress(quiet) as show:
        seen = experiment.preview(as_of, show) if dry_run else None
        done = None if dry_run else experiment.assign(as_of, show)
    if as_json:
        found = dataclasses.asdict(seen or done)  # type: ignore[arg-type]
        out(json.dumps(_plain(found), ensure_ascii=False, sort_keys=True))
    elif seen is not None:
        _print_preview(seen)
    elif done is not None:
        _print_assigned(done)


def _plain(value: Any) -> Any:
    """A value as JSON has it: keys and dates as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _print_assigned(done: Assigned) -> None:
    """What one experiment's assignment did, in a line, with a message where somebody has to look."""
    slug, total = done.slug, sum(done.counts.values())
    counts = ", ".join(f"{variant} {n:,}" for variant, n in done.counts.items())
    if done.table is not None:
        _print_table(done, done.table)
        return
    if done.drawn_again:
        note(
            f"{slug}: this version draws again: {done.drawn_again:,} units of the version before it may get another "
            "variant, and whatever they were given already stays given"
        )
    if not done.counts:
        note(f"{slug}: nobody meets the audience within the traffic; check it with: holdfast validate --explain {slug}")
        counts = "nobody"
    if done.batches:
        out(f"{slug}: +{done.added:,} new, 0 moved; {total:,} assigned by {done.until} ({counts})")
    else:
        out(f"{slug}: nothing to do, {total:,} assigned by {done.until} ({counts})")


def _print_table(done: Assigned, table: TableState) -> None:
    """What the table of another system says, and whether it was locked now."""
    did = "locked" if done.batches else "nothing to do, locked"
    counts = ", ".join(f"{variant} {n:,}" for variant, n in done.counts.items())
    out(f"{done.slug}: {did} as of {done.until}; {sum(done.counts.values()):,} assigned by another system ({counts})")
    labels = ", ".join(f"{label}: {n:,}" for label, n in table.unlisted.items())
    out(f"  {sum(table.unlisted.values()):,} rows with a label that is no variant{f' ({labels})' if labels else ''}")
    out(f"  {table.duplicates:,} rows that repeat a unit, {table.crossovers:,} units seen in more than one variant")


def _print_preview(found: Preview) -> None:
    """Who would get what, in the order in which somebody would ask."""
    day = f"as of {found.as_of}, as the data stand now"
    new = {key: sum(counts.get(key, 0) for counts in found.batches.values()) for key in found.variants}
    total, before = sum(new.values()), sum(found.assigned.values())
    out(f"{found.slug}: {total:,} customers would be assigned {day}; nothing was written")
    if before:
        out(f"  {before:,} have a variant already and would keep it")
    if not found.drawn:
        out(f"  no salt is drawn yet: these are counts of the salt {found.salt}, and will be alike, not the same")
    if not total:
        if not found.batches:
            out("  no batch is due")
        else:
            look = f"check it with: holdfast validate --explain {found.slug}"
            note(f"{found.slug}: nobody meets the audience within the traffic; {look}")
        return
    _print_counts(found, new)
    _print_strata(found)
    _print_balance(found)
    for item in found.pressure:
        _print_pressure(item)
    _print_overlaps(found.overlaps)


def _print_counts(found: Preview, new: Mapping[str, int]) -> None:
    out()
    total = sum(new.values())
    clusters = bool(found.clusters)
    header = ("variant", "customers", "share", *(["clusters"] if clusters else []))
    table(
        header,
        [
            (key, f"{n:,}", f"{n / total:.2%}", *([f"{found.clusters.get(key, 0):,}"] if clusters else []))
            for key, n in new.items()
        ],
    )
    if len(found.batches) > 1:
        sizes = [sum(counts.values()) for counts in found.batches.values()]
        out(f"in {len(sizes)} daily batches of {min(sizes):,} to {max(sizes):,}")


def _print_strata(found: Preview) -> None:
    if not found.strata:
        return
    out()
    rows = [
        (stratum, *(f"{counts.get(key, 0):,}" for key in found.variants)) for stratum, counts in found.strata.items()
    ]
    table(("stratum", *found.variants), rows)


def _print_balance(found: Preview) -> None:
    """How far apart the variants would be on what is known of the customers."""
    if not found.balance:
        return
    out()
    chance = "" if found.balance_p is None else f"; by chance so different in {found.balance_p:.1%} of draws"
    out(f"alike before the start (difference from control in standard deviations, 0.1 is much{chance}):")
    treated = list(dict.fromkeys(row.variant for row in found.balance))
    by_title: dict[str, dict[str, str]] = {}
    for row in found.balance:
        by_title.setdefault(row.title, {})[row.variant] = _difference(row)
    table(
        ("property", *treated),
        [(title, *(cells.get(key, "-") for key in treated)) for title, cells in by_title.items()],
    )


def _difference(row: BalanceRow) -> str:
    """With its sign for a number; a category is a distance, which has none."""
    if row.difference is None:
        return "-"
    return f"{row.difference:+.3f}" if row.kind == "number" else f"{row.difference:.3f}"


def _print_pressure(item: Pressure) -> None:
    """How often a channel has reached them, and what the experiment adds."""
    out()
    days = f"{item.days:g} days"
    out(f"messages by {item.channel} in the {days} before (at most {item.cap} in {days} are allowed):")
    total = sum(item.recent.values())
    table(
        ("messages", "customers", "share"),
        [(str(number), f"{n:,}", f"{n / total:.1%}") for number, n in sorted(item.recent.items())],
    )
    planned = ", ".join(f"{key} {n}" for key, n in item.planned.items())
    out(f"this experiment plans: {planned}")
    if item.left_out:
        out(f"{item.left_out:,} customers of the audience stay out, in every variant alike, since it would be too much")


def _print_overlaps(overlaps: Sequence[Overlap]) -> None:
    if not overlaps:
        out()
        out("no other experiment is running")
        return
    for item in overlaps:
        out()
        extra = "".join(f"; up to {n} messages by {channel} together" for channel, n in item.contacts.items())
        if item.units is None:
            out(f"{item.slug} is running; its assignment is not on this machine, so nobody knows who is in both{extra}")
            continue
        out(f"{item.slug} is running: {item.total or 0:,} of these customers are in it too{extra}")
        there = sorted({key for counts in item.units.values() for key in counts})
        if there:
            rows = [(key, *(f"{counts.get(other, 0):,}" for other in there)) for key, counts in item.units.items()]
            table((f"here / {item.slug}", *there), rows)
