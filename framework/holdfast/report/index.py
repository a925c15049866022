"""reports/README.md: every experiment by what is recommended, those without a report, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from holdfast.model.portfolio import Portfolio, Unreported
from holdfast.model.result import Analysis, Recommendation, VariantInfo
from holdfast.report import numbers
from holdfast.report.learnt import learnt
from holdfast.report.markdown import rendered
from holdfast.report.text import Safe
from holdfast.report.view import Table, View
from holdfast.report.words import Voice

_ORDER: tuple[Recommendation, ...] = ("ship", "discuss", "do_not_ship", "no_verdict", "keep_running")
"""What is recommended, the most pressing first."""
_COLUMNS = ("experiment", "variant", "effect", "money", "owner", "tactic", "stage", "driver", "as_of")
_NONE = Safe("–")


def render_index(
    rows: Sequence[Analysis],
    portfolio: Portfolio | None = None,
    language: str = "en",
    unreported: Sequence[Unreported] = (),
) -> str:
    """A table of the experiments for each recommendation, the newest first; then those that have no report.

    Args:
        rows: the newest report of each experiment.
        portfolio: what they say together; none: that part is left out.
        language: of the text.
        unreported: experiments that have no report yet.
    """
    voice = Voice.of(language)
    key = {0: "intro_none", 1: "intro_one"}.get(len(rows), "intro")
    groups = [*_groups(rows, voice, language)]
    if unreported:
        groups.append(_unreported(unreported, voice))
    return rendered(
        "index.md.j2",
        title=voice.say("index.title"),
        intro=voice.say(f"index.{key}", number=len(rows)),
        groups=groups,
        learnt=learnt(portfolio, voice) if portfolio is not None else None,
    )


def _groups(rows: Sequence[Analysis], voice: Voice, language: str) -> Iterator[Table]:
    newest = sorted(rows, key=lambda each: each.as_of, reverse=True)
    for recommendation in _ORDER:
        cells = [
            _row(View.of(each, language=language)) for each in newest if each.verdict.recommendation == recommendation
        ]
        if cells:
            heading = voice.say(f"index.group.{recommendation}", number=len(cells))
            head = tuple(voice.say(f"index.{column}") for column in _COLUMNS)
            yield Table(head, "l" * len(head), tuple(cells), heading).without_empty(_NONE)


def _row(view: View) -> tuple[Safe, ...]:
    voice, analysis = view.voice, view.analysis
    info, chosen = analysis.experiment, analysis.verdict.variant
    place = "/".join(quote(part, safe="") for part in (info.slug, analysis.folder))
    tactics = dict.fromkeys(variant.tactic_type for variant in view.treated if variant.tactic_type)
    return (
        Safe(f"[{voice.text(info.title or info.slug)}]({place}/report.md)"),
        view.name(chosen) if chosen and len(view.treated) > 1 else _NONE,
        _effect(view),
        _money(view),
        voice.text(info.owner) or _NONE,
        voice.listed([voice.one_of("tactic_type", tactic) for tactic in tactics]) or _NONE,
        voice.listed([voice.one_of("stage", stage) for stage in info.stages]) or _NONE,
        voice.listed([voice.one_of("driver", driver) for driver in info.churn_drivers]) or _NONE,
        view.numbers.day(analysis.as_of),
    )


def _effect(view: View) -> Safe:
    voice, analysis = view.voice, view.analysis
    if analysis.plan.interim:
        return voice.say("index.interim")
    wanted = analysis.verdict.variant
    shown: list[VariantInfo] = [info for info in view.treated if wanted in {None, info.key}]
    metric, cells = view.title(analysis.plan.primary), []
    for info in shown:
        effect = view.effect(view.estimate(analysis.plan.primary, info.key, "difference"))
        if len(shown) > 1:
            cells.append(voice.say("index.effect_variant", metric=metric, variant=view.name(info.key), effect=effect))
        else:
            cells.append(voice.say("index.effect_of", metric=metric, effect=effect))
    return voice.joined(cells)


def _money(view: View) -> Safe:
    """What shipping would be worth each time; of the variant that the verdict is about."""
    analysis = view.analysis
    found = [each for each in analysis.money if each.variant == analysis.verdict.variant]
    if analysis.plan.interim or not found:
        return _NONE
    amounts = (found[0].value, found[0].lower, found[0].upper)
    value, lower, upper = view.numbers.large_money(amounts, found[0].currency)
    days = numbers.count(found[0].every_days)
    return view.voice.say("index.each_time", value=value, lower=lower, upper=upper, days=days)


def _unreported(found: Sequence[Unreported], voice: Voice) -> Table:
    head = tuple(voice.say(f"index.{column}") for column in ("experiment", "state", "readout"))
    rows = tuple(
        (
            _file(voice, each),
            voice.say(f"index.state_of.{each.state}"),
            voice.numbers.day(each.readout) if each.readout else _NONE,
        )
        for each in found
    )
    return Table(head, "lll", rows, voice.say("index.unreported", number=len(found))).without_empty(_NONE)


def _file(voice: Voice, each: Unreported) -> Safe:
    place = quote(each.slug, safe="")
    return Safe(f"[{voice.text(each.title or each.slug)}](../experiments/{place}/experiment.yaml)")
