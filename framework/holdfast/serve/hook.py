"""The hook that logs who met which variant."""

from __future__ import annotations

import re
from typing import Any

from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType, Reason
from openfeature.hook import Hook, HookContext, HookHints

from holdfast.hashing import unit_text
from holdfast.serve.drawn import DrawnEvaluation
from holdfast.serve.log import Exposure, ExposureLog

_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")


class ExposureHook(Hook):
    """Logs every unit that was drawn into a variant; nobody who got the caller's default.

    Whatever happens to the log, the evaluation goes on.
    """

    def __init__(self, log: ExposureLog) -> None:
        self._log = log

    def after(
        self,
        hook_context: HookContext,
        details: FlagEvaluationDetails[FlagValueType],
        hints: HookHints,  # noqa: ARG002 (the SDK passes it by name)
    ) -> None:
        """Record the exposure of an evaluation by Holdfast; other providers' flags are not its business."""
        if details.reason != Reason.SPLIT or "hash_version" not in details.flag_metadata:
            return
        unit = details.unit if isinstance(details, DrawnEvaluation) else hook_context.evaluation_context.targeting_key
        exposure = _exposure(unit, details.flag_metadata)
        if exposure is None:
            self._log.drop()
        else:
            self._log.record(exposure)


def _exposure(key: Any, metadata: Any) -> Exposure | None:
    """What to log, or None when a hook before this one took away what it needs."""
    try:
        experiment = str(metadata["experiment"])
        found = Exposure(
            experiment=experiment,
            version=int(metadata["version"]),
            variant=str(metadata["variant"]),
            unit=unit_text(key),
            hash_version=int(metadata["hash_version"]),
        )
    except (TypeError, ValueError, KeyError):
        return None
    return found if _SLUG.fullmatch(experiment) else None
