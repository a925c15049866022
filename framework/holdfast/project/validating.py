"""Every finding about a project's files, those of started experiments that no longer match their locks included."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from holdfast import config
from holdfast.config.lock import NAME
from holdfast.config.rules.table import DATA
from holdfast.errors import AssignmentError, ConfigError, Finding, HoldfastError
from holdfast.project.started import started

Progress = Callable[[str], None]
RULE = "changed-after-start"


def _quiet(_: str) -> None:
    """No progress wanted."""


def validate(
    root: Path,
    slugs: Sequence[str] = (),
    *,
    data: bool = False,
    as_of: dt.date | None = None,
    progress: Progress = _quiet,
) -> list[Finding]:
    """Every finding about the shared files and the experiments (all of them, or those named), sorted.

    Args:
        root: the project's folder.
        slugs: the experiments; all of them when none is named.
        data: whether the data are looked at too, where the shared files have no error.
        as_of: for the data: the date as of which facts should have arrived; default: today.
        progress: called with each step.

    Raises:
        UsageError: when a named experiment does not exist.
        TransientError: the data were asked for, and the database is busy or failed.
    """
    findings = config.validate(root, slugs)
    chosen = [path.parent.name for path in sorted((root / "experiments").glob(f"*/{NAME}"))]
    locked = [slug for slug in chosen if not slugs or slug in slugs]
    if shared_errors(findings):
        return sorted(findings)
    if locked:
        findings += _changed(root, locked)
    if data:
        from holdfast.project.checking import check_data

        catalogue = config.load_catalogue(root)
        findings += check_data(catalogue, slugs or catalogue.slugs, as_of, progress)
    return sorted(findings)


def shared_errors(findings: Sequence[Finding]) -> bool:
    """Whether the files that all experiments share have an error: then nothing more is looked at."""
    own = (finding for finding in findings if finding.path.startswith("configs/") and finding.rule not in DATA)
    return any(finding.severity == "error" for finding in own)


def _changed(root: Path, slugs: Sequence[str]) -> Iterator[Finding]:
    catalogue = config.load_catalogue(root)
    for slug in slugs:
        path = f"experiments/{slug}/experiment.yaml"
        try:
            started(config.load_study(catalogue, slug))
        except ConfigError:
            continue  # its own findings say what is wrong
        except AssignmentError as error:
            message = " ".join(str(error).split()).removeprefix(f"{slug}: ")
            yield Finding(path, 1, 1, RULE, message)
        except HoldfastError:
            continue
