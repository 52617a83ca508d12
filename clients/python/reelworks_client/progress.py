"""Shows the progress of a generation."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final, TextIO

from reelworks_client.models import ENDED, Event

Progress = Callable[[Event], Any]
"""Gets each event of a generation, such as `TerminalBar()` or a function of your own."""

_WIDTH: Final = 30


class TerminalBar:
    """A progress bar in one line of a terminal. Elsewhere, such as in a log, a line for each stage."""

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output or sys.stderr
        self._is_terminal = self._output.isatty()
        self._started = time.monotonic()
        self._stage = ""

    def __call__(self, event: Event) -> None:
        """Show an event."""
        seconds = time.monotonic() - self._started
        if self._is_terminal:
            full = _WIDTH * event.progress // 100
            bar = "█" * full + "░" * (_WIDTH - full)
            end = "\n" if event.status in ENDED else ""
            self._output.write(f"\r{bar} {event.progress:3} %  {seconds:4.0f} s  {event.stage:<12}{end}")
        elif event.stage != self._stage:
            self._output.write(f"{event.progress:3} %  {seconds:4.0f} s  {event.stage}\n")
        self._stage = event.stage
        self._output.flush()
