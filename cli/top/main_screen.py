"""The main screen: the stages, the figures of the whole system, and a list of generations."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static, Tab, Tabs

from cli.reports.top import stages, system
from cli.top.commands import Subject
from cli.top.questions import Question
from cli.top.reader import Reading
from cli.top.rows import Rows
from cli.top.stages import StageCell, StageStrip
from schemas.watching import View
from storage.watching.rows import MOST, Found

if TYPE_CHECKING:
    from cli.top.app import TopApp

_SYSTEM = "system"
_ALARMING = frozenset({View.STUCK, View.FAILED, View.UNKNOWN, View.WEBHOOKS})
_PLACEHOLDER = "id, vendor's id, customer, error code, reference; Enter searches, Escape goes back"


class MainScreen(Screen[None]):
    """What the program shows first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("0", f"tab('{_SYSTEM}')", "system", show=False),
        *(Binding(str(key), f"tab('{view}')", view, show=False) for key, view in enumerate(View, start=1)),
    ]
    DEFAULT_CSS = """
    MainScreen #status { height: 1; }
    MainScreen #troubles { color: ansi_red; text-style: bold; height: auto; max-height: 4; display: none; }
    MainScreen.-troubled #troubles { display: block; }
    MainScreen #body { height: 1fr; }
    MainScreen #pane { width: 1fr; }
    MainScreen #right { width: 1fr; }
    MainScreen #title { height: auto; text-style: bold; padding: 0 1; display: none; }
    MainScreen.-filtered #title { display: block; }
    MainScreen #list { height: 1fr; }
    MainScreen.-narrow #pane { display: none; }
    MainScreen.-narrow.-system #pane { display: block; }
    MainScreen.-narrow.-system #right { display: none; }
    MainScreen.-wide #pane { width: 72; border-right: vkey ansi_default; margin-right: 1; }
    MainScreen #search { display: none; height: 1; border: none; padding: 0; }
    """

    def __init__(self, question: Question | None) -> None:
        """Prepare the screen.

        Args:
            question: the list at the beginning. None: the whole system.
        """
        super().__init__()
        self._first = question
        self._shown: Question | None = None

    @property
    def _top(self) -> "TopApp":
        return cast("TopApp", self.app)

    @property
    def subject(self) -> Subject | None:
        """The generation under the cursor. None: no list is on the screen, or it is empty."""
        is_hidden = self.has_class("-narrow") and self.has_class("-system")
        return None if is_hidden else self.query_one(Rows).subject

    def compose(self) -> ComposeResult:
        yield Static(id="status", markup=False)
        yield Static(id="troubles", markup=False)
        yield StageStrip()
        yield Tabs(Tab(_SYSTEM, id=_SYSTEM), *(Tab(view, id=view) for view in View))
        with Horizontal(id="body"):
            with VerticalScroll(id="pane"):
                yield Static("reading ...", id="panels")
            with Vertical(id="right"):
                yield Static(id="title", markup=False)
                yield Rows(id="list")
        yield Input(id="search", placeholder=_PLACEHOLDER, compact=True)
        yield Footer()

    def on_mount(self) -> None:
        """Show the system, and beside it the unfinished generations where there is room. Or a list."""
        if self._first is None:
            self._choose(_SYSTEM)
        else:
            self._list(self._first)

    def show(self, reading: Reading) -> None:
        """Show a reading."""
        situation = reading.situation
        self._show_status(reading)
        self.query_one(StageStrip).show(stages(situation.figures))
        self.query_one("#panels", Static).update(system(situation))
        if situation.figures is not None:
            self._show_counts(situation.figures.counts)
        if reading.has_answer and isinstance(reading.answer, Found) and reading.question == self._top.question:
            self._show_list(reading.question, reading.answer)

    def _show_list(self, question: Question, found: Found) -> None:
        self.query_one(Rows).show(found, is_other=question != self._shown)
        self._shown = question
        self.set_class(question.text is not None or question.stage is not None, "-filtered")
        self.query_one("#title", Static).update(f"{_title(question, found)}   (Escape: back)")

    def open_search(self) -> None:
        """Open the line for a search."""
        box = self.query_one("#search", Input)
        box.value = self._top.question.text or ""
        # At once: the next key is a letter of the search already.
        box.display = True
        self.set_focus(box)

    def _show_status(self, reading: Reading) -> None:
        situation, figures = reading.situation, reading.situation.figures
        at = f"{figures.now:%H:%M:%S %Z}" if figures else "no figures yet"
        took = f"every {self._top.every_seconds:g} s, read in {situation.took_seconds * 1000:.0f} ms"
        self.query_one("#status", Static).update(f"{self.app.title}   {self._top.place}   {at}   {took}")
        troubles = list(situation.troubles)
        if figures is not None and not reading.has_answer:
            troubles.append(f"the figures below are {self._top.figures_age():.0f} s old")
        self.set_class(bool(troubles), "-troubled")
        self.query_one("#troubles", Static).update("\n".join(troubles))

    def _show_counts(self, counts: Mapping[View, int]) -> None:
        for view in View:
            count = counts.get(view, 0)
            style = "bold red" if count and view in _ALARMING else ""
            self.query_one(f"#{view}", Tab).update(Text(f"{view} {count:,}" if count else view, style))

    def action_tab(self, tab: str) -> None:
        """Choose a tab."""
        tabs = self.query_one(Tabs)
        if tabs.active == tab:
            self._choose(tab)
        tabs.active = tab

    def action_back(self) -> None:
        """Close the search, or show the whole list again."""
        question = self._top.question
        self.query_one("#search").display = False
        if question.text is not None or question.stage is not None:
            self._list(Question(question.view))
        self._focus()

    @on(Tabs.TabActivated)
    def choose_tab(self, event: Tabs.TabActivated) -> None:
        """Show the chosen tab."""
        self._choose(event.tab.id or _SYSTEM)

    @on(StageCell.Chosen)
    def choose_stage(self, event: StageCell.Chosen) -> None:
        """List the generations of a stage."""
        self._list(Question(View.UNFINISHED, event.stage))

    @on(Input.Submitted, "#search")
    def search(self, event: Input.Submitted) -> None:
        """Search for the typed text."""
        self.query_one("#search").display = False
        if text := event.value.strip():
            self._list(replace(self._top.question, text=text, stage=None, generation_id=None))
        else:
            self.action_back()

    @on(DataTable.RowSelected)
    def open_row(self) -> None:
        """Open the timeline of the chosen generation."""
        if (subject := self.query_one(Rows).subject) is not None:
            self._top.open_timeline(replace(self._top.question, generation_id=subject.id))

    def _choose(self, tab: str) -> None:
        self.set_class(tab == _SYSTEM, "-system")
        if tab != _SYSTEM:
            self._top.ask(Question(View(tab)))
        self._focus()

    def _list(self, question: Question) -> None:
        """Show the rows of a question that no tab stands for."""
        tabs = self.query_one(Tabs)
        with tabs.prevent(Tabs.TabActivated):
            tabs.active = "" if question.text is not None else question.view
        self.remove_class("-system")
        self._top.ask(question)
        self._focus()

    def _focus(self) -> None:
        self.query_one("#pane" if self.has_class("-system") else Rows).focus()


def _title(question: Question, found: Found) -> str:
    of = f" ({found.told})" if found.told else ""
    more = " or more" if len(found.rows) == MOST else ""
    return f"{question.title}{of}: {len(found.rows)}{more}"
