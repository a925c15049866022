"""Rules that no experiment can break alone: salts and places in exclusion groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.timing import enrolment
from holdfast.model.experiment import Experiment

Read = tuple[str, Sheet, Experiment | None]
"""One experiment as it was read: slug, file, and what it says as far as that can be told."""


def check_across(experiments: Iterable[Read]) -> None:
    """No two experiments draw the same numbers, or share customers that they were to keep apart."""
    read = list(experiments)
    _check_salts(read)
    _check_slots(read)


def _check_salts(experiments: list[Read]) -> None:
    first: dict[str, str] = {}
    for slug, sheet, experiment in experiments:
        salt = experiment.assignment.salt if experiment is not None else None
        if salt is None:
            continue
        if salt in first:
            message = f'salt "{salt[:100]}" is used by {first[salt]} too; give each experiment its own'
            sheet.judge("salt-reused", ("assignment", "salt"), message)
        first.setdefault(salt, slug)


def _check_slots(experiments: list[Read]) -> None:
    groups: defaultdict[str, list[tuple[str, Sheet, Experiment]]] = defaultdict(list)
    for slug, sheet, experiment in experiments:
        if experiment is not None and experiment.assignment.exclusion_group is not None:
            groups[experiment.assignment.exclusion_group.name].append((slug, sheet, experiment))
    for name, members in groups.items():
        for index, (slug, sheet, experiment) in enumerate(members):
            for other, _, earlier in members[:index]:
                _check_pair(sheet, experiment, earlier, name=name, slug=slug, other=other)


def _check_pair(sheet: Sheet, experiment: Experiment, earlier: Experiment, *, name: str, slug: str, other: str) -> None:
    mine, theirs = experiment.assignment.exclusion_group, earlier.assignment.exclusion_group
    here, there = enrolment(experiment.enroll), enrolment(earlier.enroll)
    if mine is None or theirs is None or here is None or there is None or slug == other:
        return
    apart = mine.slot.high <= theirs.slot.low or theirs.slot.high <= mine.slot.low
    if apart or here[1] <= there[0] or there[1] <= here[0]:
        return
    message = (
        f"{mine.slot} of {name} overlaps {theirs.slot}, which {other} takes while it enrols from {there[0]}; take "
        "another slot, or enrol at another time"
    )
    path: Path = ("assignment", "exclusion_group", "slot")
    sheet.judge("slots-overlap", path, message, rests_on=("enroll",))
