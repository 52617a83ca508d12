import random

import pytest

from schemas.setting_groups import PipelineSettings
from storage.render_times import RenderTimes
from tasks.timing import backoff, next_poll

PIPELINE = PipelineSettings(
    poll_first_seconds=2.5, poll_cap_seconds=30, poll_with_callback_seconds=60, backoff_cap_seconds=60
)


@pytest.mark.parametrize(
    ("waited", "expected"), [(0, 2.5), (29.9, 2.5), (30, 5), (60, 10), (120, 20), (180, 30), (100_000, 30)]
)
def test_pause_between_polls_grows_with_the_age_of_the_work(waited: float, expected: float) -> None:
    assert next_poll(PIPELINE, waited_seconds=waited, has_callback=False) == expected


def test_polls_are_rare_when_a_callback_is_due() -> None:
    assert next_poll(PIPELINE, waited_seconds=0, has_callback=True) == 60


@pytest.mark.parametrize(("failures", "longest"), [(0, 1), (1, 2), (3, 8), (5, 32), (6, 60), (50, 60), (10_000, 60)])
def test_backoff_doubles_up_to_a_cap_with_jitter(failures: int, longest: float) -> None:
    pauses = {backoff(PIPELINE, failures) for _ in range(50)}
    assert len(pauses) > 1
    assert all(longest / 2 <= pause <= longest for pause in pauses)


@pytest.mark.parametrize(("waited", "expected"), [(0, 5.0), (30, 5.0), (60, 10.0), (600, 30.0)])
def test_pause_between_polls_is_at_least_the_providers_minimum(waited: float, expected: float) -> None:
    assert next_poll(PIPELINE, waited_seconds=waited, has_callback=False, least_seconds=5.0) == expected


@pytest.mark.parametrize(("waited", "expected"), [(0, 2.5), (30, 2.5), (60, 3.16), (120, 6.32), (100_000, 30)])
def test_pause_between_polls_is_shorter_while_other_work_waits_for_the_place(waited: float, expected: float) -> None:
    gap = next_poll(PIPELINE, waited_seconds=waited, has_callback=False, is_awaited=True)
    assert gap == pytest.approx(expected, abs=0.01)
    assert next_poll(PIPELINE, waited_seconds=waited, has_callback=True, is_awaited=True) == 60


IMAGE, VIDEO = RenderTimes(3.9, 4.3), RenderTimes(200.0, 280.0)


def test_first_poll_is_near_the_end_of_the_first_of_such_work_and_early_by_chance() -> None:
    first = [next_poll(PIPELINE, waited_seconds=0, has_callback=False, usual=IMAGE) for _ in range(200)]
    assert 0.7 * 4.4 <= min(first) < 0.75 * 4.4 < 0.95 * 4.4 < max(first) <= 4.4


def test_no_look_is_more_than_a_minute_away() -> None:
    assert next_poll(PIPELINE, waited_seconds=0, has_callback=False, usual=VIDEO) == 60
    assert next_poll(PIPELINE, waited_seconds=0, has_callback=True, usual=VIDEO) == 60


def test_usual_times_that_are_too_late_mend_themselves() -> None:
    """The usual times are those at which we looked: without early looks, they could only grow."""
    rng = random.Random(7)
    usual = RenderTimes(100.0, 110.0)
    for _ in range(20):
        seen = sorted(_seen(rng.uniform(18.0, 22.0), usual) for _ in range(200))
        usual = RenderTimes(seen[20], seen[180])
    assert 14 <= usual.p10_seconds <= 24
    assert usual.p90_seconds <= 30


def _seen(taken: float, usual: RenderTimes) -> float:
    at = 0.0
    while at < taken:
        at += next_poll(PIPELINE, waited_seconds=at, has_callback=False, usual=usual)
    return at


def test_polls_are_dense_where_the_times_differ_little() -> None:
    gaps = [
        next_poll(PIPELINE, waited_seconds=waited, has_callback=False, usual=usual)
        for waited, usual in ((4.4, IMAGE), (220.0, VIDEO))
    ]
    assert gaps == pytest.approx([1.0, 12.65], abs=0.01)


def test_gap_grows_past_the_usual_end_up_to_its_cap() -> None:
    waited = [280, 340, 400, 4000]
    gaps = [next_poll(PIPELINE, waited_seconds=each, has_callback=False, usual=VIDEO) for each in waited]
    assert gaps == pytest.approx([12.65, 20, 30, 30], abs=0.01)


def test_a_callback_is_missed_once_nearly_all_such_work_is_done() -> None:
    assert next_poll(PIPELINE, waited_seconds=0, has_callback=True, usual=IMAGE) == pytest.approx(9.3)
    assert next_poll(PIPELINE, waited_seconds=240, has_callback=True, usual=VIDEO) == 45
    assert next_poll(PIPELINE, waited_seconds=300, has_callback=True, usual=VIDEO) == 60


def test_usual_times_do_not_undercut_the_providers_minimum() -> None:
    assert next_poll(PIPELINE, waited_seconds=4.4, has_callback=False, usual=IMAGE, least_seconds=5.0) == 5


def test_work_whose_place_is_awaited_is_looked_at_more_often() -> None:
    def gap(waited: float, *, is_awaited: bool) -> float:
        return next_poll(PIPELINE, waited_seconds=waited, has_callback=False, usual=VIDEO, is_awaited=is_awaited)

    assert gap(240, is_awaited=True) == pytest.approx(4.0)
    assert gap(240, is_awaited=False) > 3 * gap(240, is_awaited=True)
    assert next_poll(PIPELINE, waited_seconds=240, has_callback=True, usual=VIDEO, is_awaited=True) == 45
