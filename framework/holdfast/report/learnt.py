"""The index's second half: what experiments of a kind say together, and what to expect of each."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from holdfast.model.found import Quantity
from holdfast.model.portfolio import GroupKind, PastEffect, PooledEffect, Portfolio, PortfolioGroup
from holdfast.report import numbers
from holdfast.report.numbers import LIFT
from holdfast.report.text import Safe
from holdfast.report.view import Table
from holdfast.report.words import Voice

_KINDS: tuple[tuple[GroupKind, str], ...] = (
    ("tactic_type", "tactic_type"),
    ("stage", "stage"),
    ("churn_driver", "driver"),
)
"""Kinds of groups, and where the catalogue names theirs."""
_NEAREST: tuple[GroupKind, ...] = ("tactic_type", "churn_driver", "stage")


@dataclass(frozen=True, slots=True)
class Learnt:
    """The section, as its template takes it."""

    title: Safe
    intro: Safe
    tables: tuple[Table, ...]
    notes: tuple[Safe, ...]


def learnt(portfolio: Portfolio, voice: Voice) -> Learnt | None:
    """What was learnt by tactic, by stage and by driver; None where no experiment has an effect to tell."""
    if not portfolio.groups:
        return None
    tables = [_groups(portfolio, voice, kind, words) for kind, words in _KINDS]
    tables.append(_effects(portfolio, voice))
    several = any(pooled.mean.estimate is not None for group in portfolio.groups for pooled in group.pooled)
    notes = [voice.say("learnt.too_narrow"), voice.say("learnt.winners")] if several else []
    notes += _single(portfolio, voice) if any(table.rows for table in tables) else [voice.say("learnt.nothing_yet")]
    notes += [voice.say("learnt.counted_twice")] if _twice(portfolio) else []
    notes += [voice.say(f"learnt.left_out.{key}", number=count) for key, count in _left_out(portfolio)]
    return Learnt(
        title=voice.say("learnt.title"),
        intro=voice.say("learnt.intro", confidence=numbers.percent(portfolio.confidence)),
        tables=tuple(table for table in tables if table.rows),
        notes=tuple(notes),
    )


def _single(portfolio: Portfolio, voice: Voice) -> list[Safe]:
    """What stands alone, kind by kind."""
    lines = []
    for kind, words in _KINDS:
        names = [
            voice.say("learnt.kind", name=voice.one_of(words, group.name), metric=pooled.title)
            for group in portfolio.groups
            for pooled in group.pooled
            if group.kind == kind and len(pooled.effects) == 1
        ]
        if names:
            lines.append(voice.say("learnt.single", names=voice.listed(names)))
    return lines


def _twice(portfolio: Portfolio) -> bool:
    """Whether an experiment stands in two rows of one table."""
    shown = [
        (group.kind, past.experiment)
        for group in portfolio.groups
        for pooled in group.pooled
        for past in pooled.effects
        if len(pooled.effects) > 1 and group.kind != "tactic_type"
    ]
    return len(shown) > len(set(shown))


def _left_out(portfolio: Portfolio) -> list[tuple[str, int]]:
    known = ("not_read_yet", "no_verdict")
    keys = [each.reason if each.reason in known else "no_change" for each in portfolio.left_out]
    return [(key, keys.count(key)) for key in (*known, "no_change") if key in keys]


def _groups(portfolio: Portfolio, voice: Voice, kind: GroupKind, words: str) -> Table:
    head = tuple(voice.say(f"learnt.{name}") for name in (kind, "metric", "experiments", "mean", "next", "differ"))
    rows = [
        _group(voice, words, group, pooled)
        for group in portfolio.groups
        if group.kind == kind
        for pooled in group.pooled
        if len(pooled.effects) > 1
    ]
    return Table(head, "llrlll", tuple(rows), voice.say(f"learnt.by.{kind}")).without_empty(Safe("–"))


def _group(voice: Voice, words: str, group: PortfolioGroup, pooled: PooledEffect) -> tuple[Safe, ...]:
    name, count = voice.one_of(words, group.name), numbers.count(len(pooled.effects))
    if pooled.mean.estimate is None:
        reason = voice.one_of("reason", pooled.mean.reason or "unknown")
        return name, voice.text(pooled.title), count, reason, Safe("–"), Safe("–")
    differ = Safe("–")
    if pooled.i2 is not None:
        differ = voice.say("learnt.share", share=numbers.percent(pooled.i2), p=numbers.p_value(pooled.q_p))
    return name, voice.text(pooled.title), count, _shown(voice, pooled.mean), _range(voice, pooled.next), differ


def _effects(portfolio: Portfolio, voice: Voice) -> Table:
    """Each experiment's own estimate beside what is left of it in the light of the others: once, of the first kind in
    which it can be combined, since a tactic is nearer to another of its type than to one for the same driver."""
    head = tuple(voice.say(f"learnt.{name}") for name in ("experiment", "together_with", "own", "expected"))
    rows, told = [], set()
    for group in sorted(portfolio.groups, key=lambda each: _NEAREST.index(each.kind)):
        words = dict(_KINDS)[group.kind]
        for pooled in group.pooled:
            for past in pooled.effects if pooled.mean.estimate is not None else ():
                if past.experiment in told:
                    continue
                told.add(past.experiment)
                own = Quantity(estimate=past.estimate, lower=past.lower, upper=past.upper)
                together = voice.say("learnt.kind", name=voice.one_of(words, group.name), metric=pooled.title)
                rows.append((_link(voice, past), together, _shown(voice, own), _shown(voice, past.shrunken)))
    return Table(head, "llll", tuple(rows), voice.say("learnt.by.experiment"))


def _link(voice: Voice, past: PastEffect) -> Safe:
    place = "/".join(quote(part, safe="") for part in (past.experiment, past.folder))
    return Safe(f"[{voice.text(past.title)}]({place}/report.md)")


def _shown(voice: Voice, found: Quantity) -> Safe:
    """A relative change with its interval."""
    if found.estimate is None or found.lower is None or found.upper is None:
        return voice.one_of("reason", found.reason or "unknown")
    decimals = numbers.interval_places(found.lower, found.upper, LIFT)
    lower, upper = (numbers.bare(edge, LIFT, decimals) for edge in (found.lower, found.upper))
    return voice.say(
        "words.effect", middle=voice.numbers.change(found.estimate, LIFT, decimals), lower=lower, upper=upper
    )


def _range(voice: Voice, found: Quantity) -> Safe:
    if found.lower is None or found.upper is None:
        return Safe("–")
    lower, upper = voice.numbers.span(
        found.lower, found.upper, LIFT, numbers.interval_places(found.lower, found.upper, LIFT)
    )
    return voice.say("words.to_from", first=lower, last=upper)
