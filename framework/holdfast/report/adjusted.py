"""What the adjustment for covariates and strata did: each difference before and after it, side by side."""

from __future__ import annotations

from holdfast.model.found import Quantity
from holdfast.model.result import Estimate
from holdfast.report import numbers
from holdfast.report.numbers import Scale
from holdfast.report.quantities import change_of
from holdfast.report.text import Safe
from holdfast.report.view import Table, View


def adjusted_rows(view: View) -> tuple[Estimate, ...]:
    """The differences that were adjusted, in the order of the results; none for an interim run."""
    if view.analysis.plan.interim:
        return ()
    rows = view.analysis.estimates
    return tuple(row for row in rows if row.estimand == "difference" and row.unadjusted is not None)


def twin(view: View) -> Table:
    """The table "with and without adjustment"; without rows where nothing was adjusted."""
    voice, found = view.voice, adjusted_rows(view)
    named = len(view.treated) > 1 or any(row.baseline != view.control.key for row in found)
    keys = ("baseline_before", "variant_before", "before", "after", "saved")
    head = (
        voice.say("table.metric"),
        *((voice.say("table.compared"),) if named else ()),
        *(voice.say(f"adjusted.{key}") for key in keys),
    )
    rows = tuple(_row(view, row, named=named) for row in found)
    intro = voice.say("adjusted.intro", units=view.units) if rows else Safe("")
    return Table(head, ("ll" if named else "l") + "r" * len(keys), rows, voice.say("heading.adjusted"), intro)


def _row(view: View, row: Estimate, *, named: bool) -> tuple[Safe, ...]:
    info, scale = view.metric(row.metric), view.scale(row.metric)
    before = Quantity(estimate=row.unadjusted, lower=row.unadjusted_lower, upper=row.unadjusted_upper)
    after = Quantity(estimate=row.estimate, lower=row.lower, upper=row.upper, reason=row.reason)
    width = None if before.lower is None or before.upper is None else before.upper - before.lower
    decimals = numbers.places(width, scale)
    names = view.voice.say("words.against", variant=view.name(row.variant), baseline=view.name(row.baseline))
    saved = row.variance_saved
    return (
        view.titled(info) if info else view.title(row.metric),
        *((names,) if named else ()),
        *(_before(view, row.metric, variant, decimals) for variant in (row.baseline, row.variant)),
        change_of(view, before, scale),
        change_of(view, after, scale),
        Safe("–") if saved is None else view.numbers.level(saved, Scale("share"), 0),
    )


def _before(view: View, metric: str, variant: str, decimals: int) -> Safe:
    level = view.analysis.level(metric, variant)
    if level is None or level.unadjusted is None:
        return Safe("–")
    return view.numbers.level(level.unadjusted, view.scale(metric), decimals)
