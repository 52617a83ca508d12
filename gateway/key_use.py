"""Records the last use of API keys: once a minute for all keys together, and never while a request waits."""

import asyncio
from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from storage import api_keys
from storage.database import AsyncDatabase

log = structlog.get_logger()

_EVERY_SECONDS = 60.0


class KeyUse:
    """The keys that were used since the last record."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._used: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Record from now on, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    def note(self, key_id: UUID) -> None:
        """Remember that a key is used. Returns at once."""
        self._used.add(key_id)

    async def record(self) -> None:
        """Write down the noted keys. After an error, they wait for the next record."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await self._database.statement(lambda statement: api_keys.note_use(statement, used))
        except SQLAlchemyError as error:
            self._used |= used
            log.warning("key_use_not_recorded", error=type(error).__name__)

    async def close(self) -> None:
        """Stop, and record the rest."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.record()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self.record()
