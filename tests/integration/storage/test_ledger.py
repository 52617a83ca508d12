import random
import threading
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from schemas.enums import TransferKind
from schemas.errors import AlreadySettled, InsufficientCredits, InvalidRequest, NotFound
from schemas.ledger_tables import LedgerTransfer
from schemas.settings import Settings
from storage import ledger
from storage.database import Database
from storage.ledger import Balance
from storage.sql import of
from tests.support import NewCustomer, a_generation, an_order, new_customer

MakeCustomer = Callable[[int], NewCustomer]


def balance(database: Database, customer: NewCustomer) -> Balance:
    with database.transaction() as session:
        return ledger.balance(session, customer.id)


def ledger_sum(database: Database) -> int:
    """The sum of all balances: customers' running ones, and the two that are the sum of their transfers."""
    with database.transaction() as session:
        return int(
            session.execute(
                text("""
                    SELECT (SELECT coalesce(sum(balance), 0) FROM ledger_accounts)
                         + (SELECT coalesce(sum(CASE WHEN t.to_account_id = a.id THEN amount ELSE -amount END), 0)
                            FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (from_account_id, to_account_id)
                            WHERE a.balance IS NULL)
                """)
            ).scalar_one()
        )


def test_grant_happens_once_for_each_reference(database: Database, make_customer: MakeCustomer) -> None:
    customer = make_customer(0)
    for _ in range(2):
        with database.transaction() as session:
            ledger.grant(session, customer.id, 50, reference="invoice 7")
    assert balance(database, customer) == Balance(available=50, held=0)
    with pytest.raises(InvalidRequest, match="already stands for 50 credits"), database.transaction() as session:
        ledger.grant(session, customer.id, 60, reference="invoice 7")


def test_grant_needs_a_positive_amount_and_a_customer(database: Database, make_customer: MakeCustomer) -> None:
    customer = make_customer(0)
    with pytest.raises(InvalidRequest, match="positive"), database.transaction() as session:
        ledger.grant(session, customer.id, 0, reference="nothing")
    with pytest.raises(NotFound), database.transaction() as session:
        ledger.grant(session, UUID(int=0), 5, reference="nobody")


def test_accepted_order_holds_its_price(database: Database, settings: Settings, make_customer: MakeCustomer) -> None:
    customer = make_customer(15)
    a_generation(database, settings, customer)
    assert balance(database, customer) == Balance(available=5, held=10)


def test_too_few_credits_are_refused_with_both_amounts(
    database: Database, settings: Settings, make_customer: MakeCustomer
) -> None:
    customer = make_customer(9)
    with pytest.raises(InsufficientCredits) as refused:
        a_generation(database, settings, customer)
    assert refused.value.problem()["credits_needed"] == 10
    assert refused.value.problem()["credits_available"] == 9
    assert balance(database, customer) == Balance(available=9, held=0)
    with database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM generations")).scalar_one() == 0


def test_repeated_capture_takes_the_hold_once(
    database: Database, settings: Settings, make_customer: MakeCustomer
) -> None:
    customer = make_customer(20)
    generation_id = a_generation(database, settings, customer)
    for _ in range(2):
        with database.transaction() as session:
            ledger.capture(of(session), customer.id, generation_id)
    assert balance(database, customer) == Balance(available=10, held=0)
    with database.transaction() as session:
        kinds = session.exec(
            select(LedgerTransfer.kind, LedgerTransfer.amount).where(LedgerTransfer.generation_id == generation_id)
        ).all()
    assert sorted(kinds) == [(TransferKind.CAPTURE, 10), (TransferKind.HOLD, 10)]


def test_hold_ends_by_capture_or_release_only_once(
    database: Database, settings: Settings, make_customer: MakeCustomer
) -> None:
    customer = make_customer(100)
    released, captured = (a_generation(database, settings, customer) for _ in range(2))
    for _ in range(2):
        with database.transaction() as session:
            ledger.release(of(session), customer.id, released)
            ledger.capture(of(session), customer.id, captured)
    with pytest.raises(AlreadySettled), database.transaction() as session:
        ledger.capture(of(session), customer.id, released)
    with pytest.raises(AlreadySettled), database.transaction() as session:
        ledger.release(of(session), customer.id, captured)
    assert balance(database, customer) == Balance(available=90, held=0)


