"""Writes docs/rules.md from the table of rules and from the messages that tests/invalid expects.

Run from the repository's folder: python -m docs.make_rules
"""

from __future__ import annotations

import re
from pathlib import Path

from holdfast.config.rules.table import BY_COMMAND, GROUPS, JUDGEMENT, NOTES, WARNINGS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "rules.md"
EXPECTED = ROOT / "tests" / "invalid" / "expected"

_HEAD = """\
# Rules

`holdfast validate` reports everything that is wrong at once, each finding as file, line, column, severity and the id of
the rule that was broken. Errors stop every command; warnings do not, unless `--fail-on warning` is given.

A rule of judgement may be weighed and set aside by its id, with a reason that the report prints:

```yaml
acknowledge: [{rule: ratio-primary, because: All members buy within the window.}]
```

Every rule has a file that breaks it in `tests/invalid`, with its exact findings in `tests/invalid/expected`; the
messages below are taken from there. `guardrail-unreachable` needs the data: `holdfast plan` says for each guardrail
whether it can be passed at the planned size. `changed-after-start` needs the lock: `holdfast assign` compares a started
experiment with it, and shows the difference. The rules of [the data](#the-data) need the connection: they are looked at
by `holdfast validate --data`, and [checking-data.md](checking-data.md) says for each what to do. The grammar of
conditions is in [predicates.md](predicates.md).
"""


def document() -> str:
    """The whole page: one table for each group of rules."""
    parts = [_HEAD]
    for title, rules in GROUPS.items():
        rows = [_row(rule, sentence) for rule, sentence in rules.items()]
        head = ["| rule | severity | can be acknowledged | asks for | example |", "|---|---|---|---|---|"]
        parts.append("\n".join([f"\n## {title}\n", *head, *rows, ""]))
    return "".join(parts)


def _row(rule: str, sentence: str) -> str:
    severity = "warning" if rule in WARNINGS else "note" if rule in NOTES else "error"
    weighed = "yes" if rule in JUDGEMENT else "no"
    return f"| `{rule}` | {severity} | {weighed} | {_cell(sentence)} | {_cell(_example(rule))} |"


def _example(rule: str) -> str:
    """The message that the rule gives for its own invalid file."""
    if rule in BY_COMMAND:
        return f"said by `holdfast {BY_COMMAND[rule]}`"
    text = (EXPECTED / f"{rule}.txt").read_text(encoding="utf-8")
    found = re.search(rf"^(.*?: (?:error|warning))\[{re.escape(rule)}\]: (.*)$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"tests/invalid/expected/{rule}.txt does not hold a finding of {rule}")
    return found[2]


def _cell(text: str) -> str:
    """Text that cannot end the cell that it stands in."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write the page again."""
    PAGE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
