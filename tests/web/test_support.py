"""Support views a customer, and changes nothing."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.e2e.conftest import System
from tests.support import NewCustomer, operator_key
from tests.web.conftest import Enter


@pytest.fixture
def viewed(site: System, customer: NewCustomer) -> str:
    """The prompt of a customer's finished generation."""
    word = site.behave()
    site.make(customer, word)
    return word


def actions(site: System, customer: NewCustomer) -> list[str]:
    """What the history of changes says of views of a customer."""
    query = "SELECT CASE WHEN request IS NULL THEN 'view' ELSE 'see' END FROM studio_views WHERE customer_id = :id"
    with site.database.transaction() as session:
        return list(session.execute(text(query), {"id": customer.id}).scalars())


def test_a_view_shows_the_customers_page_read_only_and_is_on_record(
    site: System, enter: Enter, customer: NewCustomer, viewed: str
) -> None:
    person = enter(operator_key(site.database), place="#/support")
    person.write(person.page.get_by_role("searchbox", name="Find a customer"), str(customer.id))
    person.button("Find").click()
    # Customers of other tests have the same name.
    found = person.page.get_by_role("listitem").filter(has_text=str(customer.id))
    found.get_by_role("button", name="View a test").click()
    dialog = person.page.get_by_role("dialog")
    person.write(dialog.get_by_role("textbox", name="Reason"), "ticket 1234")
    dialog.get_by_role("button", name="Begin the view").click()

    banner = person.page.get_by_text("read-only. Each view is on record.")
    expect(banner).to_be_visible()
    person.page.get_by_role("grid", name="Generations").get_by_role("link", name=viewed).click()
    expect(person.page.get_by_role("img", name=viewed)).to_be_visible()
    for forbidden in ("Delete", "Make a variation", "Same settings"):
        expect(person.button(forbidden)).to_have_count(0)
    person.page.get_by_role("link", name="Create", exact=True).click()
    expect(person.generate).to_be_disabled()
    assert set(actions(site, customer)) == {"view", "see"}

    # A read may be on its way when the view ends.
    person.watch.expect(422, "/v1/*")
    person.button("End the view").click()
    expect(banner).to_be_hidden()
