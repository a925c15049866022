"""What an editor shows while somebody writes: drives yaml-language-server, the engine of most editors' YAML support.

Run by itself it prints what is offered and explained: python -m tests.contracts.editor FOLDER, where FOLDER holds
node_modules/yaml-language-server (npm install --no-save --prefix FOLDER yaml-language-server).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.schemas import schema_text

Answer = dict[str, Any]
SERVER = Path("node_modules/yaml-language-server/bin/yaml-language-server")


def tools_folder() -> Path | None:
    """The folder into which npm has put the language server, named by HOLDFAST_TOOLS; None where there is none."""
    named = os.environ.get("HOLDFAST_TOOLS")
    found = named and shutil.which("node") and (Path(named) / SERVER).is_file()
    return Path(str(named)) if found else None


class Editor:
    """One open file of an editor, with the schema that its first line names."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.turn = 0
        self.problems: list[str] = []

    def send(self, method: str, params: Answer, *, wants_answer: bool = False) -> Any:
        """Send a message; the answer, when one is wanted."""
        message: Answer = {"jsonrpc": "2.0", "method": method, "params": params}
        if wants_answer:
            self.turn += 1
            message["id"] = self.turn
        self._write(message)
        return self._answer(self.turn) if wants_answer else None

    def _write(self, message: Answer) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> Answer:
        assert self.process.stdout
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            if not line and self.process.poll() is not None:
                raise RuntimeError("the language server has ended")
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        found: Answer = json.loads(self.process.stdout.read(length))
        return found

    def _answer(self, number: int | None, method: str = "") -> Any:
        """The answer to a request, or the next notice of a method; what the server asks meanwhile gets nothing."""
        while True:
            message = self._read()
            if "method" in message and "id" in message:
                asked = message["params"].get("items", []) if "items" in (message.get("params") or {}) else []
                self._write({"jsonrpc": "2.0", "id": message["id"], "result": [None for _ in asked] or None})
            elif number is not None and message.get("id") == number:
                return message.get("result")
            elif number is None and message.get("method") == method:
                return message["params"]

    def start(self) -> None:
        """Say hello."""
        root = self.folder.as_uri()
        self.send("initialize", {"processId": None, "rootUri": root, "capabilities": _ABILITIES}, wants_answer=True)
        self.send("initialized", {})

    def open(self, name: str, text: str) -> str:
        """Open a file; the server's name for it."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": document})
        return path.as_uri()

    def complete(self, kind: str, text: str) -> dict[str, str]:
        """What is offered where `|` stands in the text, each with its explanation."""
        found = self._ask("textDocument/completion", kind, text)
        items = found["items"] if isinstance(found, dict) else found or []
        return {item["label"]: _plain(item.get("documentation")) for item in items}

    def hover(self, kind: str, text: str) -> str:
        """What is explained where `|` stands in the text."""
        found = self._ask("textDocument/hover", kind, text)
        return _plain((found or {}).get("contents"))

    def check(self, kind: str, text: str) -> list[str]:
        """What is marked as wrong."""
        uri = self.open(f"file{self.turn}.yaml", _headed(kind, text))
        while True:
            said = self._answer(None, "textDocument/publishDiagnostics")
            if said["uri"] == uri:
                return [str(item["message"]) for item in said["diagnostics"]]

    def _ask(self, method: str, kind: str, text: str) -> Any:
        whole = _headed(kind, text)
        before, _, after = whole.partition("|")
        uri = self.open(f"file{self.turn}.yaml", before + after)
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}
        return self.send(method, place, wants_answer=True)


_ABILITIES: Answer = {
    "textDocument": {
        "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True}},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {},
    },
    "workspace": {},
}


def _headed(kind: str, text: str) -> str:
    return f"# yaml-language-server: $schema=./{kind}.json\n{text}"


def _plain(shown: Any) -> str:
    if isinstance(shown, list):
        return "\n".join(_plain(item) for item in shown)
    return str(shown.get("value", "")) if isinstance(shown, dict) else str(shown or "")


@contextmanager
def editor(tools: Path) -> Iterator[Editor]:
    """A running editor in a folder that holds every schema."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("project", "sources", "metrics", "tactics", "templates", "experiment"):
            (Path(folder) / f"{kind}.json").write_text(schema_text(kind), encoding="utf-8")
        command = ["node", str(tools / SERVER), "--stdio"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
            opened = Editor(process, Path(folder).resolve())
            try:
                opened.start()
                yield opened
            finally:
                process.kill()


SCENES: tuple[tuple[str, str, str], ...] = (
    ("an empty line of an experiment", "experiment", "extends: winback-incentive\n|\n"),
    ("the kind of a tactic", "experiment", "owner: a@b.example\ntactic:\n  type: |\n"),
    ("a field of that kind", "tactics", "tactics:\n  voucher:\n    type: incentive\n    |\n"),
    ("an operation", "metrics", "metrics:\n  bought:\n    operation: |\n"),
    ("a field of that operation", "metrics", "metrics:\n  stayed:\n    operation: retention\n    |\n"),
    ("a way to enrol", "experiment", "enroll:\n  |\n"),
)
"""Places at which the editor is asked what may stand there: what it is, the kind of file, and the text with `|`."""


def main() -> None:
    """Print what is offered at each place."""
    with editor(Path(sys.argv[1]).resolve()) as opened:
        for title, kind, text in SCENES:
            print(f"## {title}")  # noqa: T201
            for label, documentation in opened.complete(kind, text).items():
                print(f"  {label:<24}{' '.join(documentation.split())[:90]}")  # noqa: T201
        print("## hover over `traffic`")  # noqa: T201
        print(opened.hover("experiment", "assignment:\n  tra|ffic: 20%\n"))  # noqa: T201
        print("## errors")  # noqa: T201
        print(opened.check("metrics", "metrics:\n  stayed: {operation: retention, fact: orders.order, windo: 3}\n"))  # noqa: T201


if __name__ == "__main__":
    main()
