"""A worker sees only commands that it can carry out, and writes answers only where answers belong."""

import base64
import json
from typing import Any

import pytest

from drills.hostile.messages import command, message
from schemas.json_values import MOST_VALUES
from schemas.plain_messages import Unreadable
from workers.broadcasts import checked_command, checked_report


def read(whole: object) -> tuple[Any, Any]:
    """The headers and the body of a command, as a worker sees them."""
    found: Any = checked_command(json.dumps(whole).encode())
    return found["headers"], json.loads(base64.b64decode(found["body"]))


def test_a_command_keeps_its_parts() -> None:
    sent = command(arguments={"a": 1}, destination=["control@host"], pattern="control@*", matcher="glob")
    headers = {**message()["headers"], "clock": 7, "eta": "2099-01-01T00:00:00"}
    assert read(message({**sent, "unknown": 1}, headers=headers)) == ({"clock": 7}, sent)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": None},
        {"method": "a\nb"},
        {"arguments": [1]},
        {"destination": "control@host"},
        {"destination": [5]},
        {"pattern": 5},
        {"pattern": "a+", "matcher": "pcre"},
        {"matcher": ["glob"]},
        {"ticket": "a" * 201},
        {"reply_to": "a queue"},
        {"reply_to": {"exchange": "", "routing_key": "requests"}},
        {"reply_to": {"exchange": "reply.celery.pidbox"}},
    ],
    ids=str,
)
def test_a_wrong_command_is_discarded(changes: dict[str, object]) -> None:
    with pytest.raises(Unreadable, match="no command of remote control"):
        read(message(command(**changes)))


def test_a_command_with_too_many_values_is_discarded_before_it_is_parsed() -> None:
    with pytest.raises(Unreadable, match="too large"):
        read(message(command(arguments={"ids": [1] * MOST_VALUES})))


@pytest.mark.parametrize("clock", [None, "1", True, -1, 10**30, 1.5])
def test_a_wrong_clock_counts_as_none(clock: object) -> None:
    headers, _ = read(message(command(), headers={"clock": clock}))
    assert headers == {"clock": 0}


def test_an_answer_keeps_its_ticket_and_its_many_values() -> None:
    answer = {"control@host": {"ok": [1] * 2 * MOST_VALUES}}
    found: Any = checked_report(json.dumps(message(answer, headers={"ticket": "t", "clock": 3})).encode())
    assert found["headers"] == {"ticket": "t", "clock": 3}
    assert json.loads(base64.b64decode(found["body"])) == answer
