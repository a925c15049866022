"""Labels of an assignment by another system that are no variant: which of them may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

from holdfast.model.study import Study

MAX_LABELS = 20
"""More distinct unlisted labels than this are only counted: the column may hold ids, which must not reach a report."""
_LONGEST, _ALIKE = 60, 0.75
"""Characters of a label that may be a slip of the pen, and how much it is like the one that was meant."""


def told_labels(study: Study, found: Mapping[str, int]) -> dict[str, int]:
    """Units by label that is no variant: by name where units enough have it, or where it is nearly one that is listed;
    all others in one number, since they may be ids."""
    if len(found) > MAX_LABELS:
        return {f"({len(found)} different labels)": sum(found.values())}
    named = {label: n for label, n in found.items() if _may_be_named(study, label, n)}
    left = [n for label, n in found.items() if label not in named]
    return named | ({f"({len(left)} other label{'s' if len(left) > 1 else ''})": sum(left)} if left else {})


def _may_be_named(study: Study, label: str, units: int) -> bool:
    """Whether a label that is no variant may be shown: units enough have it, or it is nearly one that is listed."""
    if units >= study.project.privacy.minimum_cell:
        return True
    listed = {*study.experiment.variants, *study.experiment.assignment.labels}
    near = (SequenceMatcher(None, (label or "").strip().lower(), each.strip().lower()).ratio() for each in listed)
    return len(label or "") <= _LONGEST and max(near, default=0.0) >= _ALIKE
