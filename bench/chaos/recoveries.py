"""The recoveries from all kills of a run, and what else was wrong at the time of each."""

import statistics
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from bench.chaos.faults import Record
from bench.chaos.schedule import BEAT, OUTAGES, SUPERVISOR, Fault, FaultKind
from workers.roles import Role

# What was cut or restarted is not back at once: clients wait a moment before they connect again.
_AFTERMATH_SECONDS = 5.0

_WAKERS = {Role.CONTROL.value, f"{SUPERVISOR}{Role.CONTROL}", BEAT}


class Recovery(BaseModel):
    """How long what killed workers held lay idle. A kill counts with the slowest of its generations."""

    kills: int
    generations: int
    median_seconds: float | None
    worst_seconds: float | None


class Recoveries(BaseModel):
    """The kills of workers, by what else was wrong at the time."""

    undisturbed: Recovery
    disturbed: Recovery
    with_nothing_in_hand: int
    """Kills of workers that held no generation: nothing could lie idle."""


def recoveries(records: Sequence[Record]) -> Recoveries:
    """The recoveries of all kills of workers."""
    kills = [record for record in records if record.happened and is_kill_of_a_worker(record.fault)]
    undisturbed = [kill for kill in kills if kill.recoveries and not disturbances(kill, records)]
    disturbed = [kill for kill in kills if kill.recoveries and disturbances(kill, records)]
    return Recoveries(
        undisturbed=_summary(undisturbed),
        disturbed=_summary(disturbed),
        with_nothing_in_hand=sum(not kill.recoveries for kill in kills),
    )


def is_kill_of_a_worker(fault: Fault) -> bool:
    """Whether what a worker held has to be taken up by another."""
    return fault.kind is FaultKind.KILL_GROUP or (fault.kind is FaultKind.KILL and fault.target in set(Role))


def disturbances(kill: Record, records: Iterable[Record]) -> list[str]:
    """What else was wrong between a kill and the recovery from it, or had just been."""
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


def _summary(kills: Sequence[Record]) -> Recovery:
    slowest = [max(kill.recoveries) for kill in kills]
    return Recovery(
        kills=len(kills),
        generations=sum(len(kill.recoveries) for kill in kills),
        median_seconds=round(statistics.median(slowest), 1) if slowest else None,
        worst_seconds=round(max(slowest), 1) if slowest else None,
    )
