"""The expected start of a generation, by the state of its account."""

import tracemalloc
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from admission.forecast import Forecast
from storage.admission_places import AccountFacts, NextWork, Window


def facts(
    *,
    work: Sequence[tuple[str, float, float]] = (),
    waits: Sequence[NextWork] = (),
    windows: Sequence[Window] = (),
    closed: float = 0,
    in_work: dict[str, int] | None = None,
    **limits: object,
) -> AccountFacts:
    return AccountFacts(
        limits=limits, closed_seconds=closed, in_flight=in_work or Counter(pool for pool, _, _ in work),
        at_work=list(work), next_work=list(waits), windows=list(windows),
    )  # fmt: skip


def wait(ahead: int, *, work: Sequence[tuple[float, float]] = (), reserve: bool = False, **others: Any) -> float | None:
    forecast = Forecast(facts(work=[("", *one) for one in work], **others))
    return forecast.wait_seconds("", in_pool=ahead, at_account=ahead, may_use_reserve=reserve)


def window(
    *tenths: tuple[int, float, float], most: int = 20, seconds: float = 10, step: float | None = None,
    waiting: int = 10_000,
) -> Window:  # fmt: skip
    return Window(pool="", most=most, seconds=seconds, step_seconds=step, waiting=waiting, creates=list(tenths))


def next_work(*seconds: float, pool: str = "", lane: int = 0) -> list[NextWork]:
    return [NextWork(pool=pool, lane=lane, turn=turn, seconds=one) for turn, one in enumerate(seconds)]


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


def test_work_beyond_what_is_read_ends_as_that_which_is_read() -> None:
    ends = [wait(ahead, in_flight=5, in_work={"": 5}, work=[(30, 40), (10, 40)]) for ahead in range(5)]
    assert ends == [10, 10, 10, 30, 30]


def test_work_of_a_family_that_is_not_read_holds_the_places_of_the_family() -> None:
    families = {"veo": {"models": ["veo*"], "in_flight": 2}}
    forecast = Forecast(facts(in_flight=10, families=families, work=[("", 10, 60)], in_work={"": 1, "veo": 2}))
    assert forecast.wait_seconds("veo", in_pool=0, at_account=0) == 30
    assert forecast.wait_seconds("", in_pool=0, at_account=0) == 0


