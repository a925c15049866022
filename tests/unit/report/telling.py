"""What a report has to say, worked out from results.json alone: every line and every cell that holds a number, in the
words of the catalogue. The functions that write the report have no part in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from holdfast.model.found import MoneyResult, Quantity, SegmentRow
from holdfast.model.result import Analysis, Estimate, Level, MetricInfo
from holdfast.report.words import LANGUAGES, catalogue
from tests.unit.report.own_words import spoken
from tests.unit.report.printed import Item, Number, P, Told

Value = str | Told | Sequence[Item]
Claim = tuple[str, "Told | list[Told]"]
"""The section by its heading, and a line, or the cells of a row."""
DASH = Told("–")
WORDS = Told(r"[^\d]*?")
"""Words without a number."""
SHARE = (100.0, "%", "pt")
LIFT = (100.0, "%", "%")
PLAIN = (1.0, "", "")
"""The factor of what is printed, its unit as a level, and as a change."""
TRIO = ("retained", "churned", "average_order_value")


def last(iso: str) -> str:
    """The day before a date."""
    return (date.fromisoformat(iso[:10]) - timedelta(days=1)).isoformat()


class Words:
    """The catalogue of a language, as sentences with gaps."""

    def __init__(self, analysis: Analysis, language: str) -> None:
        self.analysis, self.language = analysis, language
        self.sentences = spoken(analysis, language)
        self.control = next(info for info in analysis.variants if info.is_control)
        self.treated = [info for info in analysis.variants if not info.is_control and info.weight]
        self.closed = [info for info in analysis.variants if not info.is_control and not info.weight]
        self.ordered = [self.control, *self.treated]
        self.infos = {info.key: info for info in analysis.metrics}
        self.several = len(self.treated) > 1

    def say(self, key: str, **values: Value) -> Told:
        """The sentence of a key: words in their place, numbers as gaps."""
        return self.form(self.sentences[key].replace("`", ""), **values)

    def form(self, sentence: str, **values: Value) -> Told:
        """A sentence with its values."""
        pattern: str = ""
        gaps: list[tuple[Item, ...]] = []
        for place, part in enumerate(re.split(r"\{(\w+)\}", sentence)):
            if place % 2 == 0:
                pattern += re.escape(part)
                continue
            value = values.get(part, "")
            if isinstance(value, str):
                pattern += re.escape(value.replace("**", ""))
            elif isinstance(value, Told):
                pattern += value.pattern
                gaps += value.gaps
            else:
                pattern += "(.+?)"
                gaps.append(tuple(value))
        return Told(pattern, tuple(gaps))

    def text(self, key: str, **values: str) -> str:
        """The sentence of a key in words alone."""
        return self.sentences[key].format_map(values)

    def row(self, parts: Sequence[Told | str], between: str = r"\s*") -> Told:
        """Several sentences one after the other."""
        told = [Told(re.escape(part)) if isinstance(part, str) else part for part in parts if part]
        return Told(between.join(each.pattern for each in told), tuple(gap for each in told for gap in each.gaps))

    def listed(self, parts: Sequence[Told]) -> Told:
        """Things in a row, with the catalogue's words between them."""
        if len(parts) < 2:
            return parts[0] if parts else Told("")
        comma = re.escape(self.sentences["words.comma"])
        return self.say("words.and", first=self.row(parts[:-1], comma), last=parts[-1])

    def joined(self, parts: Sequence[Told]) -> Told:
        return self.row(parts, re.escape(self.sentences["words.semicolon"]))

    def words(self, key: str) -> str:
        return self.sentences[key]

    # Names.

    def title(self, key: str) -> str:
        info = self.infos.get(key)
        return (info.title if info else "") or key

    def name(self, key: str) -> str:
        info = next((info for info in self.analysis.variants if info.key == key), None)
        return (info.title if info else "") or key

    def days(self, first: int, end: int) -> str:
        """The first and the last day of a window."""
        key = "words.one_day" if first == end else "words.days"
        return self.text(key, first=str(first), last=str(end))

    def window(self, info: MetricInfo) -> str:
        if info.first_day is None or info.end_day is None:
            return ""
        return self.days(info.first_day, info.end_day - 1)

    def titled(self, key: str) -> str:
        info = self.infos.get(key)
        window, title = (self.window(info) if info else ""), self.title(key)
        if info is None or not window or _names_its_days(title, info):
            return title
        return self.text("row.window", metric=title, window=window)

    def word(self, name: str) -> Told:
        """What the parts of an average order value and those who bought are called."""
        return self.say(f"word.{name}", unit=self.unit)

    @property
    def unit(self) -> Told:
        """One of what was randomised, as the language counts it."""
        noun = self.analysis.experiment.unit
        known = (self.sentences[key] for key in (f"one.{noun}", f"unit.{noun}") if key in self.sentences)
        return Told(re.escape(next(known, noun)))

    @property
    def units(self) -> Told:
        """Many of it; the grammar of a plural and of the beginning of a sentence is no number."""
        noun = self.analysis.experiment.unit
        several = self.sentences.get(f"units.{noun}") if self.language == "en" else None
        word = several or self.sentences.get(f"unit.{noun}", noun)
        end = "" if several or self.language != "en" else r"[^\d\s]{0,3}"
        last = re.escape(word[-1]) if not end else f"(?:{re.escape(word[-1])})?"
        return Told(f"(?i:{re.escape(word[:1])}){re.escape(word[1:-1])}{last if word[1:] else ''}{end}")

    def counted(self, group: str, number: float) -> Told:
        """A number of units, in the language's own way of counting them."""
        key = f"{group}.{self.analysis.experiment.unit}"
        key = key if key in self.sentences else f"{group}.other"
        return self.say(key, count=[Number(number)], units=self.units)

    # Numbers.

    def scale(self, key: str, estimand: str = "difference") -> tuple[float, str, str]:
        """The factor of what is printed, its unit as a level, and as a change."""
        info = self.infos.get(key)
        if estimand == "lift":
            return 100.0, "%", "%"
        if info is None:
            return 1.0, "", ""
        if info.family == "proportion" or (info.family == "survival" and not info.unit):
            return 100.0, "%", "pt"
        unit = info.unit if info.unit and re.fullmatch("[A-Z]{3}", info.unit) else ""
        return 1.0, unit, unit

    def level(self, key: str, value: float | None) -> Value:
        factor, unit, _ = self.scale(key)
        return DASH if value is None else [Number(value * factor, unit)]

    def cell(self, value: Value) -> Told:
        """A cell that holds this alone."""
        return self.form("{value}", value=value)

    def shown(self, row: Estimate) -> tuple[float, float, float | None] | None:
        """The interval that decides, with its confidence."""
        if row.reason is not None and row.lower_adjusted is None:
            return None
        if row.lower_adjusted is not None and row.upper_adjusted is not None:
            return row.lower_adjusted, row.upper_adjusted, row.confidence_adjusted or row.confidence
        return (row.lower, row.upper, row.confidence) if row.lower is not None and row.upper is not None else None

    def effect(self, row: Estimate | None) -> Told:
        """An estimate with its interval."""
        if row is None:
            return DASH
        if row.status != "estimated" or row.estimate is None:
            return self.say(f"reason.{row.reason or 'unknown'}")
        factor, _, unit = self.scale(row.metric, row.estimand)
        middle, found = [Number(row.estimate * factor, unit)], self.shown(row)
        if found is None:
            if not row.reason:
                return self.cell(middle)
            return self.say("words.no_interval", middle=middle, reason=self.words(f"reason.{row.reason}"))
        lower, upper = ([Number(edge * factor, unit)] for edge in found[:2])
        return self.say("words.effect", middle=middle, lower=lower, upper=upper)

    def range(self, row: Estimate) -> Told:
        """The interval alone, with its confidence."""
        found = self.shown(row)
        if found is None:
            return Told("")
        factor, _, unit = self.scale(row.metric, row.estimand)
        lower, upper = ([Number(edge * factor, unit)] for edge in found[:2])
        if found[2] is None:
            return self.say("words.interval", lower=lower, upper=upper)
        return self.say("words.interval_at", confidence=self.percent(found[2]), lower=lower, upper=upper)

    def quantity(
        self, found: Quantity | None, scale: tuple[float, str, str], *, change: bool = True, ends: bool = False
    ) -> Told:
        """A number with its interval, or why there is none; what is known without error stands alone, unless both ends
        are always shown."""
        if found is None:
            return DASH
        reason = self.words(f"reason.{found.reason or 'unknown'}")
        if found.estimate is None:
            return self.say("state.no_estimate_because", reason=reason)
        factor, unit = scale[0], scale[2] if change else scale[1]
        middle = [Number(found.estimate * factor, unit)]
        if found.lower is None or found.upper is None:
            return self.say("words.no_interval", middle=middle, reason=reason) if found.reason else self.cell(middle)
        if found.lower == found.upper and not ends:
            return self.cell(middle)
        lower, upper = ([Number(edge * factor, unit)] for edge in (found.lower, found.upper))
        return self.say("words.effect", middle=middle, lower=lower, upper=upper)

    def percent(self, share: float) -> list[Item]:
        return [Number(share * 100, "%")]

    def p(self, value: float | None) -> Told:
        return DASH if value is None else self.cell([P(value)])

    def chance(self, share: float) -> Told:
        """A probability, or beyond which limit it lies."""
        if share < 0.001:
            return self.say("words.below", value=[Number(0.1, "%")])
        return self.say("words.above", value=[Number(99.9, "%")]) if share > 0.999 else self.cell(self.percent(share))

    def count(self, number: float) -> list[Item]:
        return [Number(number)]

    def expect(self) -> list[Item]:
        """The effect worth having, as it was written."""
        found = re.fullmatch(r"([+-]?)\s*([\d.]+)\s*(pt|%|days|[A-Z]{3})", self.analysis.plan.expect or "")
        return self.planned(self.analysis.plan.expect or "") if found else []

    def planned(self, text: str) -> list[Item]:
        found = re.fullmatch(r"([+-]?)\s*([\d.]+)\s*(pt|%|days|[A-Z]{3})", text)
        assert found, text
        sign = -1 if found[1] == "-" else 1
        return [Number(sign * float(found[2]), "" if found[3] == "days" else found[3])]

    def margin(self, row: Estimate) -> Value:
        """What is tolerated, with the sign of harm."""
        if row.margin is None:
            return DASH
        factor, _, unit = self.scale(row.metric, row.estimand)
        sign = 1 if self.infos[row.metric].direction == "decrease" else -1
        return [Number(sign * row.margin * factor, unit)]

    # Lookups.

    def estimate(self, metric: str, variant: str, estimand: str, baseline: str | None = None) -> Estimate | None:
        return self.analysis.find(metric, variant, estimand, baseline)  # type: ignore[arg-type]

    def decisive(self, metric: str, variant: str) -> Estimate | None:
        """The row that decides: of a guardrail the one with a margin."""
        rows = [self.estimate(metric, variant, estimand) for estimand in ("difference", "lift")]
        return next((row for row in rows if row and row.margin is not None), next(filter(None, rows), None))

    def value(self, metric: str, variant: str) -> Told:
        row: Level | None = self.analysis.level(metric, variant)
        return self.cell(self.level(metric, row.value if row else None))

    def metrics(self, *roles: str) -> list[MetricInfo]:
        return [info for info in self.analysis.metrics if info.role in roles]

    def reading(self, row: Estimate | None) -> Told:
        """How an estimate reads, from its interval where that alone says it."""
        if row is None:
            return self.say("state.described")
        if row.status != "estimated":
            return self.say("state.no_estimate_because", reason=self.words(f"reason.{row.reason or 'unknown'}"))
        return self.say(f"state.{self.state(row)}")

    def state(self, row: Estimate) -> str:
        """The reading of an estimate as its interval has it; a relative margin has a test of its own."""
        found, info = self.shown(row), self.infos[row.metric]
        if found is None or row.state not in {"better", "worse", "cannot_tell", "safe", "harm"}:
            return row.state
        lower, upper = found[:2] if info.direction != "decrease" else (-found[1], -found[0])
        if info.role != "guardrail":
            return "better" if lower > 0 else "worse" if upper < 0 else "cannot_tell"
        if row.margin is None or row.estimand == "lift":
            return row.state
        return "safe" if lower > -row.margin else "harm" if upper < -row.margin else "cannot_tell"


def _names_its_days(title: str, info: MetricInfo) -> bool:
    """Whether a title says which days it counts, in whatever language."""
    first, last = info.first_day, (info.end_day or 0) - 1
    key = "words.one_day" if first == last else "words.days"
    told = (catalogue(code)[key].format(first=first, last=last) for code in LANGUAGES)
    return any(re.search(rf"(?<!\d){re.escape(each)}(?!\d)", title.lower()) for each in told)


def cased(told: Told) -> Told:
    """Words that stand at the beginning of a sentence or within it."""
    return Told(f"(?:(?i:{told.pattern[:1]}){told.pattern[1:]})") if told.pattern[:1].isalpha() else told


def pair(words: Words, row: Estimate | SegmentRow | MoneyResult) -> Told:
    """A comparison by its names."""
    return words.say("words.against", variant=words.name(row.variant), baseline=words.name(row.baseline))
