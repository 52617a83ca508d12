"""Appends committed events to the streams, in order.

The last entry of the stream says how far the stream has come. A round watches the stream, reads the events after the
last entry, and appends them in one transaction of Redis, which fails if the stream changed meanwhile. So nothing is
appended twice or out of order, also when a process was stopped and goes on after another one has taken over.

The database keeps the position, too. A stream whose last entry is before the position has lost entries: it was deleted,
or Redis is empty or older. The publisher then appends the last minutes again, and all that was not appended before.
"""

import asyncio
import time
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, ResponseError, WatchError

from notify import reader
from notify.alarms import Alarm
from notify.stream.entries import STREAM, entry_id, event_id, fields, stream_of
from notify.told import EventFacts
from notify.watermark import Watermark
from schemas.setting_groups import RetentionSettings
from schemas.stream_out_settings import StreamOutSettings
from storage import stream_position
from storage.database import KeptConnection

log = structlog.get_logger()

BATCH: Final = 500
"""The most events of one round."""

_LOOK_SECONDS: Final = 0.25
"""The most time between two rounds."""

_GATHER_SECONDS: Final = 0.05
"""Events of so long are one round."""

_KEEP_SECONDS: Final = 1.0
"""The time between two writes of the position, and between two looks at the memory of the streams."""

_EXPIRE_SECONDS: Final = 60.0
"""The time between two looks at the age of the oldest entries."""

_NO_STREAM: Final = "no such key"
_IS_THERE_ALREADY: Final = "equal or smaller"
_BYTES: Final = 1024**2


