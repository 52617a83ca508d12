"""Limits of customers and of keys whose orders wait: orders are accepted, and begin as the limits allow."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from schemas.customer_tables import ApiKey
from schemas.errors import QuotaReached
from schemas.orders import GenerationRequest
from schemas.quotas import OnLimit, Quota
from storage import acceptance, admission, api_keys, quota_settings
from storage.admission_control import Reason
from storage.customers import authenticate
from storage.ledger import Spender
from storage.quota_settings import LimitChanges
from storage.sql import Sql, of
from tests.integration.admission.conftest import Account, Asked
from tests.support import NewCustomer, an_order

PRICE = an_order().credits
WAIT = OnLimit.WAIT


def limit(account: Account, customer: NewCustomer, changes: LimitChanges) -> None:
    with account.database.transaction() as session:
        quota_settings.change(of(session), customer.id, changes, Reason("a test"))


def key_of(account: Account, customer: NewCustomer, quota: Quota) -> Spender:
    """The customer's key with limits."""
    account.run(
        "UPDATE api_keys SET in_flight = :in_flight, per_day = :per_day, daily_cap = :cap, on_limit = :on_limit "
        "WHERE customer_id = :id",
        id=customer.id, in_flight=quota.in_flight, per_day=quota.per_day, cap=quota.credits_per_day,
        on_limit=quota.on_limit,
    )  # fmt: skip
    with account.database.statement() as sql:
        found = authenticate(sql, customer.api_key)
    assert found is not None
    return Spender(found.key.spends_as, found.key.quota, found.key.id)


def accepted(account: Account, customer: NewCustomer, spender: Spender | None = None) -> UUID:
    request = GenerationRequest(model="nano-banana", prompt=f"a lighthouse {uuid4()}")
    with account.database.transaction() as session:
        return acceptance.accept(
            of(session), customer.id, request, lambda *_: an_order(), account.settings.pipeline, spender=spender
        ).generation.id


def ask(account: Account, customer: NewCustomer, spender: Spender | None = None, *, flow: str = "-") -> Asked:
    return account.asks(customer, generation_id=accepted(account, customer, spender), flow=flow)


def released(account: Account) -> list[UUID]:
    """The generations that begin once limits have room again."""
    with account.database.statement() as sql:
        admission.release_held(sql, most=20, low_waits=3600)
    return account.grant()


def a_day_passes(account: Account) -> None:
    account.run("UPDATE key_spending SET day = day - 1")
    account.run("UPDATE quota_orders SET day = day - 1")


def test_customer_has_as_many_generations_at_providers_as_allowed(
    account: Account, make_account: Callable[[], Account]
) -> None:
    other = make_account()
    customer, free = account.customer(), account.customer()
    limit(account, customer, {"in_flight": 2, "on_limit": WAIT})
    first, second = ask(account, customer), ask(other, customer)
    third, fourth = ask(account, customer), ask(other, customer)
    assert [each.has_place for each in (first, second, third, fourth)] == [True, True, False, False]
    assert ask(account, free).has_place
    assert released(account) == []
    account.ends(second)
    assert released(account) == [third.id]
    assert released(other) == []
    account.ends(first)
    assert released(other) == [fourth.id]


def test_order_over_the_limit_of_the_day_waits_for_the_next_day(account: Account) -> None:
    customer = account.customer()
    limit(account, customer, {"per_day": 2, "on_limit": WAIT})
    asked = [ask(account, customer) for _ in range(5)]
    assert [each.has_place for each in asked] == [True, True, False, False, False]
    account.ends(asked[0])
    assert released(account) == []
    a_day_passes(account)
    assert released(account) == [asked[2].id, asked[3].id]
    a_day_passes(account)
    assert released(account) == [asked[4].id]


def test_order_over_the_credits_of_the_day_waits_and_released_credits_come_back(account: Account) -> None:
    customer = account.customer()
    limit(account, customer, {"credits_per_day": 2 * PRICE + 1, "on_limit": WAIT})
    asked = [ask(account, customer) for _ in range(3)]
    assert [each.has_place for each in asked] == [True, True, False]
    assert released(account) == []
    account.ends(asked[0])
    assert released(account) == [asked[2].id]


def test_generation_that_asks_twice_counts_once_in_the_day(account: Account) -> None:
    customer = account.customer()
    limit(account, customer, {"per_day": 2, "on_limit": WAIT})
    first = ask(account, customer)
    account.run("UPDATE generations SET lease_token = NULL, lease_until = NULL WHERE id = :id", id=first.id)
    assert account.asks(customer, generation_id=first.id).has_place
    assert ask(account, customer).has_place
    assert not ask(account, customer).has_place


