"""The recoveries from all kills of a run, and what else was wrong at the time of each."""

import statistics
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from drills.chaos.faults import Record
from drills.chaos.plans.schedule import BEAT, OUTAGES, SUPERVISOR, Fault, FaultKind
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


class Kill(BaseModel):
    """A kill of a worker that held something."""

    at: float
    """Seconds from the beginning of the load."""
    target: str
    generations: int
    slowest_seconds: float
    meanwhile: list[str]
    """What else was wrong."""


class Recoveries(BaseModel):
    """The kills of workers, by what else was wrong at the time."""

    undisturbed: Recovery
    disturbed: Recovery
    with_nothing_in_hand: int
    """Kills of workers that held no generation: nothing could lie idle."""
    gateway_back: list[float]
    """Seconds from each kill of the gateway until it answered again."""
    kills: list[Kill]


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


def _summary(kills: Sequence[Kill]) -> Recovery:
    slowest = [kill.slowest_seconds for kill in kills]
    return Recovery(
        kills=len(kills),
        generations=sum(kill.generations for kill in kills),
        median_seconds=round(statistics.median(slowest), 1) if slowest else None,
        worst_seconds=max(slowest, default=None),
    )
