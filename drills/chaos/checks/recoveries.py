"""The recoveries from all kills of a run, with the faults at the time of each."""

import statistics
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from drills.chaos.faults import Record
from drills.chaos.plans.schedule import BEAT, OUTAGES, SUPERVISOR, Fault, FaultKind
from workers.roles import Role

# A cut or restarted part is not back at once: clients wait before they connect again.
_AFTERMATH_SECONDS = 5.0

_WAKERS = {Role.CONTROL.value, f"{SUPERVISOR}{Role.CONTROL}", BEAT}


class Recovery(BaseModel):
    """Idle times of generations after kills. A kill counts with the slowest of its generations."""

    kills: int
    """The number of kills."""
    generations: int
    """The number of generations that the killed workers held."""
    median_seconds: float | None
    """The median of the kills. None without a kill."""
    worst_seconds: float | None
    """The largest idle time. None without a kill."""


class Kill(BaseModel):
    """A kill of a worker that held generations."""

    at: float
    """Seconds from the beginning of the load."""
    target: str
    """The worker's role, or the supervisor."""
    generations: int
    """The number of held generations."""
    slowest_seconds: float
    """The idle time of the slowest generation."""
    meanwhile: list[str]
    """The other faults at the time."""


class Recoveries(BaseModel):
    """The kills of workers, apart from or together with other faults."""

    undisturbed: Recovery
    """Kills without another fault."""
    disturbed: Recovery
    """Kills during another fault."""
    with_nothing_in_hand: int
    """The number of kills of workers that held no generation."""
    gateway_back: list[float]
    """Seconds from each kill of the gateway until it answered again."""
    kills: list[Kill]
    """The kills of workers that held generations."""


def recoveries(records: Sequence[Record]) -> Recoveries:
    """The recoveries from all kills of workers."""
    deadly = [record for record in records if record.happened and is_kill_of_a_worker(record.fault)]
    kills = [_kill(record, records) for record in deadly if record.recoveries]
    return Recoveries(
        undisturbed=_summary([kill for kill in kills if not kill.meanwhile]),
        disturbed=_summary([kill for kill in kills if kill.meanwhile]),
        with_nothing_in_hand=len(deadly) - len(kills),
        gateway_back=[round(record.back_after, 1) for record in records if record.back_after is not None],
        kills=kills,
    )


def _kill(record: Record, records: Sequence[Record]) -> Kill:
    return Kill(
        at=round(record.ended, 1),
        target=record.fault.target,
        generations=len(record.recoveries),
        slowest_seconds=round(max(record.recoveries), 1),
        meanwhile=disturbances(record, records),
    )


def is_kill_of_a_worker(fault: Fault) -> bool:
    """Whether the fault kills workers, so that other workers must take up their generations."""
    return fault.kind is FaultKind.KILL_GROUP or (fault.kind is FaultKind.KILL and fault.target in set(Role))


def disturbances(kill: Record, records: Iterable[Record]) -> list[str]:
    """The other faults between a kill and its recovery, or just before."""
    recovered = kill.ended + max(kill.recoveries, default=0.0)
    return [
        f"{other.fault.kind} {other.fault.target}"
        for other in records
        if other is not kill
        and other.happened
        and other.began <= recovered
        and other.ended + _AFTERMATH_SECONDS >= kill.ended
        and _hinders(other.fault, kill.fault)
    ]


def _hinders(other: Fault, kill: Fault) -> bool:
    role = kill.target.removeprefix(SUPERVISOR)
    return other.kind in OUTAGES or other.target in _WAKERS or other.target.removeprefix(SUPERVISOR) == role


def _summary(kills: Sequence[Kill]) -> Recovery:
    slowest = [kill.slowest_seconds for kill in kills]
    return Recovery(
        kills=len(kills),
        generations=sum(kill.generations for kill in kills),
        median_seconds=round(statistics.median(slowest), 1) if slowest else None,
        worst_seconds=max(slowest, default=None),
    )
