"""A person who uses the page: finds things by their role and name, as a screen reader tells them."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests.e2e.conftest import System
from tests.web.watch import Watch


@dataclass(frozen=True)
class Person:
    """A person in front of a window of the browser."""

    site: System
    """The system behind the page."""
    page: Page
    """The window."""
    watch: Watch
    """What the page must not do."""

    def take_session(self, api_key: str) -> None:
        """Sign in beside the page: the page finds the session at its start."""
        answer = self.page.request.post("../v1/session", data={"api_key": api_key})
        assert answer.status == 201, answer.text()

    def open(self, place: str) -> None:
        """Open a place such as `#/gallery` by its address."""
        self.page.goto(place)

    def button(self, name: str) -> Locator:
        """A button by the beginning of its name."""
        return self.page.get_by_role("button", name=name)
