"""Records results of tries: all results that wait are one transaction."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from storage.database import AsyncDatabase
from storage.outages import OUTAGES
from storage.webhooks import sending
from storage.webhooks.sending import Paused, Tried

log = structlog.get_logger()

_MOST_RESULTS: Final = 200
_RETRY_SECONDS: Final = 1.0


class Recorder:
    """Records the results of one process, one transaction at a time."""

    def __init__(self, database: AsyncDatabase, *, pause_after_seconds: float) -> None:
        self._database = database
        self._pause_after_seconds = pause_after_seconds
        self._waiting: asyncio.Queue[tuple[Tried, asyncio.Future[None]]] = asyncio.Queue()

    async def record(self, result: Tried) -> None:
        """Record a result. Returns after the commit, during an outage of the database after its end."""
        recorded = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((result, recorded))
        await recorded

    async def run(self) -> None:
        """Record what waits, until the task is cancelled."""
        while True:
            batch = [await self._waiting.get()]
            with suppress(asyncio.QueueEmpty):
                while len(batch) < _MOST_RESULTS:
                    batch.append(self._waiting.get_nowait())
            await self._write([result for result, _ in batch])
            for _, recorded in batch:
                if not recorded.done():
                    recorded.set_result(None)

    async def _write(self, results: Sequence[Tried]) -> None:
        while True:
            try:
                paused = await self._database.statements(
                    lambda sql: sending.record(sql, results, pause_after_seconds=self._pause_after_seconds)
                )
            except OUTAGES as error:
                log.warning("webhook_results_not_recorded", count=len(results), error=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception as error:
                if len(results) > 1:
                    # One result that cannot be recorded must not lose the others.
                    for each in results:
                        await self._write([each])
                    return None
                # The claim ends by itself, and the message is sent again. The other results must not wait.
                log.error("webhook_results_not_recorded", count=len(results), exc_info=error)
                return None
            else:
                return _tell(paused)


def _tell(paused: Sequence[Paused]) -> None:
    for each in paused:
        log.warning(
            "webhook_endpoint_paused",
            endpoint_id=str(each.id),
            customer_id=str(each.customer_id),
            reason=each.paused_reason,
        )
