"""Places at a provider account: how many, for how long, and who gives them back."""

from collections.abc import Callable

from schemas.enums import Stage
from schemas.limits import Priority
from storage import transitions
from tests.integration.admission.conftest import Account


def test_an_account_takes_as_many_as_its_limit_and_one_more_when_one_ends(account: Account) -> None:
    account.limit(in_flight=2)
    customer = account.customer()
    first, second, third = (account.asks(customer) for _ in range(3))
    assert [each.has_place for each in (first, second, third)] == [True, True, False]
    assert account.grant() == []
    account.ends(first)
    assert account.grant() == [third.id]


def test_a_window_takes_as_many_creates_as_its_limit(account: Account) -> None:
    account.limit(creates=[{"most": 3, "seconds": 3600}])
    customer = account.customer()
    assert [account.asks(customer).has_place for _ in range(5)] == [True, True, True, False, False]
    account.an_hour_passes()
    assert len(account.grant()) == 2


def test_a_create_counts_in_its_window_from_the_moment_at_which_it_leaves(account: Account) -> None:
    account.limit(creates=[{"most": 1, "seconds": 3600}])
    customer = account.customer()
    slow, waits = account.asks(customer), account.asks(customer)
    account.an_hour_passes()
    with account.database.statements() as sql:
        transitions.move(sql, slow.claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
    assert account.grant() == []
    account.an_hour_passes()
    assert account.grant() == [waits.id]


def test_a_create_that_may_still_leave_counts_in_its_window_however_late_it_leaves(account: Account) -> None:
    account.limit(creates=[{"most": 1, "seconds": 10}])
    customer = account.customer()
    slow, waits = account.asks(customer), account.asks(customer)
    ten_minutes_pass(account)
    assert account.grant() == []
    with account.database.statements() as sql:
        transitions.move(sql, slow.claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
    assert account.grant() == []
    ten_minutes_pass(account)
    assert account.grant() == [waits.id]


def ten_minutes_pass(account: Account) -> None:
    account.run("UPDATE admissions SET granted_at = granted_at - interval '10 minutes'")
    account.run("UPDATE admission_creates SET at = at - interval '10 minutes'")


def test_a_generation_that_asks_again_elsewhere_leaves_no_create_behind(
    account: Account, make_account: Callable[[], Account]
) -> None:
    account.limit(creates=[{"most": 1, "seconds": 3600}])
    customer, other = account.customer(), make_account()
    first, second = account.asks(customer), account.asks(customer)
    assert (first.has_place, second.has_place) == (True, False)
    account.run("UPDATE generations SET lease_until = now() - interval '1 s' WHERE id = :id", id=first.id)
    assert other.asks(customer, generation_id=first.id).has_place
    assert account.grant() == [second.id]


def test_a_place_that_is_not_used_leaves_no_trace_in_the_window(account: Account) -> None:
    account.limit(creates=[{"most": 1, "seconds": 3600}])
    customer = account.customer()
    first, second = account.asks(customer), account.asks(customer)
    account.ends(first)
    assert account.grant() == [second.id]


def test_a_worker_that_comes_late_keeps_the_place(account: Account) -> None:
    account.limit(creates=[{"most": 2, "seconds": 3600}])
    customer = account.customer()
    waits = [account.asks(customer) for _ in range(3)][-1]
    account.an_hour_passes()
    assert account.grant() == [waits.id]
    account.run(
        "UPDATE admissions SET granted_at = granted_at - interval '20 s' WHERE generation_id = :id", id=waits.id
    )
    assert account.asks(customer, generation_id=waits.id).has_place
    assert account.asks(customer).has_place


def test_a_refused_create_gives_its_place_back_and_keeps_its_turn(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    first, second = account.asks(customer), account.asks(customer)
    with account.database.statements() as sql:
        transitions.put_back(sql, first.claim, wake_in=0)
    assert account.grant() == [second.id]
    account.ends(second.id)
    third = account.asks(customer)
    assert third.has_place
    account.ends(third)
    assert account.asks(customer, generation_id=first.id).has_place


def test_a_generation_keeps_its_place_until_the_provider_is_done(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    first, second = account.asks(customer), account.asks(customer)
    with account.database.statements() as sql:
        claim = transitions.move(sql, first.claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
        claim = transitions.move(sql, claim, Stage.GENERATING, wake_in=0, keeps_lease=True)
    assert account.grant() == []
    with account.database.statements() as sql:
        transitions.move(sql, claim, Stage.DOWNLOADING, wake_in=0)
    assert account.grant() == [second.id]


def test_customers_take_turns_whatever_their_backlog(account: Account) -> None:
    account.limit(in_flight=1)
    big, small = account.customer(), account.customer()
    running = account.asks(big)
    backlog = [account.asks(big).id for _ in range(6)]
    late = [account.asks(small).id for _ in range(2)]
    order = []
    place = running.id
    account.ends(running)
    while granted := account.grant():
        (place,) = granted
        order.append(place)
        account.ends(place)
    assert set(order[:4]) == {*backlog[:2], *late} or set(order[:4]) == {*backlog[:3], late[0]}
    assert order.index(late[1]) <= 4


def test_priority_orders_the_customers_own_work_only(account: Account) -> None:
    account.limit(in_flight=1)
    one, other = account.customer(), account.customer()
    running = account.asks(one)
    waiting = [account.asks(one).id for _ in range(2)]
    others = account.asks(other).id
    urgent = account.asks(one, priority=Priority.HIGH).id
    account.ends(running)
    order = []
    while granted := account.grant():
        order += granted
        account.ends(granted[0])
    assert [each for each in order if each != others] == [urgent, *waiting]
    assert order.index(others) <= 1
