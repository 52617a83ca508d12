"""What work takes at an account: the first ask expects a time, and the ends teach the real one."""

from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import text

from schemas.enums import ErrorCode, Stage
from storage import transitions
from tests.integration.admission.conftest import Account
from tests.integration.admission.test_corrections import works_and_ends
from tests.support import NewCustomer

_EXPECTED = 30.0
_PLACES = 12


def charge(account: Account, generation_id: UUID) -> float:
    """What the customer is charged for a generation that has a place."""
    with account.database.transaction() as session:
        found: float = session.execute(
            text("SELECT charge FROM admissions WHERE generation_id = :id AND place = 'granted'"), {"id": generation_id}
        ).scalar_one()
        return found


def turn(account: Account, customer: NewCustomer) -> float:
    """The turn of a customer who waits."""
    query = "SELECT turn FROM admission_tickets WHERE provider = :name AND customer_id = :id"
    with account.database.transaction() as session:
        found: float = session.execute(text(query), {"name": account.name, "id": customer.id}).scalar_one()
        return found


class Windows:
    """An account that takes twelve creates in an hour. Work takes as long at the vendor as the test says."""

    def __init__(self, account: Account, seconds: float) -> None:
        self._account = account
        self._seconds = seconds
        account.limit(in_flight=0)
        self._running: list[UUID] = []
        self._owner: dict[UUID, int] = {}
        self._customers: list[NewCustomer] = []
        self.got: list[Counter[int]] = []

    def opens(self) -> None:
        """The account takes creates from now on."""
        self._account.limit(creates=[{"most": _PLACES, "seconds": 3600}])
        self._go()

    def orders(self, count: int) -> int:
        """A new customer sends so many orders at once. Returns the customer's number."""
        self._customers.append(self._account.customer())
        number = len(self._customers) - 1
        for _ in range(count):
            asked = self._account.asks(self._customers[number], cost=_EXPECTED)
            self._owner[asked.id] = number
            assert not asked.has_place
        return number

    def passes(self) -> None:
        """A window passes. All work of the last one ends, and the next creates go."""
        for one in self._running:
            works_and_ends(self._account, one, self._seconds)
        self._account.an_hour_passes()
        self._go()

    def _go(self) -> None:
        granted = self._account.grant()
        self.got.append(Counter(self._owner[one] for one in granted))
        self._running = granted


