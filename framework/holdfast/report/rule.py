"""A decision rule of the experiment's own: for each condition what it asks for, and what was read."""

from __future__ import annotations

from holdfast.model.result import AskedReading, Estimate, State
from holdfast.report import numbers
from holdfast.report.text import Safe
from holdfast.report.view import View, interval

_REASONS = ("conditions_met", "conditions_not_met")


def conditions(view: View, reason: str, variant: str) -> tuple[Safe, ...]:
    """A sentence for each condition, for one variant; none where another rule decided."""
    if reason not in _REASONS:
        return ()
    return tuple(_condition(view, each, variant) for each in view.analysis.plan.ship_if)


def _condition(view: View, asked: AskedReading, variant: str) -> Safe:
    voice = view.voice
    row = view.decisive(asked.metric, variant)
    wanted = Safe(voice.say("rule.or").join(_bound(view, state, row) for state in asked.reads))
    names = {"metric": view.title(asked.metric), "asked": wanted}
    if row is None or row.estimate is None or row.status != "estimated" or row.state == "not_estimable":
        reason = voice.say("reason.unknown") if row is None else view.reason(row)
        return voice.say("rule.missing", reason=reason, **names)
    shown, scale = interval(row), view.scale(row.metric, row.estimand)
    places = numbers.interval_places(shown.lower, shown.upper, scale) if shown else numbers.places(None, scale)
    return voice.say(
        "rule.held" if row.state in asked.reads else "rule.failed",
        read=voice.say(f"state.{row.state}"),
        estimate=view.numbers.change(row.estimate, scale, places),
        interval=view.range(row) or view.reason(row),
        **names,
    )


def _bound(view: View, state: State, row: Estimate | None) -> Safe:
    """A reading with what the interval has to clear for it: zero, or the harm that is tolerated."""
    tolerated = row is not None and row.role == "guardrail" and row.margin is not None
    key = "unsure" if state == "cannot_tell" and tolerated else state
    margin = view.margin(row) if row is not None else Safe("–")
    return view.voice.say(f"rule.{key}", margin=margin)
