"""What the files ask of each source of data: columns, what they are needed for, and where each was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.model.predicate import Condition
from holdfast.model.study import Study

Use = Literal["key", "id", "time", "number", "any"]
"""What a column has to be good for: to join by, to be hashed, to date, to sum or average, or just to be there."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in a file, both numbers from 1."""

    path: str
    """The file, relative to the project."""
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One column that something asks of a source."""

    column: str
    use: Use
    what: str
    """What asks for it, in the reader's words, such as `fact revenue` or `audience`."""
    place: Place
    condition: Condition | None = None
    """What it is compared with."""
    may_be_empty: bool = False
    """Whether somebody has said what an empty value means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A source whose key has to be of the same type as that of the units."""

    column: str
    """The key of the source that asks."""
    source: str
    """The source of the units, by its label."""
    key: str
    """Its key."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The part of a source that says who another system gave what."""

    study: Study
    variant: Place
    """Where the column, or the rules, that say the variant stand."""
    labels: tuple[tuple[str, Place], ...]
    """Every label that stands for a variant of some weight."""
    has_outcomes: bool
    """Whether metrics measure columns of the same source, so that no unit may stand on two rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """All that experiments ask of one source."""

    name: str
    label: str
    """What it is called: its name, and the experiment for a file that only that one names."""
    study: Study
    """One of the experiments that read it; all of them see it alike."""
    place: Place
    """Where the source is defined."""
    location: Place
    """Where its table or path is named."""
    needs: tuple[Need, ...]
    joins: tuple[Join, ...] = ()
    assigned: tuple[Assigned, ...] = ()
    readers: tuple[Study, ...] = ()
    """The experiments that read it; none for a source that is only defined."""
    units: bool = False
    """Whether some experiment takes its units from it."""
