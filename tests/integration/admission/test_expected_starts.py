"""The starts that customers are told, beside those that the decisions grant later.

The database's clock stands still until a test moves it, so only the decisions say when a generation starts.
"""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from admission.queues import Queues
from schemas.enums import Stage
from storage import admission_places, transitions
from storage.claims import Claim
from tests.integration.admission.conftest import Account, StillAccount
from tests.model.clock import Clock
from tests.support import NewCustomer

_HOURS = 10_000.0


class Queue:
    """An account whose work takes known times, and what it told and granted."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.account = account
        self._clock = clock
        self._now = 0.0
        self._seconds: dict[UUID, float] = {}
        self._running: dict[UUID, tuple[float, Claim]] = {}
        self._waiting: list[UUID] = []
        self._starts: dict[UUID, float] = {}
        self._told: list[tuple[UUID, float, float]] = []

    def customer(self, weight: float = 1.0) -> NewCustomer:
        """A customer with a weight."""
        customer = self.account.customer()
        self.account.run(
            "INSERT INTO customer_limits (customer_id, weight) VALUES (:id, :weight)", id=customer.id, weight=weight
        )
        return customer

    def orders(
        self, customer: NewCustomer, count: int, seconds: float, *, expected: float | None = None, pool: str = ""
    ) -> None:
        """A customer orders generations of so many seconds. Workers that know nothing of them expect others."""
        for _ in range(count):
            asked = self.account.asks(customer, cost=seconds if expected is None else expected, pool=pool)
            self._seconds[asked.id] = seconds
            self._waiting.append(asked.id)
            if asked.has_place:
                self._begin(asked.claim)
            self._all_begin(asked.others)

    def tell(self) -> None:
        """Read the expected starts of all that wait. Reading takes real time, and a start is within that time."""
        before = datetime.now(UTC)
        with self.account.database.statement() as sql:
            places = Queues().places(sql, self._waiting)
        took = (datetime.now(UTC) - before).total_seconds()
        assert len(places) == len(self._waiting)
        for one, place in places.items():
            assert place.estimated_start_at is not None
            latest = self._now + (place.estimated_start_at - before).total_seconds()
            self._told.append((one, latest - took, latest))

    def runs(self, *, tick: float, tells: tuple[float, ...]) -> None:
        """Let time pass until everything has started. What waits is told its start at some times."""
        # Each reading of the clock is a little later: the next step of a window would miss its tick.
        tick *= 1.001
        self._grant()
        for moment in (*tells, None):
            while self._waiting and (moment is None or self._now < moment):
                self._clock.advance(tick)
                self._now += tick
                self._end()
                self._grant()
            if moment is not None:
                assert self._waiting
                self.tell()

    def worst_error(self) -> float:
        """The most seconds between a told start and the real one. A start is at a tick, so up to a tick late."""
        assert self._told
        return max(max(early - self._starts[one], self._starts[one] - late) for one, early, late in self._told)

    def _grant(self) -> None:
        while granted := self.account.grant():
            self._all_begin(granted)

    def _all_begin(self, granted: list[UUID]) -> None:
        for one in granted:
            self._begin(self.account.claim(one))

    def _begin(self, claim: Claim) -> None:
        self._waiting.remove(claim.id)
        self._starts[claim.id] = self._now
        with self.account.database.statements() as sql:
            claim = transitions.move(sql, claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
            claim = transitions.move(sql, claim, Stage.GENERATING, wake_in=0, keeps_lease=True)
        self._running[claim.id] = self._now + self._seconds[claim.id], claim

    def _end(self) -> None:
        for end, claim in list(self._running.values()):
            if end <= self._now:
                del self._running[claim.id]
                with self.account.database.statements() as sql:
                    transitions.move(sql, claim, Stage.DOWNLOADING, wake_in=0)


@pytest.fixture
def queue(still: StillAccount) -> Queue:
    """An account under a clock of the test."""
    return Queue(still.account, still.clock)


def window(most: int, seconds: float) -> list[dict[str, float]]:
    return [{"most": most, "seconds": seconds}]


@pytest.mark.parametrize("seconds", [4, 5, 60, 61])
def test_what_a_window_of_creates_grants_is_told_within_a_tenth_of_it(queue: Queue, seconds: int) -> None:
    queue.account.limit(in_flight=0)
    queue.orders(queue.customer(), 24, _HOURS)
    queue.account.limit(creates=window(10, seconds))
    queue.tell()
    # In the first steps, between the windows, and in the steps of the second.
    queue.runs(tick=seconds / 40, tells=(seconds * 0.12, seconds * 0.7, seconds * 1.15))
    assert queue.worst_error() <= seconds / 10 + seconds / 40


def test_creates_that_went_at_once_make_room_at_once_and_the_next_go_in_steps(queue: Queue) -> None:
    queue.account.limit(creates=window(20, 10))
    queue.orders(queue.customer(), 40, _HOURS)
    queue.orders(queue.customer(), 8, _HOURS)
    queue.tell()
    queue.runs(tick=0.25, tells=(3, 11))
    assert queue.worst_error() <= 1 + 0.25


@pytest.mark.parametrize("seconds", [10, 60])
@pytest.mark.parametrize("waiting", [12, 19])
def test_orders_that_all_have_room_when_a_window_ends_start_without_steps(
    queue: Queue, waiting: int, seconds: int
) -> None:
    queue.account.limit(creates=window(20, seconds))
    queue.orders(queue.customer(), 20 + waiting, _HOURS)
    queue.tell()
    queue.runs(tick=seconds / 40, tells=(seconds * 0.3,))
    assert queue.worst_error() <= seconds / 10 + seconds / 40


def test_orders_of_a_family_without_room_make_no_steps_for_the_others(queue: Queue) -> None:
    queue.account.limit(creates=window(20, 10), families={"films": {"models": ["film-*"], "in_flight": 0}})
    queue.orders(queue.customer(), 20 + 12, _HOURS)
    queue.orders(queue.customer(), 30, _HOURS, pool="films")
    with queue.account.database.statement() as sql:
        facts = admission_places.facts(sql, queue.account.name)
    assert facts is not None
    assert [one.waiting for one in facts.windows] == [12]


def test_the_window_of_a_family_is_told_in_its_steps(queue: Queue) -> None:
    queue.account.limit(in_flight=0)
    queue.orders(queue.customer(), 24, _HOURS, pool="films")
    queue.account.limit(in_flight=100, families={"films": {"models": ["film-*"], "creates": window(10, 10)}})
    queue.tell()
    queue.runs(tick=0.25, tells=(1.25, 11.5))
    assert queue.worst_error() <= 1 + 0.25


def test_a_window_and_its_steps_are_told_beside_a_limit_in_flight(queue: Queue) -> None:
    queue.account.limit(in_flight=0)
    queue.orders(queue.customer(), 24, 9)
    queue.account.limit(in_flight=8, creates=window(10, 10))
    queue.tell()
    queue.runs(tick=0.25, tells=(5, 12))
    assert queue.worst_error() <= 1 + 0.25


@pytest.mark.parametrize("weight", [1, 3])
@pytest.mark.parametrize(("of_one", "of_other"), [(20.0, 20.0), (10.0, 60.0), (60.0, 10.0)])
def test_places_in_flight_are_told_within_one_work_for_all_weights(
    queue: Queue, weight: int, of_one: float, of_other: float
) -> None:
    queue.account.limit(in_flight=0)
    queue.orders(queue.customer(weight), 18, of_one)
    queue.orders(queue.customer(), 12, of_other)
    queue.account.limit(in_flight=4)
    queue.tell()
    queue.runs(tick=2.5, tells=(5, 35, 70))
    assert queue.worst_error() <= max(of_one, of_other)


def test_the_starts_follow_what_the_first_ends_taught(queue: Queue) -> None:
    queue.account.limit(in_flight=0)
    queue.orders(queue.customer(3), 16, 20, expected=60)
    queue.orders(queue.customer(), 8, 20, expected=60)
    queue.account.limit(in_flight=4)
    queue.runs(tick=2.5, tells=(22.5, 40))
    assert queue.worst_error() <= 20
