"""The first lines of an experiment: one short text for each type of tactic."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from holdfast import atomic
from holdfast.errors import UsageError, nearest
from holdfast.starter.shipped import filled, scalar, stems, text

TODO = "TODO"
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
MAX_SLUG = 80
"""The salt is the slug and nine characters more, and may have a hundred."""
TACTIC_TYPES = stems("new")
"""Every type of tactic, sorted."""


def new_experiment(root: Path, slug: str, tactic_type: str, owner: str | None) -> Path:
    """The experiment.yaml that was written: valid but for a TODO at each thing that only its author knows.

    Raises:
        UsageError: the slug or the type cannot be used, or the experiment is there already.
    """
    if not SLUG.fullmatch(slug) or len(slug) > MAX_SLUG:
        raise UsageError(
            f'"{slug[:MAX_SLUG]}" cannot name an experiment: use at most {MAX_SLUG} lower-case letters, digits, and '
            ". _ -, starting with a letter or digit, such as winback-voucher"
        )
    if tactic_type not in TACTIC_TYPES:
        raise UsageError(f'unknown type of tactic "{tactic_type}"{_choices(tactic_type)}')
    if owner is not None and (not owner.strip() or not owner.isprintable()):
        raise UsageError(f"{owner!r} cannot be an owner; write who answers for it, such as growth@example.com")
    folder = root / "experiments" / slug
    if folder.exists():
        raise UsageError(f'there is an experiment "{slug}" already ({folder}); choose another name')
    values = {"slug": slug, "salt": f"{slug}-{secrets.token_hex(4)}", "owner": scalar(owner) if owner else TODO}
    path = folder / "experiment.yaml"
    atomic.write_text(path, filled(text("new", f"{tactic_type}.yaml"), values))
    return path


def _choices(tactic_type: str) -> str:
    """The nearest type, and all of them: there are more than a hint usually lists."""
    hint = nearest(tactic_type, TACTIC_TYPES).split(" (known")[0]
    return f"{hint} (known: {', '.join(TACTIC_TYPES)})"
