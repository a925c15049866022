"""The Bayesian view: what to believe of an effect given a prior, which stands beside every number."""

from __future__ import annotations

from holdfast.model.found import Belief, Quantity
from holdfast.report import numbers
from holdfast.report.numbers import LIFT
from holdfast.report.quantities import chance, change_of
from holdfast.report.sections import Part, Section
from holdfast.report.text import Safe
from holdfast.report.view import Table, View


def beliefs(view: View) -> Section | None:
    """The section; None where no prior was given, and for an interim run."""
    rows, voice = view.analysis.beliefs, view.voice
    if not rows or view.analysis.plan.interim:
        return None
    expect = view.analysis.plan.expect
    worth = expect is not None and any(row.worthwhile is not None for row in rows)
    columns = ("prior", "change", "better", *(("worthwhile",) if worth else ()), "loss")
    effect = view.numbers.planned_effect(expect) if expect else Safe("")
    head = (
        voice.say("table.metric"),
        voice.say("table.compared"),
        *(voice.say(f"belief.{key}", expect=effect) for key in columns),
    )
    table = Table(head, "ll" + "r" * len(columns), tuple(_row(view, row, worth=worth) for row in rows))
    confidence = numbers.percent(view.analysis.plan.confidence)
    intro = voice.say("belief.intro", confidence=confidence)
    return Section(voice.say("heading.beliefs"), intro, (Part(table=table),))


def _row(view: View, row: Belief, *, worth: bool) -> tuple[Safe, ...]:
    names = view.voice.say("words.against", variant=view.name(row.variant), baseline=view.name(row.baseline))
    found = Quantity(estimate=row.estimate, lower=row.lower, upper=row.upper)
    worthwhile = Safe("–") if row.worthwhile is None else chance(view, row.worthwhile)
    prior = {
        "mean": view.numbers.change(row.prior_mean, LIFT, 1),
        "sd": view.numbers.size(row.prior_sd, LIFT, 1),
    }
    return (
        view.title(row.metric),
        names,
        view.voice.say("belief.prior_of", **prior),
        change_of(view, found, LIFT),
        chance(view, row.better),
        *((worthwhile,) if worth else ()),
        view.numbers.size(row.expected_loss, LIFT, 2),
    )
