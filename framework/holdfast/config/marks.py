"""A tree of plain values that remembers where in the file each key and value stood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from holdfast.errors import Finding

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, both numbers from 1."""

    line: int
    column: int
    file: str = field(default="", compare=False)
    """The file, relative to the project; empty for a place that no file holds."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


START = Mark(1, 1)
MAX_FINDINGS = 200
"""After so many findings in one file nobody reads on, and looking for more would only take time."""
MAX_MESSAGE = 1000
"""Nobody reads a longer message: it repeats a value that is far too long."""


class Map(dict[str, Any]):
    """A mapping whose keys and values carry marks."""

    def __init__(self, mark: Mark = START) -> None:
        super().__init__()
        self.mark = mark
        self.key_marks: dict[str, Mark] = {}
        self.value_marks: dict[str, Mark] = {}

    def put(self, key: str, value: object, key_mark: Mark, value_mark: Mark | None = None) -> None:
        """Set a key with its marks; without a mark for the value, the key's serves for both."""
        self[key] = value
        self.key_marks[key] = key_mark
        self.value_marks[key] = value_mark or key_mark

    def take(self, key: str) -> tuple[Any, Mark, Mark]:
        """Remove a key and return its value with the marks of key and value."""
        return self.pop(key), self.key_marks.pop(key), self.value_marks.pop(key)

    def rename(self, old: str, new: str) -> None:
        """Give a value another key; both marks stay."""
        if old in self and new not in self:
            value, key_mark, value_mark = self.take(old)
            self.put(new, value, key_mark, value_mark)

    def without(self, keys: set[str]) -> Map:
        """The same mapping with some keys left out."""
        return self._filtered(lambda key: key not in keys)

    def only(self, keys: set[str]) -> Map:
        """The same mapping with these keys alone."""
        return self._filtered(lambda key: key in keys)

    def _filtered(self, keep: Callable[[str], bool]) -> Map:
        result = Map(self.mark)
        for key, value in self.items():
            if keep(key):
                result.put(key, value, self.key_marks[key], self.value_marks[key])
        return result


class Seq(list[Any]):
    """A list whose items carry marks."""

    def __init__(self, mark: Mark = START) -> None:
        super().__init__()
        self.mark = mark
        self.marks: list[Mark] = []

    def add(self, value: object, mark: Mark) -> None:
        self.append(value)
        self.marks.append(mark)


def copy(node: Any) -> Any:
    """A tree of its own with the same marks, so that aliases of one node do not change together."""
    if isinstance(node, Map):
        mapping = Map(node.mark)
        for key, value in node.items():
            mapping.put(key, copy(value), node.key_marks[key], node.value_marks[key])
        return mapping
    if isinstance(node, Seq):
        sequence = Seq(node.mark)
        for item, mark in zip(node, node.marks, strict=True):
            sequence.add(copy(item), mark)
        return sequence
    return node


def scalars(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every plain value of the tree with the path that leads to it."""
    if isinstance(node, Map):
        for key, value in node.items():
            yield from scalars(value, (*path, key))
    elif isinstance(node, Seq):
        for index, item in enumerate(node):
            yield from scalars(item, (*path, index))
    else:
        yield path, node


def look_up(node: Any, path: Path) -> Any:
    """The value at a path, or None where the path ends early."""
    for step in path:
        if isinstance(node, Map) and step in node:
            node = node[str(step)]
        elif isinstance(node, Seq) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return None
    return node


def place(node: Any, path: Path, at: Literal["key", "value"] = "value") -> Mark:
    """Where a path stands in the file; a path that does not exist stands where its nearest ancestor does."""
    mark = getattr(node, "mark", START)
    for step in path:
        if isinstance(node, Map) and step in node:
            name = str(step)
            value = node[name]
            # a mapping or list is shown at its key: its own first line may be far below
            shown_at_key = at == "key" or isinstance(value, Map | Seq)
            mark = node.key_marks[name] if shown_at_key else node.value_marks[name]
            node = value
        elif isinstance(node, Seq) and isinstance(step, int) and step < len(node):
            mark = node.marks[step]
            node = node[step]
        else:
            break
    return mark


@dataclass
class Sheet:
    """One file while it is checked: its name, its tree and what was found in it."""

    path: str
    """The file, relative to the project."""
    tree: Any = None
    findings: list[Finding] = field(default_factory=list)
    unreadable: set[Path] = field(default_factory=set)
    """Paths already reported as wrong in themselves; nothing more is concluded from them."""
    _entries: tuple[int, set[Path]] = field(default_factory=lambda: (0, set()), repr=False, compare=False)
    to_be_filled: bool = True
    """Whether the text may hold a TODO or a variable of the environment, so that each value needs a look."""

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong with the file that no more is looked for."""
        return len(self.findings) >= MAX_FINDINGS

    @property
    def unreadable_entries(self) -> set[Path]:
        """The first two steps of everything unreadable: section and name of the entries of a shared file."""
        if self._entries[0] != len(self.unreadable):
            self._entries = (len(self.unreadable), {path[:2] for path in self.unreadable})
        return self._entries[1]

    def add(
        self,
        rule: str,
        path: Path,
        message: str,
        *,
        at: Literal["key", "value"] = "value",
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Report something wrong at a path of the tree."""
        self.add_at(place(self.tree, path, at), rule, message, severity=severity)

    def add_at(
        self, mark: Mark | None, rule: str, message: str, severity: Literal["error", "warning"] = "error"
    ) -> None:
        """Report something wrong at a place, or with the whole file."""
        line, column = (mark.line, mark.column) if mark else (0, 0)
        if self.is_full:
            if len(self.findings) == MAX_FINDINGS:
                message = f"more than {MAX_FINDINGS} things are wrong in this file; put these right and check it again"
                self.findings.append(Finding(self.path, 0, 0, "too-many-findings", message, "error"))
            return
        # a value that was inherited stands in another file than the one that is checked
        file = mark.file if mark and mark.file else self.path
        if len(message) > MAX_MESSAGE:
            message = message[:MAX_MESSAGE] + "…"
        finding = Finding(file, line, column, rule, message, severity)
        if finding not in self.findings:
            self.findings.append(finding)

    def judge(
        self,
        rule: str,
        path: Path,
        message: str,
        *,
        at: Literal["key", "value"] = "value",
        severity: Literal["error", "warning"] = "error",
        rests_on: Path | None = None,
    ) -> None:
        """Report a broken rule, unless the values that it rests on are already reported as unreadable."""
        if self.is_full:
            self.add(rule, path, message, at=at, severity=severity)
            return
        for basis in (path, rests_on or path):
            if any(_overlap(dropped, basis) for dropped in self.unreadable):
                return
        self.add(rule, path, message, at=at, severity=severity)


def _overlap(first: Path, second: Path) -> bool:
    """Whether one path leads to the other."""
    length = min(len(first), len(second))
    return first[:length] == second[:length]
