"""How soon the units of every variant were exposed, as the report shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.model.found import ExposureDays, ExposureResult
from holdfast.model.reading import Reading
from holdfast.model.study import Study

_MOST_STEPS = 60
"""Steps that are told at most: over a year, weeks show a fault as well as days do."""


def exposure_days(study: Study, reading: Reading) -> ExposureResult | None:
    """Units exposed by variant and days since assignment, days of few units together; None where everybody who was
    assigned counts, and where no variant has as many exposed units as may be shown."""
    seen = reading.exposure
    if seen is None or not seen.by_day:
        return None
    minimum = study.project.privacy.minimum_cell
    keys = [key for key, variant in study.experiment.variants.items() if variant.weight and key in seen.offered]
    met = {key: sum(day.get(key, 0) for day in seen.by_day.values()) for key in keys}
    # Nobody is told of by a variant without any exposure, which is the fault that most needs to be seen.
    shown = [key for key in keys if met[key] >= minimum or not met[key]]
    filled = [key for key in shown if met[key]]
    if not filled:
        return None
    return ExposureResult(
        offered=tuple((key, seen.offered[key]) for key in shown),
        days=tuple(
            ExposureDays(first_day=first, last_day=last, counts=tuple((key, counts.get(key, 0)) for key in shown))
            for first, last, counts in _steps(seen.by_day, filled, minimum)
        ),
    )


def _steps(
    by_day: Mapping[int, Mapping[str, int]], keys: list[str], minimum: int
) -> Iterator[tuple[int, int, dict[str, int]]]:
    """First day, last day and units of each step: as few days as leave every variant the minimum."""
    days = range(max(by_day) + 1)
    least = -(-len(days) // _MOST_STEPS)
    left = {key: sum(day.get(key, 0) for day in by_day.values()) for key in keys}
    first, counts = 0, dict.fromkeys(keys, 0)
    for day in days:
        for key in keys:
            counts[key] += by_day.get(day, {}).get(key, 0)
        rest = {key: left[key] - counts[key] for key in keys}
        # What follows must be enough for a step of its own, or be part of this one.
        closes = day == days[-1] or (day + 1 - first >= least and min(rest.values()) >= minimum)
        if closes and min(counts.values()) >= minimum:
            yield first, day, counts
            first, left, counts = day + 1, rest, dict.fromkeys(keys, 0)
