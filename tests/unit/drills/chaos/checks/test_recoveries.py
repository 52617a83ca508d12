import pytest

from drills.chaos.checks.recoveries import disturbances, recoveries
from drills.chaos.faults import Record
from drills.chaos.plans.schedule import Fault, FaultKind, LinkName
from workers.roles import Role


def record(
    kind: FaultKind, target: str, began: float, ended: float, *, seconds: tuple[float, ...] = (), happened: bool = True
) -> Record:
    fault = Fault(at=began, kind=kind, target=target)
    return Record(fault, began, ended=ended, happened=happened, recoveries=list(seconds))


def kill(at: float, *seconds: float, target: str = Role.PROVIDER) -> Record:
    return record(FaultKind.KILL, target, at, at, seconds=seconds)


def test_kill_counts_with_the_slowest_of_its_generations() -> None:
    found = recoveries([kill(0, 3.0, 11.0), kill(100, 9.0), kill(200, 10.0)])
    assert found.undisturbed.model_dump() == {
        "kills": 3,
        "generations": 4,
        "median_seconds": 10.0,
        "worst_seconds": 11.0,
    }
    assert found.disturbed.kills == 0


def test_kill_of_an_idle_worker_is_counted_apart() -> None:
    found = recoveries([kill(0), kill(50, target="gateway")])
    assert (found.undisturbed.kills, found.with_nothing_in_hand) == (0, 1)


@pytest.mark.parametrize(
    "other",
    [
        record(FaultKind.POSTGRES_CRASH, "postgres", 97, 98),
        record(FaultKind.REDIS_FLUSH, "redis", 109, 109),
        record(FaultKind.STALL, LinkName.WORKERS_REDIS, 90, 96),
        kill(105, target=Role.CONTROL),
        record(FaultKind.PAUSE, "beat", 104, 106),
        record(FaultKind.KILL_GROUP, "supervisor-provider", 104, 104),
        kill(105),
    ],
)
def test_recovery_during_another_fault_is_counted_apart(other: Record) -> None:
    found = recoveries([kill(100, 11.0), other])
    assert found.undisturbed.kills == 0
    assert found.disturbed.worst_seconds == 11.0


@pytest.mark.parametrize(
    "other",
    [
        record(FaultKind.POSTGRES_CRASH, "postgres", 90, 94),
        record(FaultKind.REDIS_FLUSH, "redis", 112, 112),
        record(FaultKind.LOST_COMMIT, LinkName.WORKERS_POSTGRES, 100, 0, happened=False),
        kill(105, target="gateway"),
        kill(105, 4.0, target=Role.MEDIA),
    ],
)
def test_earlier_or_unrelated_faults_do_not_disturb_a_recovery(other: Record) -> None:
    assert disturbances(kill(100, 11.0), [other]) == []
