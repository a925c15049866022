"""A page in Debian's Chromium, driven over its own pipe: what is shown, what the keyboard reaches, and what a checker
of accessibility finds.

To look at a page at 390 pixels: python -m tests.contracts.browser report.html 390 page.png
"""

from __future__ import annotations

import base64
import fcntl
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

AXE = Path("node_modules/axe-core/axe.min.js")
_FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-extensions", "--disable-background-networking", "--hide-scrollbars", "--mute-audio",
)  # fmt: skip
_SECONDS = 60


def chromium() -> str | None:
    """The browser's command, or None where there is none."""
    return next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)


class Page:
    """One open page."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = os.fdopen(reading, "rb", buffering=0)
        self._writing = os.fdopen(writing, "wb", buffering=0)
        self._left = b""
        self._turn = 0
        self._session = ""
        self.requests: list[str] = []
        """Addresses that the page asked for."""

    def close(self) -> None:
        """Let go of the pipe."""
        self._reading.close()
        self._writing.close()

    def attach(self) -> None:
        """Open an empty page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a command of the DevTools protocol."""
        self._turn += 1
        message: dict[str, Any] = {"id": self._turn, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._writing.write(json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._turn:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        found: dict[str, Any] = answer["result"]
        return found

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = self._reading.read(1 << 16)
            if not part:
                raise RuntimeError("the browser has ended")
            self._left += part
        line, _, self._left = self._left.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        return message

    def open(self, path: Path, width: int, height: int = 844, *, dark: bool = False) -> None:
        """Show a file in a window of that width."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.requests.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def violations(self, axe: Path) -> list[str]:
        """What axe-core finds wrong, all its rules asked: the rule and the first places."""
        self.run(axe.read_text(encoding="utf-8") + "; 0")
        found = self.run("axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))")
        return [
            f"{rule['id']}: {rule['help']}: {[node['html'][:120] for node in rule['nodes'][:3]]}"
            for rule in json.loads(found)
        ]

    def press_tab(self) -> str:
        """Press Tab; where the focus is then, as tag#id."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        return str(self.run("(e => e.tagName.toLowerCase() + '#' + (e.id || e.getAttribute('aria-labelledby') || "
                            "e.getAttribute('href') || ''))(document.activeElement)"))  # fmt: skip

    def picture(self, *, whole: bool = True) -> bytes:
        """The page as PNG."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])


@contextmanager
def browser(command: str) -> Iterator[Page]:
    """A running browser with an empty page."""
    to_browser, writing = os.pipe()
    reading, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:

        def handles() -> None:
            # Chromium reads commands from handle 3 and answers on handle 4; copies first, as these may be 3 or 4.
            copies = [fcntl.fcntl(handle, fcntl.F_DUPFD, 10) for handle in (to_browser, from_browser)]
            for copy, handle in zip(copies, (3, 4), strict=True):
                os.dup2(copy, handle)

        process = subprocess.Popen(
            [command, *_FLAGS, f"--user-data-dir={profile}"],
            preexec_fn=handles,  # noqa: PLW1509  # no threads are running
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        page = Page(reading, writing)
        try:
            page.attach()
            yield page
        finally:
            process.kill()
            process.wait(_SECONDS)
            page.close()


def main() -> None:
    """Write a picture of a page."""
    path, width, target = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    command = chromium()
    if command is None:
        sys.exit("there is no chromium; on Debian: apt-get install chromium")
    with browser(command) as page:
        page.open(path, width, dark="dark" in sys.argv[4:])
        target.write_bytes(page.picture())


if __name__ == "__main__":
    main()
