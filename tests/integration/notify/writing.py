"""Processes that write the stream, as tasks of a test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from notify.alarms import Alarm
from notify.stream.turns import write_streams
from schemas.settings import Settings
from storage.database import AsyncDatabase, Database
from storage.sql import returns
from workers.notify_process import cancelled

_MOVES = returns(int)("SELECT id FROM events WHERE origin IS DISTINCT FROM stage ORDER BY id")


def moves(database: Database) -> list[int]:
    """The ids of all events."""
    with database.statement() as sql:
        return sql.all(_MOVES)


@asynccontextmanager
async def _writing(settings: Settings, count: int) -> AsyncIterator[list[Alarm]]:
    databases = [AsyncDatabase(settings.database_url, pool_size=2) for _ in range(count)]
    alarms = [Alarm() for _ in databases]
    tasks = [
        asyncio.create_task(write_streams(database, settings, alarm))
        for database, alarm in zip(databases, alarms, strict=True)
    ]
    try:
        yield alarms
    finally:
        await cancelled(tasks)
        for database in databases:
            await database.dispose()


def run(settings: Settings, act: Callable[[list[Alarm]], Awaitable[None]], count: int = 1) -> None:
    """Call `act` while so many processes write the streams in turns."""

    async def inside() -> None:
        async with asyncio.timeout(100), _writing(settings, count) as alarms:
            await act(alarms)

    asyncio.run(inside())
