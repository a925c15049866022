"""Health checks in words. What each check's value is: for contamination and maturity a share of the units, for
unlisted_labels a number of units, for empty_variant a number of variants, for all others a p-value."""

from __future__ import annotations

from holdfast.model.result import Check, CheckStatus
from holdfast.report import numbers
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

_SHARES = ("contamination", "maturity")
_TO_LOOK_AT: tuple[CheckStatus, ...] = ("note", "block")
_NAMES = {"unlisted_labels": "labels", "empty_variant": "variants"}
"""Which detail of a check lists what it found."""
_OF_DRAWS = ("srm", "srm_sequential", "daily_split")
"""Checks of what was drawn, which may be clusters."""
_WORST = ("batch_split", "segment_split", "balance", "pre_period")
"""Checks that name the worst of what they compared, once there is something to look at."""


def warnings(view: View) -> tuple[Safe, ...]:
    """A paragraph for each check that needs a look: what it means and what to do."""
    checks = [check for check in view.analysis.checks if check.status in _TO_LOOK_AT]
    # Two tests of one split say one thing: the one that says more speaks.
    split = {check.id: check.status for check in checks if check.id in {"srm", "srm_sequential"}}
    silent = "srm" if split.get("srm_sequential") == "block" != split.get("srm") else "srm_sequential"
    told = [check for check in checks if len(split) < 2 or check.id != silent]
    # The daily split compares nothing that an empty variant has not already spoilt, so the worst comes first.
    ordered = sorted(told, key=lambda check: check.status != "block")
    return tuple(view.voice.say(f"alert.{check.id}.{_tone(check)}", **_values(view, check)) for check in ordered)


def _tone(check: Check) -> str:
    early = check.id == "srm" and check.status == "note" and check.details.get("early")
    return "note_early" if early else check.status


def figure(view: View, check: Check) -> Safe:
    """What a check measured, such as 44,700 to 45,489 for 50/50, p = 0.0086; a dash where it does not apply."""
    if check.status == "not_applicable" or (check.value is None and check.id != "srm"):
        return Safe("–")
    sentence = view.voice.say(f"figure.{_kind(check)}", **_plain_values(view, check))
    if check.id in _WORST:
        worst = _worst(view, check) if check.status in _TO_LOOK_AT else Safe("")
        return view.voice.say("figure.worst", figure=sentence, worst=worst) if worst else sentence
    names = check.details.get(_NAMES.get(check.id, ""), "")
    if not check.value or not isinstance(names, str) or not names:
        return sentence
    return view.voice.say("figure.named", figure=sentence, names=names)


def _kind(check: Check) -> str:
    """Which sentence tells a check's figure."""
    if check.id == "novelty":
        told = check.status in _TO_LOOK_AT and all(name in check.details for name in ("first", "last", "variant"))
        return "novelty_change" if told else check.id
    if cause := check.details.get("cause"):
        return f"{check.id}_{cause}" if check.status in _TO_LOOK_AT or cause in {"share", "mature"} else check.id
    if check.id != "srm_sequential":
        return check.id
    if check.status in _TO_LOOK_AT and check.details.get("day"):
        return "srm_sequential_since"
    return check.id if check.details.get("looks", 0.0) != 1 else "srm_sequential_one"


def _worst(view: View, check: Check) -> Safe:
    """The batch, segment or property that stands out; empty where it must not be named."""
    if check.id == "batch_split":
        first, last = (view.numbers.label(str(check.details.get(name, ""))) for name in ("batch", "batch_last"))
        return view.voice.say("words.to_from", first=first, last=last) if last and first != last else first
    if check.id == "pre_period":
        return view.title(str(check.details.get("metric", "")))
    if check.id == "segment_split":
        return view.voice.text(str(check.details.get("segment", "")))
    difference, name = check.details.get("difference"), check.details.get("property")
    if not isinstance(difference, int | float) or not name:
        return Safe("")
    size = view.numbers.size(difference, numbers.Scale("plain"), 2)
    return view.voice.say("balance.worst", property=str(name), size=size)


def _plain_values(view: View, check: Check) -> dict[str, Safe]:
    value = check.value
    drawn = "cluster" if check.id in _OF_DRAWS and view.analysis.experiment.cluster else view.analysis.experiment.unit
    shown = Safe("–") if value is None else _measured(view, check.id, value)
    counted = {
        name: numbers.count(round(number)) if isinstance(number := check.details.get(name), int | float) else Safe("–")
        for name in ("looks", "batches", "segments", "properties", "metrics", "days", "parts")
    }
    return {
        "value": shown,
        "p": numbers.p_value(value),
        "units": view.voice.units(drawn),
        "counts": split_counts(view),
        "weights": weights(view),
        "limit": Safe("–") if check.limit is None else Safe(f"{check.limit:g}"),
        "day": view.numbers.day(str(check.details.get("day", ""))),
        "metric": view.title(str(check.details.get("metric", ""))),
        "variant": view.name(str(check.details.get("variant", ""))),
        "shares": _shares(view, check),
        **_moved(view, check),
        **counted,
    }


def _shares(view: View, check: Check) -> Safe:
    """A share of each variant, control first: 41.2% to 39.8%."""
    found = [check.details.get(f"share_{info.key}") for info in view.ordered]
    shown = [numbers.percent(share) for share in found if isinstance(share, int | float)]
    if len(shown) == 2:
        return view.voice.say("words.versus", first=shown[0], last=shown[1])
    return view.voice.listed(shown)


def _moved(view: View, check: Check) -> dict[str, Safe]:
    """The effect in the first and in the last part of the window."""
    scale = view.scale(str(check.details.get("metric", "")))
    error = check.details.get("slope_se")
    decimals = numbers.places(4 * error if isinstance(error, int | float) else None, scale)
    found = {name: check.details.get(name) for name in ("first", "last")}
    return {
        name: view.numbers.change(value, scale, decimals) if isinstance(value, int | float) else Safe("–")
        for name, value in found.items()
    }


def _measured(view: View, id: str, value: float) -> Safe:
    if id == "unlisted_labels":
        return view.counter(round(value))
    return numbers.percent(value) if id in _SHARES else numbers.count(round(value))


def _values(view: View, check: Check) -> dict[str, Safe]:
    return {**_plain_values(view, check), "figure": figure(view, check)}


def split_counts(view: View) -> Safe:
    """Units of each variant, or the clusters that were drawn as one, control first: 44,700 to 45,489; three and more
    with commas."""
    infos = (*view.ordered, *view.closed)
    counts = [
        view.counter(info.assigned) if info.clusters is None else view.voice.counter("cluster", info.clusters)
        for info in infos
    ]
    if len(counts) == 2:
        return view.voice.say("words.versus", first=counts[0], last=counts[1])
    return view.voice.listed(counts)


def weights(view: View) -> Safe:
    """The planned split: 50/50 for two variants, otherwise the weights, 1:1:1."""
    planned = [info.weight for info in (*view.ordered, *view.closed)]
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
        todo: str = check.status if check.status not in _TO_LOOK_AT else check.id
        todo = "one_look" if check.details.get("reason") == "one_look" else todo
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
    # Until the readout the split is looked at again and again, and only one p-value allows for that.
    srm = view.check("srm_sequential" if view.analysis.plan.interim else "srm") or view.check("srm")
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
