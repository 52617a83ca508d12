"""A person who uses the page: finds things by their role and name, as a screen reader tells them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import System
from tests.web.watch import Watch

# Far more than the fields and buttons of a screen.
_MOST_TABS: Final = 120

_HAS_OUTLINE: Final = """
(element) => {
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
}
"""


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
        """A button by a part of its name."""
        return self.page.get_by_role("button", name=name)

    def write(self, field: Locator, text: str) -> None:
        """Put a text into a field, key by key."""
        field.click()
        field.press("Control+A")
        self.page.keyboard.type(text)

    @property
    def form(self) -> Locator:
        """The order form."""
        return self.page.get_by_role("form", name="Order")

    @property
    def prompt(self) -> Locator:
        """The field of the prompt."""
        return self.form.get_by_role("textbox", name="Prompt", exact=True)

    @property
    def generate(self) -> Locator:
        """The button that orders."""
        return self.form.get_by_role("button", name="Generate")

    def card(self, prompt: str) -> Locator:
        """The card of an order."""
        return self.page.get_by_role("region", name="Your orders").get_by_role("article", name=prompt)

    def order(self, prompt: str, kind: str = "Image") -> Locator:
        """Order with the form. The card of the order."""
        self.form.get_by_role("radio", name=kind).check(force=True)
        self.write(self.prompt, prompt)
        self.generate.click()
        return self.card(prompt)

    def sign_out(self) -> None:
        """Sign out once the price is there. The browser notes each request that the end of the session refuses.

        The page reads the orders when its stream opens, perhaps at the same time.
        """
        expect(self.form).to_contain_text(re.compile("usually|time not known"))
        self.watch.expect(401, "/v1/*")
        self.button("Sign out").click()
        expect(self.page.get_by_role("form", name="Sign in")).to_be_visible()

    def choose_model(self, name: str, kind: str = "Image") -> None:
        """Choose a model in the dialog of models."""
        self.form.get_by_role("button", name="Model by").click()
        dialog = self.page.get_by_role("dialog", name="Choose a model")
        dialog.get_by_role("radio", name=kind).check(force=True)
        self.write(dialog.get_by_role("searchbox", name="Search"), name)
        dialog.get_by_role("button", name=name).first.click()
        expect(dialog).to_be_hidden()

    def download(self, link: Locator) -> bytes:
        """The bytes that a link saves."""
        with self.page.expect_download() as waiting:
            link.click()
        return Path(waiting.value.path()).read_bytes()

    def tab_to(self, target: Locator) -> None:
        """Press the tab key until a thing has the focus, and see that the focus shows."""
        for _ in range(_MOST_TABS):
            self.page.keyboard.press("Tab")
            if target.evaluate("(element) => element === document.activeElement"):
                assert target.evaluate(_HAS_OUTLINE), "the focus does not show"
                return
        raise AssertionError(f"the tab key never reaches {target}")

    def scrolls_sideways(self) -> bool:
        """Whether the page is wider than its window."""
        wider: bool = self.page.evaluate("document.scrollingElement.scrollWidth > innerWidth")
        return wider


def ready(card: Locator) -> None:
    """Wait until a card says that its result is there."""
    expect(card).to_contain_text("Ready in")
