"""The shares of endpoints in the places of a process."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from notify.webhooks.lanes import AT_FIRST, SLOW_SECONDS, Lanes
from storage.webhooks.sending import DueEndpoint


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Process:
    """A process with 100 places, 10 for each endpoint."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.lanes = Lanes(100, 10, clock=self.clock)

    def begins(self, *due: DueEndpoint) -> list[tuple[DueEndpoint, UUID]]:
        """Begin as many tries as there are places."""
        rooms = self.lanes.allot(due)
        begun = [(each, uuid4()) for each in due for _ in range(rooms.get(each.id, 0))]
        for endpoint, delivery_id in begun:
            self.lanes.begin(endpoint, delivery_id)
        return begun

    def knows(self, endpoint: DueEndpoint, *, seconds: float) -> None:
        """Let one try of an endpoint take so long."""
        delivery_id = uuid4()
        self.lanes.begin(endpoint, delivery_id)
        self.clock.now += seconds
        self.lanes.end(endpoint, delivery_id)


def an_endpoint(customer_id: UUID | None = None) -> DueEndpoint:
    return DueEndpoint(uuid4(), customer_id or uuid4(), "https://shop.example/hook", is_implicit=False)


def a_callback_url(customer_id: UUID, url: str) -> DueEndpoint:
    return DueEndpoint(uuid4(), customer_id, url, is_implicit=True)


def test_unknown_endpoint_gets_few_places_until_its_first_try_has_ended() -> None:
    process, endpoint = Process(), an_endpoint()
    begun = process.begins(endpoint)
    assert len(begun) == AT_FIRST
    process.lanes.end(*begun[0])
    assert len(process.begins(endpoint)) == 10 - AT_FIRST + 1


def test_slow_endpoints_leave_half_of_the_places_to_quick_ones() -> None:
    process = Process()
    slow = [an_endpoint() for _ in range(20)]
    for each in slow:
        process.knows(each, seconds=SLOW_SECONDS * 2)
    assert len(process.begins(*slow)) == 50
    quick = [an_endpoint() for _ in range(25)]
    assert process.begins(*quick) == []
    for each in quick:
        process.knows(each, seconds=0)
    assert len(process.begins(*quick)) == 50
    assert not process.lanes.has_room


def test_endpoints_without_an_ended_try_leave_half_of_the_places_to_quick_ones() -> None:
    process, quick = Process(), an_endpoint()
    process.knows(quick, seconds=0)
    fresh = [an_endpoint(customer) for customer in [uuid4() for _ in range(5)] for _ in range(100)]
    assert len(process.begins(*fresh)) == 50
    assert len(process.begins(quick, *fresh)) == 10


def test_quick_endpoint_that_is_not_used_for_long_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.webhooks.lanes._MOST_REMEMBERED", 2)
    process = Process()
    first, second, third = (an_endpoint() for _ in range(3))
    for each in (first, second, first, third):
        process.knows(each, seconds=0)
    assert [len(process.begins(each)) for each in (first, second, third)] == [10, AT_FIRST, 10]


def test_endpoint_is_slow_while_its_try_runs_long_and_quick_again_after_a_quick_try() -> None:
    process, endpoint = Process(), an_endpoint()
    first, second = process.begins(endpoint)
    process.clock.now = SLOW_SECONDS + 1
    assert process.lanes.is_slow(endpoint)
    process.lanes.end(*first)
    process.lanes.end(*second)
    assert process.lanes.is_slow(endpoint)
    process.knows(endpoint, seconds=0)
    assert not process.lanes.is_slow(endpoint)


def test_customer_gets_a_fifth_of_the_places() -> None:
    process, customer_id = Process(), uuid4()
    theirs, others = [an_endpoint(customer_id) for _ in range(50)], [an_endpoint() for _ in range(50)]
    for each in (*theirs, *others):
        process.knows(each, seconds=0)
    assert len(process.begins(*theirs)) == 20
    assert len(process.begins(*others)) == 80


def test_callback_urls_of_a_customer_at_one_host_share_a_lane() -> None:
    process, customer_id = Process(), uuid4()
    same = [a_callback_url(customer_id, f"https://shop.example/hook?order={number}") for number in range(50)]
    assert len(process.begins(*same)) == AT_FIRST
    assert len(process.begins(a_callback_url(customer_id, "https://other.example/hook"))) == AT_FIRST
    assert len(process.begins(a_callback_url(uuid4(), "https://shop.example/hook"))) == AT_FIRST


def test_endpoints_take_turns() -> None:
    process = Process()
    known = [an_endpoint() for _ in range(40)]
    for each in known:
        delivery_id = uuid4()
        process.lanes.begin(each, delivery_id)
        process.lanes.end(each, delivery_id)
    rooms = process.lanes.allot(known)
    assert set(rooms) == {each.id for each in known}
    assert sum(rooms.values()) <= 100
