"""A phone, and a keyboard alone."""

from typing import Final

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import System
from tests.support import NewCustomer
from tests.web.conftest import SHORT, Enter
from tests.web.person import ready
from tests.web.test_sign_in import signed_out

_PHONE: Final = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}

# What a finger presses. A link within a text may be as high as its line.
_SMALL_TARGETS: Final = """
() => {
  const pressed = 'button, a.button, nav a, select, input:not([type=radio], [type=checkbox], [type=file])';
  return [...document.querySelectorAll(pressed)]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }))
    .filter((element) => !element.matches('.visually-hidden, [aria-hidden=true]'))
    .map((element) => [element.getAttribute('aria-label') ?? element.textContent, element.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
    .map(([name, box]) => `${name}: ${Math.round(box.width)} × ${Math.round(box.height)}`);
}
"""


def test_a_phone_orders_plays_and_scrolls_only_down(site: System, enter: Enter, customer: NewCustomer) -> None:
    person = enter(customer, **_PHONE)
    expect(person.prompt).to_be_visible()
    assert not person.scrolls_sideways()
    assert person.page.evaluate(_SMALL_TARGETS) == []

    prompt = f"a paper boat {site.behave(delivered=SHORT)}"
    person.form.get_by_role("radio", name="Video").check(force=True)
    person.write(person.prompt, prompt)
    person.generate.tap()
    card = person.card(prompt)
    ready(card)
    assert not person.scrolls_sideways()
    card.get_by_role("link", name="Play").tap()
    person.page.get_by_role("group", name="Player").get_by_role("button", name="Play").tap()
    expect(person.page.get_by_role("button", name="Pause")).to_be_visible()
    assert not person.scrolls_sideways()
    assert person.page.evaluate(_SMALL_TARGETS) == []


@pytest.mark.parametrize("place", ["#/create", "#/gallery", "#/account", "#/account/keys", "#/account/webhooks"])
def test_the_narrowest_phone_needs_no_sideways_scrolling(enter: Enter, customer: NewCustomer, place: str) -> None:
    person = enter(customer, place=place, **{**_PHONE, "viewport": {"width": 360, "height": 740}})
    expect(person.page.get_by_role("main").get_by_role("heading").first).to_be_attached()
    assert not person.scrolls_sideways()


def test_a_keyboard_alone_leads_from_the_sign_in_to_the_finished_picture(
    site: System, enter: Enter, customer: NewCustomer
) -> None:
    person = signed_out(enter)
    keyboard = person.page.keyboard
    key = person.page.get_by_role("textbox", name="API key")
    expect(key).to_be_focused()
    keyboard.type(customer.api_key)
    keyboard.press("Enter")
    expect(person.form).to_be_visible()

    person.tab_to(person.prompt)
    keyboard.type(f"two foxes {site.behave()}")
    keyboard.press("Control+Enter")
    card = person.card("two foxes")
    ready(card)
    expect(person.prompt).to_be_focused()

    person.tab_to(card.get_by_role("link", name="View"))
    keyboard.press("Enter")
    picture: Locator = person.page.get_by_role("img", name="two foxes")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 0
    keyboard.press("?")
    dialog = person.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    keyboard.press("Escape")
    expect(dialog).to_be_hidden()
