"""The expected start of a generation, by the state of its account."""

from collections.abc import Sequence

import pytest

from admission.forecast import Forecast
from storage.admission_places import AccountFacts, Window


def wait(
    ahead: int,
    *,
    work: Sequence[tuple[float, float]] = (),
    windows: Sequence[Window] = (),
    closed: float = 0,
    reserve: bool = False,
    **limits: object,
) -> float | None:
    facts = AccountFacts(
        limits=limits, closed_seconds=closed, at_work=[("", *one) for one in work], windows=list(windows)
    )
    return Forecast(facts).wait_seconds("", in_pool=ahead, at_account=ahead, may_use_reserve=reserve)


def window(count: int, oldest: float | None, newest: float | None, *, most: int = 20) -> Window:
    return Window(pool="", most=most, seconds=10, count=count, oldest=oldest, newest=newest)


@pytest.mark.parametrize(
    ("ahead", "seconds"),
    [(0, 10.0), (1, 30.0), (2, 50.0), (3, 70.0), (9, 10.0 + 4 * 40 + 20)],
)
def test_a_place_in_flight_is_free_when_work_ends(ahead: int, seconds: float) -> None:
    assert wait(ahead, in_flight=2, work=[(30, 40), (10, 40)]) == seconds


def test_free_places_are_taken_first() -> None:
    assert wait(0, in_flight=3, work=[(0, 40)]) == 0
    assert wait(1, in_flight=3, work=[(0, 40)]) == 0
    assert wait(2, in_flight=3, work=[(0, 40)]) == 40


def test_work_above_a_lowered_limit_makes_no_room_when_it_ends() -> None:
    assert wait(0, in_flight=1, work=[(30, 40), (20, 40), (10, 40)]) == 30


def test_work_that_takes_longer_than_usual_ends_soon() -> None:
    assert wait(0, in_flight=1, work=[(100, 40)]) == 4


def test_creates_leave_their_window_one_after_the_other() -> None:
    full = window(20, 9.5, 0.0)
    assert wait(0, windows=[full], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(0.5)
    assert wait(19, windows=[full], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(10)
    assert wait(20, windows=[full], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(10.5)


def test_a_window_with_room_takes_creates_at_once() -> None:
    assert wait(4, windows=[window(15, 5, 5)], creates=[{"most": 20, "seconds": 10}]) == 0
    assert wait(5, windows=[window(15, 5, 5)], creates=[{"most": 20, "seconds": 10}]) == 5
    assert wait(0, windows=[window(0, None, None)], creates=[{"most": 20, "seconds": 10}]) == 0


def test_the_tightest_limit_decides() -> None:
    assert wait(0, in_flight=1, work=[(10, 40)], windows=[window(20, 5, 5)]) == 30


def test_the_reserve_is_for_those_who_may_use_it() -> None:
    assert wait(0, in_flight=2, reserve=True, work=[(10, 40)]) == 0
    facts = AccountFacts(limits={"in_flight": 2, "reserve": 1}, closed_seconds=0, at_work=[("", 10, 40)], windows=[])
    assert Forecast(facts).wait_seconds("", in_pool=0, at_account=0) == 30
    assert Forecast(facts).wait_seconds("", in_pool=0, at_account=0, may_use_reserve=True) == 0


def test_a_family_waits_for_its_own_limit() -> None:
    limits = {"in_flight": 10, "families": {"veo": {"models": ["veo*"], "in_flight": 1}}}
    facts = AccountFacts(limits=limits, closed_seconds=0, at_work=[("veo", 10, 60)], windows=[])
    assert Forecast(facts).wait_seconds("veo", in_pool=1, at_account=1) == 110
    assert Forecast(facts).wait_seconds("", in_pool=0, at_account=1) == 0


def test_a_closed_account_starts_nothing_before_it_opens() -> None:
    assert wait(0, closed=25, in_flight=5) == 25


def test_the_start_is_unknown_where_the_limits_let_nothing_start() -> None:
    assert wait(0, in_flight=0) is None
