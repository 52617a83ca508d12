"""Hears announcements in a process, and tells its hub, or the alarms of its parts."""

import asyncio
import time
from typing import Protocol
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from notify.announcements import CHANNEL, decoded

log = structlog.get_logger()

_RECONNECT_SECONDS = 1.0

# A process without subscriptions stops listening, so that workers stop announcing. Short gaps keep the connection.
_IDLE_SECONDS = 30.0
_CHECK_SECONDS = 5.0


class Follower(Protocol):
    """Wants to know of changes: a hub, or alarms."""

    @property
    def is_followed(self) -> bool:
        """Whether the follower wants to know now."""

    async def until_followed(self) -> None:
        """Wait until the follower wants to know."""

    def changed(self, generation_id: UUID, customer_id: UUID, /) -> None:
        """Take an announced change."""


async def listen(redis_url: str, follower: Follower, *, channel: str = CHANNEL) -> None:
    """Tell the follower each announced change while it wants to know. Runs until the task is cancelled.

    While Redis does not answer, the follower's own looks replace the announcements.
    """
    while True:
        await follower.until_followed()
        try:
            await _hear(redis_url, follower, channel)
        except (RedisError, OSError) as error:
            log.info("announcements_not_heard", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)


async def _hear(redis_url: str, follower: Follower, channel: str) -> None:
    async with (
        Redis.from_url(
            redis_url, decode_responses=True, socket_connect_timeout=1, socket_keepalive=True, health_check_interval=10
        ) as redis,
        redis.pubsub(ignore_subscribe_messages=True) as heard,
    ):
        await heard.subscribe(channel)
        followed_at = time.monotonic()
        while time.monotonic() < followed_at + _IDLE_SECONDS:
            message = await heard.get_message(timeout=_CHECK_SECONDS)
            if message is not None:
                _tell(follower, message["data"])
            if follower.is_followed:
                followed_at = time.monotonic()


def _tell(follower: Follower, text: str) -> None:
    try:
        for generation_id, customer_id in decoded(text):
            follower.changed(generation_id, customer_id)
    except ValueError:
        log.warning("announcement_not_understood", characters=len(text))
