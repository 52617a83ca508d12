"""Shares the places of a process among endpoints, so that an endpoint that hangs delays no other.

Each try needs a place. An endpoint has few places, and a customer a fifth of all. Slow endpoints and those without an
ended try have half of all places together: however many endpoints hang, the other half serves those that answer.
"""

import random
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from storage.webhooks.sending import DueEndpoint

SLOW_SECONDS: Final = 1.0
"""An endpoint is slow while a try runs for longer, and after a try that took longer."""

AT_FIRST: Final = 2
"""The places of an endpoint until its first try has ended."""

_OF_A_CUSTOMER: Final = 5
_OF_OTHERS: Final = 2

# A process remembers so many lanes without a running try.
_MOST_REMEMBERED: Final = 10_000

LaneKey = UUID | tuple[UUID, str]
"""An endpoint, or a customer and a host."""


@dataclass
class _Lane:
    """The tries of an endpoint, or of all `callback_url`s of a customer at one host."""

    running: dict[UUID, float] = field(default_factory=dict)
    """When each running try began, by delivery."""
    was_slow: bool | None = None
    """Whether the last try was slow. None: no try has ended."""

    def is_slow(self, now: float) -> bool:
        """Whether the last try was slow, or a running one is."""
        return self.was_slow or any(now - began > SLOW_SECONDS for began in self.running.values())

    def is_quick(self, now: float) -> bool:
        """Whether the lane may have any place. All other lanes share half of the places."""
        return self.was_slow is False and not self.is_slow(now)


class Lanes:
    """The places of one process."""

    def __init__(self, places: int, each: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Divide the places.

        Args:
            each: the places of one endpoint.
        """
        self._total, self._each = places, each
        self._each_customer = max(1, places // _OF_A_CUSTOMER)
        self._of_others = max(1, places // _OF_OTHERS)
        self._clock = clock
        self._lanes: dict[LaneKey, _Lane] = {}
        # The lanes without a running try, the least recently used first.
        self._remembered: OrderedDict[LaneKey, None] = OrderedDict()
        self._of_customer: Counter[UUID] = Counter()
        self._running = 0

    @property
    def has_room(self) -> bool:
        """Whether a place is free."""
        return self._running < self._total

    def is_slow(self, endpoint: DueEndpoint) -> bool:
        """Whether an endpoint is slow."""
        return self._lanes.get(lane_of(endpoint), _UNKNOWN).is_slow(self._clock())

    def allot(self, due: Sequence[DueEndpoint]) -> dict[UUID, int]:
        """The number of tries that each endpoint may begin now. Endpoints take turns, in a random order."""
        now = self._clock()
        others = sum(len(lane.running) for lane in self._lanes.values() if lane.running and not lane.is_quick(now))
        taken = _Taken(self._running, others, Counter(self._of_customer))
        rooms: Counter[UUID] = Counter()
        waiting = random.sample(due, len(due))
        while waiting:
            waiting = [endpoint for endpoint in waiting if self._takes(endpoint, taken, now)]
            rooms.update(endpoint.id for endpoint in waiting)
        return dict(rooms)

    def _takes(self, endpoint: DueEndpoint, taken: "_Taken", now: float) -> bool:
        """Take one more place, if the endpoint may have the place."""
        key = lane_of(endpoint)
        lane = self._lanes.get(key, _UNKNOWN)
        most = AT_FIRST if lane.was_slow is None else self._each
        is_quick = lane.is_quick(now)
        if (
            taken.total >= self._total
            or taken.of_customer[endpoint.customer_id] >= self._each_customer
            or len(lane.running) + taken.of_lane[key] >= min(most, self._each)
            or (not is_quick and taken.of_others >= self._of_others)
        ):
            return False
        taken.total += 1
        taken.of_others += not is_quick
        taken.of_customer[endpoint.customer_id] += 1
        taken.of_lane[key] += 1
        return True

    def begin(self, endpoint: DueEndpoint, delivery_id: UUID) -> None:
        """Take a place for a try."""
        key = lane_of(endpoint)
        self._lanes.setdefault(key, _Lane()).running[delivery_id] = self._clock()
        self._remembered.pop(key, None)
        self._of_customer[endpoint.customer_id] += 1
        self._running += 1

    def end(self, endpoint: DueEndpoint, delivery_id: UUID) -> None:
        """Give a place back."""
        key = lane_of(endpoint)
        lane = self._lanes[key]
        lane.was_slow = self._clock() - lane.running.pop(delivery_id) > SLOW_SECONDS
        self._of_customer[endpoint.customer_id] -= 1
        if not self._of_customer[endpoint.customer_id]:
            del self._of_customer[endpoint.customer_id]
        self._running -= 1
        if not lane.running:
            self._rest(key)

    def _rest(self, key: LaneKey) -> None:
        """Remember a lane without a try, and forget the least recently used one."""
        self._remembered[key] = None
        if len(self._remembered) > _MOST_REMEMBERED:
            oldest, _ = self._remembered.popitem(last=False)
            del self._lanes[oldest]


_UNKNOWN: Final = _Lane()


@dataclass
class _Taken:
    """The places that are taken, and those that an allotment gives."""

    total: int
    """All."""
    of_others: int
    """Of lanes that are not quick."""
    of_customer: Counter[UUID]
    """By customer."""
    of_lane: Counter[LaneKey] = field(default_factory=Counter)
    """By lane, those of the allotment."""


def lane_of(endpoint: DueEndpoint) -> LaneKey:
    """The lane of an endpoint. All `callback_url`s of a customer at one host share a lane."""
    if endpoint.is_implicit:
        return endpoint.customer_id, urlsplit(endpoint.url).netloc
    return endpoint.id
