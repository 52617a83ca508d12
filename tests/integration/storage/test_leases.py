import time

import pytest
from sqlalchemy import text

from schemas.enums import Stage
from schemas.errors import LeaseLost
from schemas.settings import Settings
from storage import claims, generations, transitions
from storage.claims import Claim
from storage.database import Database
from storage.generations import Wake
from storage.leases import LeaseKeeper
from storage.sql import of
from tests.support import a_generation, eventually, new_customer, some_claim


@pytest.fixture
def held(database: Database, settings: Settings) -> Claim:
    generation_id = a_generation(database, settings, new_customer(database, 100))
    with database.transaction() as session:
        return some_claim(claims.claim(of(session), generation_id, {Stage.QUEUED}, attempt=0, lease_seconds=600))


def steal(database: Database, claim: Claim) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE generations SET lease_token = gen_random_uuid() WHERE id = :id"), {"id": claim.id})


def due(database: Database) -> list[Wake]:
    with database.transaction() as session:
        return generations.take_due(of(session), list(Stage), limit=10, resend_after=60)


def seconds_left(database: Database, claim: Claim) -> float:
    query = text("SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM generations WHERE id = :id")
    with database.transaction() as session:
        return float(session.execute(query, {"id": claim.id}).scalar_one())


def test_keeper_renews_kept_leases_only(database: Database, held: Claim) -> None:
    keeper = LeaseKeeper(database, lease_seconds=3600)
    with keeper.keep(held, since=time.monotonic()) as lease:
        keeper.renew()
        lease.check()
        assert seconds_left(database, held) > 3000
    with database.transaction() as session:
        session.execute(text("UPDATE generations SET lease_until = clock_timestamp() WHERE id = :id"), {"id": held.id})
    keeper.renew()
    assert seconds_left(database, held) <= 0


def test_worker_with_a_lost_lease_gets_lease_lost(database: Database, held: Claim) -> None:
    keeper = LeaseKeeper(database, lease_seconds=60)
    with keeper.keep(held, since=time.monotonic()) as lease:
        steal(database, held)
        keeper.renew()
        with pytest.raises(LeaseLost):
            lease.check()


def test_keeper_thread_renews_leases(database: Database, held: Claim) -> None:
    keeper = LeaseKeeper(database, lease_seconds=0.3).start()
    try:
        with keeper.keep(held, since=time.monotonic()):
            # Claimed for ten minutes: only the keeper makes it less.
            eventually(lambda: seconds_left(database, held), lambda left: left < 1)
    finally:
        keeper.stop()


def test_handed_back_claim_is_due_at_once_and_counts_as_no_crash(database: Database, held: Claim) -> None:
    keeper = LeaseKeeper(database, lease_seconds=600)
    with keeper.keep(held, since=time.monotonic()):
        assert keeper.hand_back() == 1
    (wake,) = due(database)
    assert (wake.generation_id, wake.stage, wake.attempt) == (held.id, Stage.QUEUED, 1)
    with database.transaction() as session:
        again = some_claim(claims.claim(of(session), held.id, {Stage.QUEUED}, attempt=1, lease_seconds=600))
    assert (again.generation.failures, again.generation.crashes) == (0, 0)


def test_step_after_the_hand_back_writes_nothing_and_sends_nothing(database: Database, held: Claim) -> None:
    keeper = LeaseKeeper(database, lease_seconds=600)
    with keeper.keep(held, since=time.monotonic()) as lease:
        keeper.hand_back()
        with pytest.raises(LeaseLost):
            lease.fence()
        with pytest.raises(LeaseLost), database.transaction() as session:
            transitions.move(of(session), held, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
        with pytest.raises(LeaseLost), database.transaction() as session:
            transitions.put_back(of(session), held, wake_in=60)
        keeper.renew()
    assert [wake.generation_id for wake in due(database)] == [held.id]


def test_step_that_begins_after_the_hand_back_sends_nothing(database: Database, held: Claim) -> None:
    keeper = LeaseKeeper(database, lease_seconds=600)
    keeper.hand_back()
    with keeper.keep(held, since=time.monotonic()) as lease, pytest.raises(LeaseLost):
        lease.fence()


def test_only_claims_of_this_process_are_handed_back(database: Database, held: Claim, settings: Settings) -> None:
    generation_id = a_generation(database, settings, new_customer(database, 100))
    with database.transaction() as session:
        of_another = some_claim(claims.claim(of(session), generation_id, {Stage.QUEUED}, attempt=0, lease_seconds=600))
    keeper = LeaseKeeper(database, lease_seconds=600)
    with keeper.keep(held, since=time.monotonic()):
        steal(database, held)
        assert keeper.hand_back() == 0, "another worker has taken over"
    assert seconds_left(database, held) > 500
    assert seconds_left(database, of_another) > 500


def test_claim_that_ended_is_not_lost_while_its_step_still_waits_for_redis(database: Database, held: Claim) -> None:
    keeper = LeaseKeeper(database, lease_seconds=600)
    with keeper.keep(held, since=time.monotonic()) as lease:
        with database.transaction() as session:
            transitions.put_back(of(session), held, wake_in=60)
        keeper.end(held)
        keeper.renew()
        assert not lease.is_lost
        assert keeper.count == 0