@pytest.mark.parametrize("seconds", [3.0, 10.0, 90.0])
def test_customers_who_come_beside_a_long_queue_get_their_part_although_the_queue_came_when_nothing_was_known(
    account: Account, seconds: float
) -> None:
    windows = Windows(account, seconds)
    windows.orders(110)
    windows.opens()
    windows.passes()
    for customers in (2, 3, 4):
        comes = windows.orders(2 * _PLACES // customers)
        for _ in range(2):
            windows.passes()
            assert sum(windows.got[-1].values()) == _PLACES
        # The fluid queue serves all of these orders in the two windows.
        assert sum(window[comes] for window in windows.got) >= 2 * _PLACES // customers - 1


@pytest.mark.parametrize("seconds", [3.0, 10.0, 90.0])
@pytest.mark.parametrize("queues", [1, 2])
def test_who_comes_before_the_first_end_gets_a_part_beside_long_queues(
    account: Account, seconds: float, queues: int
) -> None:
    windows = Windows(account, seconds)
    early = [windows.orders(40) for _ in range(queues)]
    windows.opens()
    late = windows.orders(20)
    got: Counter[int] = Counter()
    for _ in range(3):
        windows.passes()
        got += windows.got[-1]
        # One work of each, at the wrong charge and at the real one.
        off = _EXPECTED + 2 * seconds
        assert seconds * (max(got[one] for one in early) - got[late]) <= off
        assert seconds * (max(got[one] for one in early) - min(got[one] for one in early)) <= off
        assert queues > 1 or seconds * (got[late] - got[early[0]]) <= off


def test_all_who_wait_are_charged_what_the_ends_taught(account: Account) -> None:
    account.limit(in_flight=1)
    early, late = account.customer(), account.customer()
    running, waits = account.asks(early, cost=_EXPECTED), account.asks(early, cost=_EXPECTED)
    assert charge(account, running.id) == _EXPECTED
    works_and_ends(account, running, 10)
    account.limit(in_flight=0)
    comes = account.asks(late, cost=_EXPECTED)
    account.limit(in_flight=2)
    assert sorted(account.grant()) == sorted([waits.id, comes.id])
    assert [charge(account, one.id) for one in (waits, comes)] == pytest.approx([10, 10], abs=1)


def test_each_kind_of_work_has_its_own_time(account: Account) -> None:
    account.limit(in_flight=2)
    customer = account.customer()
    short, long = account.asks(customer, cost=5), account.asks(customer, cost=60)
    more = [account.asks(customer, cost=5), account.asks(customer, cost=60)]
    works_and_ends(account, short, 2)
    works_and_ends(account, long, 100)
    assert sorted(account.grant()) == sorted(one.id for one in more)
    assert [charge(account, one.id) for one in more] == pytest.approx([2, 100], abs=1)


def test_recent_work_counts_most(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    asked = [account.asks(customer, cost=_EXPECTED) for _ in range(42)]
    for one in asked[:20]:
        works_and_ends(account, one, 10)
        account.grant()
    for one in asked[20:40]:
        works_and_ends(account, one, 100)
        account.grant()
    assert charge(account, asked[40].id) > 80


@pytest.mark.parametrize("weight", [0.5, 4.0])
def test_a_changed_weight_holds_for_what_waits_already(account: Account, weight: float) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    running, waits = account.asks(customer, cost=_EXPECTED), account.asks(customer, cost=_EXPECTED)
    account.run(
        "INSERT INTO customer_limits (customer_id, weight) VALUES (:id, :weight)", id=customer.id, weight=weight
    )
    works_and_ends(account, running, _EXPECTED)
    account.grant()
    assert charge(account, waits.id) == pytest.approx(_EXPECTED / weight, rel=0.05)


def test_work_that_the_vendor_refused_teaches_nothing(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    asked = [account.asks(customer, cost=_EXPECTED) for _ in range(6)]
    for one in asked[:5]:
        claim = one.claim if one.has_place else account.claim(one.id)
        with account.database.statements() as sql:
            claim = transitions.move(sql, claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
            claim = transitions.move(sql, claim, Stage.GENERATING, wake_in=0, keeps_lease=True)
            transitions.fail(sql, claim, ErrorCode.CONTENT_REJECTED, "of the test")
        account.grant()
    assert charge(account, asked[5].id) == _EXPECTED


def test_work_that_began_before_the_upgrade_is_corrected_too(account: Account) -> None:
    account.limit(in_flight=1)
    early, late = account.customer(), account.customer()
    running, waits = account.asks(early, cost=_EXPECTED), account.asks(early, cost=_EXPECTED)
    account.asks(late, cost=_EXPECTED)
    before = turn(account, early)
    account.run("UPDATE admissions SET charged_at = NULL, beside = NULL")
    account.limit(in_flight=0)
    works_and_ends(account, running, 10)
    account.grant()
    assert turn(account, early) == pytest.approx(before - 20, abs=1)
    account.limit(in_flight=2)
    account.grant()
    assert charge(account, waits.id) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("seconds", [1.0, 300.0])
def test_who_comes_after_ends_that_a_full_account_told_stands_behind_nobody(account: Account, seconds: float) -> None:
    account.limit(in_flight=0)
    first = account.customer()
    for _ in range(40):
        account.asks(first, cost=_EXPECTED)
    account.limit(in_flight=20)
    running = account.grant()
    second = account.customer()
    waits_second = [account.asks(second, cost=_EXPECTED).id for _ in range(8)]
    account.limit(in_flight=0)
    for one in running:
        works_and_ends(account, one, seconds)
    account.grant()
    third = account.customer()
    waits_third = [account.asks(third, cost=_EXPECTED).id for _ in range(8)]
    account.limit(in_flight=12)
    granted = Counter(
        "second" if one in waits_second else "third" if one in waits_third else "first" for one in account.grant()
    )
    assert granted["third"] <= granted["second"] + 1
    assert min(granted["first"], granted["second"], granted["third"]) >= 2 or seconds < _EXPECTED


def test_a_time_of_nothing_is_charged(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    asked = [account.asks(customer, cost=_EXPECTED) for _ in range(3)]
    works_and_ends(account, asked[0], 0, told=0.0)
    account.grant()
    assert charge(account, asked[1].id) == pytest.approx(0.1)


def test_a_time_that_the_workers_learn_later_counts_until_an_end_taught(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    account.asks(customer, cost=_EXPECTED)
    account.run("UPDATE admission_costs SET seconds = 99")
    waits = account.asks(customer, cost=_EXPECTED)
    account.limit(in_flight=2)
    assert account.grant() == [waits.id]
    assert charge(account, waits.id) == _EXPECTED


def test_times_that_are_right_on_average_give_a_newcomer_nothing(account: Account) -> None:
    account.limit(in_flight=0)
    early = [account.customer() for _ in range(2)]
    for customer in early:
        for _ in range(20):
            account.asks(customer, cost=_EXPECTED)
    account.limit(in_flight=20)
    running = account.grant()
    account.limit(in_flight=0)
    late = account.customer()
    account.asks(late, cost=_EXPECTED)
    before = [turn(account, customer) for customer in (*early, late)]
    for number, one in enumerate(running):
        works_and_ends(account, one, _EXPECTED + (20 if number % 4 < 2 else -20))
        account.grant()
    after = [turn(account, customer) for customer in (*early, late)]
    assert after == pytest.approx(before, abs=1)


def test_the_own_work_of_before_counts_once(account: Account) -> None:
    account.limit(in_flight=1)
    customer, other = account.customer(), account.customer()
    first = account.asks(customer, cost=_EXPECTED)
    account.run("UPDATE admission_accounts SET virtual_time = 1000")
    account.asks(other, cost=_EXPECTED)
    account.asks(customer, cost=_EXPECTED)
    assert turn(account, customer) == 1000
    account.limit(in_flight=0)
    works_and_ends(account, first, 10)
    account.grant()
    assert turn(account, customer) == pytest.approx(980, abs=1)
