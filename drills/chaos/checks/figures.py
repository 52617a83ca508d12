"""Compares what Prometheus reads after a run with the database's own counts.

Gauges are the same as the counts. A counter belongs to a process: living processes show each move that they made, and
a killed process took its counts along. A fault between a worker and the database may lose the acknowledgement of a
move: then no process counts the move.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from sqlalchemy import text
from sqlmodel import Session

from drills.chaos.checks.book import Breach
from drills.chaos.system import System
from metrics import families
from metrics.instruments import Family
from metrics.targets import Target
from schemas.enums import Queue

Values = tuple[str, ...]
"""Values of labels."""

_PATIENCE_SECONDS: Final = 300.0
_LOOK_EVERY_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Sample:
    """A series of a process at one moment."""

    name: str
    """The name of the series."""
    labels: Mapping[str, str]
    """The labels."""
    value: float
    """The value."""


@dataclass(frozen=True)
class Read:
    """What Prometheus reads of a process."""

    pid: int
    """The id of the process."""
    samples: Sequence[Sample]
    """The series."""


@dataclass(frozen=True)
class Figure:
    """A gauge by some of its labels, and the same from the database."""

    gauge: Family
    """The gauge."""
    labels: Sequence[str]
    """The labels that the statement selects, before the count."""
    statement: str
    """Selects the labels and the count."""


_FIGURES: Final = (
    Figure(
        families.GENERATIONS,
        ("stage", "model", "provider"),
        "SELECT stage, model, provider, count(*) FROM generations WHERE finished_at IS NULL GROUP BY 1, 2, 3",
    ),
    Figure(
        families.ENDED_HOUR,
        ("status", "model", "provider"),
        """SELECT stage, model, provider, count(*) FROM generations WHERE finished_at > now() - interval '1 h'
        GROUP BY 1, 2, 3""",
    ),
    Figure(families.HOLDS, (), "SELECT count(*) FROM generations WHERE finished_at IS NULL AND credits > 0"),
    Figure(families.HOLDS_CREDITS, (), "SELECT coalesce(sum(credits), 0) FROM generations WHERE finished_at IS NULL"),
    Figure(families.HELD_CREDITS, (), "SELECT coalesce(sum(balance), 0) FROM ledger_accounts WHERE kind = 'held'"),
    # Each transfer takes as much as it gives.
    Figure(families.LEDGER_CREDITS, (), "SELECT 0"),
    Figure(
        families.ADMISSIONS,
        ("provider", "place"),
        "SELECT provider, place, count(*) FROM admissions WHERE place <> 'idle' GROUP BY 1, 2",
    ),
    Figure(
        families.ROUTES_OPEN,
        ("provider",),
        "SELECT provider, count(*) FROM route_health WHERE opened_at IS NOT NULL GROUP BY 1",
    ),
    Figure(families.PAUSES, (), "SELECT count(*) FROM admission_pauses"),
    Figure(families.WEBHOOKS_PAUSED, (), "SELECT count(*) FROM webhook_endpoints WHERE paused_at IS NOT NULL"),
)

# By the process that wrote a move. Moves of the gateway have no author, and no process counts their stage.
_MOVES: Final = text("""
    SELECT split_part(data -> 'by' ->> 'worker', '#', 2)::int, origin, count(*) FROM events
    WHERE name = 'moved' AND origin IS DISTINCT FROM stage AND data -> 'by' ->> 'worker' IS NOT NULL GROUP BY 1, 2
""")


@dataclass(frozen=True)
class Moves:
    """The moves of a run, by those who know of them."""

    in_database: int
    """The moves in the timelines."""
    by_the_killed: int
    """Those of processes that are gone."""
    not_counted: int
    """Those of living processes that no process counted: their acknowledgements were lost."""


@dataclass(frozen=True)
class Counts:
    """The database's own counts at one moment."""

    figures: Mapping[str, Mapping[Values, float]]
    """The counts of each gauge, by its name and the values of the labels. Without zeros."""
    moves: Mapping[tuple[int, str], int]
    """The moves by the id of the process that made them, and the stage that they left."""


def breaches(system: System, *, most_lost: int) -> tuple[list[Breach], Moves]:
    """The differences between metrics and database, once the next figures were read. The system is at rest.

    Args:
        most_lost: the most acknowledgements that the faults of the run can have lost.
    """
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        now = time.time()
        read = _read_after(system, now, give_up_at)
        with system.database.transaction() as session:
            counts = _counts(session, system)
        found = [*differing(counts, read)]
        if not found or time.monotonic() > give_up_at:
            break
        time.sleep(_LOOK_EVERY_SECONDS)
    moves = moves_of(counts, read)
    return [*found, *wrong_counts(counts, read, moves, most_lost=most_lost)], moves


