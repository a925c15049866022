"""The Analysis as the report looks at it: lookups by key and numbers in words. No statistics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.model.result import Analysis, Check, Estimand, Estimate, MetricInfo, VariantInfo
from holdfast.report import numbers
from holdfast.report.numbers import LIFT, Numbers, Scale
from holdfast.report.text import Safe
from holdfast.report.vocabulary import named
from holdfast.report.words import LANGUAGES, Voice, catalogue

TESTED = ("primary", "secondary")


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of a Markdown table, all of them safe."""

    head: tuple[Safe, ...]
    align: str
    """l or r for each column."""
    rows: tuple[tuple[Safe, ...], ...]
    title: Safe = Safe("")
    intro: Safe = Safe("")
    """What stands between title and head."""

    def without_empty(self, none: Safe) -> Table:
        """The table without the columns that hold nothing in any row."""
        kept = [place for place in range(len(self.head)) if any(row[place] not in {"", none} for row in self.rows)]
        return Table(
            tuple(self.head[place] for place in kept),
            "".join(self.align[place] for place in kept),
            tuple(tuple(row[place] for place in kept) for row in self.rows),
            self.title,
            self.intro,
        )

    @property
    def rule(self) -> Safe:
        """The line under the head."""
        return Safe("|".join("--:" if side == "r" else "---" for side in self.align))


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval and p-value that the report shows: corrected where a correction was made."""

    lower: float
    upper: float
    confidence: float | None
    p: float | None
    log10_p: float | None

    @property
    def width(self) -> float:
        return self.upper - self.lower


@dataclass(frozen=True)
class View:
    """One analysis and the voice that tells it."""

    analysis: Analysis
    voice: Voice
    drawn_in: str = ""
    """The language that the figures were asked for in."""

    @classmethod
    def of(
        cls, analysis: Analysis, *, markdown: bool = True, language: str | None = None, drawn_in: str | None = None
    ) -> View:
        """The view in a language, and the figures' own; default: the experiment's."""
        info = analysis.experiment
        voice = Voice.of(language or info.language, markdown=markdown)
        own = info.words.get(voice.locale.code, {})
        return cls(analysis, named(voice, info.unit, own), drawn_in or info.language)

    @property
    def numbers(self) -> Numbers:
        """How the report's language writes numbers."""
        return self.voice.numbers

    @property
    def control(self) -> VariantInfo:
        return next(variant for variant in self.analysis.variants if variant.is_control)

    @property
    def treated(self) -> tuple[VariantInfo, ...]:
        """Every variant that is compared with control."""
        return tuple(variant for variant in self.analysis.variants if not variant.is_control and variant.weight)

    @property
    def subject(self) -> str | None:
        """The variant that the verdict is about; None where several are alike."""
        treated = self.treated
        return self.analysis.verdict.variant or (treated[0].key if len(treated) == 1 else None)

    @property
    def closed(self) -> tuple[VariantInfo, ...]:
        """Variants with weight 0, which nobody may have."""
        return tuple(variant for variant in self.analysis.variants if not variant.is_control and not variant.weight)

    @property
    def ordered(self) -> tuple[VariantInfo, ...]:
        """All variants that have units by the plan, control first."""
        return (self.control, *self.treated)

    @property
    def units(self) -> Safe:
        """What was randomised, in the plural."""
        return self.voice.units(self.analysis.experiment.unit)

    @property
    def unit(self) -> Safe:
        """What was randomised, one of it."""
        return self.voice.unit(self.analysis.experiment.unit)

    @property
    def only_exposed(self) -> bool:
        """Whether units count from their exposure on, so that enrolment by day is that of first exposures."""
        return self.analysis.exposure is not None or self.check("exposure") is not None

    def trio(self, part: str) -> Safe:
        """The word for a part of the trio, the business's own first: a subscription is cancelled, donors give again."""
        words = (f"own.{part}", f"trio_{self.analysis.experiment.business}.{part}", f"trio.{part}")
        return self.voice.say(next(word for word in words if self.voice.knows(word)))

    def words_for(self, part: str) -> tuple[str, ...]:
        """Every word for a part of the trio, in all languages, the longest first."""
        keys = [f"{table}.{part}" for table in ("trio", "trio_subscription", "trio_app")]
        words = {catalogue(code).get(key, "") for key in keys for code in LANGUAGES}
        return tuple(sorted(words - {""}, key=lambda word: (-len(word), word)))

    def word(self, name: str) -> Safe:
        """The business's word for a part of an average order value, or for those who bought."""
        own = f"own.{name}"
        return self.voice.say(own if self.voice.knows(own) else f"word.{name}", unit=self.unit)

    def counter(self, number: int) -> Safe:
        """A number of units with all its digits."""
        return self.voice.counter(self.analysis.experiment.unit, number)

    @property
    def primary(self) -> MetricInfo | None:
        return self.metric(self.analysis.plan.primary)

    def metric(self, key: str) -> MetricInfo | None:
        """The metric of that key."""
        return next((metric for metric in self.analysis.metrics if metric.key == key), None)

    def metrics(self, *roles: str) -> tuple[MetricInfo, ...]:
        """The metrics of those roles in the order of the report."""
        return tuple(metric for metric in self.analysis.metrics if metric.role in roles)

    def check(self, id: str) -> Check | None:
        """The health check of that id."""
        return next((check for check in self.analysis.checks if check.id == id), None)

    def title(self, metric: str) -> Safe:
        """A metric's words."""
        info = self.metric(metric)
        return self.voice.text((info.title if info else "") or metric)

    def name(self, variant: str) -> Safe:
        """A variant's words."""
        known = (info for info in self.analysis.variants if info.key == variant)
        info = next(known, None)
        return self.voice.text((info.title if info else "") or variant)

    def window(self, metric: MetricInfo) -> Safe:
        """The days that a metric counts: days 56 to 89; empty without a window."""
        if metric.first_day is None or metric.end_day is None:
            return Safe("")
        first, last = Safe(str(metric.first_day)), Safe(str(metric.end_day - 1))
        return self.voice.say("words.one_day" if first == last else "words.days", first=first, last=last)

    def titled(self, metric: MetricInfo) -> Safe:
        """A metric's words with the days that it counts, unless its words already name them."""
        window, title = self.window(metric), self.title(metric.key)
        if not window or any(_says(title, told) for told in _windows(metric)):
            return title
        return self.voice.say("row.window", metric=title, window=window)

    def scale(self, metric: str, estimand: Estimand = "difference") -> Scale:
        """How numbers of a metric are written."""
        info = self.metric(metric)
        if estimand == "lift":
            return LIFT
        return Scale.of(info.family, info.unit) if info else Scale("plain")

    def extra_pairs(self) -> tuple[tuple[str, str], ...]:
        """Comparisons with another baseline than control."""
        return tuple(pair for pair in self.analysis.plan.comparisons if pair[1] != self.control.key)

    def estimate(self, metric: str, variant: str, estimand: Estimand, baseline: str | None = None) -> Estimate | None:
        """The estimate of a metric for a variant; None when there is none, or when the run is interim."""
        return None if self.analysis.plan.interim else self.analysis.find(metric, variant, estimand, baseline)

    def decisive(self, metric: str, variant: str) -> Estimate | None:
        """The estimate that decided: for guardrails the one with a margin, otherwise the difference."""
        difference = self.estimate(metric, variant, "difference")
        lift = self.estimate(metric, variant, "lift")
        margined = (row for row in (difference, lift) if row is not None and row.margin is not None)
        return next(margined, difference or lift)

    def decimals(self, metric: str, variant: str | None = None, baseline: str | None = None) -> int:
        """Decimals for a metric's values: those of its difference's interval; else of the value's own error."""
        keys = [variant] if variant else [info.key for info in self.treated]
        rows = (self.estimate(metric, key, "difference", baseline) for key in keys)
        widths = [shown.width for row in rows if row is not None and (shown := interval(row)) is not None]
        if not widths:
            levels = (self.analysis.level(metric, info.key) for info in self.ordered)
            widths = [4 * row.se for row in levels if row is not None and row.se]
        return numbers.places(max(widths, default=None), self.scale(metric))

    @property
    def capped(self) -> bool:
        """Whether any metric is capped, so that its mean differs from the uncapped parts of order values."""
        return any(metric.cap is not None for metric in self.analysis.metrics)

    def value(self, metric: str, variant: str, decimals: int | None = None) -> Safe:
        """What a variant reached on a metric: 11.8%; a dash where there is nothing."""
        row = self.analysis.level(metric, variant)
        if row is None or row.value is None:
            return Safe("–")
        return self.numbers.level(
            row.value, self.scale(metric), self.decimals(metric) if decimals is None else decimals
        )

    def effect(self, row: Estimate | None) -> Safe:
        """An estimate with its interval: +1.3 points (+0.5 to +2.1); or why there is none."""
        if row is None:
            return Safe("–")
        shown = interval(row)
        if row.status != "estimated" or row.estimate is None:
            return self.reason(row)
        scale = self.scale(row.metric, row.estimand)
        decimals = numbers.interval_places(shown.lower, shown.upper, scale) if shown else numbers.places(None, scale)
        middle = self.numbers.change(row.estimate, scale, decimals)
        if shown is None:
            return self.voice.say("words.no_interval", middle=middle, reason=self.reason(row)) if row.reason else middle
        lower, upper = (numbers.bare(edge, scale, decimals) for edge in (shown.lower, shown.upper))
        return self.voice.say("words.effect", middle=middle, lower=lower, upper=upper)

    def range(self, row: Estimate) -> Safe:
        """The interval alone, with its confidence: 95% interval +¥28 to +¥134."""
        shown = interval(row)
        if shown is None:
            return Safe("")
        scale = self.scale(row.metric, row.estimand)
        lower, upper = self.numbers.span(
            shown.lower, shown.upper, scale, numbers.interval_places(shown.lower, shown.upper, scale)
        )
        key = "words.interval" if shown.confidence is None else "words.interval_at"
        confidence = numbers.percent(shown.confidence) if shown.confidence is not None else Safe("")
        return self.voice.say(key, confidence=confidence, lower=lower, upper=upper)

    def reason(self, row: Estimate) -> Safe:
        """Why an estimate has no number, in words."""
        code = row.reason or "unknown"
        return self.voice.one_of("reason", code)

    def margin(self, row: Estimate) -> Safe:
        """The harm that is tolerated, with the sign of harm: −10%, +0.3 points."""
        if row.margin is None:
            return Safe("–")
        info = self.metric(row.metric)
        sign = 1 if info is not None and info.direction == "decrease" else -1
        scale = self.scale(row.metric, row.estimand)
        shown = row.margin * 100 if scale.kind == "share" else row.margin
        decimals = next((d for d in range(4) if abs(round(shown, d) - shown) < 1e-9), 4)
        return self.numbers.change(sign * row.margin, scale, decimals)

    def tested(self) -> Iterator[tuple[MetricInfo, VariantInfo]]:
        """Every pair of a tested metric and a treated variant, in the order of the report."""
        return ((metric, variant) for metric in self.metrics(*TESTED) for variant in self.treated)


