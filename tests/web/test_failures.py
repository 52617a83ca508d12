"""Orders that fail, and orders that cannot be paid."""

from playwright.sync_api import expect

from sandbox.scenarios import Match, Scenario
from tests.e2e.conftest import System
from tests.support import NewCustomer
from tests.web.conftest import CREDITS_URL, Enter
from tests.web.person import ready


def test_a_failure_tells_its_cause_and_cost_and_is_tried_again(
    site: System, enter: Enter, customer: NewCustomer
) -> None:
    person = enter(customer)
    word = site.behave(outcome="fail")

    failed = person.order(f"a market {word}")
    expect(failed).to_contain_text("Not charged: 4 credits came back")
    # The newest scenario of a word counts.
    site.sandbox.add_scenario(Scenario(match=Match(prompt_contains=word), seconds=0.2))
    failed.get_by_role("button", name="Try again").click()

    ready(person.card(word).filter(has_text="Ready in"))
    expect(failed.filter(has_text="See the new try")).to_have_count(1)
    assert site.balance(customer) == (996, 0)


def test_an_order_without_enough_credits_says_how_many_are_missing(site: System, enter: Enter) -> None:
    poor = site.customer(3)
    person = enter(poor)
    person.watch.expect(402, "/v1/generations")

    person.write(person.prompt, f"a valley {site.behave()}")
    expect(person.form).to_contain_text("1 credit is missing")
    expect(person.form.get_by_role("link", name="Get credits")).to_have_attribute("href", CREDITS_URL)
    person.generate.click()

    expect(person.form).to_contain_text("1 credit is missing")
    expect(person.generate).to_be_enabled()
    assert site.balance(poor) == (3, 0)
