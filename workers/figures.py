"""The part of the process `notify` that reads the figures of the whole system for Prometheus.

Several processes that showed the same figures would multiply them in every sum. So one process at a time has the turn.
"""

import asyncio
import time
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import RedisError

from metrics.families import QUEUE_MESSAGES
from metrics.instruments import Gauge, Values
from metrics.shown import SHOWN, Shown
from schemas.settings import Settings
from storage import figures
from storage.database import AsyncDatabase, KeptConnection
from storage.outages import OUTAGES
from workers import lists

log = structlog.get_logger()

_ASK_SECONDS: Final = 2.0
"""The time between two tries to take the turn."""

_MISSED: Final = 3
"""The readings that may be late before the figures vanish, and before another process may take the turn."""

_REDIS_SECONDS: Final = 3.0

_LEDGER_SECONDS: Final = 600.0
"""The time between two readings of the whole ledger."""


async def show_figures(settings: Settings, database: AsyncDatabase, shown: Shown = SHOWN) -> None:
    """Read and show the figures whenever this process has the turn. Runs until the task is cancelled."""
    while True:
        try:
            await _show(settings, database, shown)
        except OUTAGES as error:
            log.warning("figures_not_read", error=type(error).__name__)
        except Exception as error:
            # Other parts of the process go on.
            log.error("figures_not_read", exc_info=error)
        finally:
            shown.hide()
        await asyncio.sleep(_ASK_SECONDS)


async def _show(settings: Settings, database: AsyncDatabase, shown: Shown) -> None:
    every = settings.metrics.figures_seconds
    async with database.kept() as connection:
        silent = round(_MISSED * max(every, _ASK_SECONDS))
        while not await connection.statement(lambda sql: figures.take_turn(sql, silent_seconds=silent)):  # noqa: ASYNC110 -- another process has it
            await asyncio.sleep(_ASK_SECONDS)
        log.info("figures_turn_taken")
        ledger: dict[Gauge, dict[Values, float]] = {}
        ledger_at = 0.0
        while True:
            began = time.monotonic()
            if began >= ledger_at:
                ledger, ledger_at = await _read_ledger(connection), began + _LEDGER_SECONDS
            read = {**await _read(settings, connection), **ledger}
            took = time.monotonic() - began
            shown.show(read, took_seconds=took, for_seconds=_MISSED * every + took)
            await asyncio.sleep(every)


async def _read_ledger(connection: KeptConnection) -> dict[Gauge, dict[Values, float]]:
    """The sum of the ledger. A sum that takes too long is left out: the other figures do without."""
    try:
        return await connection.statement(figures.read_ledger)
    except OUTAGES as error:
        log.warning("ledger_not_summed", error=type(error).__name__)
        return {}


async def _read(settings: Settings, connection: KeptConnection) -> dict[Gauge, dict[Values, float]]:
    has_stream = settings.stream_out.enabled
    read = await connection.statement(lambda sql: figures.read(sql, has_stream=has_stream))
    queues = await asyncio.to_thread(_queues, settings.redis_url)
    return read if queues is None else {**read, QUEUE_MESSAGES: queues}


def _queues(redis_url: str) -> dict[Values, float] | None:
    """The lengths of the queues. None: Redis does not answer, and the figures of the database do without."""
    with Redis.from_url(redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS) as redis:
        try:
            return QUEUE_MESSAGES.series(([queue], length) for queue, length in lists.lengths(redis).items())
        except RedisError as error:
            log.info("queues_not_counted", error=type(error).__name__)
            return None
