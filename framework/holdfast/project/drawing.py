"""One batch drawn: once by rule, or again and again until the variants are alike in what the file names."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

from holdfast import warehouse
from holdfast.errors import AssignmentError
from holdfast.model.manifest import Draw
from holdfast.model.outcome import NotEstimable
from holdfast.model.study import Study

_PATIENCE = 50
"""Draws expected for each that is accepted, times this, are made before giving up: e^-50 by chance."""


def draw(
    engine: warehouse.Engine,
    study: Study,
    day: dt.date,
    *,
    earlier: Any | None,
    target: Path,
    locked: Draw | None = None,
) -> Draw | None:
    """Write the units that enrol as of a date, with their variants, to a Parquet file.

    Returns:
        Which draw was taken, where the experiment asks for re-randomisation (Morgan and Rubin 2012): draw k has the
        salt followed by `~` and k. With a locked draw that very one is made again.

    Raises:
        AssignmentError: no draw was alike enough, or nothing tells the customers apart.
        DataError: a table, column or key is missing or unfit.
    """
    wanted = study.experiment.assignment.rerandomise
    salt = study.experiment.assignment.salt or ""
    people = warehouse.audience(engine, study, day, earlier)
    if wanted is None:
        warehouse.write_draw(engine, study, people, as_of=day, salt=salt, earlier=earlier, target=target)
        return None
    found = locked or _accepted(engine, study, people, day, float(wanted.accept))
    warehouse.write_draw(
        engine, study, people, as_of=day, salt=_salt(salt, found.tries), earlier=earlier, target=target
    )
    return found


def _salt(salt: str, tries: int) -> str:
    """The salt of one draw; no salt that a file gives has this sign, so that no two experiments share one."""
    return f"{salt}~{tries}"


def _short(value: float) -> float:
    """As many digits as are the same on every engine."""
    return float(f"{value:.9g}")


def _accepted(engine: warehouse.Engine, study: Study, people: Any, day: dt.date, accept: float) -> Draw:
    """The first draw whose variants are alike enough."""
    # Few experiments draw again; every analysis loads this module before it reads.
    from scipy import special

    from holdfast import stats

    wanted = study.experiment.assignment.rerandomise
    assert wanted is not None
    salt = study.experiment.assignment.salt or ""
    for tries in range(1, math.ceil(_PATIENCE / accept) + 1):
        groups = warehouse.groups(engine, study, people, as_of=day, salt=_salt(salt, tries))
        test = stats.omnibus([stats.Group(*group) for group in groups])
        if isinstance(test, NotEstimable):
            what = f"draws cannot be compared in {', '.join(wanted.on)}: {test.detail}"
            raise AssignmentError(f"{study.slug}: {what}; leave out rerandomise")
        # The statistic is about chi-square: the limit is its quantile, the same for every draw.
        limit = float(special.chdtri(test.df[0], 1 - accept))
        if test.statistic <= limit:
            return Draw(covariates=wanted.on, tries=tries, distance=_short(test.statistic), limit=_short(limit))
    raise AssignmentError(
        f"{study.slug}: no draw of {tries:,} was alike enough in {', '.join(wanted.on)}; raise `accept`, or leave out "
        "rerandomise"
    )
