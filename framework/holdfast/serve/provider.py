"""The OpenFeature provider: what `holdfast assign` gives a unit, asked one unit at a time."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from holdfast.errors import UsageError, nearest
from holdfast.hashing import unit_text
from holdfast.model.flag import Flag
from holdfast.serve.answers import CALLERS_DEFAULT, Kind
from holdfast.serve.drawn import DrawnResolution
from holdfast.serve.evaluation import NO_VARIANT, Outcome
from holdfast.serve.evaluation import Metadata as FlagMetadata
from holdfast.serve.naming import named

NAME = "holdfast"
Clock = Callable[[], dt.datetime]
_logger = logging.getLogger("holdfast.serve")
_METADATA = Metadata(name=NAME)
_NOBODY = EvaluationContext()


class HasFlags(Protocol):
    """What flags are taken from: a project, or anything else that has some."""

    def flags(self) -> Iterable[Flag]:
        """The flags to serve."""
        ...


class HoldfastProvider(AbstractProvider):
    """Serves the experiments of a project as flags.

    Everything is prepared when it is made: it is ready at once, an evaluation reads no file, and it does not see later
    changes of the files. To take them up, set a new provider.
    """

    def __init__(self, project: HasFlags, *, clock: Clock | None = None) -> None:
        """Prepare the flags of a project.

        Args:
            project: `holdfast.open_project(".")`, or whatever has `flags()`.
            clock: what says the time, with its zone, in place of the machine's; for tests.

        Raises:
            UsageError: the clock tells no zone.
        """
        super().__init__()
        if clock is not None and clock().tzinfo is None:
            raise UsageError("the clock of a provider needs a time zone, such as datetime.now(UTC)")
        flags = tuple(project.flags())
        self._clock: Callable[[], float] = time.time if clock is None else lambda: clock().timestamp()
        self._named = named(flags)
        self._unread = tuple(flag.experiment for flag in flags if not flag.readable)
        self._not_found = lru_cache(maxsize=256)(self._unknown)
        taken_twice = sorted(name for name, item in self._named.items() if item.clash)
        if taken_twice:
            _logger.warning("flags of two experiments that run at the same time: %s", ", ".join(taken_twice))
        if self._unread:
            _logger.warning(
                "experiments that cannot be served, since their files have errors: %s; run: holdfast validate",
                ", ".join(self._unread),
            )

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return _METADATA

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """Whether the unit gets something other than control, or the payload's `value`."""
        return self._resolve("boolean", flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """The key of the unit's variant, or the payload's `value`."""
        return self._resolve("string", flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """The payload's `value`."""
        return self._resolve("integer", flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """The payload's `value`; whole numbers count."""
        # The SDK refuses a whole number as the default of a float.
        default = float(default_value) if type(default_value) is int else default_value
        return self._resolve("float", flag_key, default, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """The whole payload."""
        details = self._resolve("object", flag_key, default_value, evaluation_context)
        if details.value is not default_value:
            # The caller may change what it got; the next one must not see it.
            details.value = dict(details.value)
        return details

    def _resolve(
        self, kind: Kind, name: str, default: Any, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Any]:
        found = self._named.get(name)
        if found is None:
            return FlagResolutionDetails(default, ErrorCode.FLAG_NOT_FOUND, self._not_found(name), Reason.ERROR)
        now = self._clock()
        ready = found.only or found.at(now)
        if ready.problem:
            return _without(ready.problem, default)
        answers = ready.answers.get(kind)
        if answers is None:
            return _without(ready.mismatches[kind], default)
        context = context or _NOBODY
        key = context.targeting_key
        try:
            # The ordinary case first: this is the path of every request.
            unit = key if type(key) is str and key else unit_text(key)  # type: ignore[arg-type]
            hashed = unit.encode()
        except (TypeError, ValueError):
            return _bad_key(key, default, ready.metadata)
        outcome = ready.decide(hashed, context.attributes, now)
        if outcome.index == NO_VARIANT:
            return _without(outcome, default)
        value = answers[outcome.index]
        treatment = outcome.treatment
        return DrawnResolution(
            default if value is CALLERS_DEFAULT else value,
            None,
            None,
            outcome.reason,
            treatment.variant if treatment else None,
            outcome.metadata.copy(),  # the caller may change what it got
            unit,
            treatment,
        )

    def _unknown(self, name: str) -> str:
        hint = nearest(name, self._named)
        unread = f"; not read, since their files have errors: {', '.join(self._unread)}" if self._unread else ""
        return f'there is no flag "{name[:100]}"{hint}{unread}'


def _without(outcome: Outcome, default: Any) -> FlagResolutionDetails[Any]:
    """The caller's default, and why."""
    return FlagResolutionDetails(
        value=default,
        error_code=outcome.error,
        error_message=outcome.message,
        reason=outcome.reason,
        flag_metadata=outcome.metadata.copy(),
    )


def _bad_key(key: Any, default: Any, metadata: FlagMetadata) -> FlagResolutionDetails[Any]:
    """The caller's default, since there is no unit to draw; the message never shows the key."""
    missing = key is None or key == ""
    code = ErrorCode.TARGETING_KEY_MISSING if missing else ErrorCode.INVALID_CONTEXT
    message = (
        "the context needs the id of the unit as its targeting key"
        if missing
        else "the targeting key is the id of the unit as a text; write whole numbers in decimal"
    )
    return FlagResolutionDetails(
        value=default, error_code=code, error_message=message, reason=Reason.ERROR, flag_metadata=metadata.copy()
    )
