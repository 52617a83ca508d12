"""PostgreSQL commits, and the acknowledgement is lost: the worker sees an error although the commit succeeded."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.engine import make_url

from drills.chaos.network.proxy import Link, Proxy
from schemas.enums import EventName, Stage
from schemas.orders import GenerationRequest
from schemas.settings import Settings
from schemas.stages import TERMINAL
from storage import acceptance, ledger
from storage.acceptance import AcceptedOrder
from storage.database import Database
from storage.leases import Lease
from storage.ledger import Balance
from storage.outages import OUTAGES
from storage.sql import of
from tasks import pipeline
from tasks.apply import apply, recover
from tasks.prepare import prepare
from tasks.send import send
from tasks.services import WorkerServices
from tasks.settle import settle
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_submit import declared, request_of
from tests.support import NewCustomer, an_order
from workers.app import create_app as create_celery
from workers.lifecycle import open_services


@dataclass(frozen=True)
class Far:
    """A worker whose connection to PostgreSQL can lose an acknowledgement."""

    settings: Settings
    link: Link


@pytest.fixture
def far(worker: WorkerServices) -> Iterator[Far]:
    url = make_url(worker.settings.database_url)
    assert url.port is not None
    with Proxy() as proxy:
        link = proxy.link("postgres", url.port, is_postgres=True)
        proxied = url.set(host="127.0.0.1", port=link.port).render_as_string(hide_password=False)
        yield Far(worker.settings.model_copy(update={"database_url": proxied}), link)


@pytest.fixture
def far_worker(far: Far) -> Iterator[WorkerServices]:
    with open_services(create_celery(far.settings, process="worker"), far.settings, worker_name="far") as opened:
        yield opened


def _lease(life: Life) -> Lease:
    return Lease(life.id, until=math.inf)


def _names(life: Life) -> list[EventName]:
    return [event.name for event in life.events]


def test_unacknowledged_intent_sends_no_create_and_is_withdrawn(
    lives: Lives, far: Far, far_worker: WorkerServices
) -> None:
    life = lives.begin()
    claim = life.claim()
    with far.link.losing_commits(1), pytest.raises(OUTAGES):
        apply(far_worker, claim, prepare(far_worker, claim, _lease(life)))
    assert far.link.commits_lost == 1
    assert life.accepted_creates() == 0
    assert (life.row.stage, _names(life)[-1]) == (Stage.QUEUED, EventName.SUBMIT_WITHDRAWN)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_unacknowledged_accepted_create_is_recorded_once(lives: Lives, far: Far, far_worker: WorkerServices) -> None:
    life = lives.begin()
    sender = declared(life)
    with far.link.losing_commits(1):
        apply(far_worker, sender, send(far_worker, sender, _lease(life), request_of(sender)))
    assert far.link.commits_lost == 1
    (task,) = life.sandbox.tasks(life.word)
    assert (life.row.stage, life.row.remote_id) == (Stage.GENERATING, task.task_id)
    assert EventName.SUBMIT_LATE not in _names(life)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_unacknowledged_settlement_is_charged_once(lives: Lives, far: Far, far_worker: WorkerServices) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.SETTLING}))
    claim = life.claim()
    with far.link.losing_commits(1), pytest.raises(OUTAGES) as lost:
        apply(far_worker, claim, settle(far_worker, claim, _lease(life)))
    assert far.link.commits_lost == 1
    recover(far_worker, claim, lost.value)
    assert (life.row.stage, _names(life)[-1]) == (Stage.COMPLETED, EventName.WRITE_REFUSED)
    assert life.balance == Balance(available=996, held=0)


def test_unacknowledged_claim_runs_out_like_a_dead_workers_claim(
    lives: Lives, far: Far, far_worker: WorkerServices
) -> None:
    life = lives.begin()
    with far.link.losing_commits(1), pytest.raises(OUTAGES):
        pipeline.run(far_worker, str(life.id), life.row.attempt, {Stage.QUEUED})
    assert life.row.lease_token is not None
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_unacknowledged_order_is_found_by_its_idempotency_key(
    far: Far, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    request = GenerationRequest(model="nano-banana", prompt="a lighthouse")

    def order(at: Database) -> AcceptedOrder:
        with at.transaction() as session:
            return acceptance.accept(
                of(session),
                customer.id,
                request,
                lambda *_: an_order(),
                far.settings.pipeline,
                idempotency_key="order-1",
            )

    far_database = Database(far.settings.database_url)
    with far.link.losing_commits(1), pytest.raises(OUTAGES):
        order(far_database)
    far_database.dispose()
    assert far.link.commits_lost == 1
    assert not order(database).is_new
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == Balance(available=90, held=10)
