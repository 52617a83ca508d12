"""The program of `reelworks top`: gives each reading to the screens, and each question to the reader."""

import asyncio
import signal
import time
from typing import ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from cli.top.dialogs import CommandsDialog, KeysDialog
from cli.top.main_screen import MainScreen
from cli.top.questions import Question
from cli.top.reader import Reader, Reading, Source
from cli.top.situation import Figures
from cli.top.timeline_screen import TimelineScreen

WIDE = 130
"""From so many columns on, the figures of the system and a list stand side by side."""

_LEAVE_SECONDS = 30
"""The most time for the last bytes to the terminal, after a signal."""


def show(source: Source, *, every_seconds: float, question: Question | None) -> None:
    """Show the live screen until its user leaves, or until a signal.

    Args:
        every_seconds: the time between two readings.
        question: the list at the beginning. None: the whole system.
    """
    TopApp(source, every_seconds=every_seconds, question=question).run()
    # The terminal has its last bytes. The end of the process takes as long as a busy machine needs.
    signal.alarm(0)


class Told(Message):
    """The reader has read."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


class TopApp(App[None]):
    """The live screen."""

    TITLE = "reelworks top"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 -- textual's annotation is no ClassVar
    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority: the letters that follow at once, as in a paste, go to the search.
        Binding("slash", "search", "search", key_display="/", priority=True),
        Binding("c", "commands", "commands"),
        Binding("r", "refresh", "read now"),
        Binding("question_mark", "keys", "keys", key_display="?"),
        Binding("q,ctrl+c", "quit", "quit", key_display="q"),
    ]
    # The terminal's own colours. The cursor is reversed, so that it shows on every background.
    CSS = """
    DataTable > .datatable--cursor, DataTable:focus > .datatable--cursor {
        background: ansi_default; color: ansi_default; text-style: reverse;
    }
    DataTable:ansi > .datatable--header, DataTable > .datatable--header {
        background: ansi_default; color: ansi_default; text-style: bold;
    }
    * { scrollbar-size-vertical: 1; }
    Tab:ansi { text-style: none; }
    Tab:ansi.-active { text-style: bold; }
    DataTable > .datatable--hover { background: ansi_default; text-style: underline; }
    """

    def __init__(self, source: Source, *, every_seconds: float, question: Question | None = None) -> None:
        """Prepare the program.

        Args:
            every_seconds: the time between two readings.
            question: the list at the beginning. None: the whole system.
        """
        super().__init__()
        self.theme = "ansi-dark"
        self.every_seconds, self.place = every_seconds, source.place
        self._main = MainScreen(question)
        self._reader = Reader(source, self._tell, every_seconds=every_seconds)
        self._figures: Figures | None = None
        self._figures_at = 0.0
        self.question = question or Question()

    def on_load(self) -> None:
        """Leave at these signals as at `q`. Their default ends the program and leaves the terminal without an echo."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._leave)

    async def on_mount(self) -> None:
        """Show the main screen, and begin to read."""
        await self.push_screen(self._main)
        self._reader.ask(self.question)
        self._reader.start()

    def on_unmount(self) -> None:
        """End the reader."""
        self._reader.stop()

    def ask(self, question: Question) -> None:
        """Let the reader answer this question from now on."""
        self.question = question
        self._reader.ask(question)

    def open_timeline(self, question: Question) -> None:
        """Open the timeline of a generation."""
        self.ask(question)
        self.push_screen(TimelineScreen())

    def figures_age(self) -> float:
        """The time since the figures on the screen were read."""
        return time.monotonic() - self._figures_at

    @on(Told)
    def show_reading(self, told: Told) -> None:
        """Show a reading on the screens below and above."""
        if not self.is_running:
            # The end takes the screens apart.
            return
        reading = told.reading
        if reading.situation.figures is not self._figures:
            self._figures, self._figures_at = reading.situation.figures, time.monotonic()
        self._main.show(reading)
        for screen in self.screen_stack:
            # A screen that is not composed yet shows the next reading.
            if isinstance(screen, TimelineScreen) and screen.is_mounted and reading.question == self.question:
                screen.show(reading)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 -- textual's form
        """Whether a key acts. In the line for a search, `/` is a letter."""
        return action != "search" or not isinstance(self.focused, Input)

    def action_search(self) -> None:
        """Type a search on the main screen."""
        while len(self.screen_stack) > 1 and self.screen is not self._main:
            self.pop_screen()
        self.ask(self.question.without_timeline())
        self._main.open_search()

    def action_commands(self) -> None:
        """Show the commands for what the screen shows."""
        if isinstance(self.screen, CommandsDialog):
            return
        opened = next((each.subject for each in self.screen_stack if isinstance(each, TimelineScreen)), None)
        self.push_screen(CommandsDialog(self.question, opened or self._main.subject))

    def action_refresh(self) -> None:
        """Read at once."""
        self._reader.refresh()

    def action_keys(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, KeysDialog):
            self.push_screen(KeysDialog())

    def _tell(self, reading: Reading) -> None:
        """Pass on a reading from the reader's thread."""
        self.post_message(Told(reading))

    def _leave(self) -> None:
        # A terminal that is gone may take no last bytes. The alarm ends the program then.
        signal.alarm(_LEAVE_SECONDS)
        self.exit()
