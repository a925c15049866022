"""What the table of checks has to say, and the warnings above it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.model.result import Check
from tests.unit.report.printed import Day, Number, Told
from tests.unit.report.telling import DASH, Claim, Words

_COUNTED = ("looks", "batches", "segments", "properties", "metrics", "days", "parts")
_SHARES = ("contamination", "maturity")
_WORST = ("batch_split", "segment_split", "balance", "pre_period")


def warning(words: Words, check: Check) -> Told:
    tone = "note_early" if check.id == "srm" and check.status == "note" and check.details.get("early") else check.status
    return words.say(f"alert.{check.id}.{tone}", **_values(words, check), figure=figure(words, check))


def _values(words: Words, check: Check) -> dict[str, Told | str]:
    value = check.value or 0.0
    measured = words.cell(words.percent(value) if check.id in _SHARES else words.count(round(value)))
    if check.id == "unlisted_labels":
        measured = words.counted("counter", round(value))
    details = check.details
    counts = {name: words.cell(words.count(float(details.get(name, 0)))) for name in _COUNTED}
    shares = [
        words.cell(words.percent(float(details[f"share_{info.key}"])))
        for info in words.ordered
        if f"share_{info.key}" in details
    ]
    named = {"metric": str(details.get("metric", "")), "variant": str(details.get("variant", ""))}
    factor, _, unit = words.scale(named["metric"])
    moved = {
        name: words.cell([Number(float(details[name]) * factor, unit)]) for name in ("first", "last") if name in details
    }
    return {
        "value": measured,
        "p": words.p(check.value),
        "units": words.units,
        "counts": split(words),
        "weights": weights(words),
        "limit": words.cell(words.count(check.limit or 0.0)),
        "day": words.cell([Day(str(details["day"]))]) if "day" in details else "",
        "metric": words.title(named["metric"]),
        "variant": words.name(named["variant"]),
        "shares": words.say("words.versus", first=shares[0], last=shares[1])
        if len(shares) == 2
        else words.listed(shares),
        **moved,
        **counts,
    }


def figure(words: Words, check: Check) -> Told:
    """What a check measured."""
    if check.status == "not_applicable" or (check.value is None and check.id != "srm"):
        return DASH
    at_work = check.status in {"note", "block"}
    key, cause = str(check.id), check.details.get("cause")
    if check.id == "novelty":
        key = "novelty_change" if at_work and {"first", "last", "variant"} <= set(check.details) else key
    elif cause:
        key = f"{key}_{cause}" if at_work or cause in {"share", "mature"} else key
    elif check.id == "srm_sequential":
        since = at_work and check.details.get("day")
        key = "srm_sequential_since" if since else "srm_sequential_one" if check.details.get("looks") == 1 else key
    told = words.say(f"figure.{key}", **_values(words, check))
    if check.id in _WORST:
        return words.say("figure.worst", figure=told, worst=_worst(words, check)) if at_work else told
    names = check.details.get({"unlisted_labels": "labels", "empty_variant": "variants"}.get(check.id, ""), "")
    return words.say("figure.named", figure=told, names=str(names)) if check.value and names else told


def _worst(words: Words, check: Check) -> Told:
    details = check.details
    if check.id == "batch_split":
        first, end = str(details["batch"]), str(details["batch_last"])
        dates = [
            words.cell([Day(each)]) if re.fullmatch(r"\d{4}-\d\d-\d\d", each) else Told(re.escape(each))
            for each in (first, end)
        ]
        return dates[0] if first == end else words.say("words.to_from", first=dates[0], last=dates[1])
    if check.id == "balance":
        size = [Number(abs(float(details["difference"])))]
        return words.say("balance.worst", property=str(details["property"]), size=size)
    name = words.title(str(details.get("metric"))) if check.id == "pre_period" else str(details.get("segment", ""))
    return Told(re.escape(name))


def split(words: Words) -> Told:
    counts = [
        words.counted("counter", info.assigned)
        if info.clusters is None
        else words.form(
            words.sentences.get("counter.cluster", words.sentences["counter.other"]), count=[Number(info.clusters)]
        )
        for info in (*words.ordered, *words.closed)
    ]
    return words.say("words.versus", first=counts[0], last=counts[1]) if len(counts) == 2 else words.listed(counts)


def weights(words: Words) -> Told:
    planned = [info.weight for info in (*words.ordered, *words.closed)]
    total = sum(planned)
    if len(planned) == 2 and all(100 * weight % total == 0 for weight in planned):
        return Told("/".join(f"{100 * weight // total}" for weight in planned))
    return Told(":".join(map(str, planned)))


def health(words: Words) -> Iterator[Claim]:
    """The table of checks."""
    for check in words.analysis.checks:
        todo = str(check.id) if check.status in {"note", "block"} else check.status
        todo = "one_look" if check.details.get("reason") == "one_look" else todo
        cells = [words.say(f"check.{check.id}"), words.say(f"status.{check.status}"), figure(words, check)]
        yield words.words("heading.health"), [*cells, words.say(f"todo.{todo}", units=words.units)]
