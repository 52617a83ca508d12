"""The terminal of `reelworks up`: one line at a time, with the time and the part that wrote the line."""

import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

import honcho.printer

SYSTEM = "system"
"""The name of our own lines."""

_KEPT_LINES = 20


class Output(honcho.printer.Printer):
    """Prints lines, and keeps the last ones of each process for the report of its death."""

    def __init__(self, output: TextIO) -> None:
        super().__init__(output)
        self.alone = threading.RLock()
        """Held by a thread that prints several lines which belong together."""
        self._lines: defaultdict[str | None, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT_LINES))

    def write(self, message: honcho.printer.Message) -> None:
        """Print what a process wrote."""
        with self.alone:
            super().write(message)
        text = message.data.decode(errors="replace") if isinstance(message.data, bytes) else message.data
        self._lines[message.name].extend(text.splitlines())

    def say(self, text: str) -> None:
        """Print a line of our own."""
        now = datetime.now().astimezone()
        self.write(honcho.printer.Message(type="line", data=text, time=now, name=SYSTEM, colour=None))

    def last_lines(self, name: str) -> list[str]:
        """The last lines of a process."""
        return list(self._lines[name])


class Readiness:
    """Tells of each part that is ready, and how many are not yet."""

    def __init__(self, output: Output, parts: Sequence[str]) -> None:
        """Makes room for the longest name.

        Args:
            output: where it tells.
            parts: the names of all parts, in the order in which they start.
        """
        output.width = max(map(len, [SYSTEM, *parts]))
        self._output = output
        self._parts = parts
        self._waiting = set(parts)

    def __call__(self, name: str) -> None:
        """Tell that this part is ready."""
        self._waiting.discard(name)
        self._output.say(f"{name} is ready ({len(self._parts) - len(self._waiting)} of {len(self._parts)})")
