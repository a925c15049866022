"""A study beside its lock: what was decided before the start, and whether the files still say so. No engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from holdfast import assign, config
from holdfast.config.lock import read_lock
from holdfast.model.lock import Lock
from holdfast.model.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A study with what its lock holds: the salt that was drawn for it, and where its assignment lies."""

    study: Study
    locked: Lock | None
    assigned_by: int
    """The version whose manifest holds the assignment."""
    design: dict[str, Any]

    @property
    def current(self) -> bool:
        """Whether the lock is of the version that the file says."""
        return self.locked is not None and self.locked.version == self.study.experiment.version


def started(study: Study) -> Started:
    """The study as its lock has it.

    Raises:
        AssignmentError: the design is not the locked one, or the lock cannot be read.
    """
    locked = read_lock(study.root / "experiments" / study.slug)
    if study.experiment.assignment.salt is None and locked and locked.salt:
        study = with_salt(study, locked.salt)
    design = config.design_document(study)
    if locked:
        assign.check_design(study, locked, design)
    return Started(study=study, locked=locked, assigned_by=assign.assigned_by(study, locked), design=design)


def with_salt(study: Study, salt: str) -> Study:
    """The study with a salt that no file gives."""
    assignment = replace(study.experiment.assignment, salt=salt)
    salted = replace(study, experiment=replace(study.experiment, assignment=assignment))
    return replace(salted, config_hash=config.config_hash(salted))
