"""The terminal of `reelworks up`. Each line shows the time and the part that wrote the line."""

import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

import honcho.printer

SYSTEM = "system"
"""The name on the lines of `reelworks up` itself."""

_KEPT_LINES = 20


class Output(honcho.printer.Printer):
    """Prints lines. Keeps the last lines of each process for the report of its death."""

    def __init__(self, output: TextIO) -> None:
        super().__init__(output)
        self.alone = threading.RLock()
        """A thread holds this lock while it prints several lines in one piece."""
        self._lines: defaultdict[str | None, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT_LINES))

    def write(self, message: honcho.printer.Message) -> None:
        """Print the output of a process."""
        with self.alone:
            super().write(message)
        text = message.data.decode(errors="replace") if isinstance(message.data, bytes) else message.data
        self._lines[message.name].extend(text.splitlines())

    def say(self, text: str) -> None:
        """Print a line of `reelworks up` itself."""
        now = datetime.now().astimezone()
        self.write(honcho.printer.Message(type="line", data=text, time=now, name=SYSTEM, colour=None))

    def last_lines(self, name: str) -> list[str]:
        """The last lines of a process."""
        return list(self._lines[name])


class Readiness:
    """Prints the name of each part that is ready, and the number of parts that are ready."""

    def __init__(self, output: Output, parts: Sequence[str]) -> None:
        """Make room for the longest name.

        Args:
            output: the printer.
            parts: the names of all parts in the order of their start.
        """
        output.width = max(map(len, [SYSTEM, *parts]))
        self._output = output
        self._parts = parts
        self._waiting = set(parts)

    def __call__(self, name: str) -> None:
        """Print that a part is ready."""
        self._waiting.discard(name)
        self._output.say(f"{name} is ready ({len(self._parts) - len(self._waiting)} of {len(self._parts)})")
