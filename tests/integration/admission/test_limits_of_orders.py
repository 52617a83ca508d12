"""Whose limits hold an order, and which changes of limits hold for an order that waits."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from admission.queues import Queues
from intake.turns import in_turn
from schemas.customer_tables import ApiKey
from schemas.errors import QuotaReached
from schemas.orders import GenerationRequest
from schemas.queue_api import QueuePlace, QueueReason
from schemas.quotas import OnLimit, Quota
from storage import acceptance, admission, api_keys, quota_settings
from storage.admission_control import Reason
from storage.api_keys import Changes
from storage.ledger import Spender
from storage.quota_settings import LimitChanges
from storage.quotas import end_of_day
from storage.sql import of
from tests.integration.admission.conftest import Account, Asked
from tests.integration.admission.test_customer_limits import a_day_passes, accepted, ask, limit, released
from tests.support import NewCustomer, an_order, until_sessions_wait

WAIT, REJECT = OnLimit.WAIT, OnLimit.REJECT
AN_HOUR = timedelta(hours=1)


def rotated(account: Account, customer: NewCustomer) -> tuple[UUID, UUID]:
    """The customer's key, and its successor. Both work."""
    with account.database.transaction() as session:
        row = session.exec(select(ApiKey).where(ApiKey.customer_id == customer.id)).one()
        return row.id, api_keys.rotate(session, row, ends_in=AN_HOUR).row.id


def change_key(account: Account, key_id: UUID, changes: Changes) -> None:
    with account.database.transaction() as session:
        row = session.exec(select(ApiKey).where(ApiKey.id == key_id).with_for_update()).one()
        api_keys.change(session, row, changes)


def orders(account: Account, customer: NewCustomer, key_id: UUID) -> Asked:
    """A generation of a key asks for a place, as doors and workers do."""
    with account.database.transaction() as session:
        key = session.get_one(ApiKey, key_id)
        quota = Quota(
            in_flight=key.in_flight, per_day=key.per_day, credits_per_day=key.daily_cap, on_limit=key.on_limit
        )
        spender = Spender(key.spends_as or key.id, quota, key.id)
        order = in_turn(an_order(), key_id=key_id, may_use_reserve=False)
        made = acceptance.accept(
            of(session), customer.id, GenerationRequest(model="nano-banana", prompt="a lighthouse"), lambda *_: order,
            account.settings.pipeline, spender=spender,
        )  # fmt: skip
    return account.asks(customer, generation_id=made.generation.id, flow=order.flow or "-")


def test_tighter_limit_of_a_rotated_key_holds_no_order_of_its_successor(account: Account) -> None:
    customer = account.customer()
    old, new = rotated(account, customer)
    change_key(account, old, {"in_flight": 1, "on_limit": WAIT})
    change_key(account, new, {"in_flight": 4, "on_limit": WAIT})
    account.limit(in_flight=0)
    first, held, later = (orders(account, customer, key) for key in (old, old, new))
    account.limit(in_flight=10)
    assert released(account) == [first.id, later.id]
    account.ends(first.id)
    assert released(account) == [], "the order of the successor counts for both keys"
    account.ends(later.id)
    assert released(account) == [held.id]


def test_new_limit_of_a_rotated_key_counts_and_does_not_hold_the_orders_of_its_successor(account: Account) -> None:
    customer = account.customer()
    old, new = rotated(account, customer)
    account.limit(in_flight=0)
    waiting = {key: orders(account, customer, key) for key in (old, new)}
    change_key(account, old, {"in_flight": 0, "on_limit": WAIT})
    account.limit(in_flight=10)
    assert released(account) == [waiting[new].id]
    change_key(account, old, {"in_flight": 1})
    assert released(account) == [], "keys of a rotation count together"
    account.ends(waiting[new].id)
    assert released(account) == [waiting[old].id]


def test_two_first_changes_of_a_customers_limits_at_one_moment_both_hold(account: Account) -> None:
    customer = account.customer()
    later = threading.Thread(target=limit, args=(account, customer, {"per_day": 5}))
    with account.database.transaction() as session:
        quota_settings.change(of(session), customer.id, {"in_flight": 3}, Reason("a test"))
        later.start()
        until_sessions_wait(account.database, 1)
    later.join()
    with account.database.statement() as sql:
        quota = quota_settings.of_customers(sql, [customer.id])[customer.id].quota
    assert (quota.in_flight, quota.per_day) == (3, 5)


def test_two_changes_of_a_key_at_one_moment_both_hold(account: Account) -> None:
    customer = account.customer()
    with account.database.transaction() as session:
        key_id = session.exec(select(ApiKey.id).where(ApiKey.customer_id == customer.id)).one()
    later = threading.Thread(target=change_key, args=(account, key_id, {"per_day": 5}))
    with account.database.transaction() as session:
        row = session.exec(select(ApiKey).where(ApiKey.id == key_id).with_for_update()).one()
        api_keys.change(session, row, {"in_flight": 3})
        session.flush()
        later.start()
        until_sessions_wait(account.database, 1)
    later.join()
    with account.database.transaction() as session:
        key = session.get_one(ApiKey, key_id)
        assert (key.in_flight, key.per_day) == (3, 5)


