import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import structlog.testing
from kombu import Connection, Consumer, Message, Queue
from kombu.pidbox import Mailbox
from kombu.transport.redis import Channel, Transport
from redis import Redis as Client

from drills.hostile.messages import command, message, wrong_commands
from stack.ports import free_port
from stack.redis import Redis
from tests.upstream import mended
from workers.celery_patches import checked_channel
from workers.celery_patches.checked_channel import check_messages

BROADCASTS = "/0.celery.pidbox"
BROKEN = [b"no JSON", b"[]", b'{"properties": []}', json.dumps(message(properties=[])).encode(), b"[" * 100_000]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    service = Redis(tmp_path_factory.mktemp("redis"), free_port(), password="of-this-test")
    service.start()
    service.wait_until_ready()
    yield service
    service.stop()


@pytest.fixture
def client(redis: Redis) -> Iterator[Client]:
    with Client.from_url(redis.url) as client:
        client.flushdb()
        yield client


def wake_up(**changes: object) -> bytes:
    """A message of the queue `submit`, with changes."""
    whole = message([["an id", 1], {}, {}])
    return json.dumps({**whole, "headers": {**whole["headers"], "task": "generation.submit"}, **changes}).encode()


def received(redis: Redis, count: int) -> list[Message]:
    """The first messages of the queue `submit`, as a consumer gets them."""
    found: list[Message] = []

    def take(_body: object, message: Message) -> None:
        found.append(message)
        message.ack()

    with Connection(redis.url) as connection:
        channel: Any = connection.default_channel
        with Consumer(channel, [Queue("submit")], callbacks=[take], accept=["json"]):
            while len(found) < count:
                connection.drain_events(timeout=100)
    return found


@pytest.mark.parametrize("broken", BROKEN, ids=lambda raw: raw[:20])
def test_kombu_cannot_read_a_message_of_another_form(
    redis: Redis, client: Client, broken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transport, "Channel", Channel)
    client.lpush("submit", broken)
    try:
        received(redis, 1)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return
    pytest.fail(mended(checked_channel))


def obeyed(redis: Redis, client: Client, *broadcasts: bytes) -> list[object]:
    """Publish broadcasts, and then a good command. Returns the commands that a worker's mailbox obeys up to that."""
    found: list[object] = []

    def note(_state: object, **arguments: object) -> None:
        found.append(arguments)

    with Connection(redis.url) as connection:
        node: Any = Mailbox("celery", type="fanout", connection=connection).Node("a-worker", handlers={"ping": note})
        node.channel = connection.default_channel
        with node.listen():
            while not client.pubsub_numpat():
                with suppress(TimeoutError):
                    connection.drain_events(timeout=0.1)
            for raw in (*broadcasts, json.dumps(message(command(arguments={"last": True}, reply_to=None))).encode()):
                assert client.publish(BROADCASTS, raw) == 1
            while {"last": True} not in found:
                connection.drain_events(timeout=100)
    return found


@pytest.mark.parametrize("broken", [b"5", b"{}", b"[]", b"[" * 100_000], ids=lambda raw: raw[:20])
def test_kombu_cannot_read_a_broadcast_of_another_form(
    redis: Redis, client: Client, broken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transport, "Channel", Channel)
    try:
        obeyed(redis, client, broken)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return
    pytest.fail(mended(checked_channel))


@pytest.fixture
def checking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transport, "Channel", Channel)
    check_messages()


@pytest.mark.usefixtures("checking")
def test_a_patched_channel_reads_on_after_a_broken_message(redis: Redis, client: Client) -> None:
    client.lpush("submit", *BROKEN, wake_up())
    assert [found.headers["task"] for found in received(redis, 1)] == ["generation.submit"]
    assert client.hlen("unacked") == 0


@pytest.mark.usefixtures("checking")
def test_a_patched_channel_does_not_read_a_message_that_is_too_large(
    redis: Redis, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_channel.CheckedChannel, "max_message_bytes", 10_000)
    client.lpush("submit", wake_up(body="x" * 10_000), wake_up())
    assert [found.headers["task"] for found in received(redis, 1)] == ["generation.submit"]


@pytest.mark.usefixtures("checking")
def test_a_patched_channel_reads_on_after_a_broken_broadcast(redis: Redis, client: Client) -> None:
    found = obeyed(redis, client, *wrong_commands())
    # Of the others, only the part that a worker does not read is wrong, or the arguments are.
    arguments = {json.dumps(each) for each in found}
    assert arguments == {"{}", '{"a": 1}', '{"no": "such"}', '{"last": true}'}


@pytest.mark.usefixtures("checking")
def test_discarded_message_is_logged_with_the_task_and_the_id_that_can_be_read(redis: Redis, client: Client) -> None:
    mistaken = message([[], {}, {}])
    headers = {**mistaken["headers"], "task": "generation.enqueue", "id": "order-7"}
    client.lpush("submit", json.dumps({**mistaken, "headers": headers}))
    client.lpush("submit", json.dumps({**mistaken, "headers": {**headers, "id": "not\nvisible"}, "properties": []}))
    client.lpush("submit", b"no JSON", wake_up())
    with structlog.testing.capture_logs() as lines:
        received(redis, 1)
    discarded = [line for line in lines if line["event"] == "message_discarded"]
    named = [{name: line[name] for name in ("queue", "task", "id") if name in line} for line in discarded]
    assert named == [
        {"queue": "submit", "task": "generation.enqueue", "id": "order-7"},
        {"queue": "submit", "task": "generation.enqueue"},
        {"queue": "submit"},
    ]
