"""A window of creates is filled in steps while more work waits than it has room for, and at once otherwise."""

from uuid import UUID

import pytest

from tests.integration.admission.conftest import Account, StillAccount

_MOST = 10


@pytest.fixture
def account(still: StillAccount) -> Account:
    """An account under a clock of the test."""
    return still.account


def leave(account: Account, granted: list[UUID]) -> None:
    """The creates leave."""
    for one in granted:
        account.run("UPDATE generations SET stage = 'submitting' WHERE id = :id", id=one)


def waits(account: Account, count: int) -> None:
    """So many generations wait."""
    account.limit(in_flight=0)
    customer = account.customer()
    for _ in range(count):
        assert not account.asks(customer).has_place


@pytest.mark.parametrize("seconds", [5, 10, 60])
def test_of_more_work_than_a_window_takes_at_most_a_fifth_goes_in_each_tenth(
    account: Account, still: StillAccount, seconds: int
) -> None:
    waits(account, 2 * _MOST + 1)
    account.limit(creates=[{"most": _MOST, "seconds": seconds}])
    granted = []
    for _ in range(10):
        leave(account, now := account.grant())
        granted.append(len(now))
        assert account.grant() == []
        still.clock.advance(seconds / 10 + 0.001)
    assert granted == [2, 2, 2, 2, 2] + [0] * 5
    # The window is a little longer than the vendor's.
    still.clock.advance(seconds / 10)
    assert len(account.grant()) == 2


def test_creates_that_are_slow_to_leave_hold_up_no_others(account: Account, still: StillAccount) -> None:
    waits(account, 2 * _MOST)
    account.limit(creates=[{"most": _MOST, "seconds": 10}])
    for _ in range(5):
        assert len(account.grant()) == 2
        still.clock.advance(1.001)


def test_work_of_a_full_family_holds_up_no_other_work(account: Account) -> None:
    account.limit(in_flight=0)
    customer = account.customer()
    for _ in range(2 * _MOST):
        account.asks(customer, pool="films")
    others = [account.asks(customer).id for _ in range(_MOST)]
    account.limit(creates=[{"most": _MOST, "seconds": 10}], families={"films": {"models": ["film-*"], "in_flight": 0}})
    assert sorted(account.grant()) == sorted(others)


def test_work_of_families_with_room_counts_together(account: Account) -> None:
    account.limit(in_flight=0)
    customer = account.customer()
    for pool in ("", "films"):
        for _ in range(_MOST - 1):
            account.asks(customer, pool=pool)
    account.limit(creates=[{"most": _MOST, "seconds": 10}], families={"films": {"models": ["film-*"], "in_flight": 50}})
    assert len(account.grant()) == 2


def test_a_family_is_filled_in_steps_too(account: Account) -> None:
    account.limit(in_flight=0)
    customer = account.customer()
    for _ in range(_MOST + 1):
        account.asks(customer, pool="films")
    account.limit(families={"films": {"models": ["film-*"], "creates": [{"most": _MOST, "seconds": 10}]}})
    assert len(account.grant()) == 2


def test_as_much_work_as_a_window_takes_goes_at_once(account: Account) -> None:
    waits(account, _MOST)
    account.limit(creates=[{"most": _MOST, "seconds": 10}])
    assert len(account.grant()) == _MOST


@pytest.mark.parametrize("seconds", [1, 3600])
def test_a_short_window_and_a_long_one_are_filled_at_once(account: Account, seconds: int) -> None:
    waits(account, _MOST + 1)
    account.limit(creates=[{"most": _MOST, "seconds": seconds}])
    assert len(account.grant()) == _MOST


def test_the_least_window_lets_one_create_go(account: Account) -> None:
    waits(account, 3)
    account.limit(creates=[{"most": 1, "seconds": 10}])
    assert len(account.grant()) == 1