@pytest.mark.parametrize("changes", [{"in_flight": 1}, {"per_day": 1}, {"credits_per_day": an_order().credits}])
def test_orders_that_wait_stay_so_and_count_after_the_limit_refuses(account: Account, changes: LimitChanges) -> None:
    customer = account.customer()
    limit(account, customer, {**changes, "on_limit": WAIT})
    running, *waiting = (ask(account, customer) for _ in range(3))
    assert running.has_place
    limit(account, customer, {"on_limit": REJECT})
    with account.database.statement() as sql:
        limited = admission.view(sql).limited
    assert limited is not None
    assert customer.id in limited, "their generations go on to ask"
    assert released(account) == []
    with pytest.raises(QuotaReached):
        accepted(account, customer)
    account.ends(running)
    a_day_passes(account)
    assert released(account) == [waiting[0].id]
    assert released(account) == []


def test_orders_of_a_key_that_wait_stay_so_after_its_limit_refuses(account: Account) -> None:
    customer = account.customer()
    with account.database.transaction() as session:
        key_id = session.exec(select(ApiKey.id).where(ApiKey.customer_id == customer.id)).one()
    change_key(account, key_id, {"in_flight": 1, "on_limit": WAIT})
    running, waiting = (orders(account, customer, key_id) for _ in range(2))
    change_key(account, key_id, {"on_limit": REJECT})
    with account.database.statement() as sql:
        assert customer.id in (admission.view(sql).limited or ())
    assert released(account) == []
    account.ends(running)
    assert released(account) == [waiting.id]


def test_accepted_orders_wait_once_the_limit_does_not_refuse(account: Account) -> None:
    customer = account.customer()
    limit(account, customer, {"in_flight": 2})
    account.limit(in_flight=0)
    queued = [ask(account, customer) for _ in range(2)]
    limit(account, customer, {"in_flight": 1, "on_limit": WAIT})
    account.limit(in_flight=10)
    assert released(account) == [queued[0].id]


def test_order_at_a_limit_of_the_day_starts_at_the_end_of_the_day(account: Account) -> None:
    customer = account.customer()
    limit(account, customer, {"per_day": 1, "on_limit": WAIT})
    ask(account, customer)
    waiting = ask(account, customer)
    with account.database.statement() as sql:
        queues = Queues()
        (place, of_model) = queues.places(sql, [waiting.id])[waiting.id], queues.of_customer(sql, customer.id)
    starts = QueuePlace(reason=QueueReason.YOUR_LIMIT, ahead=None, estimated_start_at=end_of_day(datetime.now(UTC)))
    assert place == starts
    assert [model.next for model in of_model.models] == [starts]


@pytest.mark.parametrize("changes", [{"in_flight": 1}, {"per_day": 0}])
def test_order_at_another_limit_has_no_expected_start(account: Account, changes: LimitChanges) -> None:
    customer = account.customer()
    account.limit(in_flight=0)
    waiting = [ask(account, customer) for _ in range(2)][-1]
    limit(account, customer, {**changes, "on_limit": WAIT})
    account.limit(in_flight=10)
    released(account)
    with account.database.statement() as sql:
        place = Queues().places(sql, [waiting.id])[waiting.id]
    assert (place.reason, place.estimated_start_at) == (QueueReason.YOUR_LIMIT, None)


def test_refusal_over_the_limit_in_flight_names_the_time_to_the_next_usual_end(account: Account) -> None:
    customer, other = account.customer(), account.customer()
    done = accepted(account, other)
    account.run(
        "UPDATE generations SET stage = 'completed', wake_at = NULL, started_at = now() - interval '130 s', "
        "finished_at = now() - interval '10 s' WHERE id = :id",
        id=done,
    )
    limit(account, customer, {"in_flight": 2})
    older, newer = accepted(account, customer), accepted(account, customer)
    assert retry_after(account, customer) == 10, "no provider has any of them"
    for generation_id, since in ((older, 50), (newer, 10)):
        account.run(
            "UPDATE generations SET stage = 'generating', started_at = now() - make_interval(secs => :since) "
            "WHERE id = :id",
            id=generation_id, since=since,
        )  # fmt: skip
    assert retry_after(account, customer) == pytest.approx(70, abs=5)
    account.run("UPDATE generations SET started_at = now() - interval '1 h' WHERE id = :id", id=older)
    assert retry_after(account, customer) == 12, "what takes longer than usual ends soon"
    account.run("UPDATE generations SET started_at = started_at - interval '1 day' WHERE id = :id", id=done)
    assert retry_after(account, customer) == 300, "an estimate has a bound"


def retry_after(account: Account, customer: NewCustomer) -> int | None:
    with pytest.raises(QuotaReached) as refused:
        accepted(account, customer)
    assert refused.value.extra["frees_at"] is None
    return refused.value.retry_after
