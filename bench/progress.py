"""Shows the progress of a scenario: a bar in a terminal, and otherwise a line for each step."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.scenario import RunContext


class Steps:
    """The steps of a scenario, one at a time."""

    def __init__(self, context: RunContext, scenario: str, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn())
        self._console = context.console
        self._scenario = scenario
        self._progress = Progress(
            *columns, console=context.console, transient=True, disable=not context.console.is_terminal
        )
        self._task = self._progress.add_task(scenario, total=total)
        self._step = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, step: str) -> None:
        """End the present step, if any, and begin the next."""
        if self._step:
            self._progress.advance(self._task)
        self._step = step
        self._progress.update(self._task, description=f"{self._scenario}: {step}")
        if not self._console.is_terminal:
            self._console.print(f"{self._scenario}: {step}", soft_wrap=True)

    def show(self, text: str) -> None:
        """Show a detail of the present step."""
        self._progress.update(self._task, description=f"{self._scenario}: {self._step}, {text}")
