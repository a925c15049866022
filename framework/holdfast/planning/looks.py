"""On which dates an experiment is looked at before its readout."""

from __future__ import annotations

import datetime as dt

from holdfast.model.experiment import AlwaysValid, GroupSequential
from holdfast.model.plan import PlannedLooks, PlannedMetric, planned_end
from holdfast.model.study import Study


def planned_looks(
    study: Study, start: dt.date | None, readout: dt.date | None, metrics: tuple[PlannedMetric, ...]
) -> PlannedLooks | None:
    """The looks of a plan; None where it is read once.

    The first of dated looks comes a week (or a day) after the first customer's window has closed and its facts have
    arrived, the last is the readout. An always-valid plan may be read on any day from its first on.
    """
    settings = study.experiment.analysis.looks
    if settings == "fixed" or start is None or readout is None:
        return None
    primary = next(planned for planned in metrics if planned.role == "primary")
    late = study.freshness(primary.sources).timedelta
    closes = planned_end(primary) if primary.window else 0
    known = start + dt.timedelta(days=closes) + dt.timedelta(days=-(-late // dt.timedelta(days=1)))
    if isinstance(settings, AlwaysValid):
        first = max(known + dt.timedelta(days=1), start + settings.start.timedelta)
        return PlannedLooks(method="always_valid", first=min(first, readout))
    assert isinstance(settings, GroupSequential)
    step = dt.timedelta(days=7 if settings.group_sequential == "weekly" else 1)
    dates, day = [], known + step
    while day < readout:
        dates.append(day)
        day += step
    return PlannedLooks(
        method="group_sequential", spending=settings.spending, dates=(*dates, readout), first=min([*dates, readout])
    )
