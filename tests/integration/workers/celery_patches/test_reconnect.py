import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Consumer, Exchange, Message, Producer, Queue

from stack.ports import free_port
from stack.redis import Redis
from tests.upstream import mended
from workers.celery_patches import reconnect
from workers.celery_patches.reconnect import mend_reconnect


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that the test can kill."""
    service = Redis(tmp_path / "redis", free_port(), password="of-this-test")
    service.start()
    service.wait_until_ready()
    yield service
    service.stop()


@pytest.fixture
def connection(redis: Redis) -> Iterator[Connection]:
    """A connection as Celery's consumer has it, with one message that is not acknowledged."""
    held: list[Message] = []
    connection = Connection(redis.url, transport_options={"socket_connect_timeout": 1})
    channel: Any = connection.default_channel
    work = Queue("work")
    # Remote control's queue: the channel deletes it first on close, and fails while Redis is away.
    replies = Queue("replies", Exchange("replies", type="fanout"), auto_delete=True)
    Producer(channel).publish({"id": 1}, routing_key=work.name, declare=[work])
    Consumer(channel, [work], callbacks=[lambda _body, message: held.append(message)]).consume()
    connection.drain_events(timeout=100)
    assert len(held) == 1
    Consumer(channel, [replies], callbacks=[lambda _body, _message: None]).consume()
    yield connection
    # The lost channel would try again at the end of the test run to put its message back.
    channel.do_restore = False


def lose_and_close(redis: Redis, connection: Connection) -> None:
    """Do what Celery's consumer does when its connection breaks."""
    redis.kill()
    lost = connection.connection_errors
    with pytest.raises(lost):
        connection.drain_events(timeout=100)
    with suppress(*lost):
        connection.collect()
    with suppress(*lost):
        connection.close()


def test_celery_cannot_close_a_lost_connection_that_holds_a_message(
    redis: Redis, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpatched = getattr(Connection.collect, "__wrapped__", Connection.collect)
    monkeypatch.setattr(Connection, "collect", unpatched)
    try:
        lose_and_close(redis, connection)
    except AttributeError:
        return
    pytest.fail(mended(reconnect))


def test_patched_connection_leaves_the_timeouts_of_other_sockets_alone(
    redis: Redis, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend_reconnect()
    timeouts: list[float | None] = []
    close = Connection._do_close_self

    def note(self: Connection) -> None:
        timeouts.append(socket.getdefaulttimeout())
        close(self)

    monkeypatch.setattr(Connection, "_do_close_self", note)
    connection.collect(socket_timeout=0.1)
    assert timeouts == [None]


def test_patched_connection_closes_and_connects_again(redis: Redis, connection: Connection) -> None:
    mend_reconnect()
    lose_and_close(redis, connection)

    redis.start()
    redis.wait_until_ready()
    connection.ensure_connection(max_retries=1)
    connection.release()
