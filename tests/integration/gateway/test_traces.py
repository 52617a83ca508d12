"""Orders begin a trace or go on with the caller's, and callbacks go on with the trace of their generation."""

from uuid import UUID

import httpx
import pytest
import redis
from sqlmodel import select
from structlog.testing import capture_logs

from schemas.settings import Settings
from schemas.tables import Generation
from schemas.trace_context import TraceContext, with_trace_id
from storage.database import Database
from tests.integration.gateway.test_callbacks import BODY, Waiting, signed, waiting  # noqa: F401 -- a fixture
from tests.support import NewCustomer, eventually
from tests.traces import recording

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)
SENT = {"traceparent": CALLER.traceparent}
ORDER = {"model": "nano-banana", "prompt": "a lighthouse"}


def ordered(gateway: httpx.Client, database: Database, customer: NewCustomer, headers: dict[str, str]) -> Generation:
    """The row of a new order."""
    answer = gateway.post("/v1/generations", json=ORDER, headers={**customer.headers, **headers})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return row(database, UUID(answer.json()["id"]))


def row(database: Database, generation_id: UUID) -> Generation:
    with database.transaction() as session:
        return session.exec(select(Generation).where(Generation.id == generation_id)).one()


def test_an_order_begins_a_trace_with_the_span_of_its_request(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    with recording() as recorded:
        order = ordered(gateway, database, customer, {})
        (span,) = recorded.until(1)

    assert span.name == "POST /v1/generations"
    assert order.traceparent == span.context.traceparent
    assert (span.kind, span.parent_id, span.is_failed) == ("SERVER", None, False)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/generations",
        "http.response.status_code": 202,
    }


def test_an_order_goes_on_with_the_callers_trace(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    with recording() as recorded:
        order = ordered(gateway, database, customer, SENT)
        (span,) = recorded.until(1)

    assert (span.trace_id, span.parent_id) == (CALLER.trace_id, CALLER.span_id)
    assert order.traceparent == span.context.traceparent


def test_without_traces_an_order_keeps_the_callers_place_only(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    assert ordered(gateway, database, customer, SENT).traceparent == CALLER.traceparent
    assert ordered(gateway, database, customer, {}).traceparent is None
    assert ordered(gateway, database, customer, {"traceparent": "00-not-a-place"}).traceparent is None


def test_every_generation_of_a_batch_is_in_the_trace_of_its_request(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    body = {**ORDER, "number_of_outputs": 2}
    answer = gateway.post("/v1/generations", json=body, headers={**customer.headers, **SENT})
    assert answer.status_code == httpx.codes.ACCEPTED
    with database.transaction() as session:
        places = session.exec(select(Generation.traceparent)).all()

    assert list(places) == [CALLER.traceparent] * 2


def test_a_callback_is_a_part_of_its_generations_trace(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    waiting: Waiting,  # noqa: F811
    broker: redis.Redis,
) -> None:
    order = TraceContext("a" * 32, "b" * 16, is_sampled=True)
    with database.statements() as sql:
        sql.run("UPDATE generations SET traceparent = %(place)s", place=order.traceparent)
    with recording() as recorded:
        answer = gateway.post(waiting.path, params={"t": waiting.token}, content=BODY, headers=signed(settings))
        (span,) = recorded.until(1)
    assert answer.status_code == 200

    assert (span.name, span.trace_id, span.parent_id) == (
        "POST /callbacks/{provider}/{generation_id}",
        order.trace_id,
        order.span_id,
    )
    assert row(database, waiting.id).last_span == span.span_id
    assert waiting.token not in repr(recorded.kept.get_finished_spans()[0].to_json())


def test_a_read_begins_no_trace_but_joins_the_callers(gateway: httpx.Client, customer: NewCustomer) -> None:
    with recording() as recorded:
        gateway.get("/v1/models", headers=customer.headers)
        gateway.get("/healthz", headers=SENT)
        gateway.get("/v1/models", headers={**customer.headers, **SENT})
        (span,) = recorded.until(1)

    assert (span.name, span.parent_id) == ("GET /v1/models", CALLER.span_id)


def test_a_refusal_does_not_fail_the_span_and_a_path_without_a_route_has_no_name(gateway: httpx.Client) -> None:
    with recording() as recorded:
        gateway.post("/v1/generations", json=ORDER)
        gateway.post("/no/such/secret-path")
        refused, unknown = recorded.until(2)

    assert (refused.attributes["http.response.status_code"], refused.is_failed) == (401, False)
    assert (unknown.name, "http.route" in unknown.attributes) == ("POST", False)


@pytest.mark.parametrize("is_on", [False, True])
def test_lines_of_a_request_name_its_trace(gateway: httpx.Client, is_on: bool) -> None:
    with capture_logs(processors=[with_trace_id]) as lines:
        if is_on:
            with recording():
                gateway.post("/v1/generations", json=ORDER, headers=SENT)
        else:
            gateway.post("/v1/generations", json=ORDER, headers=SENT)
        (line,) = eventually(lambda: [line for line in lines if line["event"] == "request"], bool)

    assert line["trace_id"] == CALLER.trace_id


def test_the_timeline_shows_the_trace(gateway: httpx.Client, database: Database, customer: NewCustomer) -> None:
    traced = ordered(gateway, database, customer, SENT)
    plain = ordered(gateway, database, customer, {})
    told = [
        gateway.get(f"/v1/generations/{one.id}/timeline", headers=customer.headers).json()["trace_id"]
        for one in (traced, plain)
    ]

    assert told == [CALLER.trace_id, None]
