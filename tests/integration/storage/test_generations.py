import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from schemas.enums import ErrorCode, EventName, Stage
from schemas.errors import IdempotencyMismatch, LeaseLost, ModelRetired
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.settings import Settings
from schemas.tables import Event, Generation
from storage import acceptance, callbacks, claims, generations, ledger, timeline, transitions
from storage.changes import Changes
from storage.claims import Claim
from storage.database import Database
from storage.ledger import Balance
from storage.sql import of
from tests.support import NewCustomer, a_generation, an_order, some_claim

MakeCustomer = Callable[[int], NewCustomer]

ALL_STAGES = frozenset(Stage)


def claim(database: Database, generation_id: UUID, *, lease_seconds: float = 60) -> Claim | None:
    with database.transaction() as session:
        found = generations.find(session, generation_id)
        assert found is not None
        return claims.claim(of(session), generation_id, ALL_STAGES, attempt=found.attempt, lease_seconds=lease_seconds)


def row(database: Database, generation_id: UUID) -> Generation:
    with database.transaction() as session:
        return session.exec(select(Generation).where(Generation.id == generation_id)).one()


def at_stage(database: Database, held: Claim, *stages: Stage) -> Claim:
    """Walk a claimed generation through stages, keeping the lease."""
    for stage in stages:
        with database.transaction() as session:
            changes = Changes(remote_id=f"remote-{held.id}" if stage is Stage.GENERATING else None)
            held = transitions.move(of(session), held, stage, wake_in=60, keeps_lease=True, changes=changes)
    return held


def make_due(database: Database, *generation_ids: UUID) -> None:
    with database.transaction() as session:
        session.execute(
            text("UPDATE generations SET wake_at = clock_timestamp() - interval '1 second' WHERE id = ANY(:ids)"),
            {"ids": list(generation_ids)},
        )


def expire_lease(database: Database, generation_id: UUID) -> None:
    with database.transaction() as session:
        session.execute(
            text("UPDATE generations SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id"),
            {"id": generation_id},
        )


@pytest.fixture
def customer(make_customer: MakeCustomer) -> NewCustomer:
    return make_customer(1000)


@pytest.fixture
def generation_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    return a_generation(database, settings, customer)


def test_one_of_many_workers_gets_the_claim(database: Database, generation_id: UUID) -> None:
    won: list[Claim] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        if (held := claim(database, generation_id)) is not None:
            won.append(held)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert row(database, generation_id).attempt == 1


def test_worker_without_its_lease_writes_nothing(database: Database, generation_id: UUID) -> None:
    late = some_claim(claim(database, generation_id))
    expire_lease(database, generation_id)
    heir = some_claim(claim(database, generation_id))
    with pytest.raises(LeaseLost), database.transaction() as session:
        transitions.move(of(session), late, Stage.SUBMITTING, wake_in=0)
    with pytest.raises(LeaseLost), database.transaction() as session:
        transitions.put_back(of(session), late, wake_in=0)
    with pytest.raises(LeaseLost), database.transaction() as session:
        transitions.fail(of(session), late, ErrorCode.INTERNAL, "too late")
    after = row(database, generation_id)
    assert (after.stage, after.lease_token, after.attempt) == (Stage.QUEUED, heir.token, 2)


def test_renewal_reports_lost_leases(database: Database, generation_id: UUID) -> None:
    held = some_claim(claim(database, generation_id, lease_seconds=1))
    with database.transaction() as session:
        ids = {held.token: generation_id, UUID(int=1): generation_id}
        good = claims.renew_leases(of(session), ids, lease_seconds=600)
    assert good == {held.token}
    after = row(database, generation_id)
    assert after.lease_until is not None
    assert after.wake_at is not None
    assert abs(after.wake_at - after.lease_until) < timedelta(seconds=1)
    assert claim(database, generation_id) is None


def test_forbidden_move_is_refused(database: Database, generation_id: UUID) -> None:
    held = some_claim(claim(database, generation_id))
    with pytest.raises(ValueError, match="cannot move from queued to completed"), database.transaction() as session:
        transitions.move(of(session), held, Stage.COMPLETED, wake_in=0)


