"""What no page may do, in any test: console messages, breaks of its policy, requests to strangers, moving layout."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

_SCRIPT: Final = Path(__file__).with_name("watch.js")
_REFUSED: Final = re.compile(r"the server responded with a status of (\d+)")
_MOST_SHIFT: Final = 0.1


@dataclass
class Watch:
    """Collects the faults of all pages of a browser's window."""

    origin: str
    """The gateway's origin. A page sends requests nowhere else."""
    faults: list[str] = field(default_factory=list)
    """Faults so far, in words."""
    shifts: list[str] = field(default_factory=list)
    """Moves of the layout, in words."""
    shift: float = 0.0
    """The sum of the moves, as the platform counts them."""
    _refusals: list[tuple[int, str]] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        """Watch every page of the window, from its first document on."""
        context.expose_binding("reelworksReport", lambda _source, fault: self._take(fault))
        context.add_init_script(path=_SCRIPT)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)

    def expect(self, status: int, path: str) -> None:
        """Allow the browser's own note of a refusal that the test causes. `path` may hold `*`."""
        self._refusals.append((status, path))

    def check(self) -> None:
        """Require that no page did what it must not."""
        assert not self.faults, "\n".join(self.faults)
        assert self.shift < _MOST_SHIFT, f"the layout moved by {self.shift:.3f}: {self.shifts}"

    def _take(self, fault: dict[str, Any]) -> None:
        if fault["kind"] == "shift":
            self.shift += fault["amount"]
            self.shifts.append(fault["text"])
        else:
            self.faults.append(f"{fault['kind']}: {fault['text']}")

    def _console(self, message: ConsoleMessage) -> None:
        if not self._is_expected(message):
            self.faults.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _is_expected(self, message: ConsoleMessage) -> bool:
        refused = _REFUSED.search(message.text)
        path = urlsplit(message.location["url"]).path
        return refused is not None and any(
            int(refused[1]) == status and fnmatch(path, pattern) for status, pattern in self._refusals
        )

    def _error(self, error: WebError) -> None:
        self.faults.append(f"error: {error.error}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.faults.append(f"request to a stranger: {request.url}")
