"""The texts that ship with the package, by the path that they get in a project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]*(?: [A-Za-z0-9_.@-]+)*")
HIDDEN = ("gitignore", "github")
"""Names that get a dot in front: with one here, version control would obey them in this package, too."""
SCHEMAS = ".holdfast/schemas"
"""Where editors find the schemas, relative to the project."""
KINDS = ("project", "sources", "metrics", "tactics", "templates", "experiment")
"""The kinds of files that people write."""


def texts(*parts: str) -> dict[str, str]:
    """Path in a project to text, for every file of a folder of this package."""
    folder = files("holdfast.starter").joinpath(*parts)
    return {"/".join(path): item.read_text(encoding="utf-8") for path, item in _walk(folder, ())}


def text(folder: str, name: str) -> str:
    """One file of this package."""
    return files("holdfast.starter").joinpath(folder, name).read_text(encoding="utf-8")


def stems(folder: str) -> tuple[str, ...]:
    """The names of a folder's files without their ending, sorted."""
    names = (item.name for item in files("holdfast.starter").joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def schemas() -> dict[str, str]:
    """Path in a project to text, for the JSON Schema of each kind of file; none where the schemas are not installed."""
    try:
        folder = files("holdfast.schemas")
    except ModuleNotFoundError:
        return {}
    found = {kind: folder / f"{kind}.json" for kind in KINDS}
    return {
        f"{SCHEMAS}/{kind}.json": item.read_text(encoding="utf-8") for kind, item in found.items() if item.is_file()
    }


def filled(pattern: str, values: Mapping[str, str]) -> str:
    """A text with each `@name@` replaced; what is put in is not looked at again."""
    names = "|".join(map(re.escape, values))
    return re.sub(f"@({names})@", lambda found: values[found[1]], pattern)


def scalar(words: str) -> str:
    """A text as a plain value of YAML: in quotes where it needs them."""
    is_plain = _PLAIN.fullmatch(words) and words.lower() not in {"true", "false", "null"}
    return words if is_plain else json.dumps(words, ensure_ascii=False)


def _walk(folder: Traversable, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.startswith((".", "__")):
            continue
        name = f".{item.name}" if not path and item.name in HIDDEN else item.name
        if item.is_dir():
            yield from _walk(item, (*path, name))
        else:
            yield (*path, name), item
