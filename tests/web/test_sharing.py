"""A link that shows a result to everybody."""

import httpx
from playwright.sync_api import expect

from tests.e2e.conftest import System
from tests.support import NewCustomer, eventually
from tests.web.conftest import Enter


def test_a_shared_link_needs_no_session_and_ends(site: System, enter: Enter, customer: NewCustomer) -> None:
    made = site.make(customer, site.behave())
    person = enter(customer, place=f"#/g/{made.id}", permissions=["clipboard-read", "clipboard-write"])

    person.button("Share").click()
    dialog = person.page.get_by_role("dialog", name="Share")
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_role("list", name="Links").get_by_role("link")
    address = link.get_attribute("href") or ""
    eventually(lambda: person.page.evaluate("navigator.clipboard.readText()"), lambda copied: copied == address)
    stranger = enter()
    stranger.page.goto(address)
    picture = stranger.page.get_by_role("img")
    expect(picture).to_have_js_property("complete", True)
    shown = stranger.page.request.get(picture.evaluate("(image) => image.src"))
    assert shown.body() == site.content(customer, made.id)

    dialog.get_by_role("button", name="End the link").click()
    expect(dialog.get_by_text("Ended")).to_be_visible()
    assert httpx.get(address, trust_env=False).status_code in {404, 410}