def test_lower_progress_has_no_effect(database: Database, generation_id: UUID) -> None:
    held = at_stage(database, some_claim(claim(database, generation_id)), Stage.SUBMITTING, Stage.GENERATING)
    seen: list[int] = []
    for percent in (67, 28):
        with database.statement() as statement:
            transitions.put_back(statement, held, wake_in=0, changes=Changes(progress=percent))
        seen.append(row(database, generation_id).progress)
        held = some_claim(claim(database, generation_id))
    assert seen == [67, 67]


def test_every_move_writes_an_event_and_progress_never_falls(database: Database, generation_id: UUID) -> None:
    held = at_stage(database, some_claim(claim(database, generation_id)), Stage.SUBMITTING, Stage.GENERATING)
    with database.transaction() as session:
        transitions.record(of(session), held, Changes(progress=67))
    with database.transaction() as session:
        transitions.record(of(session), held, Changes(progress=28))
    assert row(database, generation_id).progress == 67
    with database.transaction() as session:
        moves = session.exec(
            select(Event.origin, Event.stage).where(Event.generation_id == generation_id).order_by(text("id"))
        ).all()
    assert moves == [
        (None, Stage.QUEUED),
        (Stage.QUEUED, Stage.SUBMITTING),
        (Stage.SUBMITTING, Stage.GENERATING),
    ]


def test_failure_releases_the_hold_in_the_same_transaction(
    database: Database, customer: NewCustomer, generation_id: UUID
) -> None:
    held = some_claim(claim(database, generation_id))
    with database.transaction() as session:
        transitions.fail(of(session), held, ErrorCode.PROVIDER_REJECTED, "no such thing")
    after = row(database, generation_id)
    assert (after.stage, after.error_code, after.wake_at) == (Stage.FAILED, ErrorCode.PROVIDER_REJECTED, None)
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=1000, held=0)


def test_database_refuses_an_unfinished_row_without_a_next_look(database: Database, generation_id: UUID) -> None:
    with pytest.raises(IntegrityError, match="wake_at_until_terminal"), database.transaction() as session:
        session.execute(text("UPDATE generations SET wake_at = NULL WHERE id = :id"), {"id": generation_id})


def test_next_look_is_never_after_the_deadline(database: Database, settings: Settings, customer: NewCustomer) -> None:
    generation_id = a_generation(database, settings, customer, an_order(deadline_seconds=30))
    held = some_claim(claim(database, generation_id))
    with database.transaction() as session:
        transitions.put_back(of(session), held, wake_in=3600)
    after = row(database, generation_id)
    assert after.wake_at == after.deadline_at


def test_callback_during_a_claim_wakes_the_generation_after_the_claim(database: Database, generation_id: UUID) -> None:
    held = at_stage(database, some_claim(claim(database, generation_id)), Stage.SUBMITTING)
    with database.transaction() as session:
        recorded = callbacks.record(of(session), "kie", generation_id, remote_id="task_1", body=b"{}", resend_after=10)
    assert recorded.wake is None, "the worker that holds the claim will see it"
    with database.transaction() as session:
        moved = transitions.move(of(session), held, Stage.GENERATING, wake_in=3600, changes=Changes(remote_id="task_1"))
    assert moved.generation.wake_at is not None
    with database.transaction() as session:
        assert generations.take_due(of(session), [Stage.GENERATING], limit=10, resend_after=10) == []
        due = generations.take_due(of(session), [Stage.DOWNLOADING], limit=10, resend_after=10)
    assert [(wake.generation_id, wake.stage) for wake in due] == [(generation_id, Stage.GENERATING)]
    assert due[0].is_called_back, "whoever downloads asks whether there is something to download"


