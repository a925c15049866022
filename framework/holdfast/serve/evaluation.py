"""One flag made ready: everything that does not depend on who asks is computed once, at construction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from holdfast import hashing
from holdfast.model.flag import Flag
from holdfast.serve.answers import KINDS, Kind, Mismatch, answers
from holdfast.serve.conditions import Attributes, Check, UnfitAttribute, agreed, all_hold, holds
from holdfast.serve.log import Treatment

LeftOut = Literal[
    "not_assigned_yet",
    "not_started",
    "over",
    "excluded",
    "audience",
    "consent",
    "exclusion_group",
    "holdout",
    "traffic",
]
"""Why a unit gets the caller's default."""
Metadata = dict[str, str | int | float | bool]
NO_VARIANT = -1
Instant = float
Draw = Callable[[bytes], int]
"""Seconds since 1970 in UTC: cheaper to compare than dates, on the path of every request."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one evaluation, but for the value."""

    reason: Reason
    metadata: Metadata
    index: int = NO_VARIANT
    """The place of the variant in the file."""
    treatment: Treatment | None = None
    """What an exposure to it is; None for whoever gets the caller's default."""
    error: ErrorCode | None = None
    message: str | None = None


class ReadyFlag:
    """A flag whose limits, conditions, answers and metadata are prepared."""

    def __init__(self, flag: Flag) -> None:
        self.flag = flag
        self.metadata: Metadata = {"experiment": flag.experiment}
        if flag.readable:
            self.metadata |= {
                "version": flag.version,
                "config_hash": flag.config_hash,
                "hash_version": flag.hash_version,
            }
        self.opens: Instant | None = flag.opens.timestamp() if flag.opens else None
        self.closes: Instant = flag.closes.timestamp() if flag.closes else math.inf
        self.problem = self._problem()
        if self.problem:
            return
        self.answers: dict[Kind, tuple[Any, ...]] = {}
        self.mismatches: dict[Kind, Outcome] = {}
        for kind in KINDS:
            try:
                self.answers[kind] = answers(flag, kind)
            except Mismatch as error:
                self.mismatches[kind] = self._error(ErrorCode.TYPE_MISMATCH, str(error))
        self._not_assigned = self._left_out("not_assigned_yet", "", Reason.DISABLED)
        self._not_started = self._left_out("not_started", "", Reason.DISABLED)
        self._over = self._left_out("over", "", Reason.DISABLED)
        self._checks = [*self._prepared_checks()]
        self._slot = self._prepared_slot()
        self._holdouts = [*self._prepared_holdouts()]
        self._traffic = self._prepared_traffic()
        self._variants = [*self._prepared_variants()]
        self._draw_variant = hashing.drawer(flag.salt or "", "variant")

    def decide(self, unit: bytes, attributes: Attributes, now: Instant) -> Outcome:
        """The variant of a unit, or why it has none.

        Args:
            unit: the text of its id in UTF-8.
            attributes: what is known of it.
            now: an instant.
        """
        if self.opens is None or self.flag.salt is None:
            return self._not_assigned
        if now < self.opens:
            return self._not_started
        if now >= self.closes:
            return self._over
        try:
            for check, outcome in self._checks:
                if not check(attributes):
                    return outcome
            key = unit if self.flag.cluster is None else self._cluster(attributes, self.flag.cluster)
        except UnfitAttribute as error:
            return self._error(ErrorCode.INVALID_CONTEXT, str(error))
        return self._kept_out(unit, now) or self._drawn(key)

    def _kept_out(self, unit: bytes, now: Instant) -> Outcome | None:
        """Slots and holdouts are of units, the same for every experiment, whatever it draws by."""
        if self._slot is not None:
            draw, low, high, outcome = self._slot
            if not low <= draw(unit) < high:
                return outcome
        for start, end, draw, limit, outcome in self._holdouts:
            if start <= now < end and draw(unit) < limit:
                return outcome
        return None

    def _drawn(self, key: bytes) -> Outcome:
        """What the hash says of a unit or its cluster: whether it is in the traffic, and which variant it gets."""
        if self._traffic is not None:
            draw, limit, outcome = self._traffic
            if draw(key) >= limit:
                return outcome
        place = self._draw_variant(key)
        for limit, outcome in self._variants:
            if place < limit:
                return outcome
        raise ValueError(f"{place} is not a hash of version {hashing.HASH_VERSION}")

    def _cluster(self, attributes: Attributes, name: str) -> bytes:
        value = attributes.get(name)
        try:
            return hashing.unit_text(value).encode()  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise UnfitAttribute(
                f'units are drawn by their "{name}": the context needs it, as a text or a whole number'
            ) from error

    def _problem(self) -> Outcome | None:
        flag = self.flag
        if flag.problem:
            return self._error(ErrorCode.GENERAL if flag.readable else ErrorCode.PARSE_ERROR, flag.problem)
        tops = [f"{name}: {condition}" for name, condition in flag.audience.items() if condition.top is not None]
        if tops:
            return self._error(
                ErrorCode.GENERAL,
                f'the audience of "{flag.experiment}" has {tops[0]}, which compares units with each other and cannot '
                "be told from one of them; hand out its variants with holdfast export",
            )
        return None

    def _prepared_checks(self) -> Iterator[tuple[Check, Outcome]]:
        flag = self.flag
        if flag.exclude:
            excluded = all_hold(flag.exclude)
            by = ", ".join(flag.exclude)
            yield (lambda attributes: not excluded(attributes)), self._left_out("excluded", by)
        for name, condition in flag.audience.items():
            yield holds(name, condition), self._left_out("audience", name)
        for name in flag.consents:
            yield agreed(name), self._left_out("consent", name)

    def _prepared_slot(self) -> tuple[Draw, int, int, Outcome] | None:
        slot = self.flag.slot
        if slot is None:
            return None
        low, high = hashing.share_limit(slot.low), hashing.share_limit(slot.high)
        return hashing.drawer(slot.salt, "slot"), low, high, self._left_out("exclusion_group", slot.name)

    def _prepared_traffic(self) -> tuple[Draw, int, Outcome] | None:
        limit = hashing.share_limit(self.flag.traffic)
        if limit >= hashing.SPACE or not self.flag.salt:
            return None
        return hashing.drawer(self.flag.salt, "traffic"), limit, self._left_out("traffic")

    def _prepared_holdouts(self) -> Iterator[tuple[Instant, Instant, Draw, int, Outcome]]:
        for holdout in self.flag.holdouts:
            limit = hashing.share_limit(holdout.share)
            draw = hashing.drawer(holdout.salt, "holdout")
            end = holdout.end.timestamp() if holdout.end else math.inf
            yield holdout.start.timestamp(), end, draw, limit, self._left_out("holdout", holdout.name)

    def _prepared_variants(self) -> Iterator[tuple[int, Outcome]]:
        weights = {variant.key: variant.weight for variant in self.flag.variants}
        for index, (key, limit) in enumerate(hashing.variant_limits(weights)):
            metadata = {**self.metadata, "variant": key}
            treatment = Treatment(self.flag.experiment, self.flag.version, key, self.flag.hash_version)
            yield limit, Outcome(Reason.SPLIT, metadata, index, treatment)

    def _left_out(self, why: LeftOut, by: str = "", reason: Reason = Reason.DEFAULT) -> Outcome:
        found = {**self.metadata, "left_out": why}
        if by:
            found["left_out_by"] = by
        return Outcome(reason, found)

    def _error(self, code: ErrorCode, message: str) -> Outcome:
        return Outcome(Reason.ERROR, self.metadata, error=code, message=message)
