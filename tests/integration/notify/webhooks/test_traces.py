"""Webhooks carry the trace of their generation to the receiver."""

from uuid import UUID

from schemas.enums import ErrorCode
from schemas.settings import Settings
from schemas.trace_context import HEADER, TraceContext
from storage.database import Database
from tests.integration.gateway.finishing import fail
from tests.integration.notify.webhooks.conftest import Sending, an_endpoint, pending, until_states
from tests.support import NewCustomer, a_generation
from tests.traces import recording
from tests.webhook_receiver import Answer, Receiver

ORDER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)


def failed_generation(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    """A generation of a trace, with a message that is due."""
    generation_id = a_generation(database, settings, customer)
    with database.statements() as sql:
        sql.run("UPDATE generations SET traceparent = %(place)s", place=ORDER.traceparent)
    fail(database, settings, generation_id, ErrorCode.TIMEOUT, "too late")
    return generation_id


def test_each_try_is_a_span_and_names_its_place_to_the_receiver(
    database: Database, settings: Settings, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, f"{receiver.url}/hook", types=("generation.failed",))
    generation_id = failed_generation(database, settings, customer)
    answers = [Answer(status=503)]
    receiver.answer = lambda _: answers.pop() if answers else Answer()
    with recording() as recorded, sending():
        messages = receiver.until(2)
        (delivery,) = until_states(database, endpoint_id, "delivered")
    first, second = recorded.all

    assert [message.headers[HEADER] for message in messages] == [first.context.traceparent, second.context.traceparent]
    assert {(span.name, span.kind, span.trace_id, span.parent_id) for span in (first, second)} == {
        ("POST webhook", "CLIENT", ORDER.trace_id, ORDER.span_id)
    }
    assert (first.is_failed, first.attributes["error.type"], second.is_failed) == (True, "503", False)
    assert second.attributes == {
        "reelworks.generation.id": str(generation_id),
        "reelworks.event": "generation.failed",
        "reelworks.delivery.id": str(delivery.id),
        "http.request.method": "POST",
        "http.request.resend_count": 1,
        "http.response.status_code": 204,
    }


def test_without_traces_the_receiver_gets_the_place_of_the_order(
    database: Database, settings: Settings, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    an_endpoint(database, customer, f"{receiver.url}/hook", types=("generation.failed",))
    failed_generation(database, settings, customer)
    with sending():
        (message,) = receiver.until(1)

    assert message.headers[HEADER] == ORDER.traceparent


def test_a_message_of_no_generation_belongs_to_no_trace(
    database: Database, customer: NewCustomer, receiver: Receiver, sending: Sending
) -> None:
    endpoint_id = an_endpoint(database, customer, f"{receiver.url}/hook")
    pending(database, endpoint_id, 1)
    with recording() as recorded, sending():
        (message,) = receiver.until(1)
        until_states(database, endpoint_id, "delivered")

    assert HEADER not in message.headers
    assert recorded.names == []
