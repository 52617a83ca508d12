"""Orders, changes of limits and decisions lock the same rows in the same order, so none of them ends in a deadlock."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlmodel import select

from schemas.quotas import OnLimit, Quota
from schemas.tables import ApiKey
from storage import api_keys, quota_settings
from storage.admission_control import Reason
from storage.ledger import Spender
from storage.sql import of
from tests.integration.admission.conftest import Account
from tests.integration.admission.test_customer_limits import accepted, key_of, limit
from tests.integration.admission.test_limits_of_orders import waits_for_a_lock
from tests.support import NewCustomer, eventually

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
            eventually(lambda: waits_for_a_lock(account), bool)
            # A grant counts on the day in the same way.
            days = session.execute(text("SELECT FROM key_spending FOR UPDATE NOWAIT")).all()
        order.result()
    assert len(days) == 1