def test_creates_leave_their_window_one_after_the_other() -> None:
    full = window((20, 9.5, 0.0))
    assert wait(0, windows=[full], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(0.5)
    assert wait(19, windows=[full], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(10)
    assert wait(20, windows=[full], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(10.5)


def test_a_window_with_room_takes_creates_at_once() -> None:
    assert wait(4, windows=[window((15, 5, 5))], creates=[{"most": 20, "seconds": 10}]) == 0
    assert wait(5, windows=[window((15, 5, 5))], creates=[{"most": 20, "seconds": 10}]) == 5
    assert wait(0, windows=[window()], creates=[{"most": 20, "seconds": 10}]) == 0


def test_creates_with_a_pause_between_leave_with_a_pause_between() -> None:
    tenths = window((4, 8.0, 7.7), (16, 1.5, 0.0))
    assert wait(3, windows=[tenths], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(2.3)
    assert wait(4, windows=[tenths], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(8.5)


@pytest.mark.parametrize(
    ("ahead", "seconds"), [(0, 0), (3, 0), (4, 1), (8, 2), (19, 4), (20, 10), (24, 11), (39, 14), (40, 20)]
)
def test_a_window_in_steps_takes_a_fifth_in_each_tenth(ahead: int, seconds: float) -> None:
    assert wait(ahead, windows=[window(step=1)], creates=[{"most": 20, "seconds": 10}]) == seconds


def test_a_step_counts_the_creates_before_it() -> None:
    assert wait(1, windows=[window((3, 0.25, 0.25), step=1)], creates=[{"most": 20, "seconds": 10}]) == 0.75


@pytest.mark.parametrize("waiting", [1, 12, 20])
def test_a_window_with_room_for_all_that_waits_has_no_steps(waiting: int) -> None:
    assert wait(waiting - 1, windows=[window(step=1, waiting=waiting)]) == 0
    left_at_once = window((20, 4, 4), step=1, waiting=waiting)
    assert wait(waiting - 1, windows=[left_at_once]) == 6


def test_the_steps_of_a_window_end_when_there_is_room_for_all_that_still_waits() -> None:
    starts = [wait(ahead, windows=[window(step=1, waiting=24)]) for ahead in range(24)]
    assert starts == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [10] * 4
    half_left = window((10, 9, 9), (10, 4, 4), step=1, waiting=12)
    assert [wait(ahead, windows=[half_left]) for ahead in range(12)] == [1] * 4 + [2] * 4 + [3] * 2 + [6] * 2


def test_an_order_after_all_that_waits_has_no_step_of_its_own() -> None:
    assert wait(5, windows=[window(step=1, waiting=5)]) == 0


def test_a_window_and_places_in_flight_hold_together() -> None:
    limits: dict[str, Any] = {"in_flight": 2, "creates": [{"most": 3, "seconds": 10}]}
    starts = [wait(ahead, windows=[window(most=3)], waits=next_work(4, 1, 9, 1, 1), **limits) for ahead in range(6)]
    assert starts == [0, 0, 1, 10, 10, 11]


def test_the_tightest_limit_decides() -> None:
    assert wait(0, in_flight=1, work=[(10, 40)], windows=[window((20, 5, 5))]) == 30


def test_the_reserve_is_for_those_who_may_use_it() -> None:
    assert wait(0, in_flight=2, reserve=True, work=[(10, 40)]) == 0
    forecast = Forecast(facts(in_flight=2, reserve=1, work=[("", 10, 40)]))
    assert forecast.wait_seconds("", in_pool=0, at_account=0) == 30
    assert forecast.wait_seconds("", in_pool=0, at_account=0, may_use_reserve=True) == 0


def test_a_family_waits_for_its_own_limit() -> None:
    families = {"veo": {"models": ["veo*"], "in_flight": 1}}
    forecast = Forecast(facts(in_flight=10, families=families, work=[("veo", 10, 60)]))
    assert forecast.wait_seconds("veo", in_pool=1, at_account=1) == 110
    assert forecast.wait_seconds("", in_pool=0, at_account=1) == 0


def test_each_place_is_busy_for_the_time_of_the_work_that_takes_it() -> None:
    waits = [*next_work(20, 5), *next_work(7, lane=1)]
    assert [wait(ahead, in_flight=1, waits=waits) for ahead in range(4)] == [0, 20, 25, 32]


def test_work_of_all_families_takes_the_places_of_the_account() -> None:
    families = {"veo": {"models": ["veo*"], "in_flight": 5}}
    waits = [NextWork(pool="", lane=0, turn=1, seconds=10), NextWork(pool="veo", lane=0, turn=0, seconds=60)]
    forecast = Forecast(facts(in_flight=1, families=families, waits=waits))
    assert [forecast.wait_seconds("", in_pool=0, at_account=ahead) for ahead in range(3)] == [0, 60, 70]


def test_starts_after_the_first_hundred_take_the_usual_time_of_these() -> None:
    waits = next_work(*[10, 30] * 50)
    assert wait(100 + 7, in_flight=1, waits=waits) == 100 * 20 + 7 * 20


def test_far_behind_the_starts_are_as_far_apart_as_those_before() -> None:
    assert wait(20_000, in_flight=2, work=[(10, 40), (30, 40)]) == pytest.approx(20_000 * 20, rel=0.001)
    stepped = window(step=1)
    assert wait(20_000, windows=[stepped], creates=[{"most": 20, "seconds": 10}]) == pytest.approx(10_000, rel=0.001)


@pytest.mark.parametrize(
    ("most", "seconds", "ahead", "expected"),
    [
        (10_000, 86_400, 30_000, 3 * 86_400),
        (10_000, 86_400, 9_999, 0),
        (4_999, 3_601, 20_000, 4 * 3_601),
        (1_700, 3_601, 20_000, 11 * 3_601),
        (1_700, 3_601, 5_001, 2 * 3_601),
        (1, 10, 95_000, 950_000),
    ],
)
def test_far_behind_a_window_is_filled_again_and_again(most: int, seconds: float, ahead: int, expected: float) -> None:
    assert wait(ahead, windows=[window(most=most, seconds=seconds)]) == expected


def test_far_behind_a_full_window_makes_room_as_its_creates_leave() -> None:
    full = window((10_000, 3_600, 0), most=10_000, seconds=3_600)
    assert wait(25_000, windows=[full]) == pytest.approx(2.5 * 3_600, rel=0.001)


def test_far_behind_many_places_in_flight_are_taken_again_and_again() -> None:
    assert wait(5_999, in_flight=6_000) == 0
    assert wait(6_000, in_flight=6_000) == 30
    assert wait(20_000, in_flight=6_000) == 90


def test_far_behind_the_slowest_limit_decides() -> None:
    limits = [window(most=10_000, seconds=86_400), window(most=20, seconds=10)]
    assert wait(20_000, in_flight=10, windows=limits) == 2 * 86_400
    assert wait(20_000, in_flight=2, windows=limits) == 20_000 / 2 * 30


def test_a_closed_account_starts_nothing_before_it_opens() -> None:
    assert wait(0, closed=25, in_flight=5) == 25


@pytest.mark.parametrize(("ahead", "is_known"), [(117, True), (118, False), (95_000, False), (2**62, False)])
def test_a_start_in_more_than_ten_years_is_unknown(ahead: int, is_known: bool) -> None:
    month = 31 * 86_400
    seconds = wait(ahead, windows=[window(most=1, seconds=month)], creates=[{"most": 1, "seconds": month}])
    assert seconds == (ahead * month if is_known else None)


def test_a_place_beyond_all_queues_is_unknown() -> None:
    assert wait(2**61 + 7, in_flight=3, windows=[window(step=1), window(most=7)]) is None


def test_a_limit_beyond_all_work_costs_nothing() -> None:
    tracemalloc.start()
    try:
        assert wait(0, in_flight=10**9) == 0
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_window_of_many_creates_costs_as_much_as_one_of_few() -> None:
    full = window(*[(50_000, 10.0 - tenth, 9.1 - tenth) for tenth in range(10)], most=500_000)
    tracemalloc.start()
    try:
        assert wait(0, windows=[full]) == pytest.approx(0, abs=0.001)
        assert wait(4_999, windows=[full]) == pytest.approx(0.09, abs=0.001)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_the_start_is_unknown_where_the_limits_let_nothing_start() -> None:
    assert wait(0, in_flight=0) is None
