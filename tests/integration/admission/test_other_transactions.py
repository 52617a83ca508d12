"""A decision beside transactions that are not committed yet, and beside rows that change at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from storage import admission
from tests.integration.admission.conftest import Account, Asked


@contextmanager
def ending(account: Account, asked: Asked) -> Iterator[None]:
    """A transaction ends the wait of a generation, and is not committed during the block."""
    with account.database.transaction() as session:
        session.execute(text("SELECT FROM generations WHERE id = :id FOR NO KEY UPDATE"), {"id": asked.id})
        session.execute(text("DELETE FROM admissions WHERE generation_id = :id"), {"id": asked.id})
        yield


@pytest.mark.parametrize("is_of_another_customer", [True, False])
def test_a_decision_waits_for_no_other_transaction(account: Account, *, is_of_another_customer: bool) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    running, first = account.asks(customer), account.asks(customer)
    second = account.asks(account.customer() if is_of_another_customer else customer)
    account.ends(running)
    with ending(account, first):
        assert account.grant() == [second.id]


def test_a_generation_that_leaves_an_account_leaves_no_create_in_the_window(account: Account) -> None:
    account.limit(creates=[{"most": 1, "seconds": 3600}])
    customer = account.customer()
    leaves, waits = account.asks(customer), account.asks(customer)
    assert (leaves.has_place, waits.has_place) == (True, False)
    with account.database.statement() as sql:
        admission.leave(sql, leaves.id)
    assert account.grant() == [waits.id]


def test_a_generation_that_gets_a_place_again_is_charged_once(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    asked = account.asks(customer, cost=100)
    for _ in range(3):
        account.run("UPDATE admissions SET place = 'idle' WHERE generation_id = :id", id=asked.id)
        account.run("UPDATE generations SET lease_token = NULL, lease_until = NULL WHERE id = :id", id=asked.id)
        asked = account.asks(customer, cost=100, generation_id=asked.id)
        assert asked.has_place
    with account.database.transaction() as session:
        charged = session.execute(text("SELECT granted FROM admission_shares WHERE flow = ''")).scalar_one()
    assert charged == 100
