"""The JSON Schema of every kind of file, and of what commands print, for editors and other programs.

Made by: python -m docs.make_schemas
"""

from __future__ import annotations

from importlib.resources import files

from holdfast.errors import UsageError, nearest

FILES = ("project", "sources", "metrics", "tactics", "templates", "experiment", "results")
"""What stands in files."""
PRINTED = ("findings", "status", "doctor", "plan", "exploration", "diff", "kpi")
"""What commands print with --json."""
KINDS = (*FILES, *PRINTED)
_SINGULAR = {"source": "sources", "metric": "metrics", "tactic": "tactics", "template": "templates"}


def schema_text(kind: str) -> str:
    """The JSON Schema of one kind of file, as text.

    Raises:
        UsageError: there is no such kind.
    """
    name = _SINGULAR.get(kind, kind)
    if name not in KINDS:
        raise UsageError(f'unknown kind of file or document "{kind}"{nearest(kind, KINDS)}')
    return (files(__package__) / f"{name}.json").read_text(encoding="utf-8")
