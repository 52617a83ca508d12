import pytest

from providers.files.pace import Pace
from schemas.errors import SlowSource


def a_pace(least: int = 100) -> Pace:
    return Pace(least_bytes_per_second=least, window_seconds=10)


def test_a_host_at_the_least_rate_is_fast_enough() -> None:
    pace = a_pace()
    for _ in range(30):
        pace.add(100, seconds=1)


def test_a_host_is_slow_only_after_a_whole_window() -> None:
    pace = a_pace()
    for _ in range(9):
        pace.add(1, seconds=1)
    with pytest.raises(SlowSource, match="less than 100 bytes a second for 10 s"):
        pace.add(1, seconds=1)


def test_fast_bytes_of_an_earlier_window_do_not_help() -> None:
    pace = a_pace()
    pace.add(1_000_000, seconds=10)
    with pytest.raises(SlowSource):
        pace.add(999, seconds=10)


def test_without_a_least_rate_every_host_is_fast_enough() -> None:
    a_pace(least=0).add(0, seconds=100)
