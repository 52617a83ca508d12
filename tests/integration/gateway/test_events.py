"""Customers follow their generations: as streams of server-sent events, and in pages."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api_gateway import create_app
from schemas.enums import ErrorCode, Stage
from schemas.setting_groups import StreamSettings
from schemas.settings import Settings
from storage import deletion, transitions
from storage.changes import Changes
from storage.claims import Claim
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.event_source import STREAM, EventSource, Message, follow
from tests.integration.gateway.finishing import claim, fail
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation, an_order, eventually

NewGeneration = Callable[[], UUID]


@pytest.fixture
def new(database: Database, settings: Settings, customer: NewCustomer) -> NewGeneration:
    """Accepts a generation of the customer."""
    return lambda: a_generation(database, settings, customer)


def path_of(generation_id: UUID) -> str:
    return f"/v1/generations/{generation_id}/events"


def move(database: Database, held: Claim, *stages: Stage) -> Claim:
    """Move a claimed generation through stages, each in a transaction."""
    for stage in stages:
        with database.statements() as sql:
            held = transitions.move(sql, held, stage, wake_in=60, keeps_lease=True)
    return held


def end(database: Database, held: Claim) -> None:
    with database.statements() as sql:
        transitions.fail(sql, held, ErrorCode.PROVIDER_FAILED, "the vendor failed")


def stages(messages: list[Message]) -> list[str]:
    return [message.stage for message in messages if message.event != "progress"]


def test_stream_of_a_generation_tells_each_stage_and_the_end(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    generation_id = new()
    held = claim(database, settings, generation_id)
    with follow(gateway, path_of(generation_id), customer.headers) as source:
        messages = iter(source)
        first = next(messages)
        assert first.data == {
            "object": "event",
            "id": first.id,
            "type": "stage",
            "generation_id": str(generation_id),
            "status": "queued",
            "stage": "queued",
            "progress": 0,
            "error": None,
            "created_at": first.data["created_at"],
            "reference": None,
            "metadata": {},
        }
        held = move(database, held, Stage.SUBMITTING, Stage.GENERATING)
        assert stages([next(messages), next(messages)]) == ["submitting", "generating"]
        with database.statements() as sql:
            transitions.record(sql, held, Changes(progress=40))
        progress = next(messages)
        assert (progress.event, progress.data["progress"], progress.data["id"]) == ("progress", 40, None)
        end(database, held)
        last = list(messages)
    assert [(message.event, message.stage) for message in last] == [("end", "failed")]
    assert last[0].data["error"] == {"code": "provider_failed", "message": "the vendor failed"}
    assert last[0].data["progress"] == 40
    assert source.retry == 1000
    assert source.response.headers["content-type"] == "text/event-stream"
    assert source.response.headers["x-accel-buffering"] == "no"
    assert "content-length" not in source.response.headers


def test_stream_resumes_after_the_last_event_id_and_a_reconnect_after_the_end_is_204(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    generation_id = new()
    held = move(database, claim(database, settings, generation_id), Stage.SUBMITTING, Stage.GENERATING)
    end(database, held)
    path = path_of(generation_id)
    with follow(gateway, path, customer.headers) as source:
        every = list(source)
    assert stages(every) == ["queued", "submitting", "generating", "failed"]
    with follow(gateway, path, customer.headers, after=every[1].id) as source:
        assert list(source) == every[2:]
    with follow(gateway, f"{path}?after={every[2].id}", customer.headers) as source:
        assert list(source) == every[3:]
    # The header is newer than the URL, which a browser repeats.
    with follow(gateway, f"{path}?after={every[0].id}", customer.headers, after=every[2].id) as source:
        assert list(source) == every[3:]
    for after in every[3].id, "999999999999999999":
        answer = gateway.get(path, headers={**STREAM, **customer.headers, "Last-Event-ID": after})
        assert (answer.status_code, answer.content) == (204, b"")


def test_progress_message_has_the_position_of_the_stage_before_it(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    generation_id = new()
    held = move(database, claim(database, settings, generation_id), Stage.SUBMITTING, Stage.GENERATING)
    with database.statements() as sql:
        held = transitions.record(sql, held, Changes(progress=40))
    with follow(gateway, path_of(generation_id), customer.headers) as source:
        messages = iter(source)
        generating, progress = [next(messages) for _ in range(4)][2:]
        assert progress.event == "progress"
        assert progress.id == generating.id
    end(database, held)
    with follow(gateway, path_of(generation_id), customer.headers, after=progress.id) as source:
        assert stages(list(source)) == ["failed"]


def test_number_that_no_event_has_suppresses_no_event(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    generation_id = new()
    held = claim(database, settings, generation_id)
    with follow(gateway, path_of(generation_id), customer.headers, after="999999999999999999") as source:
        end(database, held)
        assert stages(list(source)) == ["failed"]


def test_stream_of_a_customer_begins_now_and_tells_all_generations(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    earlier = new()
    with follow(gateway, "/v1/events", customer.headers) as source:
        messages = iter(source)
        held = claim(database, settings, earlier)
        later = until_open(source, messages, new)
        end(database, held)
        ended = next(messages)
    assert later.stage == "queued"
    assert (ended.event, ended.data["generation_id"]) == ("end", str(earlier))


def until_open(source: EventSource, messages: Iterator[Message], new: NewGeneration) -> Message:
    """Accept a generation once the stream has begun, and return its first event."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(next, messages)
        while not first.done():
            if source.last_event_id:
                new()
                break
        return first.result()


