"""Run time: an OpenFeature provider that gives a unit the variant that `assign` gives it, and the log of exposures.

It imports neither an engine nor a data frame: a service starts at once. docs/run-time.md is the guide.
"""

from __future__ import annotations

try:
    import openfeature  # noqa: F401
except ImportError as error:
    raise ImportError("holdfast.serve needs the OpenFeature SDK; run: pip install 'holdfast[serve]'") from error

from holdfast.serve.hook import ExposureHook
from holdfast.serve.log import Counts, ExposureLog, Treatment
from holdfast.serve.provider import HoldfastProvider

__all__ = ["Counts", "ExposureHook", "ExposureLog", "HoldfastProvider", "Treatment"]
