"""Sign-in and sign-out."""

from playwright.sync_api import expect

from tests.e2e.conftest import System
from tests.support import NewCustomer
from tests.web.conftest import Enter
from tests.web.person import Person


def signed_out(enter: Enter) -> Person:
    """A person before the sign-in: a development system signs in by itself, so the person signs out first."""
    person = enter()
    person.open("#/create")
    person.sign_out()
    return person


def test_a_development_system_signs_in_by_itself_and_stays_out_after_a_sign_out(enter: Enter) -> None:
    person = signed_out(enter)

    person.page.reload()
    expect(person.page.get_by_role("form", name="Sign in")).to_be_visible()

    person.button("Go on without a key").click()
    expect(person.form).to_be_visible()
    person.page.get_by_role("link", name="Account", exact=True).click()
    expect(person.page.get_by_role("main")).to_contain_text("development")


def test_a_key_signs_in_and_a_wrong_key_is_refused_at_its_field(enter: Enter, customer: NewCustomer) -> None:
    person = signed_out(enter)
    field = person.page.get_by_role("textbox", name="API key")

    person.watch.expect(401, "/v1/session")
    person.write(field, "rw_wrong")
    person.button("Sign in").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()

    person.write(field, customer.api_key)
    person.button("Sign in").click()
    expect(person.form).to_be_visible()
    expect(person.page.get_by_role("link", name="1,000 credits")).to_be_visible()
    kept = person.page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert customer.api_key not in kept
    assert customer.api_key not in person.page.evaluate("document.cookie")


def test_after_a_sign_out_the_session_is_of_no_use(site: System, enter: Enter, customer: NewCustomer) -> None:
    person = enter(customer)
    (cookie,) = person.page.context.cookies()
    headers = {"Cookie": f"{cookie.get('name')}={cookie.get('value')}"}
    assert site.http.get("/v1/credits", headers=headers).status_code == 200

    person.sign_out()
    assert site.http.get("/v1/credits", headers=headers).status_code == 401
