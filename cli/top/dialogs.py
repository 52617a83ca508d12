"""The dialogs of `reelworks top`: the keys, and the commands for what the screen shows."""

from collections.abc import Iterator
from itertools import chain
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Click
from textual.screen import ModalScreen
from textual.widgets import Static

from cli.top import commands
from cli.top.commands import Command, Subject
from cli.top.questions import Question

_KEYS = (
    ("0", "the whole system"),
    ("1 to 6", "a list: unfinished, stuck, failed, unknown, webhooks, ended"),
    ("Enter, click", "the timeline of a generation; a click on a stage: its generations"),
    ("Escape", "back"),
    ("/", "search: an id or its beginning, a task's or vendor's id, a customer, an error code, a reference"),
    ("c", "the commands for what the screen shows; the first one is copied"),
    ("r", "read now"),
    ("arrows, wheel", "move and scroll"),
    ("Tab", "the next part of the screen"),
    ("q, Ctrl-C", "quit"),
)

_LISTS = (
    ("stuck", "due for 30 s without a worker, or without progress for longer than usual"),
    ("unknown", "a create left and its outcome is unknown, or was in the last hour"),
    ("webhooks", "messages to an endpoint that fails or is paused, or that were given up in the last hour"),
)


class Dialog(ModalScreen[None]):
    """A box in the middle of the screen. Escape or a click beside it closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter", "dismiss", "back")]
    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > VerticalScroll {
        width: 90%; max-width: 110; height: auto; max-height: 90%; border: round ansi_default; padding: 0 1;
        background: ansi_default;
    }
    """

    def __init__(self, heading: str, contents: RenderableType) -> None:
        super().__init__()
        self._heading = heading
        self._contents = contents

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = self._heading
            box.border_subtitle = "Escape: back"
            yield Static(self._contents)

    def on_click(self, event: Click) -> None:
        """Close the dialog with a click beside the box."""
        if self.get_widget_at(event.screen_x, event.screen_y)[0] is self:
            self.dismiss()


class KeysDialog(Dialog):
    """The keys and the lists."""

    def __init__(self) -> None:
        super().__init__("keys", Group(_pairs(_KEYS), "", Text("the lists", "bold"), _pairs(_LISTS)))


class CommandsDialog(Dialog):
    """The commands for what the screen shows. The first one is in the clipboard, where the terminal allows it."""

    def __init__(self, question: Question, subject: Subject | None) -> None:
        self._same = commands.same_as(question)
        others = commands.about(subject, question.view) if subject else iter(())
        self._others = [each for each in chain(others, commands.of_the_system()) if each.line != self._same.line]
        super().__init__("commands", Group(*self._lines()))

    def on_mount(self) -> None:
        """Copy the command."""
        self.app.copy_to_clipboard(self._same.line)

    def _lines(self) -> Iterator[RenderableType]:
        yield Text("the same as on the screen (copied)", "bold")
        yield from _told(self._same)
        yield Text("\nto type", "bold")
        for each in self._others:
            yield from _told(each)


def _told(command: Command) -> Iterator[Text]:
    # A command that is folded could not be copied with the mouse as one line.
    yield Text(command.line, "cyan", overflow="fold")
    yield Text(f"    {command.effect}", "dim")


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, told in pairs:
        table.add_row(Text(name, "bold"), told)
    return table
