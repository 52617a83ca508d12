"""Takes turns with other processes: one at a time writes the streams."""

import asyncio
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from notify.alarms import Alarm
from notify.stream.publisher import Publisher
from schemas.settings import Settings
from storage import stream_position
from storage.database import AsyncDatabase
from storage.outages import OUTAGES

log = structlog.get_logger()

_ASK_SECONDS: Final = 1.0
"""The time between two tries to take the turn."""


async def write_streams(database: AsyncDatabase, settings: Settings, alarm: Alarm) -> None:
    """Write the streams whenever this process has the turn. Runs until the task is cancelled."""
    while True:
        try:
            await _write(database, settings, alarm)
        except OUTAGES as error:
            log.warning("stream_turn_lost", error=type(error).__name__)
        except Exception as error:
            # Other parts of the process go on.
            log.error("stream_turn_lost", exc_info=error)
        await asyncio.sleep(_ASK_SECONDS)


async def _write(database: AsyncDatabase, settings: Settings, alarm: Alarm) -> None:
    async with database.kept() as connection:
        while not await connection.statement(stream_position.take_turn):  # noqa: ASYNC110 -- another process has it
            await asyncio.sleep(_ASK_SECONDS)
        log.info("stream_turn_taken")
        async with Redis.from_url(
            settings.redis_url, socket_timeout=5, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        ) as redis:
            await Publisher(connection, redis, settings.stream_out, settings.retention).run(alarm)
