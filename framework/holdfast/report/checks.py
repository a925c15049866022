"""Health checks in words. What each check's value is: srm and daily_split a p-value, contamination and maturity a
share of the units, unlisted_labels a number of units, empty_variant a number of variants."""

from __future__ import annotations

from holdfast.model.result import Check, CheckStatus
from holdfast.report import numbers
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

_SHARES = ("contamination", "maturity")
_TO_LOOK_AT: tuple[CheckStatus, ...] = ("note", "block")
_NAMES = {"unlisted_labels": "labels", "empty_variant": "variants"}
"""Which detail of a check lists what it found."""


def warnings(view: View) -> tuple[Safe, ...]:
    """A paragraph for each check that needs a look: what it means and what to do."""
    checks = view.analysis.checks
    # The daily split compares nothing that an empty variant has not already spoilt, so the worst comes first.
    ordered = sorted((check for check in checks if check.status in _TO_LOOK_AT), key=lambda c: c.status != "block")
    return tuple(view.voice.say(f"alert.{check.id}.{check.status}", **_values(view, check)) for check in ordered)


def figure(view: View, check: Check) -> Safe:
    """What a check measured, such as 44,700 to 45,489 for 50/50, p = 0.0086; a dash where it does not apply."""
    if check.status == "not_applicable" or (check.value is None and check.id != "srm"):
        return Safe("–")
    sentence = view.voice.say(f"figure.{check.id}", **_plain_values(view, check))
    names = check.details.get(_NAMES.get(check.id, ""), "")
    if not check.value or not isinstance(names, str) or not names:
        return sentence
    return view.voice.say("figure.named", figure=sentence, names=names)


def _plain_values(view: View, check: Check) -> dict[str, Safe]:
    value = check.value
    shown = Safe("–") if value is None else _measured(check.id, value)
    return {
        "value": shown,
        "p": numbers.p_value(value),
        "units": view.units,
        "counts": split_counts(view),
        "weights": weights(view),
    }


def _measured(id: str, value: float) -> Safe:
    return numbers.percent(value) if id in _SHARES else numbers.count(round(value))


def _values(view: View, check: Check) -> dict[str, Safe]:
    return {**_plain_values(view, check), "figure": figure(view, check)}


def split_counts(view: View) -> Safe:
    """Units of each variant, control first: 44,700 to 45,489; three and more with commas."""
    counts = [numbers.count(info.assigned) for info in view.ordered]
    if len(counts) == 2:
        return view.voice.say("words.to_from", first=counts[0], last=counts[1])
    return view.voice.listed(counts)


def weights(view: View) -> Safe:
    """The planned split: 50/50 for two variants, otherwise the weights, 1:1:1."""
    planned = [info.weight for info in view.ordered]
    total = sum(planned)
    if len(planned) == 2 and total and all(100 * weight % total == 0 for weight in planned):
        return Safe("/".join(str(100 * weight // total) for weight in planned))
    return Safe(":".join(str(weight) for weight in planned))


def health(view: View) -> Table:
    """The table of checks: symbol and word, figure, what to do."""
    voice = view.voice
    head = tuple(voice.say(f"table.{key}") for key in ("check", "result", "figure", "todo"))
    rows = []
    for check in view.analysis.checks:
        todo = check.status if check.status not in _TO_LOOK_AT else check.id
        cells = (
            voice.say(f"check.{check.id}"),
            voice.say(f"status.{check.status}"),
            figure(view, check),
            voice.say(f"todo.{todo}", units=view.units),
        )
        rows.append(cells)
    return Table(head, "llll", tuple(rows))


def trust(view: View) -> Safe:
    """Whether the result can be trusted: the checks, the split and the deviations in a line."""
    voice = view.voice
    made = [check for check in view.analysis.checks if check.status != "not_applicable"]
    parts = [_tally(view, made)]
    srm = view.check("srm")
    if srm is not None and srm.value is not None:
        parts.append(voice.say("trust.split", counts=split_counts(view), p=numbers.p_value(srm.value)))
    number = len(view.analysis.deviations)
    key = {0: "planned", 1: "deviations_one"}.get(number, "deviations")
    parts.append(voice.say(f"trust.{key}", number=number))
    return voice.together(parts)


def _tally(view: View, made: list[Check]) -> Safe:
    for status in ("block", "note"):
        found = [view.voice.say(f"check.{check.id}") for check in made if check.status == status]
        if found:
            checks = view.voice.listed(found)
            return view.voice.say(f"trust.{status}", number=len(found), all=len(made), checks=checks)
    if not made:
        return view.voice.say("trust.no_checks")
    return view.voice.say("trust.one_ok" if len(made) == 1 else "trust.ok", number=len(made))
