"""Writes the JSON Schemas of framework/holdfast/schemas and the table of docs/tactics.md from the types of the model.

Run from the repository's folder: python -m docs.make_schemas
"""

from __future__ import annotations

import json

from docs.schema_maker.kinds import ROOT, TITLES, schema
from docs.schema_maker.tactics import document

FOLDER = ROOT / "framework" / "holdfast" / "schemas"
TACTICS = ROOT / "docs" / "tactics.md"


def schema_text(kind: str) -> str:
    """The file of one kind, as it is committed."""
    return json.dumps(schema(kind), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file again."""
    for kind in TITLES:
        (FOLDER / f"{kind}.json").write_text(schema_text(kind), encoding="utf-8")
    TACTICS.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
