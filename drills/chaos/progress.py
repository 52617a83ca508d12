"""Shows the progress of a run: one line in a terminal, otherwise a line now and then."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

_PRINT_EVERY_SECONDS = 30.0


class ProgressLine:
    """Shows the progress of a run."""

    def __init__(self, console: Console, *, seconds: float) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
        self._console = console
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", total=seconds)
        self._printed_at = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, text: str, *, seconds: float) -> None:
        """Show a text and the elapsed seconds of the load."""
        self._progress.update(self._task, description=text, completed=seconds)
        if not self._console.is_terminal and time.monotonic() - self._printed_at > _PRINT_EVERY_SECONDS:
            self._printed_at = time.monotonic()
            self._console.print(f"{seconds:5.0f} s  {text}", soft_wrap=True)