class Publisher:
    """Writes the streams while its process has the turn."""

    def __init__(
        self, connection: KeptConnection, redis: Redis, settings: StreamOutSettings, retention: RetentionSettings
    ) -> None:
        """Prepare to write.

        Args:
            connection: has the turn.
            retention: decides which files have links.
        """
        self._connection = connection
        self._redis = redis
        self._settings = settings
        self._retention = retention
        self._watermark = Watermark()
        self._customers = {customer_id: stream_of(customer_id) for customer_id in settings.customers}
        # The event of the stream's last entry. None: this process does not know.
        self._last: int | None = None
        # The last event that was ever appended. None: this process has not read the position.
        self._position: int | None = None
        # The next round reads the events after this id.
        self._after = 0
        self._kept: int | None = None
        self._keep_at = self._expire_at = 0.0

    async def run(self, alarm: Alarm) -> None:
        """Append events until the task is cancelled.

        Raises:
            the errors of `storage.outages.OUTAGES`: the turn may be lost.
        """
        while True:
            try:
                pause = await self._round()
                await self._keep()
                await self._expire()
            except WatchError:
                continue
            except (RedisError, OSError) as error:
                log.warning("events_not_appended", error=type(error).__name__, reason=str(error))
                pause = _LOOK_SECONDS
            if pause:
                await alarm.wait(pause)
                await asyncio.sleep(_GATHER_SECONDS)

    async def _round(self) -> float:
        """Append a batch, and return the pause until the next round."""
        settled = await self._connection.statement(self._watermark.advance)
        if settled is None:
            return _GATHER_SECONDS
        if self._position is None:
            self._position = await self._connection.statement(lambda sql: stream_position.begin(sql, settled))
        async with self._redis.pipeline() as pipe:
            await pipe.watch(STREAM)
            last = await _last_event(pipe)
            if last != self._last and not await self._resume(last, self._position):
                return 0.0
            events = await self._events(settled)
            if events:
                await self._append(pipe, events)
        if len(events) == BATCH:
            self._after = events[-1].id
            return 0.0
        self._after = max(self._after, settled)
        return _GATHER_SECONDS if self._watermark.is_held else _LOOK_SECONDS

    async def _events(self, settled: int) -> Sequence[EventFacts]:
        """The next events up to the watermark."""
        if self._after >= settled:
            return ()
        return await self._connection.statement(
            lambda sql: reader.of_all(sql, self._after, settled=settled, limit=BATCH, retention=self._retention)
        )

    async def _append(self, pipe: Pipeline, events: Sequence[EventFacts]) -> None:
        """Append events in one transaction.

        Raises:
            WatchError: the stream has changed since the look at its last entry.
        """
        pipe.multi()  # type: ignore[no-untyped-call]
        streams = [self._add(pipe, facts) for facts in events]
        # Until the answer comes, the process does not know the last entry.
        self._last = None
        answers = await pipe.execute(raise_on_error=False)
        for stream, answer in zip(chain.from_iterable(streams), answers, strict=True):
            # A customer's stream may still have what the stream of all customers lost.
            is_repeated = stream != STREAM and _IS_THERE_ALREADY in str(answer)
            if isinstance(answer, Exception) and not is_repeated:
                raise answer
        self._last = self._position = events[-1].id

    def _add(self, pipe: Pipeline, facts: EventFacts) -> list[str]:
        """Add an event to its streams, and return their names."""
        lengths = {STREAM: self._settings.length}
        if (own := self._customers.get(facts.customer_id)) is not None:
            lengths[own] = self._settings.customer_length
        entry = fields(facts)
        for stream, length in lengths.items():
            pipe.xadd(stream, entry, id=entry_id(facts.id), maxlen=length, approximate=True)  # type: ignore[arg-type]
        return list(lengths)

    async def _resume(self, last: int, position: int) -> bool:
        """Decide after which event to go on. Returns False if the next round must look again.

        Args:
            last: the event of the stream's last entry. 0 without a stream.
            position: the last event that was ever appended.
        """
        if last > await self._connection.statement(stream_position.newest):
            # The database is older than the stream: it was restored from a backup.
            log.warning("stream_deleted", last_entry=last, reason="the database has no such event")
            await self._redis.delete(STREAM, *self._customers.values())
            return False
        if last < position:
            again = await self._connection.statement(
                lambda sql: stream_position.before(sql, 60 * self._settings.again_minutes, until=position)
            )
            self._after = max(last, again)
            log.warning("stream_appended_again", position=position, last_entry=last, after=self._after)
        else:
            self._after = self._position = last
        self._last = last
        return True

    async def _keep(self) -> None:
        """Write the position, and bound the memory of the streams, once a second."""
        position = self._position
        if position is None or position == self._kept or time.monotonic() < self._keep_at:
            return
        await self._connection.statement(lambda sql: stream_position.write(sql, position))
        self._kept = position
        for stream in self._customers.values():
            await self._bound(stream, self._settings.customer_megabytes)
        await self._bound(STREAM, self._settings.megabytes)
        self._keep_at = time.monotonic() + _KEEP_SECONDS

    async def _expire(self) -> None:
        """Remove entries that are too old from every stream, once a minute."""
        if self._position is None or time.monotonic() < self._expire_at:
            return
        for stream in [STREAM, *self._customers.values()]:
            first = await _first_event(self._redis, stream)
            if first is not None:
                await self._remove_old(stream, first)
        self._expire_at = time.monotonic() + _EXPIRE_SECONDS

    async def _remove_old(self, stream: str, first: int) -> None:
        seconds = self._settings.days * 86_400
        kept = await self._connection.statement(
            lambda sql: stream_position.first_since(sql, seconds, first=first) or stream_position.newest(sql) + 1
        )
        if kept > first:
            await self._redis.xtrim(stream, minid=entry_id(kept), approximate=False)

    async def _bound(self, stream: str, megabytes: int) -> None:
        """Remove the oldest entries of a stream that takes more memory than this."""
        used = await self._redis.memory_usage(stream) or 0
        if used > megabytes * _BYTES:
            length = await self._redis.xlen(stream)
            await self._redis.xtrim(stream, maxlen=length * megabytes * _BYTES // used, approximate=False)


async def _last_event(redis: Redis) -> int:
    """The event of the last entry of the stream of all customers, also of one that was removed. 0 without a stream."""
    found = await _info(redis, STREAM)
    return event_id(found["last-generated-id"]) if found else 0


async def _first_event(redis: Redis, stream: str) -> int | None:
    """The event of a stream's oldest entry. None: there is no entry."""
    found = await _info(redis, stream)
    return event_id(found["first-entry"][0]) if found and found["first-entry"] else None


async def _info(redis: Redis, stream: str) -> dict[str, Any]:
    """What Redis says of a stream. Empty without one."""
    try:
        found: dict[str, Any] = await redis.xinfo_stream(stream)
    except ResponseError as error:
        if _NO_STREAM in str(error):
            return {}
        raise
    return found