def test_repeated_callback_is_stored_once_and_counted(database: Database, generation_id: UUID) -> None:
    held = at_stage(database, some_claim(claim(database, generation_id)), Stage.SUBMITTING, Stage.GENERATING)
    with database.transaction() as session:
        transitions.put_back(of(session), held, wake_in=3600)
    remote_id = f"remote-{generation_id}"
    for _ in range(3):
        with database.transaction() as session:
            callbacks.record(of(session), "kie", generation_id, remote_id=remote_id, body=b'{"a":1}', resend_after=10)
    with database.transaction() as session:
        assert session.execute(text("SELECT count(*), max(deliveries) FROM callback_receipts")).one() == (1, 3)
        names = [event.name for event in timeline.read(session, generation_id)]
    assert names.count(EventName.CALLBACK_REPEATED) == 1


def test_callback_for_other_work_or_a_finished_generation_sends_no_wake_up(
    database: Database, generation_id: UUID
) -> None:
    held = at_stage(database, some_claim(claim(database, generation_id)), Stage.SUBMITTING, Stage.GENERATING)
    with database.transaction() as session:
        recorded = callbacks.record(of(session), "kie", generation_id, remote_id="other", body=b"1", resend_after=10)
        assert recorded.wake is None
    with database.transaction() as session:
        transitions.fail(of(session), held, ErrorCode.TIMEOUT, "too late")
    with database.transaction() as session:
        remote_id = f"remote-{generation_id}"
        recorded = callbacks.record(of(session), "kie", generation_id, remote_id=remote_id, body=b"2", resend_after=10)
        assert recorded.wake is None
    assert row(database, generation_id).wake_at is None
    with database.transaction() as session:
        last = timeline.read(session, generation_id)[-1]
    assert (last.name, last.origin, last.stage) == (EventName.CALLBACK_LATE, Stage.FAILED, Stage.FAILED)
    assert last.data == {"provider": "kie", "remote_id": remote_id}


def test_customers_take_turns_when_the_queue_is_short(
    database: Database, settings: Settings, make_customer: MakeCustomer
) -> None:
    busy, quiet = make_customer(1000), make_customer(1000)
    burst = [a_generation(database, settings, busy) for _ in range(5)]
    single = a_generation(database, settings, quiet)
    # The burst has waited longer: by age alone it would fill the queue.
    make_due(database, *burst)
    make_due(database, single)
    with database.transaction() as session:
        due = generations.take_due(of(session), [Stage.QUEUED], limit=2, resend_after=10)
    assert len(due) == 2
    assert single in {wake.generation_id for wake in due}


def test_concurrent_wakers_do_not_block_and_take_each_row_once(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    made = [a_generation(database, settings, customer) for _ in range(6)]
    make_due(database, *made)
    with database.transaction() as one:
        first = generations.take_due(of(one), [Stage.QUEUED], limit=3, resend_after=10)
        with database.transaction() as other:
            second = generations.take_due(of(other), [Stage.QUEUED], limit=10, resend_after=10)
    taken = [wake.generation_id for wake in [*first, *second]]
    assert sorted(taken) == sorted(made)


def test_claimed_or_undue_generation_is_not_woken(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    held, undue = (a_generation(database, settings, customer) for _ in range(2))
    make_due(database, held)
    some_claim(claim(database, held))
    with database.transaction() as session:
        assert generations.take_due(of(session), [Stage.QUEUED], limit=10, resend_after=10) == []
    make_due(database, undue)
    with database.transaction() as session:
        assert generations.take_due(of(session), [Stage.STORING], limit=10, resend_after=10) == []


def test_repeated_idempotency_key_returns_the_same_generation(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    make_order: Callable[[GenerationRequest, Facts], Order] = lambda *_: an_order()  # noqa: E731 -- replaced below

    def accept(prompt: str) -> acceptance.AcceptedOrder:
        request = GenerationRequest(model="nano-banana", prompt=prompt)
        with database.transaction() as session:
            return acceptance.accept(
                of(session), customer.id, request, make_order, settings.pipeline, idempotency_key="order-1"
            )

    def retired(_request: GenerationRequest, _facts: Facts) -> Order:
        raise ModelRetired("gone since the first request")

    first = accept("a boat")
    make_order = retired
    again = accept("a boat")
    assert (first.is_new, again.is_new) == (True, False)
    assert first.generation.id == again.generation.id
    with pytest.raises(IdempotencyMismatch):
        accept("another boat")
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=990, held=10)
