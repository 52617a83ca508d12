"""The metrics after a run beside the database's own counts: each difference is found."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from drills.chaos.checks import figures
from drills.chaos.checks.figures import Counts, Moves, Read, Sample

WORKER, NOTIFY, KILLED = 11, 12, 13

COUNTS = Counts(
    {
        **{figure.gauge.name: {} for figure in figures._FIGURES},
        "reelworks_ended_hour": {("completed", "nano-banana", "kie"): 5, ("failed", "nano-banana", "kie"): 1},
        "reelworks_queue_messages": {("poll",): 2},
    },
    {(WORKER, "queued"): 4, (WORKER, "generating"): 3, (KILLED, "queued"): 2},
)


def ended(cause: str, status: str, value: float) -> Sample:
    labels = {"status": status, "cause": cause, "model": "nano-banana", "provider": "kie"}
    return Sample("reelworks_ended_hour", labels, value)


def moved(stage: str, count: float) -> Sample:
    return Sample("reelworks_stage_seconds_count", {"stage": stage}, count)


def queue(name: str, length: float) -> Sample:
    return Sample("reelworks_queue_messages", {"queue": name}, length)


SHOWN = [
    ended("none", "completed", 5),
    ended("provider_fault", "failed", 1),
    Sample("reelworks_holds", {}, 0),
    queue("poll", 2),
    queue("submit", 0),
]
READ = [Read(WORKER, [moved("queued", 4), moved("generating", 3), moved("storing", 0)]), Read(NOTIFY, SHOWN)]


def found(shown: list[Sample]) -> dict[str, str]:
    read = [READ[0], Read(NOTIFY, shown)]
    return {breach.subject: breach.problem for breach in figures.differing(COUNTS, read)}


def test_figures_that_are_those_of_the_database_break_no_rule() -> None:
    assert found(SHOWN) == {}


@pytest.mark.parametrize(
    ("shown", "name", "problem"),
    [
        ([*SHOWN[1:], ended("none", "completed", 4)], "ended_hour", "shows 4, and the database counts 5"),
        (SHOWN[1:], "ended_hour", "shows 0, and the database counts 5"),
        ([*SHOWN, ended("timed_out", "failed", 1)], "ended_hour", "shows 2, and the database counts 1"),
        ([*SHOWN, Sample("reelworks_holds", {}, 1)], "holds", "shows 1, and the database counts 0"),
        ([*SHOWN, Sample("reelworks_ledger_sum_credits", {}, -4)], "ledger_sum_credits", "shows -4"),
        ([*SHOWN, queue("download", 1)], "queue_messages", "Redis has {('poll',): 2}"),
    ],
)
def test_a_figure_that_differs_from_the_database_is_a_breach(shown: list[Sample], name: str, problem: str) -> None:
    assert problem in found(shown)[f"reelworks_{name}"]


def test_a_figure_that_two_processes_show_is_a_breach() -> None:
    (breach,) = figures.differing(COUNTS, [*READ, Read(WORKER, [Sample("reelworks_holds", {}, 0)])])

    assert breach.subject == "reelworks_holds"
    assert str([WORKER, NOTIFY]) in breach.problem


def test_a_killed_process_takes_its_counts_along() -> None:
    moves = figures.moves_of(COUNTS, READ)

    assert moves == Moves(in_database=9, by_the_killed=2, not_counted=0)
    assert [*figures.wrong_counts(COUNTS, READ, moves, most_lost=0)] == []


@pytest.mark.parametrize(
    ("change", "most_lost", "problem"),
    [
        ({(WORKER, "queued"): 3}, 0, "counts 4 moves from queued, and made 3"),
        ({(WORKER, "queued"): 7}, 2, "miss 3 moves of living processes; faults can explain 2 of them"),
        ({(WORKER, "queued"): 6}, 2, None),
        ({(WORKER, "downloading"): 1}, 0, "miss 1 moves"),
    ],
)
def test_a_counter_that_differs_from_the_timelines_is_a_breach(
    change: Mapping[tuple[int, str], int], most_lost: int, problem: str | None
) -> None:
    counts = replace(COUNTS, moves={**COUNTS.moves, **change})
    moves = figures.moves_of(counts, READ)

    problems = [breach.problem for breach in figures.wrong_counts(counts, READ, moves, most_lost=most_lost)]

    assert len(problems) == (problem is not None)
    assert problem is None or problem in problems[0]