def _windows(metric: MetricInfo) -> tuple[str, ...]:
    """The days that a metric counts as each language says them: its title may be in another than the report."""
    first, last = metric.first_day, (metric.end_day or 0) - 1
    key = "words.one_day" if first == last else "words.days"
    return tuple(catalogue(code)[key].format(first=first, last=last) for code in LANGUAGES)


def _says(title: Safe, days: str) -> bool:
    """Whether a title holds these days: day 90 does not say day 9."""
    return re.search(rf"(?<!\d){re.escape(days)}(?!\d)", title.lower()) is not None


def interval(row: Estimate) -> Interval | None:
    """The corrected interval, or the nominal one where nothing was corrected; None where there is none."""
    if row.reason is not None and row.lower_adjusted is None:
        # There is a nominal interval but no corrected one: showing it as the one that decides would be wrong.
        return None
    if row.lower_adjusted is not None and row.upper_adjusted is not None:
        p = row.p if row.p_adjusted is None else row.p_adjusted
        confidence = row.confidence if row.confidence_adjusted is None else row.confidence_adjusted
        return Interval(row.lower_adjusted, row.upper_adjusted, confidence, p, row.log10_p)
    if row.lower is not None and row.upper is not None:
        p = row.p if row.p_adjusted is None else row.p_adjusted
        return Interval(row.lower, row.upper, row.confidence, p, row.log10_p)
    return None
