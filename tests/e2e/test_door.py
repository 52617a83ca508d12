from pathlib import Path

import pytest

from drills.door.run import drill


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_processes_of_the_redis_door_lose_no_order_and_double_none(tmp_path: Path, processes: int) -> None:
    outcome = drill(tmp_path, kills=5, orders=300, processes=processes, seed=processes)
    assert outcome.problems == []
    assert (outcome.generations, outcome.answers, len(outcome.waits)) == (300, 300, 300)
    assert outcome.interrupted > 0