def test_stream_of_a_customer_resumes_where_it_ended(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    one, other = new(), new()
    move(database, claim(database, settings, one), Stage.SUBMITTING)
    end(database, claim(database, settings, other))
    with follow(gateway, "/v1/events", customer.headers, after="0") as source:
        messages = iter(source)
        every = [next(messages) for _ in range(4)]
    assert stages(every) == ["queued", "queued", "submitting", "failed"]
    with follow(gateway, "/v1/events", customer.headers, after=every[1].id) as source:
        messages = iter(source)
        assert [next(messages) for _ in range(2)] == every[2:]


def test_stream_of_a_customer_loses_no_event_of_a_transaction_that_commits_late(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    slow, quick = new(), new()
    slow_claim, quick_claim = claim(database, settings, slow), claim(database, settings, quick)
    with follow(gateway, "/v1/events", customer.headers, after="0") as source:
        messages = iter(source)
        before = [next(messages) for _ in range(2)]
        with database.statements() as sql:
            transitions.move(sql, slow_claim, Stage.SUBMITTING, wake_in=60)
            move(database, quick_claim, Stage.SUBMITTING, Stage.GENERATING)
            # A stream of one generation waits for no other transaction.
            with follow(gateway, path_of(quick), customer.headers) as one:
                assert "generating" in (message.stage for message in one)
            page = gateway.get("/v1/events", headers=customer.headers).json()
            assert [event["stage"] for event in page["data"]] == ["queued", "queued"]
        late = [next(messages) for _ in range(3)]
    assert stages(before) == ["queued", "queued"]
    assert [(message.data["generation_id"], message.stage) for message in late] == [
        (str(slow), "submitting"),
        (str(quick), "submitting"),
        (str(quick), "generating"),
    ]


def test_pages_hold_every_event_once_and_in_order(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, new: NewGeneration
) -> None:
    for _ in range(3):
        end(database, move(database, claim(database, settings, new()), Stage.SUBMITTING))
    seen, after, has_more = [], "0", True
    while has_more:
        page = gateway.get(f"/v1/events?after={after}&limit=2", headers=customer.headers).json()
        assert page["object"] == "list"
        seen += page["data"]
        after, has_more = page["next_after"], page["has_more"]
    assert [event["stage"] for event in seen] == ["queued", "submitting", "failed"] * 3
    assert [int(event["id"]) for event in seen] == sorted({int(event["id"]) for event in seen})
    last = gateway.get(f"/v1/events?after={after}", headers=customer.headers).json()
    assert last == {"object": "list", "data": [], "has_more": False, "next_after": after}


def test_events_have_the_customers_texts_until_the_generation_is_deleted(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    marks = {"reference": "shot-7", "metadata": {"thread": "42"}}
    generation_id = a_generation(database, settings, customer, an_order().model_copy(update=marks))
    held = move(database, claim(database, settings, generation_id), Stage.SUBMITTING, Stage.GENERATING)
    with database.statements() as sql:
        held = transitions.record(sql, held, Changes(progress=33))

    def page() -> list[dict[str, Any]]:
        answer = gateway.get("/v1/events", headers=customer.headers).raise_for_status()
        events: list[dict[str, Any]] = answer.json()["data"]
        return events

    def marked(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"reference": each["reference"], "metadata": each["metadata"]} for each in found]

    with follow(gateway, path_of(generation_id), customer.headers) as source:
        messages = list(islice(source, 4))
    assert [message.event for message in messages] == ["stage", "stage", "stage", "progress"]
    assert marked(message.data for message in messages) == [marks] * 4
    assert marked(page()) == [marks] * 3

    end(database, held)
    deletion.delete(database, objects, generation_id)
    *_, last = found = page()
    assert marked(found) == [{"reference": None, "metadata": {}}] * 4
    assert last["error"] == {"code": "provider_failed", "message": ""}


def test_other_customers_see_nothing(
    gateway: httpx.Client, database: Database, make_customer: Callable[[int], NewCustomer], new: NewGeneration
) -> None:
    other, generation_id = make_customer(0), new()
    foreign = gateway.get(path_of(generation_id), headers={**STREAM, **other.headers})
    unknown = gateway.get(path_of(uuid4()), headers={**STREAM, **other.headers})
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert gateway.get("/v1/events", headers=other.headers).json()["data"] == []
    assert gateway.get(path_of(generation_id), headers=STREAM).status_code == 401


@pytest.mark.parametrize("given", ["-1", "x", "1.5", "٣", "1" * 19])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/generations/{}/events"])
def test_id_that_cannot_be_one_is_refused_with_words(
    gateway: httpx.Client, customer: NewCustomer, new: NewGeneration, given: str, path: str
) -> None:
    for query, header in ({"after": given}, {}), ({}, {b"Last-Event-ID": given.encode()}):
        headers = {**{name.encode(): value.encode() for name, value in customer.headers.items()}, **header}
        answer = gateway.get(path.format(new()), params=query, headers=headers)
        assert answer.status_code == 422
        assert "must be the `id` of an event" in answer.json()["errors"][0]["message"]


def test_head_of_a_stream_is_answered_at_once(gateway: httpx.Client, customer: NewCustomer, new: NewGeneration) -> None:
    for path in path_of(new()), "/v1/events":
        answer = gateway.head(path, headers={**STREAM, **customer.headers})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"


@pytest.fixture
def small(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway with two places for each customer and three in all."""
    streams = StreamSettings(each_customer=2, total=3)
    limited = settings.model_copy(update={"streams": streams, "gateway_drain_seconds": 30})
    with serving(create_app(limited), limited) as client:
        yield client


def test_customer_cannot_take_all_streams(small: httpx.Client, make_customer: Callable[[int], NewCustomer]) -> None:
    one, other, third = (make_customer(0) for _ in range(3))
    with ExitStack() as open_streams:
        for _ in range(2):
            open_streams.enter_context(follow(small, "/v1/events", one.headers))
        refused = small.get("/v1/events", headers={**STREAM, **one.headers})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert "2 of your streams are open" in refused.json()["detail"]
        assert refused.headers["retry-after"]
        open_streams.enter_context(follow(small, "/v1/events", other.headers))
        assert small.get("/v1/events", headers={**STREAM, **third.headers}).status_code == 503
        # A page takes no place.
        assert small.get("/v1/events", headers=one.headers).status_code == 200
    answers = eventually(lambda: small.head("/v1/events", headers={**STREAM, **one.headers}), lambda it: it.is_success)
    assert answers.status_code == 200


def test_stopping_gateway_ends_streams_at_once_and_asks_clients_to_connect_again(
    settings: Settings, database: Database, customer: NewCustomer, new: NewGeneration
) -> None:
    patient = settings.model_copy(update={"gateway_drain_seconds": 600})
    with ExitStack() as running, ThreadPoolExecutor(1) as pool:
        address = running.enter_context(serving(create_app(patient), patient)).base_url
        with (
            httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
            follow(client, path_of(new()), customer.headers) as source,
        ):
            messages = iter(source)
            assert next(messages).stage == "queued"
            asked = source.retry
            stopped = pool.submit(running.close)
            assert list(messages) == []
        stopped.result()
    assert asked is not None
    assert source.retry is not None
    assert source.retry >= asked


def test_stream_ends_after_its_longest_time_and_resumes_without_a_loss(
    settings: Settings, database: Database, customer: NewCustomer, new: NewGeneration
) -> None:
    short = settings.model_copy(update={"streams": StreamSettings(longest_seconds=0.3)})
    generation_id = new()
    with serving(create_app(short), short) as client:
        seen: list[Message] = []
        while not seen:
            with follow(client, path_of(generation_id), customer.headers) as source:
                seen += list(source)
        end(database, claim(database, settings, generation_id))
        while seen[-1].event != "end":
            with follow(client, path_of(generation_id), customer.headers, after=seen[-1].id) as source:
                seen += list(source)
    assert stages(seen) == ["queued", "failed"]


def test_events_arrive_without_redis(
    settings: Settings, database: Database, customer: NewCustomer, new: NewGeneration
) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    generation_id = new()
    with serving(create_app(away), away) as client, follow(client, path_of(generation_id), customer.headers) as source:
        messages = iter(source)
        assert next(messages).stage == "queued"
        fail(database, settings, generation_id, ErrorCode.TIMEOUT, "too late")
        assert stages(list(messages)) == ["failed"]
