"""Conditions of the audience in the report's language. English shows their own text, except that a number alone is said
to be exact; others say them their way."""

from __future__ import annotations

import re

from holdfast.report.text import Safe
from holdfast.report.words import Voice

_NUMBER = r"-?\d+(?:\.\d+)?"
_FORMS = (
    ("none", re.compile("none")),
    ("yes", re.compile("yes")),
    ("no", re.compile("no")),
    ("top", re.compile(r"top (?P<share>\d+(?:\.\d+)?%)")),
    ("between", re.compile(rf"(?P<low>{_NUMBER}) to (?P<high>{_NUMBER})")),
    ("at_least", re.compile(rf">= (?P<value>{_NUMBER})")),
    ("more_than", re.compile(rf"> (?P<value>{_NUMBER})")),
    ("at_most", re.compile(rf"<= (?P<value>{_NUMBER})")),
    ("less_than", re.compile(rf"< (?P<value>{_NUMBER})")),
)
"""How conditions are written by model.predicate."""


def condition(voice: Voice, text: str) -> Safe:
    """A condition as its language says it: 1 is exactly 1, 55 to 65 is 55～65, not JP or US is JPまたはUS以外."""
    if re.fullmatch(_NUMBER, text):
        return voice.say("condition.exactly", value=text)
    if not voice.knows("condition.not"):
        return voice.text(text)
    negated, positive = text.startswith("not "), text.removeprefix("not ")
    for key, form in _FORMS:
        match = form.fullmatch(positive)
        if match:
            told = voice.say(f"condition.{key}", **match.groupdict())
            break
    else:
        told = Safe(voice.say("condition.or").join(voice.text(value) for value in positive.split(" or ")))
    return voice.say("condition.not", condition=told) if negated else told
