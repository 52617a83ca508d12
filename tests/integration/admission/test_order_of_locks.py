"""Orders, changes of limits and decisions lock the same rows in the same order, so none of them ends in a deadlock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from schemas.customer_tables import ApiKey
from schemas.enums import Stage
from schemas.quotas import OnLimit, Quota
from storage import api_keys, quota_settings, transitions
from storage.admission_control import Reason
from storage.api_keys import Owner
from storage.ledger import Spender
from storage.quota_settings import LimitChanges
from storage.sql import of
from tests.integration.admission.conftest import Account
from tests.integration.admission.test_customer_limits import accepted, ask, key_of, limit, released
from tests.support import NewCustomer, until_sessions_wait

_LIMITS = Quota(in_flight=10, per_day=10, credits_per_day=1_000, on_limit=OnLimit.REJECT)


def _limited(account: Account, customer: NewCustomer, *, is_of_key: bool) -> Spender | None:
    if is_of_key:
        return key_of(account, customer, _LIMITS)
    limit(account, customer, {"in_flight": 10, "per_day": 10, "credits_per_day": 1_000})
    return None


@pytest.mark.parametrize("is_of_key", [True, False])
def test_order_that_waits_for_a_change_of_its_limits_keeps_no_day_from_a_grant(
    account: Account, *, is_of_key: bool
) -> None:
    customer = account.customer()
    spender = _limited(account, customer, is_of_key=is_of_key)
    accepted(account, customer, spender)
    with ThreadPoolExecutor(1) as threads:
        with account.database.transaction() as session:
            if is_of_key:
                row = session.exec(select(ApiKey).where(ApiKey.customer_id == customer.id).with_for_update()).one()
                api_keys.change(session, row, {"in_flight": 20})
            else:
                quota_settings.change(of(session), customer.id, {"in_flight": 20}, Reason("a test"))
            order = threads.submit(accepted, account, customer, spender)
            until_sessions_wait(account.database, 1)
            # A grant counts on the day in the same way.
            days = session.execute(text("SELECT FROM key_spending FOR UPDATE NOWAIT")).all()
        order.result()
    assert len(days) == 1


def test_grant_beside_a_change_of_a_rotated_key_waits_for_nothing(account: Account) -> None:
    customer = account.customer()
    spender = key_of(account, customer, Quota(in_flight=1, on_limit=OnLimit.WAIT))
    running, waiting = ask(account, customer, spender), ask(account, customer, spender)
    owner = Owner(customer.id)
    with account.database.transaction() as session:
        (old,) = api_keys.named(session, owner, customer.api_key)
        new_id = api_keys.rotate(session, old, ends_in=timedelta(days=1)).row.id
    account.ends(running)
    account.release()
    with ThreadPoolExecutor(1) as threads, account.database.transaction() as session:
        # The new key counts with the old one, and the waiting order is one of the old key's.
        api_keys.change(session, api_keys.find(session, owner, new_id), {"in_flight": 5})
        assert threads.submit(account.grant).result(30) == [], "the limits are locked, so the order is held"
    assert released(account) == [waiting.claim.id]


@pytest.mark.parametrize("is_of_key", [True, False])
def test_change_of_limits_waits_for_a_worker_that_ends_an_order(account: Account, *, is_of_key: bool) -> None:
    customer = account.customer()
    spender = _limited(account, customer, is_of_key=is_of_key)
    asked = ask(account, customer, spender)

    def change() -> None:
        with account.database.transaction() as session:
            if is_of_key:
                (row,) = api_keys.named(session, Owner(customer.id), customer.api_key)
                api_keys.change(session, row, {"in_flight": 20, "on_limit": OnLimit.WAIT})
            else:
                changes: LimitChanges = {"in_flight": 20, "on_limit": OnLimit.WAIT}
                quota_settings.change(of(session), customer.id, changes, Reason("a test"))

    with account.database.statements() as sql:
        sent = transitions.move(sql, asked.claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
    with ThreadPoolExecutor(1) as threads:
        # The end of an order gives back what it counts, when its transaction commits.
        with account.database.statements() as sql:
            transitions.cancel(sql, sent, "a test ends it", is_charged=False)
            changed = threads.submit(change)
            until_sessions_wait(account.database, 1)
        changed.result()
    with account.database.transaction() as session:
        left = session.execute(text("SELECT FROM quota_orders WHERE generation_id = :id"), {"id": sent.id}).all()
    assert left == []
