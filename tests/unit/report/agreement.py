"""Whether a report says what its results are: each line and row with a number is one that the document asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from holdfast.model.result import Analysis
from tests.unit.report.first_claims import first_screen
from tests.unit.report.health_claims import health
from tests.unit.report.later_claims import deviations, heads, later
from tests.unit.report.printed import Section, Told, plain, sections
from tests.unit.report.telling import Words

_NUMBERS = re.compile(r"\d")


def disagreements(text: str, analysis: Analysis, language: str, *, summary: bool = False) -> list[str]:
    """What a report in Markdown says otherwise than the document, leaves out, or says without a ground; of a summary,
    which ends after the first screen and the deviations."""
    words, found = Words(analysis, language), sections(text)
    told: list[str] = []
    below = deviations(words) if summary else (*health(words), *later(words))
    for heading, claim in (*first_screen(words), *below):
        told += _told(found.get(heading, Section()), claim, heading)
    columns = [claim for _, claim in heads(words) if isinstance(claim, Told)]
    for heading, section in found.items():
        told += [f"{heading}: without a ground: {line}" for line in _left(words, section, columns)]
    return told


def _told(section: Section, claim: Told | list[Told], heading: str) -> list[str]:
    """What is wrong with the line or the row that a claim is about, which is accounted for then."""
    pool: list[Any] = section.lines if isinstance(claim, Told) else section.rows
    found = [(place, wrong) for place, each in enumerate(pool) if (wrong := _read(each, claim)) is not None]
    if not found:
        told = claim.pattern if isinstance(claim, Told) else [each.pattern for each in claim]
        return [f"{heading}: not said: {told}"] if _asks(claim) else []
    place, wrong = min(found, key=lambda each: len(each[1]))
    del pool[place]
    return [f"{heading}: {each}" for each in wrong]


def _asks(claim: Told | list[Told]) -> bool:
    """Whether a claim holds anything to be wrong."""
    return bool(claim.gaps) if isinstance(claim, Told) else any(each.gaps for each in claim)


def _read(text: str | list[str], claim: Told | list[Told]) -> list[str] | None:
    if isinstance(claim, Told):
        return claim.reads(text) if isinstance(text, str) else None
    if len(text) != len(claim):
        return None
    found = [told.reads(cell) for told, cell in zip(claim, text, strict=True)]
    return None if any(each is None for each in found) else [line for each in found if each for line in each]


def _left(words: Words, section: Section, columns: list[Told]) -> Iterator[str]:
    """What holds a number and that nothing asks for."""
    known = {plain(sentence) for sentence in words.sentences.values() if "{" not in sentence}
    written = sorted(_written(words), key=len, reverse=True)
    for line in section.lines:
        if line not in known and _numbered(line, written) and not _glossary(words, line):
            yield line
    for row in section.rows:
        if any(_numbered(cell, written) for cell in row):
            yield " | ".join(row)
    for cell in (cell for head in section.heads for cell in head):
        if cell not in known and _numbered(cell, written) and all(told.reads(cell) != [] for told in columns):
            yield cell


def _glossary(words: Words, line: str) -> bool:
    """Whether a line explains a term, in the catalogue's words or in those of a metric's author."""
    metrics = words.analysis.metrics
    forms = [words.say("glossary.metric", metric=info.title, description=info.description) for info in metrics]
    forms.append(words.say("glossary.balance", units=words.units))
    return any(re.fullmatch(told.pattern + r"[.。]?", line) for told in forms)


def _written(words: Words) -> Iterator[str]:
    """What authors wrote, which may hold numbers of its own."""
    analysis, info = words.analysis, words.analysis.experiment
    yield from (info.title, info.slug, info.owner, info.hypothesis, info.description, analysis.provenance.config_hash)
    yield from (text for variant in analysis.variants for text in (variant.title, variant.description, variant.tactic))
    yield from (
        text for metric in analysis.metrics for text in (words.titled(metric.key), metric.title, metric.description)
    )
    yield from (curve.title for curve in analysis.curves)
    yield from (survival.title for survival in analysis.survival)
    yield from (balance.title for balance in analysis.balance)
    yield from (row.dimension for row in analysis.segments)
    yield from analysis.plan.not_measured.values()
    yield from info.words.get(words.language, {}).values()
    yield from (
        str(value) for check in analysis.checks for key, value in check.details.items() if key.startswith("left_out")
    )


def _numbered(text: str, written: list[str]) -> bool:
    for each in written:
        text = text.replace(plain(each), "") if each else text
    return _NUMBERS.search(text) is not None
