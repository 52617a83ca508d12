"""The stages of a generation in Flower, which gathers the events of several processes in any order."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from celery.events.state import State

from schemas.enums import Stage
from storage.claims import Claim
from tasks.shown import Shown
from tests.unit.tasks.conftest import Vendor, a_claim, services_with

Event = dict[str, Any]


def events_of(*moves: tuple[Claim, Claim], breaks_at: Claim | None = None) -> list[Event]:
    """What one worker tells that takes a generation from claim to claim."""
    told: list[Event] = []
    services = replace(
        services_with(Vendor()),
        tell=lambda kind, **fields: told.append({"type": kind, "hostname": "a worker", "timestamp": 1.0, **fields}),
    )
    shown = Shown(services, moves[0][0])
    for before, after in moves:
        shown.begins(before)
        shown.ends(before, after)
    if breaks_at is not None:
        shown.begins(breaks_at)
        shown.breaks(ValueError("of the test"))
    return told


def in_any_order(events: list[Event]) -> list[list[Any]]:
    """Flower's tasks after each event of each order of these events."""
    seen: list[list[Any]] = []
    for order in permutations(events):
        for count in range(1, len(order) + 1):
            state: Any = State()
            for clock, event in enumerate(order[:count]):
                state.event({"clock": clock, "pid": 1, "utcoffset": 0, "local_received": 1.0, **event})
            seen.append(list(state.tasks.values()))
    return seen


SUBMITTING, GENERATING = a_claim(Stage.SUBMITTING), a_claim(Stage.GENERATING)
DOWNLOADING, STORING, FAILED = (a_claim(stage) for stage in (Stage.DOWNLOADING, Stage.STORING, Stage.FAILED))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (events_of((SUBMITTING, GENERATING)) + events_of((GENERATING, FAILED)), {"generation.wait"}),
        (
            events_of((GENERATING, DOWNLOADING), (DOWNLOADING, STORING)),
            {"generation.wait", "generation.download"},
        ),
        (events_of((DOWNLOADING, STORING), breaks_at=STORING), {"generation.store"}),
    ],
)
def test_a_stage_has_its_name_and_generation_whichever_event_flower_gets_first(
    events: list[Event], expected: set[str]
) -> None:
    assert events
    for tasks in in_any_order(events):
        assert {task.name for task in tasks} <= expected
        assert all(str(SUBMITTING.id) in task.args and "free" in task.kwargs for task in tasks)
    assert {task.name for task in tasks} == expected
