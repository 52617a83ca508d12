"""The document of an event says how the event left its generation."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from notify import told
from schemas.enums import ErrorCode, Stage, Status
from schemas.event_types import EventType
from schemas.setting_groups import RetentionSettings
from schemas.settings import Settings
from schemas.told_api import ToldEvent
from storage import deletion, transitions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import returns
from tests.integration.gateway.finishing import claim, complete, fail
from tests.support import NewCustomer, a_generation, an_order

_MOVES = returns(int)(
    "SELECT id FROM events WHERE generation_id = %(id)s AND origin IS DISTINCT FROM stage ORDER BY id"
)
_ALL = returns(int)("SELECT id FROM events WHERE generation_id = %(id)s")

METADATA = {"thread": "t-1", "node": "n-2"}


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    return make_customer(100)


@pytest.fixture
def generation_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    order = an_order().model_copy(update={"reference": "shot-7", "metadata": METADATA})
    return a_generation(database, settings, customer, order)


def documents(database: Database, generation_id: UUID, retention: RetentionSettings | None = None) -> list[ToldEvent]:
    with database.statements() as sql:
        moves = sql.all(_MOVES, id=generation_id)
        found = told.of_events(sql, sql.all(_ALL, id=generation_id), retention or RetentionSettings())
    assert list(found) == moves
    return list(found.values())


def test_events_of_a_completed_generation(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer, generation_id: UUID
) -> None:
    complete(database, settings, objects, generation_id, b"picture", poster=True)

    first, *_, last = found = documents(database, generation_id)
    assert [each.type for each in found] == [
        EventType.ACCEPTED, EventType.MOVED, EventType.STARTED, *[EventType.MOVED] * 3, EventType.COMPLETED,
    ]  # fmt: skip
    assert [each.sequence for each in found] == sorted(int(each.id) for each in found)
    # The generation has ended since, and the document of its first event does not show the end.
    assert (first.data.status, first.data.progress, first.data.credits.held) == (Status.QUEUED, 0, 10)
    assert (first.data.links.content, first.data.links.thumbnail) == (None, None)
    path = f"/v1/generations/{generation_id}"
    assert last.data.model_dump(mode="json") == {
        "generation_id": str(generation_id),
        "status": "completed",
        "stage": "completed",
        "progress": 100,
        "kind": "image",
        "model": "nano-banana",
        "reference": "shot-7",
        "metadata": METADATA,
        "batch_id": None,
        "error": None,
        "outcome": None,
        "credits": {"price": 10, "held": 0, "captured": 10, "released": 0},
        "links": {"self": path, "content": f"{path}/content", "thumbnail": f"{path}/thumbnail"},
        "customer_id": str(customer.id),
        "customer_reference": None,
        "is_test": False,
    }


def test_event_of_a_failure_says_why_and_holds_no_prompt(
    database: Database, settings: Settings, generation_id: UUID
) -> None:
    fail(database, settings, generation_id, ErrorCode.CONTENT_REJECTED, "the provider refuses this")

    last = documents(database, generation_id)[-1]
    assert last.type is EventType.FAILED
    assert last.data.error is not None
    assert last.data.outcome is not None
    assert (last.data.error.code, last.data.error.message) == ("content_rejected", "the provider refuses this")
    assert (last.data.outcome.cause, last.data.outcome.charged) == ("request_refused", False)
    assert (last.data.credits.held, last.data.credits.released) == (0, 10)
    assert "lighthouse" not in last.model_dump_json()


@pytest.mark.parametrize("is_charged", [False, True])
def test_event_of_a_cancellation_says_whether_the_customer_pays(
    database: Database, settings: Settings, generation_id: UUID, is_charged: bool
) -> None:
    held = claim(database, settings, generation_id)
    with database.statements() as sql:
        held = transitions.move(sql, held, Stage.SUBMITTING, wake_in=60, keeps_lease=True)
        transitions.cancel(sql, held, "asked for", is_charged=is_charged)

    last = documents(database, generation_id)[-1]
    assert (last.type, last.data.status) == (EventType.CANCELLED, Status.CANCELLED)
    assert last.data.outcome is not None
    assert last.data.outcome.charged == is_charged
    assert last.data.credits.captured == (10 if is_charged else 0)


def test_deleted_generation_is_told_without_texts_and_files(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer, generation_id: UUID
) -> None:
    other = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"picture")
    fail(database, settings, other, ErrorCode.PROVIDER_FAILED, "a text of the vendor")
    for each in (generation_id, other):
        deletion.delete(database, objects, each)

    completed, failed = (documents(database, each)[-1] for each in (generation_id, other))
    assert (completed.data.reference, completed.data.metadata, completed.data.links.content) == (None, {}, None)
    assert failed.data.error is not None
    assert (failed.data.error.code, failed.data.error.message) == ("provider_failed", "")


def test_file_that_the_operator_keeps_no_longer_has_no_link(
    database: Database, settings: Settings, objects: ObjectStore, generation_id: UUID
) -> None:
    complete(database, settings, objects, generation_id, b"picture")

    short, long = (RetentionSettings(asset_days=days) for days in (1e-9, 1))
    assert documents(database, generation_id, short)[-1].data.links.content is None
    assert documents(database, generation_id, long)[-1].data.links.content is not None


def test_code_of_a_later_release_is_told_as_internal(database: Database, generation_id: UUID) -> None:
    with database.statements() as sql:
        sql.run(
            "INSERT INTO events (generation_id, customer_id, origin, stage, data) "
            """SELECT id, customer_id, 'queued', 'failed', '{"code": "x"}' FROM generations WHERE id = %(id)s""",
            id=generation_id,
        )

    error = documents(database, generation_id)[-1].data.error
    assert error is not None
    assert error.code == "internal"


def test_document_is_short_and_its_time_is_of_the_event(database: Database, generation_id: UUID) -> None:
    (event,) = documents(database, generation_id)
    text = event.model_dump_json()
    assert len(text) < 1000
    assert json.loads(text)["version"] == 1
    assert timedelta() <= datetime.now(UTC) - event.created_at < timedelta(minutes=5)
