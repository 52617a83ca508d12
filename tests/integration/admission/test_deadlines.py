"""The deadlines of generations that wait for a place."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from tests.integration.admission.conftest import A_DAY, Account, Asked


def waits_since_and_until(account: Account, asked: Asked) -> timedelta:
    """The time from the first ask to the deadline."""
    statement = text("""
        SELECT deadline_at - asked_at FROM generations JOIN admissions ON generation_id = id WHERE id = :id
    """)
    with account.database.transaction() as session:
        waits: timedelta = session.execute(statement, {"id": asked.id}).scalar_one()
        return waits


def an_hour_ago(account: Account, generation_id: UUID) -> None:
    """The first ask of a generation was an hour earlier."""
    account.run(
        "UPDATE admissions SET asked_at = asked_at - interval '1 hour' WHERE generation_id = :id", id=generation_id
    )


def test_longest_wait_counts_from_the_first_ask(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    account.asks(customer)
    waiting = account.asks(customer)
    assert waits_since_and_until(account, waiting) == timedelta(seconds=A_DAY)

    an_hour_ago(account, waiting.id)
    again = account.asks(customer, generation_id=waiting.id)

    assert not again.has_place
    assert waits_since_and_until(account, again) == timedelta(seconds=A_DAY)
