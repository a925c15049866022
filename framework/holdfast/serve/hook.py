"""The hook that logs who met which variant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType, Reason
from openfeature.hook import Hook, HookContext, HookHints

from holdfast.serve.drawn import DrawnEvaluation
from holdfast.serve.log import ExposureLog, Treatment

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
        if isinstance(details, DrawnEvaluation):
            treatment, unit = details.treatment, details.unit
        elif details.reason != Reason.SPLIT or "hash_version" not in details.flag_metadata:
            return
        else:
            # Another provider stands between, and passes on what Holdfast said.
            treatment, unit = _treatment(details.flag_metadata), hook_context.evaluation_context.targeting_key or ""
        if treatment is None or not unit:
            self._log.drop()
        else:
            self._log.record(treatment, unit)


def _treatment(metadata: Mapping[str, Any]) -> Treatment | None:
    """What to log, or None when a hook before this one changed it into something else."""
    try:
        found = Treatment(
            experiment=str(metadata["experiment"]),
            version=int(metadata["version"]),
            variant=str(metadata["variant"]),
            hash_version=int(metadata["hash_version"]),
        )
    except (TypeError, ValueError, KeyError):
        return None
    return found if _SLUG.fullmatch(found.experiment) else None
