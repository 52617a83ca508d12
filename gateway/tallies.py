"""Counts events in memory and writes the counts down every few seconds, never while a request waits."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from storage.database import AsyncDatabase
from storage.sql import Sql

log = structlog.get_logger()


class Tally:
    """The counts of one kind of event since the last record. A process that is killed loses them."""

    def __init__(
        self,
        database: AsyncDatabase,
        name: str,
        write: Callable[[Sql, Mapping[UUID, int]], None],
        *,
        every_seconds: float,
    ) -> None:
        """Prepare to count.

        Args:
            name: what is counted, for the log.
            write: adds counts to the database.
        """
        self._database = database
        self._name = name
        self._write = write
        self._every_seconds = every_seconds
        # Threads may append to a deque at any time, so no count is lost.
        self._noted: deque[UUID] = deque()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Record from now on, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    def note(self, counted_id: UUID) -> None:
        """Count one event. Returns at once. Threads may call this method."""
        self._noted.append(counted_id)

    async def record(self) -> None:
        """Write the counts down. After an error, they wait for the next record."""
        counts = Counter(self._noted.popleft() for _ in range(len(self._noted)))
        if not counts:
            return
        try:
            await self._database.statement(lambda sql: self._write(sql, counts))
        except SQLAlchemyError as error:
            self._noted.extend(counts.elements())
            log.warning("counts_not_recorded", counts=self._name, error=type(error).__name__)

    async def close(self) -> None:
        """Stop, and record the rest."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.record()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            await self.record()
