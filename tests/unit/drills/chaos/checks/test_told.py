from dataclasses import replace
from uuid import UUID

import pytest

from drills.chaos.checks import told
from drills.chaos.checks.told import Move
from drills.chaos.listeners.consumer import Heard
from drills.chaos.listeners.receiver import Receipt
from schemas.event_types import EventType

CUSTOMER, OTHER = UUID(int=1), UUID(int=2)
ONE, TWO = UUID(int=11), UUID(int=12)

COMMITTED = [
    Move(1, ONE, CUSTOMER, EventType.ACCEPTED),
    Move(2, TWO, CUSTOMER, EventType.ACCEPTED),
    Move(3, ONE, CUSTOMER, EventType.STARTED),
    Move(5, ONE, CUSTOMER, EventType.COMPLETED),
]
HEARD = [Heard(move.event_id, move.type, str(move.generation_id)) for move in COMMITTED]
RECEIPT = Receipt("/one", "message", 5, EventType.COMPLETED, str(ONE))


def paths_of(move: Move) -> list[str]:
    return {CUSTOMER: ["/one"], OTHER: ["/other"]}[move.customer_id]


def test_a_complete_stream_in_order_breaks_no_rule() -> None:
    assert told.on_the_stream(COMMITTED, HEARD) == []
    # Events of two generations may overtake each other.
    assert told.on_the_stream(COMMITTED, [HEARD[1], HEARD[0], *HEARD[2:]]) == []


@pytest.mark.parametrize(
    ("heard", "problem"),
    [
        (HEARD[:-1], "generation.completed (event 5) was not on the stream"),
        ([HEARD[0], HEARD[1], HEARD[3], HEARD[2]], "the stream told of event 3 after a later one"),
        ([*HEARD, Heard(4, EventType.STARTED, str(ONE))], "the stream told of generation.started 4"),
        ([*HEARD[:3], replace(HEARD[3], type=EventType.FAILED)], "the stream told of generation.failed 5"),
        ([*HEARD[:3], replace(HEARD[3], generation_id=str(TWO))], "the stream told of generation.completed 5"),
    ],
)
def test_an_event_that_is_missing_late_or_wrong_on_the_stream_is_a_breach(heard: list[Heard], problem: str) -> None:
    assert any(problem in breach.problem for breach in told.on_the_stream(COMMITTED, heard))


def test_each_end_that_came_to_each_endpoint_of_its_customer_breaks_no_rule() -> None:
    assert told.by_webhook(COMMITTED, [RECEIPT, RECEIPT], paths_of) == []
    assert told.repeated([RECEIPT, RECEIPT, RECEIPT, replace(RECEIPT, message_id="another")]) == 2


@pytest.mark.parametrize(
    ("receipts", "problem"),
    [
        ([], "generation.completed (event 5) did not come to /one"),
        ([RECEIPT, replace(RECEIPT, path="/other")], "/other heard of generation.completed 5, which is not committed"),
        ([RECEIPT, replace(RECEIPT, event_id=4)], "/one heard of generation.completed 4, which is not committed"),
    ],
)
def test_an_end_that_did_not_come_or_came_to_another_customer_is_a_breach(
    receipts: list[Receipt], problem: str
) -> None:
    assert any(problem in breach.problem for breach in told.by_webhook(COMMITTED, receipts, paths_of))