def differing(counts: Counts, read: Sequence[Read]) -> Iterable[Breach]:
    """The gauges that differ from the database, and those that two processes show."""
    for name in counts.figures:
        showing = {process.pid for process in read for sample in process.samples if sample.name == name}
        if len(showing) > 1:
            yield Breach(name, f"the processes {sorted(showing)} show the same figure")
    for figure in _FIGURES:
        name, expected = figure.gauge.name, counts.figures[figure.gauge.name]
        shown = _shown(name, figure.labels, read)
        for values in sorted({*expected, *shown}):
            if expected.get(values, 0) != shown.get(values, 0):
                labels = ", ".join(f"{label}={value}" for label, value in zip(figure.labels, values, strict=True))
                problem = (
                    f"{{{labels}}} shows {shown.get(values, 0):g}, and the database counts {expected.get(values, 0):g}"
                )
                yield Breach(name, problem)
    queues = counts.figures[families.QUEUE_MESSAGES.name]
    if _shown(families.QUEUE_MESSAGES.name, ("queue",), read) != queues:
        yield Breach(families.QUEUE_MESSAGES.name, f"Redis has {dict(queues)}")


def moves_of(counts: Counts, read: Sequence[Read]) -> Moves:
    """The moves by those who know of them."""
    living = {process.pid for process in read}
    own = sum(count for (pid, _), count in counts.moves.items() if pid in living)
    everything = sum(counts.moves.values())
    return Moves(everything, everything - own, own - sum(_counted(read).values()))


def wrong_counts(counts: Counts, read: Sequence[Read], moves: Moves, *, most_lost: int) -> Iterable[Breach]:
    """Counters that count more than happened, or less than killed processes and lost acknowledgements explain."""
    for (pid, stage), count in sorted(_counted(read).items()):
        made = counts.moves.get((pid, stage), 0)
        if count > made:
            yield Breach(f"process {pid}", f"counts {count} moves from {stage}, and made {made}")
    if moves.not_counted > most_lost:
        yield Breach(
            "counters", f"miss {moves.not_counted} moves of living processes; faults can explain {most_lost} of them"
        )


def _counted(read: Sequence[Read]) -> Counter[tuple[int, str]]:
    """The moves that each process counts, by the stage that they left."""
    name = f"{families.STAGE_SECONDS.name}_count"
    return Counter(
        {
            (process.pid, sample.labels["stage"]): int(sample.value)
            for process in read
            for sample in process.samples
            if sample.name == name
        }
    )


def _shown(name: str, labels: Sequence[str], read: Sequence[Read]) -> dict[Values, float]:
    """A gauge by some of its labels, without zeros."""
    found: defaultdict[Values, float] = defaultdict(float)
    for process in read:
        for sample in process.samples:
            if sample.name == name:
                found[tuple(sample.labels[label] for label in labels)] += sample.value
    return {values: value for values, value in found.items() if value}


def _counts(session: Session, system: System) -> Counts:
    figures: dict[str, dict[Values, float]] = {}
    for figure in _FIGURES:
        rows = session.execute(text(figure.statement)).all()
        size = len(figure.labels)
        figures[figure.gauge.name] = {tuple(map(str, row[:size])): float(row[size]) for row in rows if row[size]}
    with Redis.from_url(system.direct.redis_url) as redis:
        lengths = {(queue.value,): float(redis.llen(queue.value)) for queue in Queue}
    figures[families.QUEUE_MESSAGES.name] = {queue: length for queue, length in lengths.items() if length}
    moves = {(int(pid), str(stage)): int(count) for pid, stage, count in session.execute(_MOVES)}
    return Counts(figures, moves)


def _read_after(system: System, moment: float, give_up_at: float) -> list[Read]:
    """What Prometheus reads once the figures are newer than a moment."""
    while True:
        read = [_read(target) for target in Target.all_in(system.targets)]
        shown = _shown(families.FIGURES_AT.name, (), read)
        if shown.get((), 0) > moment or time.monotonic() > give_up_at:
            return read
        time.sleep(_LOOK_EVERY_SECONDS)


def _read(target: Target) -> Read:
    answer = httpx.get(f"http://{target.address}/metrics", timeout=_ANSWER_SECONDS, trust_env=False)
    samples = [
        Sample(sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(answer.raise_for_status().text)
        for sample in family.samples
    ]
    return Read(target.pid, samples)
