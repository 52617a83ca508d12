"""Sends due deliveries: finds endpoints with due deliveries, claims as many as there are places, and makes the tries.

Four times a second the dispatcher walks through the endpoints with pending deliveries. Where the process hears
announcements, an announced change also leads to the deliveries of its generation at once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from metrics.families import WEBHOOK_TRIES, WEBHOOK_TRY_SECONDS
from notify.webhooks import bodies, signing
from notify.webhooks.lanes import LaneKey, Lanes, lane_of
from notify.webhooks.recorder import Recorder
from notify.webhooks.sender import Sender, Try
from notify.webhooks.signing import SigningKey
from notify.webhooks.verdicts import verdict
from schemas.settings import Settings
from schemas.trace_context import HEADER, TraceContext, attached
from schemas.webhooks import DeliveryState
from storage.database import AsyncDatabase
from storage.outages import OUTAGES
from storage.sql import Sql
from storage.webhooks import sending
from storage.webhooks.sending import Claimed, DueEndpoint
from traces import spans
from traces.names import Attribute, SpanKind
from traces.spans import Attributes, OpenSpan

log = structlog.get_logger()

# Changes and ended tries of so long are one look.
_GATHER_SECONDS: Final = 0.05

_WALK_SECONDS: Final = 0.25
"""The time between two walks."""

# A walk goes in parts, and a look takes one: the next changes do not wait for the end of a long walk.
_PART: Final = 1000

# Of the endpoints of a lane that got no room, so many are looked at again before the next walk finds all.
_MOST_WAITING: Final = 50

# A claim outlives its try by so long. Then another process sends the message.
_LEASE_SECONDS: Final = 5.0

# A process that dies loses the results of its tries. So many more tries than usual are made.
_MOST_LOST: Final = 5

_OUTAGE_SECONDS: Final = 1.0

# At the end of the process, running tries have so long.
_STOP_SECONDS: Final = 5.0


class Dispatcher:
    """Sends the deliveries of one process. Use it in the event loop only."""

    def __init__(self, settings: Settings, database: AsyncDatabase, sender: Sender, recorder: Recorder) -> None:
        self._settings = settings
        self._database = database
        self._sender = sender
        self._recorder = recorder
        self._keys = [SigningKey.of_installation(key) for key in settings.accepted_keys]
        self._lanes = Lanes(settings.webhooks.places, settings.webhooks.places_each_endpoint)
        self._changed: set[UUID] = set()
        # Endpoints that had at least as many due deliveries as room.
        self._behind: dict[UUID, DueEndpoint] = {}
        self._walk_after, self._walk_at = sending.FIRST, time.monotonic()
        self._has_work = asyncio.Event()
        self._running: dict[asyncio.Task[None], Claimed] = {}

    def changed(self, generation_id: UUID) -> None:
        """Look for deliveries of a generation soon."""
        # Beyond this number the walk finds them: the database does not answer, or no place is free.
        if len(self._changed) < _PART:
            self._changed.add(generation_id)
        self._has_work.set()

    async def run(self) -> None:
        """Send due deliveries until the task is cancelled."""
        while True:
            await self._until_work()
            self._has_work.clear()
            try:
                await self._look()
            except OUTAGES as error:
                log.warning("webhooks_not_read", error=type(error).__name__)
                await asyncio.sleep(_OUTAGE_SECONDS)
            except Exception as error:
                log.error("webhooks_not_read", exc_info=error)
                await asyncio.sleep(_OUTAGE_SECONDS)
            await asyncio.sleep(_GATHER_SECONDS)

    async def stop(self) -> None:
        """Let the running tries end, and hand back the claims of those that take long."""
        if not self._running:
            return
        await asyncio.wait(self._running, timeout=_STOP_SECONDS)
        left = dict(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            await self._database.statement(lambda sql: sending.hand_back(sql, left.values()))
        except OUTAGES as error:
            log.warning("webhooks_not_handed_back", count=len(left), error=type(error).__name__)

    async def _until_work(self) -> None:
        try:
            async with asyncio.timeout(max(0.0, self._walk_at - time.monotonic())):
                await self._has_work.wait()
        except TimeoutError:
            return

    async def _look(self) -> None:
        """Begin the tries for which there are places."""
        if not self._lanes.has_room:
            # The end of a try looks again.
            return
        due = await self._due()
        rooms = self._lanes.allot(list(due.values()))
        claims = await self._database.statements(lambda sql: self._claim(sql, rooms)) if rooms else []
        for claimed, body in claims:
            self._begin(due[claimed.endpoint_id], claimed, body)
        self._behind = self._still_due(due, rooms, Counter(claimed.endpoint_id for claimed, _ in claims))

    def _still_due(
        self, due: Mapping[UUID, DueEndpoint], rooms: Mapping[UUID, int], begun: Mapping[UUID, int]
    ) -> dict[UUID, DueEndpoint]:
        """The endpoints that the next look serves at once, and some that wait for room. The walk finds all others."""
        behind: dict[UUID, DueEndpoint] = {}
        waiting: Counter[LaneKey] = Counter()
        for each in due.values():
            lane = lane_of(each)
            if begun.get(each.id, 0) != rooms.get(each.id, 0) or self._lanes.is_slow(each):
                continue
            if each.id not in rooms:
                waiting[lane] += 1
                if waiting[lane] > _MOST_WAITING or len(behind) >= _PART:
                    continue
            behind[each.id] = each
        return behind

    async def _due(self) -> dict[UUID, DueEndpoint]:
        """Endpoints that may have due deliveries."""
        due = dict(self._behind)
        if self._changed:
            changed, self._changed = self._changed, set()
            found = await self._database.statement(lambda sql: sending.due_of_generations(sql, changed))
            due.update((each.id, each) for each in found)
        if time.monotonic() >= self._walk_at:
            part = await self._database.statement(lambda sql: sending.due(sql, after=self._walk_after, limit=_PART))
            due.update((each.id, each) for each in part.found)
            self._walk_after = part.next_after
            if part.next_after == sending.FIRST:
                self._walk_at = time.monotonic() + _WALK_SECONDS
        return due

    def _claim(self, sql: Sql, rooms: Mapping[UUID, int]) -> list[tuple[Claimed, bytes]]:
        """Claim deliveries, and make their bodies."""
        lease = self._settings.webhooks.timeout_seconds + _LEASE_SECONDS
        claims = sending.claim(sql, rooms, lease_seconds=lease)
        claims = self._without_endless(sql, claims)
        made = bodies.of_claims(sql, claims, self._settings.retention)
        if lost := [each.delivery_id for each in claims if each.delivery_id not in made]:
            log.warning("webhooks_dropped", count=len(lost))
            sending.give_up(sql, lost, DeliveryState.DROPPED)
        return [(each, made[each.delivery_id]) for each in claims if each.delivery_id in made]

    def _without_endless(self, sql: Sql, claims: list[Claimed]) -> list[Claimed]:
        """Give up messages whose results are lost again and again: no result ends them."""
        most = len(self._settings.webhooks.retry_gaps_seconds) + 1 + _MOST_LOST
        endless = [each.delivery_id for each in claims if each.tries > most]
        if not endless:
            return claims
        log.error("webhooks_given_up", count=len(endless))
        sending.give_up(sql, endless, DeliveryState.FAILED)
        return [each for each in claims if each.tries <= most]

    def _begin(self, endpoint: DueEndpoint, claimed: Claimed, body: bytes) -> None:
        self._lanes.begin(endpoint, claimed.delivery_id)
        task = asyncio.create_task(self._deliver(claimed, body))
        self._running[task] = claimed

        def end(ended: asyncio.Task[None]) -> None:
            del self._running[ended]
            self._lanes.end(endpoint, claimed.delivery_id)
            self._has_work.set()

        task.add_done_callback(end)

    async def _deliver(self, claimed: Claimed, body: bytes) -> None:
        try:
            made = await self._try(claimed, body)
        except Exception as error:
            log.error("webhook_not_tried", delivery_id=str(claimed.delivery_id), exc_info=error)
            made = Try(datetime.now(UTC), 0.0, error=f"an error of the sender: {type(error).__name__}")
        result = verdict(claimed, made, self._settings.webhooks.retry_gaps_seconds)
        WEBHOOK_TRIES.add(result.state)
        WEBHOOK_TRY_SECONDS.observe(seconds=made.seconds)
        await self._recorder.record(result)

    async def _try(self, claimed: Claimed, body: bytes) -> Try:
        with attached(TraceContext.read(claimed.traceparent)), _span(claimed) as span:
            secrets = [secret for secret in (claimed.secret, claimed.earlier_secret) if secret]
            headers = signing.headers(secrets, self._keys, str(claimed.delivery_id), int(time.time()), body)
            place = {HEADER: span.context.traceparent} if span.context else {}
            made = await self._sender.send(claimed.url, {**headers, **place}, body)
            span.set({Attribute.STATUS: made.status})
            if made.error is not None:
                span.fail(str(made.status or "no_answer"))
            log.info(
                "webhook_tried",
                delivery_id=str(claimed.delivery_id),
                endpoint_id=str(claimed.endpoint_id),
                type=claimed.type,
                number=claimed.tries,
                status=made.status,
                error=made.error,
                seconds=round(made.seconds, 3),
            )
        return made


def _span(claimed: Claimed) -> AbstractContextManager[OpenSpan]:
    """The span of a try. An event of no generation begins no trace."""
    if claimed.traceparent is None:
        return spans.NO_SPAN
    attributes: Attributes = {
        Attribute.GENERATION: str(claimed.generation_id), Attribute.DELIVERY: str(claimed.delivery_id),
        Attribute.EVENT: claimed.type, Attribute.METHOD: "POST", Attribute.TRY: claimed.tries - 1,
    }  # fmt: skip
    return spans.span("POST webhook", SpanKind.CLIENT, attributes)
