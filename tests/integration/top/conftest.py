"""The live screen on real rows, driven by textual's Pilot."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import TypeVar

import pytest
from rich.console import Console
from textual.pilot import Pilot

from cli.top.app import TopApp
from cli.top.main_screen import MainScreen
from cli.top.questions import Question
from cli.top.reader import Source
from cli.top.rows import Rows
from schemas.settings import Settings
from storage.database import Database
from tests.support import NewCustomer, new_customer

_SECONDS = 300.0

Act = Callable[["Screen"], Awaitable[None]]
Drive = Callable[..., None]
T = TypeVar("T")


class Screen:
    """The running program, as a person at the terminal sees it."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot

    @property
    def app(self) -> TopApp:
        """The program."""
        assert isinstance(self.pilot.app, TopApp)
        return self.pilot.app

    @property
    def main(self) -> MainScreen:
        """The main screen."""
        (found,) = [screen for screen in self.app.screen_stack if isinstance(screen, MainScreen)]
        return found

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def until(self, read: Callable[[], T], is_there: Callable[[T], bool]) -> T:
        """What `read` gives once it is as it should be."""
        give_up_at = time.monotonic() + _SECONDS
        while not is_there(found := read()):
            assert time.monotonic() < give_up_at, f"still {found!r}"
            await self.pilot.pause(0.05)
            # A busy database is read rarely.
            self.app.action_refresh()
        return found

    async def until_shows(self, *texts: str) -> str:
        """The text on the screen once all of these are in it."""
        return await self.until(self.text, lambda shown: all(text in shown for text in texts))

    def text(self) -> str:
        """The text on the screen."""
        width, height = self.app.size
        console = Console(width=width, height=height, record=True, file=StringIO(), force_terminal=True)
        console.print(self.app.screen._compositor.render_update(full=True, screen_stack=self.app._background_screens))
        return console.export_text()

    def ids(self) -> list[str]:
        """The ids in the list."""
        return list(self.main.query_one(Rows)._watched)

    async def until_lists(self, *ids: object) -> None:
        """Wait until the list has these generations, in this order."""
        await self.until(self.ids, lambda found: found == [str(each) for each in ids])


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    return new_customer(database, 1000)


@pytest.fixture
def drive(settings: Settings) -> Drive:
    """Runs the program on a terminal of a size while a test acts."""

    def run(
        act: Act, *, size: tuple[int, int] = (80, 24), settings: Settings = settings, question: Question | None = None
    ) -> None:
        async def session() -> None:
            app = TopApp(Source(settings), every_seconds=0.2, question=question)
            async with app.run_test(size=size) as pilot:
                await act(Screen(pilot))

        asyncio.run(session())

    return run
