"""The screen with the timeline of one generation: the same tree as `reelworks inspect`."""

from typing import TYPE_CHECKING, ClassVar, cast

from rich.console import Group
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from cli.reports.timeline import facts_of, tree_of
from cli.top.commands import Subject
from cli.top.questions import TimelineFound
from cli.top.reader import Reading

if TYPE_CHECKING:
    from cli.top.app import TopApp


class TimelineScreen(Screen[None]):
    """The timeline, read again and again while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,backspace", "back", "back", key_display="Esc")]
    DEFAULT_CSS = """
    TimelineScreen > VerticalScroll { height: 1fr; }
    TimelineScreen #trouble { color: ansi_red; display: none; }
    TimelineScreen.-trouble #trouble { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.subject: Subject | None = None
        """The generation."""

    def compose(self) -> ComposeResult:
        yield Static(id="trouble", markup=False)
        with VerticalScroll():
            yield Static("reading ...", id="timeline")
        yield Footer()

    def show(self, reading: Reading) -> None:
        """Show a reading of this timeline."""
        self.set_class(not reading.has_answer, "-trouble")
        self.query_one("#trouble", Static).update("\n".join(reading.situation.troubles))
        if not reading.has_answer:
            return
        body = self.query_one("#timeline", Static)
        match reading.answer:
            case TimelineFound(timeline=timeline, now=now):
                self.subject = Subject(
                    timeline.generation_id, timeline.stage, timeline.model, timeline.provider, timeline.customer_id
                )
                body.update(Group(*map(Text.from_markup, facts_of(timeline)), tree_of(timeline, now=now)))
            case _:
                body.update("there is no such generation any more")

    def action_back(self) -> None:
        """Go back to the list."""
        app = cast("TopApp", self.app)
        app.ask(app.question.without_timeline())
        self.dismiss()
