"""Processes announce changes over Redis, and gateways with subscriptions hear them."""

import asyncio
import time
from collections.abc import Iterator
from itertools import takewhile
from uuid import UUID, uuid4

import pytest
import redis

from notify.announcements import Announcer
from notify.hub import Hub
from notify.listener import listen
from notify.reader import EventReader
from schemas.settings import Settings
from storage.database import AsyncDatabase
from tests.support import eventually

# The gateways of other tests listen to the usual channel.
CHANNEL = f"test:{uuid4()}"


@pytest.fixture
def broker(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.redis_url) as client:
        yield client


class Listening(Hub):
    """A hub that only records what it hears."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(EventReader(AsyncDatabase(settings.database_url, pool_size=1)))
        self.heard = asyncio.Queue[UUID]()

    def changed(self, generation_id: UUID, customer_id: UUID) -> None:
        self.heard.put_nowait(generation_id)


def listeners(broker: redis.Redis) -> int:
    return int(broker.pubsub_numsub(CHANNEL)[0][1])


def test_gateway_with_a_subscription_hears_changes_also_after_a_lost_connection(
    settings: Settings, broker: redis.Redis
) -> None:
    async def run() -> None:
        hub = Listening(settings)
        task = asyncio.create_task(listen(settings.redis_url, hub, channel=CHANNEL))
        announcer = Announcer(settings.redis_url, channel=CHANNEL)
        try:
            assert await asyncio.to_thread(listeners, broker) == 0
            hub.follow_customer(uuid4(), after=None)
            for _ in range(2):
                await asyncio.to_thread(eventually, lambda: listeners(broker), bool)
                broker.publish(CHANNEL, "no announcement")
                generation_id, heard = uuid4(), None
                while heard != generation_id:
                    announcer.announce(generation_id, uuid4())
                    heard = await _next(hub) or heard
                broker.client_kill_filter(_type="pubsub")
        finally:
            task.cancel()
            await asyncio.to_thread(announcer.close)

    asyncio.run(run())


async def _next(hub: Listening) -> UUID | None:
    try:
        async with asyncio.timeout(0.2):
            return await hub.heard.get()
    except TimeoutError:
        return None


def test_processes_are_silent_without_a_listener(settings: Settings, broker: redis.Redis) -> None:
    channel = f"test:{uuid4()}"
    began = time.monotonic()
    announcer = Announcer(settings.redis_url, channel=channel)
    with broker.monitor() as commands:  # type: ignore[no-untyped-call]
        for _ in range(100_000):
            announcer.announce(uuid4(), uuid4())
        announcer.close()
        seconds = time.monotonic() - began
        broker.publish(channel, "the end")
        of_channel = (each["command"] for each in commands.listen() if f"PUBLISH {channel}" in each["command"])
        published = list(takewhile(lambda command: not command.endswith("the end"), of_channel))
    # One a second.
    assert 1 <= len(published) < seconds + 3


def test_announcing_without_redis_never_blocks_and_never_raises() -> None:
    announcer = Announcer("redis://127.0.0.1:1/0")
    for _ in range(10_000):
        announcer.announce(uuid4(), uuid4())
    announcer.close()
