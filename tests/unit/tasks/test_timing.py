import pytest

from schemas.settings import PipelineSettings
from tasks.timing import backoff, next_poll

PIPELINE = PipelineSettings(
    poll_first_seconds=2.5, poll_cap_seconds=30, poll_with_callback_seconds=60, backoff_cap_seconds=60
)


@pytest.mark.parametrize(
    ("waited", "expected"), [(0, 2.5), (29.9, 2.5), (30, 5), (60, 10), (120, 20), (180, 30), (100_000, 30)]
)
def test_polling_slows_down_with_the_age_of_the_work(waited: float, expected: float) -> None:
    assert next_poll(PIPELINE, waited_seconds=waited, has_callback=False) == expected


def test_with_a_callback_due_polling_is_only_the_safety_net() -> None:
    assert next_poll(PIPELINE, waited_seconds=0, has_callback=True) == 60


@pytest.mark.parametrize(("failures", "longest"), [(0, 1), (1, 2), (3, 8), (5, 32), (6, 60), (50, 60), (10_000, 60)])
def test_retries_wait_twice_as_long_each_time_up_to_a_cap_and_never_all_at_once(failures: int, longest: float) -> None:
    pauses = {backoff(PIPELINE, failures) for _ in range(50)}
    assert len(pauses) > 1
    assert all(longest / 2 <= pause <= longest for pause in pauses)


@pytest.mark.parametrize(("waited", "expected"), [(0, 5.0), (30, 5.0), (60, 10.0), (600, 30.0)])
def test_no_provider_is_asked_more_often_than_it_wants_to_be(waited: float, expected: float) -> None:
    assert next_poll(PIPELINE, waited_seconds=waited, has_callback=False, least_seconds=5.0) == expected
