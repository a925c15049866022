"""Holdfast: retention experiments as code.

>>> import holdfast
>>> project = holdfast.open_project(".")                       # doctest: +SKIP
>>> analysis = project.experiment("hillstrom-email").analyze() # doctest: +SKIP
>>> analysis.verdict.recommendation                            # doctest: +SKIP
'ship'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.project import AnalysisHandle, ExperimentHandle, Project, analyze_frame, open_project
    from holdfast.warehouse import variants_of

__all__ = ["AnalysisHandle", "ExperimentHandle", "Project", "analyze_frame", "open_project", "variants_of"]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first used: a service that only hashes pays for nothing else."""
    if name in __all__:
        return getattr(import_module("holdfast.warehouse" if name == "variants_of" else "holdfast.project"), name)
    raise AttributeError(f"module 'holdfast' has no attribute {name!r}")
