"""Hears announcements in a gateway process, and tells the hub."""

import asyncio
import time

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from notify.announcements import CHANNEL, decoded
from notify.hub import Hub

log = structlog.get_logger()

_RECONNECT_SECONDS = 1.0

# A process without subscriptions stops listening, so that workers stop announcing. Short gaps keep the connection.
_IDLE_SECONDS = 30.0
_CHECK_SECONDS = 5.0


async def listen(redis_url: str, hub: Hub, *, channel: str = CHANNEL) -> None:
    """Tell the hub each announced change while it has subscriptions. Runs until the task is cancelled.

    While Redis does not answer, the hub's own looks replace the announcements.
    """
    while True:
        await hub.until_followed()
        try:
            await _hear(redis_url, hub, channel)
        except (RedisError, OSError) as error:
            log.info("announcements_not_heard", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)


async def _hear(redis_url: str, hub: Hub, channel: str) -> None:
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
                _tell(hub, message["data"])
            if hub.is_followed:
                followed_at = time.monotonic()


def _tell(hub: Hub, text: str) -> None:
    try:
        for generation_id, customer_id in decoded(text):
            hub.changed(generation_id, customer_id)
    except ValueError:
        log.warning("announcement_not_understood", characters=len(text))
