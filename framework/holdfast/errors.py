"""Every error that a user can meet.

HoldfastError
├── ConfigError      the files are wrong: every finding at once, each with file, line and column
├── DataError        the data do not fit the files: which source, which column, what to do
│   └── WrongData    tables, columns or types: every finding at once
├── NotYet           the answer exists only from a later date
├── AssignmentError  an assignment would change, or does not match its lock
└── TransientError   a connection or a server failed: the same command may succeed later

Faults inside Holdfast stay ordinary exceptions. Exit codes: docs/decisions/0004-exit-codes.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

Severity = Literal["error", "warning", "note"]
"""How grave a finding is: errors stop, warnings stop only when asked to, notes only tell."""


class HoldfastError(Exception):
    """Something that the user can put right; the message says how."""

    exit_code = 1


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong in a file."""

    path: str
    """The file, relative to the project."""
    line: int
    """1-based; 0 when the finding is about the file as a whole."""
    column: int
    """1-based; 0 when the finding is about the file as a whole."""
    rule: str
    """The id of the rule that was broken."""
    message: str
    """What is wrong, with the nearest right name and the allowed values."""
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{place}: {self.severity}[{self.rule}]: {' '.join(self.message.splitlines())}"


class ConfigError(HoldfastError):
    """The files are wrong. Carries every finding, not only the first."""

    exit_code = 2

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(str(finding) for finding in self.findings))


class ProjectNotFound(HoldfastError):
    """No configs/project.yaml here or in any folder above."""

    exit_code = 2


class UsageError(HoldfastError):
    """The command or call does not fit: an unknown name, a date that cannot be read."""

    exit_code = 2


class DataError(HoldfastError):
    """The data do not fit what the files say about them."""


class WrongData(DataError):
    """Tables, columns or types do not fit the files. Carries every finding, not only the first."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(str(finding) for finding in self.findings))


class NotYet(HoldfastError):
    """The answer exists only from a later date."""

    def __init__(self, message: str, available_from: date) -> None:
        self.available_from = available_from
        super().__init__(message)


class AssignmentError(HoldfastError):
    """An assignment is missing, would change, or does not match its lock."""


class TransientError(HoldfastError):
    """A connection or a server failed; nothing was written, and the same command may succeed later."""

    exit_code = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest known one and the choices, ready to append to a message."""
    from difflib import get_close_matches

    choices = sorted(known)
    # among thousands only those that begin alike are compared, which takes no noticeable time
    near = choices if len(choices) <= 1000 else [choice for choice in choices if choice[:2] == name[:2]][:1000]
    close = get_close_matches(name, near, n=1, cutoff=0.6)
    hint = f', did you mean "{close[0]}"?' if close else ""
    shown = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
    return f"{hint} (known: {shown})" if choices else f"{hint} (none is defined)"
