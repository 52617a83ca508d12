from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kombu import Connection, Consumer, Exchange, Message, Producer, Queue

from stack.ports import free_port
from stack.redis import Redis
from workers.reconnect import mend_reconnect


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of this test's own, to take away."""
    service = Redis(tmp_path / "redis", free_port(), password="of-this-test")
    service.start()
    service.wait_until_ready()
    yield service
    service.stop()


def test_a_connection_that_holds_a_message_can_be_closed_after_redis_went_away(redis: Redis) -> None:
    """What Celery's consumer does on a lost connection; without the mend, an AttributeError ends the worker."""
    mend_reconnect()
    held: list[Message] = []
    connection = Connection(redis.url, transport_options={"socket_connect_timeout": 1})
    channel = connection.default_channel
    work = Queue("work")
    # Remote control's queue: it is deleted first when the channel closes, which fails with Redis gone.
    replies = Queue("replies", Exchange("replies", type="fanout"), auto_delete=True)
    Producer(channel).publish({"id": 1}, routing_key=work.name, declare=[work])
    Consumer(channel, [work], callbacks=[lambda _body, message: held.append(message)]).consume()
    connection.drain_events(timeout=10)
    assert len(held) == 1
    Consumer(channel, [replies], callbacks=[lambda _body, _message: None]).consume()

    redis.kill()
    lost = connection.connection_errors
    with pytest.raises(lost):
        connection.drain_events(timeout=10)
    with suppress(*lost):
        connection.collect()
    with suppress(*lost):
        connection.close()

    redis.start()
    redis.wait_until_ready()
    connection.ensure_connection(max_retries=1)
    connection.release()
    # The channel that was given up would try again to put its message back when the test run ends.
    channel.do_restore = False  # type: ignore[attr-defined]  # of the virtual channel that this is
