"""Every finding about a project's files, those of started experiments that no longer match their locks included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from holdfast import config
from holdfast.config.lock import NAME
from holdfast.errors import AssignmentError, ConfigError, Finding, HoldfastError
from holdfast.project.started import started

RULE = "changed-after-start"


def validate(root: Path, slugs: Sequence[str] = ()) -> list[Finding]:
    """Every finding about the shared files and the experiments (all of them, or those named), sorted.

    Raises:
        UsageError: when a named experiment does not exist.
    """
    findings = config.validate(root, slugs)
    chosen = [path.parent.name for path in sorted((root / "experiments").glob(f"*/{NAME}"))]
    locked = [slug for slug in chosen if not slugs or slug in slugs]
    if locked and not any(finding.severity == "error" and finding.path.startswith("configs/") for finding in findings):
        findings += _changed(root, locked)
    return sorted(findings)


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
