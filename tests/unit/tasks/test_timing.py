import pytest

from schemas.setting_groups import PipelineSettings
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
