"""The hub of a gateway process: one task reads events for all open streams and waiting requests.

A message in Redis says that a generation changed, and the hub then reads the rows. Each second the hub reads for every
subscription, so a lost message delays an event by a second. The hub uses one connection to the database at a time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog

from notify.events import HEARTBEAT, farewell
from notify.reader import NO_EVENTS, EventReader, Look
from notify.subscriptions import CustomerSubscription, GenerationSubscription, Messages, Subscription
from storage.outages import OUTAGES

log = structlog.get_logger()

_LOOK_SECONDS = 1.0
"""The most time between two looks at a subscription."""

# Changes of so long are one look.
_GATHER_SECONDS = 0.05

_HEARTBEAT_LOOKS = 15

Kind = TypeVar("Kind", bound=Subscription)


class Hub:
    """The subscriptions of one process. Use it in the event loop only."""

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        self._generations: defaultdict[UUID, set[GenerationSubscription]] = defaultdict(set)
        self._customers: defaultdict[UUID, set[CustomerSubscription]] = defaultdict(set)
        # The generations and the customers of the next look.
        self._due: set[UUID] = set()
        self._due_customers: set[UUID] = set()
        self._has_due = asyncio.Event()
        self._has_subscriptions = asyncio.Event()
        self._is_stopped = False
        self._looks = 0

    def follow(self, generation_id: UUID, *, after: int) -> GenerationSubscription:
        """Follow a generation from the event after an id. Call `leave` at the end."""
        made = GenerationSubscription(generation_id, self._look_at, after=after)
        self._add(self._generations, made)
        self._look_at(generation_id)
        return made

    def follow_customer(self, customer_id: UUID, *, after: int | None) -> CustomerSubscription:
        """Follow all generations of a customer from the event after an id, or from now on. Call `leave` at the end."""
        made = CustomerSubscription(customer_id, self._look_at_customer, after=after)
        self._add(self._customers, made)
        self._look_at_customer(customer_id)
        return made

    def leave(self, subscription: Subscription) -> None:
        """End a subscription. Safe to repeat."""
        subscription.end()
        match subscription:
            case GenerationSubscription():
                _discard(self._generations, subscription)
            case CustomerSubscription():
                _discard(self._customers, subscription)
        if not self._generations and not self._customers:
            self._has_subscriptions.clear()

    def changed(self, generation_id: UUID, customer_id: UUID) -> None:
        """Look at a generation soon, if it has a subscription."""
        if customer_id in self._customers:
            self._look_at_customer(customer_id)
            self._look_at(generation_id)
        elif generation_id in self._generations:
            self._look_at(generation_id)

    def stop(self) -> None:
        """End every subscription, now and from now on. Clients connect again, to another gateway. Safe to repeat."""
        self._is_stopped = True
        for subscription in list(self._all()):
            subscription.end(farewell())

    @property
    def is_stopped(self) -> bool:
        """Whether the process stops, so that every subscription has ended early."""
        return self._is_stopped

    async def until_followed(self) -> None:
        """Wait for a subscription."""
        await self._has_subscriptions.wait()

    @property
    def is_followed(self) -> bool:
        """Whether there is a subscription."""
        return self._has_subscriptions.is_set()

    async def run(self) -> None:
        """Look whenever something may have changed, until the task is cancelled."""
        loop = asyncio.get_running_loop()
        next_round = loop.time()
        while True:
            await self._until_due(next_round)
            if loop.time() >= next_round:
                next_round = loop.time() + _LOOK_SECONDS
                self._begin_round()
            try:
                await self._look()
            except OUTAGES as error:
                log.warning("events_not_read", error=type(error).__name__)
            except Exception as error:
                # All streams of the process depend on this task.
                log.error("events_not_read", exc_info=error)
            await asyncio.sleep(_GATHER_SECONDS)

    def _add(self, there: defaultdict[UUID, set[Kind]], made: Kind) -> None:
        if self._is_stopped:
            return made.end(farewell())
        there[made.key].add(made)
        self._has_subscriptions.set()
        return None

    def _all(self) -> Iterator[Subscription]:
        for there in (self._generations, self._customers):
            for same in there.values():
                yield from same

    def _look_at(self, generation_id: UUID) -> None:
        self._due.add(generation_id)
        self._has_due.set()

    def _look_at_customer(self, customer_id: UUID) -> None:
        self._due_customers.add(customer_id)
        self._has_due.set()

    async def _until_due(self, next_round: float) -> None:
        await self._has_subscriptions.wait()
        try:
            async with asyncio.timeout_at(next_round):
                await self._has_due.wait()
        except TimeoutError:
            return

    def _begin_round(self) -> None:
        """Look at everything, because a message may have been lost. Every fifteenth round is a heartbeat."""
        self._due.update(self._generations)
        self._due_customers.update(self._customers)
        self._looks += 1
        if self._looks % _HEARTBEAT_LOOKS == 0:
            for subscription in self._all():
                subscription.put_if_idle(HEARTBEAT)

    async def _look(self) -> None:
        due, due_customers = self._due, self._due_customers
        self._due, self._due_customers = set(), set()
        self._has_due.clear()
        followed = {key: _ready(self._generations[key]) for key in due & self._generations.keys()}
        customers = [each for key in due_customers & self._customers.keys() for each in _ready(self._customers[key])]
        after = {key: min(each.position for each in ready) for key, ready in followed.items() if ready}
        if customers:
            after = dict.fromkeys(due, NO_EVENTS) | after
        if not after and not customers:
            return
        look = await self._reader.look(after, {each.asks_after() for each in customers})
        if look.is_held:
            self._due_customers |= due_customers
            self._has_due.set()
        self._show(look, customers, followed)

    def _show(
        self,
        look: Look,
        customers: Sequence[CustomerSubscription],
        followed: Mapping[UUID, Sequence[GenerationSubscription]],
    ) -> None:
        messages: Messages = {}
        for each in customers:
            _tell(each, partial(each.show, look, messages))
        for key, ready in followed.items():
            for subscription in ready:
                _tell(subscription, partial(subscription.show, look.standings.get(key), messages))
        for standing in look.standings.values():
            for each in self._customers.get(standing.customer_id, ()):
                _tell(each, partial(each.show_progress, standing))


def _ready(subscriptions: set[Kind]) -> list[Kind]:
    return [each for each in subscriptions if each.may_read()]


def _tell(subscription: Subscription, show: Callable[[], None]) -> None:
    """Show something to a subscription. One event that cannot be shown must not stop the other streams."""
    try:
        show()
    except Exception as error:
        log.error("stream_failed", exc_info=error)
        subscription.end()


def _discard(there: defaultdict[UUID, set[Kind]], subscription: Kind) -> None:
    same = there.get(subscription.key, set())
    same.discard(subscription)
    if not same:
        there.pop(subscription.key, None)