def test_database_refuses_a_second_settlement(
    database: Database, settings: Settings, make_customer: MakeCustomer
) -> None:
    customer = make_customer(30)
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        ledger.capture(of(session), customer.id, generation_id)
    with pytest.raises(IntegrityError, match="uq_ledger_transfers_settlement"), database.transaction() as session:
        session.execute(
            text("""
                INSERT INTO ledger_transfers (kind, customer_id, from_account_id, to_account_id, amount, generation_id)
                SELECT 'release', customer_id, to_account_id, from_account_id, amount, generation_id
                FROM ledger_transfers WHERE generation_id = :id AND kind = 'hold'
            """),
            {"id": generation_id},
        )


def test_refunds_return_at_most_the_captured_credits(
    database: Database, settings: Settings, make_customer: MakeCustomer
) -> None:
    customer = make_customer(10)
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        ledger.capture(of(session), customer.id, generation_id)
    for _ in range(2):
        with database.transaction() as session:
            ledger.refund(session, customer.id, generation_id, 6, reference="ticket 1", reason="blurred")
    assert balance(database, customer) == Balance(available=6, held=0)
    with pytest.raises(InvalidRequest, match="too much"), database.transaction() as session:
        ledger.refund(session, customer.id, generation_id, 5, reference="ticket 2", reason="blurred")


def test_database_refuses_a_second_hold_and_a_negative_balance(
    database: Database, settings: Settings, make_customer: MakeCustomer
) -> None:
    customer = make_customer(30)
    generation_id = a_generation(database, settings, customer)
    with pytest.raises(IntegrityError, match="uq_ledger_transfers_generation_kind"), database.transaction() as session:
        session.execute(
            text("""
                INSERT INTO ledger_transfers (kind, customer_id, from_account_id, to_account_id, amount, generation_id)
                SELECT kind, customer_id, from_account_id, to_account_id, amount, generation_id
                FROM ledger_transfers WHERE generation_id = :id
            """),
            {"id": generation_id},
        )
    with pytest.raises(IntegrityError, match="never_below_zero"), database.transaction() as session:
        session.execute(text("UPDATE ledger_accounts SET balance = -1 WHERE customer_id = :id"), {"id": customer.id})


@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(seed=st.integers(min_value=0, max_value=2**32), budget=st.integers(min_value=5, max_value=60))
def test_random_concurrent_transfers_sum_to_zero(
    database: Database, settings: Settings, seed: int, budget: int
) -> None:
    customers = [new_customer(database, budget) for _ in range(2)]
    failures: list[BaseException] = []

    def spend(worker: int) -> None:
        dice = random.Random(seed + worker)
        try:
            for number in range(6):
                _one_life(database, settings, dice, dice.choice(customers), f"{worker}.{number}")
        except BaseException as error:  # noqa: BLE001 -- carried to the test's thread
            failures.append(error)

    workers = [threading.Thread(target=spend, args=(worker,)) for worker in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert failures == []
    assert ledger_sum(database) == 0
    for customer in customers:
        found = balance(database, customer)
        assert found.held == 0
        assert found.available >= 0


def _one_life(database: Database, settings: Settings, dice: random.Random, customer: NewCustomer, name: str) -> None:
    """A generation is accepted if there is money, and ends in one of the ways in which generations end."""
    if dice.random() < 0.2:
        with database.transaction() as session:
            ledger.grant(session, customer.id, dice.randint(1, 20), reference=name)
    price = dice.randint(1, 12)
    try:
        generation_id = a_generation(database, settings, customer, an_order(price=price))
    except InsufficientCredits:
        return
    # Whoever comes first decides; what comes later, as a doubled message does, takes and gives nothing.
    for end in dice.choices(["capture", "release"], k=dice.randint(1, 3)):
        with suppress(AlreadySettled), database.transaction() as session:
            if end == "release":
                ledger.release(of(session), customer.id, generation_id)
            else:
                ledger.capture(of(session), customer.id, generation_id)
