"""A running system sends one trace of each generation to a collector, across processes, waits and deaths."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from drills.hostile.hosts import Hosts
from schemas.trace_context import TraceContext
from stack.stack import Stack
from tests.e2e.conftest import System, own_places, system_of
from tests.e2e.test_faults import worker_process
from tests.support import NewCustomer, eventually
from tests.traces import Collector, Seen, collecting
from tests.webhook_receiver import Receiver, receiving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as started:
        yield started


@pytest.fixture(scope="module")
def traced(services: Stack, run_folder: Path, hosts: Hosts, collector: Collector) -> Iterator[System]:
    """Every process, in callback mode, with traces."""
    settings = own_places(services, "traced", 3)
    variables = {
        "REELWORKS_TRACES__ENABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with Stack(run_folder / "traced", settings, extra_env={**hosts.account(), **variables}) as stack:
        yield from system_of(stack)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def caller() -> TraceContext:
    """The place of a caller in a trace of its own."""
    return TraceContext(uuid4().hex, uuid4().hex[:16], is_sampled=True)


def order(system: System, customer: NewCustomer, word: str, place: TraceContext, **request: object) -> str:
    """The id of an order that belongs to a trace."""
    body = {"model": "nano-banana", "prompt": f"a lighthouse {word}", **request}
    headers = {**customer.headers, "traceparent": place.traceparent}
    answer = system.http.post("/v1/generations", json=body, headers=headers)
    return str(answer.raise_for_status().json()["id"])


def spans_until(collector: Collector, place: TraceContext, *wanted: str) -> list[Seen]:
    """The spans of a trace once these have come. Each process sends its own, in any order."""
    return eventually(lambda: collector.of_trace(place.trace_id), lambda spans: names(spans) >= set(wanted))


def test_a_generation_is_one_trace_from_the_order_to_the_webhook(
    traced: System, collector: Collector, receiver: Receiver
) -> None:
    customer, word, place = traced.customer(), traced.behave(), caller()
    generation_id = order(traced, customer, word, place, callback_url=f"{receiver.url}/hook")
    assert traced.finished(customer, generation_id).status == "completed"
    (message, *_) = receiver.until(1)
    callback = "POST /callbacks/{provider}/{generation_id}"
    expected = {
        *("POST /v1/generations", "prepare", "send", "POST submit", callback, "wait", "poll", "GET poll"),
        *("download", "GET file", "store", "settle", "POST webhook"),
    }
    spans = spans_until(collector, place, *expected)
    by_name = {span.name: span for span in spans}
    root = by_name["POST /v1/generations"]

    assert names(spans) == expected
    assert root.parent_id == place.span_id
    below_root = {span.name for span in spans if span.parent_id == root.span_id}
    assert below_root == names(spans) - {"POST /v1/generations", "POST submit", "GET poll", "GET file"}
    assert by_name["POST submit"].parent_id == by_name["send"].span_id
    assert by_name["GET poll"].parent_id == by_name["poll"].span_id
    assert by_name["GET file"].parent_id == by_name["download"].span_id
    assert by_name["poll"].links == [by_name[callback].span_id]
    assert by_name["download"].links == [by_name["poll"].span_id]
    assert TraceContext.read(message.headers["traceparent"]) in {span.context for span in spans}
    assert {by_name[name].service for name in ("POST /v1/generations", "send", "download", "POST webhook")} == {
        "reelworks-gateway", "reelworks-provider", "reelworks-transfer", "reelworks-notify",
    }  # fmt: skip


def test_nothing_secret_leaves_in_a_span(traced: System, collector: Collector) -> None:
    customer, word = traced.customer(), traced.behave(outcome="fail", fail_msg="the vendor's own words")
    made = traced.make(customer, word, metadata={"note": "a planted note"})
    assert made.status == "failed"
    with traced.database.transaction() as session:
        stored: str = session.execute(
            text("SELECT traceparent FROM generations WHERE id = :id"), {"id": UUID(made.id)}
        ).scalar_one()
    place = TraceContext.read(stored)
    assert place is not None
    eventually(lambda: collector.of_trace(place.trace_id), lambda spans: "poll" in names(spans))
    settings = traced.stack.settings
    keys = [
        account.api_key.get_secret_value() for name in settings.providers.names()
        for account in [settings.providers.named(name)]
    ]  # fmt: skip
    planted = [
        word,
        "planted note",
        "own words",
        customer.api_key,
        settings.secret_key.get_secret_value(),
        *keys,
        "?t=",
    ]

    assert [secret for secret in planted if secret and any(secret.encode() in body for body in collector.bodies)] == []


def test_a_killed_workers_generation_has_one_trace(traced: System, collector: Collector) -> None:
    customer, place = traced.customer(), caller()
    word = traced.behave(bytes_per_second=50_000)
    generation_id = order(traced, customer, word, place, model="kling-2.6-text-to-video", duration_seconds=5)
    eventually(lambda: traced.sandbox.tasks(word), lambda tasks: sum(task.downloads for task in tasks) > 0)
    worker_process(traced, "transfer").kill()
    assert traced.finished(customer, generation_id).status == "completed"
    # The killed process takes along the spans that it had not sent, such as that of its poll.
    spans = spans_until(collector, place, "POST /v1/generations", "prepare", "send", "download", "store", "settle")
    (root,) = [span for span in spans if span.name == "POST /v1/generations"]
    (download,) = [span for span in spans if span.name == "download"]

    assert download.parent_id == root.span_id
    assert download.attributes["reelworks.attempt"] > 2  # type: ignore[operator]  # a number


def test_a_caller_decides_whether_the_spans_of_its_trace_are_recorded(traced: System, collector: Collector) -> None:
    customer, word = traced.customer(), traced.behave()
    unsampled = TraceContext(uuid4().hex, uuid4().hex[:16], is_sampled=False)
    generation_id = order(traced, customer, word, unsampled)
    sampled = caller()
    later = order(traced, customer, word, sampled)
    assert traced.finished(customer, generation_id).status == "completed"
    assert traced.finished(customer, later).status == "completed"
    spans_until(collector, sampled, "settle")

    assert collector.of_trace(unsampled.trace_id) == []


def test_inspect_and_the_logs_of_all_processes_name_the_trace(traced: System, collector: Collector) -> None:
    customer, word, place = traced.customer(), traced.behave(), caller()
    generation_id = order(traced, customer, word, place)
    traced.finished(customer, generation_id)
    told = traced.http.get(f"/v1/generations/{generation_id}/timeline", headers=customer.headers).json()

    assert told["trace_id"] == place.trace_id
    for part in ("gateway", "worker-provider", "worker-transfer"):
        log = traced.stack.part(part).log
        eventually(log.read_text, lambda lines: place.trace_id[:8] in lines)


def names(spans: list[Seen]) -> set[str]:
    return {span.name for span in spans}
