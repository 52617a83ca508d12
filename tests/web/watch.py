"""What no page may do, in any test: console messages, breaks of its policy, requests to strangers, moving layout."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

_SCRIPT: Final = Path(__file__).with_name("watch.js")
_REFUSED: Final = re.compile(r"the server responded with a status of (\d+)")
_MOST_SHIFT: Final = 0.1


@dataclass(frozen=True)
class Shift:
    """A move of a page's layout that follows no press."""

    at: float
    """Seconds since the document began."""
    amount: float
    """How much moved how far, as the platform counts."""
    text: str
    """The move in words."""


def windows(shifts: Iterable[Shift]) -> list[list[Shift]]:
    """The moves that count together: less than a second apart, and within five seconds (web.dev/articles/cls)."""
    found: list[list[Shift]] = []
    for shift in shifts:
        if not found or not (0 <= shift.at - found[-1][-1].at < 1 and shift.at - found[-1][0].at < 5):
            found.append([])
        found[-1].append(shift)
    return found


@dataclass
class Watch:
    """Collects the faults of all pages of a browser's window."""

    origin: str
    """The gateway's origin. A page sends requests nowhere else."""
    faults: list[str] = field(default_factory=list)
    """Faults so far, in words."""
    shifts: dict[Page, list[Shift]] = field(default_factory=dict)
    """Moves of each page's layout, the oldest first."""
    _refusals: list[tuple[int, str]] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        """Watch every page of the window, from its first document on."""
        context.expose_binding("reelworksReport", lambda source, fault: self._take(source["page"], fault))
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
        for shifts in self.shifts.values():
            for window in windows(shifts):
                moved = sum(each.amount for each in window)
                assert moved < _MOST_SHIFT, f"the layout moved by {moved:.3f}: {[each.text for each in window]}"

    def _take(self, page: Page, fault: dict[str, Any]) -> None:
        if fault["kind"] == "shift":
            self.shifts.setdefault(page, []).append(Shift(fault["at"], fault["amount"], fault["text"]))
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