def test_limits_of_a_key_hold_for_its_orders_alone(account: Account) -> None:
    customer = account.customer()
    limited = key_of(account, customer, Quota(in_flight=1, credits_per_day=2 * PRICE, on_limit=WAIT))
    first, second, third = (ask(account, customer, limited, flow="a key") for _ in range(3))
    assert [each.has_place for each in (first, second, third)] == [True, False, False]
    assert ask(account, customer, flow="another key").has_place
    account.ends(first)
    assert released(account) == [second.id]
    account.ends(second.id)
    assert released(account) == [third.id]


def test_cap_of_a_key_whose_orders_wait_counts_what_begins(account: Account) -> None:
    customer = account.customer()
    spender = key_of(account, customer, Quota(credits_per_day=PRICE, on_limit=WAIT))
    first, second = ask(account, customer, spender), ask(account, customer, spender)
    assert [first.has_place, second.has_place] == [True, False]
    a_day_passes(account)
    assert released(account) == [second.id]


def test_order_that_fits_into_no_day_is_refused(account: Account) -> None:
    customer = account.customer()
    limit(account, customer, {"credits_per_day": PRICE - 1, "on_limit": WAIT})
    with pytest.raises(QuotaReached) as refused:
        accepted(account, customer)
    assert refused.value.retry_after is None


def test_limit_set_live_holds_for_what_waits_and_counts_what_runs(account: Account) -> None:
    customer = account.customer()
    account.limit(in_flight=1)
    running = ask(account, customer)
    waiting = [ask(account, customer) for _ in range(2)]
    limit(account, customer, {"in_flight": 1, "on_limit": WAIT})
    account.limit(in_flight=10)
    assert released(account) == []
    account.ends(running)
    assert released(account) == [waiting[0].id]
    limit(account, customer, {"in_flight": None})
    assert released(account) == [waiting[1].id]


def test_accounts_that_decide_at_the_same_time_never_exceed_a_limit(
    account: Account, make_account: Callable[[], Account]
) -> None:
    customer = account.customer()
    limit(account, customer, {"in_flight": 7, "per_day": 9, "on_limit": WAIT})
    accounts = [make_account() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        asked = list(threads.map(lambda each: [ask(each, customer) for _ in range(5)], accounts))
        for _ in range(3):
            list(threads.map(released, accounts))
    places = sum(each.has_place for group in asked for each in group)
    with account.database.statement() as sql:
        used = quota_settings.of_customers(sql, [customer.id])[customer.id].used
    assert places <= used.in_flight == used.today == 7


class Counted(Sql):
    """Counts the statements of a connection."""

    def __init__(self, sql: Sql) -> None:
        super().__init__(sql._connection)
        self.statements: list[str] = []

    def _execute(self, statement: str, given: dict[str, object]) -> Any:
        self.statements.append(statement)
        return super()._execute(statement, given)


def test_order_without_limits_costs_no_statement(account: Account) -> None:
    customer, limited = account.customer(), account.customer()
    limit(account, limited, {"per_day": 10})

    def statements(one: NewCustomer) -> int:
        request = GenerationRequest(model="nano-banana", prompt="a lighthouse")
        with account.database.transaction() as session:
            counted = Counted(of(session))
            acceptance.accept(counted, one.id, request, lambda *_: an_order(), account.settings.pipeline)
        assert any("quota_take" in each for each in counted.statements) is (one is limited)
        return len(counted.statements)

    # The lock of the limits, and the count.
    assert statements(limited) == statements(customer) + 2


def test_only_customers_whose_orders_wait_must_ask(account: Account) -> None:
    def limited() -> frozenset[UUID] | None:
        with account.database.statement() as sql:
            return admission.view(sql).limited

    rejecting, waiting, by_key = (account.customer() for _ in range(3))
    limit(account, rejecting, {"per_day": 10})
    limit(account, waiting, {"per_day": 10, "on_limit": WAIT})
    key_of(account, by_key, Quota(in_flight=1, on_limit=WAIT))
    assert limited() == frozenset({waiting.id, by_key.id})
    account.run("UPDATE api_keys SET customer_id = NULL WHERE customer_id = :id", id=by_key.id)
    assert limited() is None


def test_limits_of_a_key_count_what_the_key_has_at_providers_already(account: Account) -> None:
    customer = account.customer()
    before = key_of(account, customer, Quota())
    running, waiting = ask(account, customer, before), ask(account, customer, before)
    with account.database.transaction() as session:
        row = session.exec(select(ApiKey).where(ApiKey.customer_id == customer.id)).one()
        api_keys.change(session, row, {"in_flight": 2, "on_limit": WAIT})
    limited = key_of(account, customer, Quota(in_flight=2, on_limit=WAIT))
    late = ask(account, customer, limited)
    assert not late.has_place
    account.ends(running)
    assert released(account) == [late.id]
    account.ends(waiting)
