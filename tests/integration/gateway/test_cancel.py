from uuid import UUID, uuid4

import httpx
import pytest

from schemas.enums import ErrorCode, EventName, Stage
from schemas.errors import LeaseLost
from schemas.settings import Settings
from storage import generations, timeline, transitions
from storage.changes import Changes
from storage.claims import Claim
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.gateway.finishing import claim, complete, fail
from tests.support import NewCustomer, a_generation, new_customer


@pytest.fixture
def generation_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    return a_generation(database, settings, customer)


def _cancel(gateway: httpx.Client, customer: NewCustomer, generation_id: UUID) -> httpx.Response:
    return gateway.post(f"/v1/generations/{generation_id}/cancel", headers=customer.headers)


def _submitting(database: Database, settings: Settings, generation_id: UUID) -> Claim:
    held = claim(database, settings, generation_id)
    with database.transaction() as session:
        return transitions.move(of(session), held, Stage.SUBMITTING, wake_in=0, keeps_lease=True)


def _generating(database: Database, settings: Settings, generation_id: UUID) -> None:
    held = _submitting(database, settings, generation_id)
    with database.transaction() as session:
        transitions.move(of(session), held, Stage.GENERATING, wake_in=60, changes=Changes(remote_id="task-1"))


def _names(database: Database, generation_id: UUID) -> list[EventName]:
    with database.transaction() as session:
        return [event.name for event in timeline.read(session, generation_id)]


def test_cancelling_before_the_create_ends_the_generation_free_of_charge(
    gateway: httpx.Client, database: Database, customer: NewCustomer, generation_id: UUID
) -> None:
    answer = _cancel(gateway, customer, generation_id)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["error"]) == ("cancelled", None)
    assert body["credits"] == {"price": 10, "held": 0, "captured": 0, "released": 10}
    assert body["outcome"] == {
        "cause": "cancelled_before_start",
        "charged": False,
        "retryable": True,
        "message": "You cancelled it before it began.",
    }
    again = _cancel(gateway, customer, generation_id)
    assert (again.status_code, again.json()) == (200, body)
    balance = gateway.get("/v1/credits", headers=customer.headers).json()
    assert (balance["available"], balance["held"]) == (100, 0)
    with database.transaction() as session:
        moves = [(event.origin, event.stage) for event in timeline.read(session, generation_id)]
    assert moves == [(None, Stage.QUEUED), (Stage.QUEUED, Stage.CANCELLED)]


def test_cancelling_before_the_create_takes_the_lease_from_the_worker(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, generation_id: UUID
) -> None:
    held = claim(database, settings, generation_id)
    assert _cancel(gateway, customer, generation_id).json()["status"] == "cancelled"
    with pytest.raises(LeaseLost), database.transaction() as session:
        transitions.move(of(session), held, Stage.SUBMITTING, wake_in=0, keeps_lease=True)


def test_cancelling_during_the_create_is_recorded_and_keeps_the_hold(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, generation_id: UUID
) -> None:
    held = _submitting(database, settings, generation_id)
    answers = [_cancel(gateway, customer, generation_id) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    body = answers[1].json()
    assert body["status"] == "processing"
    assert body["cancel_requested_at"] is not None
    assert body["outcome"] is None
    assert body["credits"] == {"price": 10, "held": 10, "captured": 0, "released": 0}
    assert _names(database, generation_id).count(EventName.CANCEL_REQUESTED) == 1
    with database.transaction() as session:
        # The worker asks for a long wait, but the cancel request came after its claim and shortens the wait.
        transitions.move(of(session), held, Stage.QUEUED, wake_in=3600)
    with database.transaction() as session:
        due = generations.take_due(of(session), [Stage.QUEUED], limit=10, resend_after=10)
    assert [wake.generation_id for wake in due] == [generation_id]


def test_cancelling_is_refused_for_a_provider_that_cannot_cancel(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, generation_id: UUID
) -> None:
    _generating(database, settings, generation_id)
    answer = _cancel(gateway, customer, generation_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")
    assert answer.json()["detail"] == "kie has begun it and cannot stop it: it will be delivered and charged"


def test_a_finished_generation_cannot_be_cancelled(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    generation_id: UUID,
) -> None:
    complete(database, settings, objects, generation_id, b"a picture")
    failed = a_generation(database, settings, customer)
    fail(database, settings, failed, ErrorCode.TIMEOUT, "too late")
    for over, word in ((generation_id, "completed"), (failed, "failed")):
        answer = _cancel(gateway, customer, over)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")
        assert word in answer.json()["detail"]


def test_cancelling_a_generation_of_another_customer_is_answered_with_404(
    gateway: httpx.Client, database: Database, settings: Settings, generation_id: UUID
) -> None:
    stranger = new_customer(database, 100)
    assert _cancel(gateway, stranger, generation_id).status_code == 404
    assert _cancel(gateway, stranger, uuid4()).status_code == 404
    with database.transaction() as session:
        found = generations.find(session, generation_id)
    assert found is not None
    assert found.stage is Stage.QUEUED
