"""A message at the Redis door belongs to the trace that its sender names."""

from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text
from structlog.testing import capture_logs

from intake.orders import Intake
from intake.redis import envelopes
from schemas.trace_context import TraceContext, with_trace_id
from storage.database import Database
from tests.integration.intake.raw_messages import Wire, message, plain_message
from tests.integration.intake.test_redis_serving import DoorUnderTest, a_door, a_plain_order, an_order
from tests.support import new_customer
from tests.traces import recording

SENDER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)


@pytest.fixture
def door(intake: Intake, broker: Redis, database: Database) -> DoorUnderTest:
    return a_door(intake, broker)


def order_of(wire: Wire, database: Database, traceparent: object) -> dict[str, Any]:
    """An order that names a place in a trace."""
    customer = new_customer(database, 100)
    if wire == "celery":
        return an_order(customer, traceparent=traceparent)
    return a_plain_order(customer, traceparent=traceparent)


def place_of_row(database: Database) -> str | None:
    with database.transaction() as session:
        place: str | None = session.execute(text("SELECT traceparent FROM generations")).scalar_one()
        return place


def test_an_order_goes_on_with_the_senders_trace(door: DoorUnderTest, database: Database, wire: Wire) -> None:
    with recording() as recorded:
        door.served(order_of(wire, database, SENDER.traceparent))
    span = recorded.one("process requests")

    assert (span.kind, span.trace_id, span.parent_id) == ("CONSUMER", SENDER.trace_id, SENDER.span_id)
    assert span.attributes.pop("messaging.message.id")  # type: ignore[attr-defined]  # a dictionary
    assert span.attributes == {
        "messaging.system": "redis",
        "messaging.destination.name": "requests",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "reelworks.operation": "generation.enqueue",
    }
    assert place_of_row(database) == span.context.traceparent


def test_without_traces_an_order_keeps_the_senders_place(door: DoorUnderTest, database: Database, wire: Wire) -> None:
    with capture_logs(processors=[with_trace_id]) as lines:
        door.served(order_of(wire, database, SENDER.traceparent))

    assert place_of_row(database) == SENDER.traceparent
    assert {line["trace_id"] for line in lines if line["event"] == "request_served"} == {SENDER.trace_id}


@pytest.mark.parametrize("wrong", [None, 7, "", "00-not-a-place", ["00"]])
def test_a_wrong_place_is_ignored_as_over_http(
    door: DoorUnderTest, database: Database, wire: Wire, wrong: object
) -> None:
    door.served(order_of(wire, database, wrong))
    assert place_of_row(database) is None


def test_the_place_is_no_part_of_the_request() -> None:
    arguments = {"customer_id": "1"}
    first = envelopes.read(plain_message(arguments, "an-id", traceparent=SENDER.traceparent))
    again = envelopes.read(message("plain", arguments, "an-id", "generation.enqueue"))

    assert first.place == SENDER
    assert first.digest == again.digest, "a second delivery may come in another trace"
