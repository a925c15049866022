"""From the bytes of a YAML file to a marked tree, under hard limits.

The tree is built from the parser's events and never composed by the library: libyaml ends the process on deep
nesting, and composed aliases can be cyclic or stand for billions of nodes. Plain scalars follow the core schema of
YAML 1.2: `NO`, `on` and `12:30:45` are texts.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from holdfast.config.marks import Map, Mark, Seq, Sheet

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_EVENTS = 100_000
MAX_ALIASES = 100

_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_OCTAL = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMERIC = frozenset("+-.0123456789")
"""What a number begins with; most values begin with something else, and need no closer look."""
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
SCALAR_RULES = frozenset({"ambiguous-number", "unknown-alias", "alias-cycle", "unquoted-comparison", "yaml-tag"})
"""Rules about one value: what the types say of it besides would only repeat them."""
QUOTE_COMPARISON = 'put quotes around a comparison, such as ">= 3": without them YAML reads > as a block of text'


class _Stop(Exception):
    """The rest of the file cannot be read."""


def load(data: bytes, path: str) -> Sheet:
    """The marked tree of a file and everything that is wrong with it as YAML; the tree is None when unreadable."""
    sheet = Sheet(path)
    text = _decode(data, sheet)
    if text is None:
        return sheet
    sheet.to_be_filled = any(sign in text for sign in ("TODO", "${", "\\"))
    try:
        tree = _Builder(sheet, text).document()
    except _Stop:
        return sheet
    except yaml.YAMLError as error:
        _report_syntax(error, text, sheet)
        return sheet
    if isinstance(tree, Map):
        sheet.tree = tree
    elif not sheet.findings:
        what = "the file is empty" if tree is None else "the file must hold fields, such as `owner: growth@example.com`"
        sheet.add_at(Mark(1, 1), "not-a-mapping", what)
    return sheet


def _decode(data: bytes, sheet: Sheet) -> str | None:
    if len(data) > MAX_BYTES:
        sheet.add_at(None, "too-large", "the file is larger than 1 MiB; a configuration file is a few kilobytes")
        return None
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            sheet.add_at(None, "wrong-encoding", f"the file is saved as {name}; save it as UTF-8")
            return None
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data:
        hint = "; it looks like UTF-16: save it as UTF-8" if data[1:4:2] in {b"\0\0", b"\0"} else ""
        sheet.add_at(_byte_mark(data, data.index(b"\0")), "nul-byte", f"the file holds a NUL byte{hint}")
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        message = "this is not UTF-8; save the file as UTF-8"
        sheet.add_at(_byte_mark(data, error.start), "wrong-encoding", message)
        return None
    if match := _CONTROL.search(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        message = f"the character U+{ord(match[0]):04X} is not allowed; remove it"
        sheet.add_at(Mark(line, column), "control-character", message)
        return None
    return text


def _byte_mark(data: bytes, position: int) -> Mark:
    start = data.rfind(b"\n", 0, position) + 1
    column = len(data[start:position].decode(errors="replace")) + 1
    return Mark(data.count(b"\n", 0, position) + 1, column)


class _Builder:
    """Builds the tree of one file from the parser's events."""

    def __init__(self, sheet: Sheet, text: str) -> None:
        self.sheet = sheet
        self.parser: Any = yaml.CSafeLoader(text)
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open: set[str] = set()
        self.seen = 0
        self.aliases = 0
        self.depth = 0

    def _mark(self, event: Any) -> Mark:
        start = event.start_mark
        return Mark(start.line + 1, start.column + 1, self.sheet.path)

    def document(self) -> Any:
        """The root of the only document."""
        root: Any = None
        documents = 0
        while (event := self._next()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.sheet.add_at(
                        self._mark(event), "many-documents", "a file holds one document; remove the `---`"
                    )
                    raise _Stop
                root = self._node(self._next())
        return root

    def _next(self) -> Any:
        event = self.parser.get_event()
        if event is not None:
            self.seen += 1
            if self.seen > MAX_EVENTS:
                self._count(event, 0)
        return event

    def _count(self, event: Any, nodes: int) -> None:
        self.seen += nodes
        if self.seen > MAX_EVENTS:
            self._refuse(event, f"the file stands for more than {MAX_EVENTS:,} values")

    def _refuse(self, event: Any, message: str) -> None:
        self.sheet.add_at(self._mark(event), "too-complex", message)
        raise _Stop

    def _node(self, event: Any) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.sheet.add_at(
                self._mark(event), "yaml-tag", f"{_quoted(tag)} is a tag; write a plain value, in quotes if need be"
            )
        anchor, before = event.anchor, self.seen
        if isinstance(event, yaml.ScalarEvent):
            value: Any = self._scalar(event)
        else:
            if anchor:
                self.open.add(anchor)
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self._refuse(event, f"values are nested more than {MAX_DEPTH} deep")
            value = self._mapping(event) if isinstance(event, yaml.MappingStartEvent) else self._sequence(event)
            self.depth -= 1
        if anchor:
            self.open.discard(anchor)
            self.anchors[anchor] = (value, self.seen - before)
        return value

    def _alias(self, event: Any) -> Any:
        self.aliases += 1
        name = _quoted(event.anchor)
        if self.aliases > MAX_ALIASES:
            self._refuse(event, f"the file uses more than {MAX_ALIASES} aliases")
        if event.anchor in self.open:
            self.sheet.add_at(self._mark(event), "alias-cycle", f"the alias *{name[1:-1]} stands inside its own value")
            return None
        if event.anchor not in self.anchors:
            message = f"nothing is named &{name[1:-1]}; if * is part of a text, put quotes around it"
            self.sheet.add_at(self._mark(event), "unknown-alias", message)
            return None
        value, size = self.anchors[event.anchor]
        # an alias counts as all that it stands for, or a few of them would stand for billions
        self._count(event, size)
        return value

    def _sequence(self, start: Any) -> Seq:
        result = Seq(self._mark(start))
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            mark = self._mark(event)
            result.add(self._node(event), mark)
        return result

    def _mapping(self, start: Any) -> Map:
        result = Map(self._mark(start))
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key_mark = self._mark(event)
            plain = isinstance(event, yaml.ScalarEvent) and event.style in (None, "")
            key = self._key(self._node(event), key_mark, plain=plain)
            event = self._next()
            value_mark = self._mark(event)
            value = self._node(event)
            if key is None:
                continue
            if key in result:
                first = result.key_marks[key]
                message = f"{_quoted(key)} is written twice; the first is in line {first.line}, column {first.column}"
                self.sheet.add_at(key_mark, "duplicate-key", message)
                continue
            result.put(key, value, key_mark, value_mark)
        return result

    def _key(self, key: Any, mark: Mark, *, plain: bool) -> str | None:
        if key == "<<" and plain:
            message = "merge keys (<<) are not part of the language; repeat the fields, or name the shared thing"
            self.sheet.add_at(mark, "merge-key", message)
            return None
        if isinstance(key, str):
            return key
        if isinstance(key, int) and not isinstance(key, bool):
            return str(key)
        shown = (
            "a list or mapping" if isinstance(key, Map | Seq) else "an empty value" if key is None else str(key).lower()
        )
        self.sheet.add_at(mark, "key-not-text", f"{shown} cannot be a key; put quotes around it if it is a name")
        return None

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style not in (None, ""):
            if event.style == ">" and not text.strip():
                self.sheet.add_at(self._mark(event), "unquoted-comparison", QUOTE_COMPARISON)
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMERIC:
            return text
        if _OCTAL.fullmatch(text):
            message = f"{_quoted(text)} starts with 0: put quotes around it if it is a text, or leave the 0 out"
            self.sheet.add_at(self._mark(event), "ambiguous-number", message)
            return text
        number = _number(text)
        if number is None and (_INTEGER.fullmatch(text) or _FLOAT.fullmatch(text) or _INFINITE.fullmatch(text)):
            message = f"{_quoted(text)} is not a number that can be kept exactly; put quotes around it if it is a text"
            self.sheet.add_at(self._mark(event), "ambiguous-number", message)
            return text
        return text if number is None else number


def _number(text: str) -> int | float | None:
    """The number that a plain scalar stands for, if it is one of ordinary size."""
    if len(text) > 40:
        return None
    if _INTEGER.fullmatch(text):
        number = int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        return number if abs(number) < 1 << 63 else None
    if _FLOAT.fullmatch(text):
        value = float(text)
        return value if abs(value) < 1e300 else None
    return None


def _quoted(text: str) -> str:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return f'"{shown}"'


def _report_syntax(error: yaml.YAMLError, text: str, sheet: Sheet) -> None:
    where = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    mark = Mark(where.line + 1, where.column + 1) if where else Mark(1, 1)
    problem = str(getattr(error, "problem", None) or "this is not YAML")
    context = str(getattr(error, "context", None) or "")
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    rule, message = _explain(problem, context, line, line[mark.column - 1 : mark.column])
    sheet.add_at(mark, rule, message)


def _explain(problem: str, context: str, line: str, character: str) -> tuple[str, str]:
    """The rule and the message of a syntax error, in words that help its author."""
    if character == "\t" or "tab character" in problem:
        return "tab", "a tab stands where spaces are needed; indent with spaces"
    if "block scalar" in context or character == ">":
        return "unquoted-comparison", QUOTE_COMPARISON
    for sign, message in _SYNTAX.items():
        if sign in f"{problem}; {context}":
            return "yaml-syntax", message.format(character=character or "this")
    if "'" in line or '"' in line:
        return "yaml-syntax", "text stands after a closing quote, or the indentation is wrong"
    return "yaml-syntax", f"this is not YAML: {problem}; check the indentation, one more step for each level"


_SYNTAX = {
    "cannot start any token": "a text cannot begin with {character} here; put quotes around it",
    "mapping values are not allowed": "a second colon, or wrong indentation; put quotes around a text that holds `: `",
    "quoted scalar": "a quoted text is not closed, or holds a wrong escape",
    "flow sequence": "a comma or the closing ] is missing",
    "flow mapping": "a comma or the closing }} is missing",
}
