"""The plain envelope of the Redis door: what it may hold, and the words that refuse the rest."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from intake.redis import envelopes
from intake.redis.replies import Reply
from intake.redis.request import Operation, RefusedRequest
from schemas.json_values import MOST_VALUES
from schemas.plain_messages import Unreadable

MESSAGE: dict[str, Any] = {
    "operation": "generation.get",
    "id": "look-1",
    "arguments": {"generation_id": "1"},
    "reply_to": {"list": "reelworks:answers:shop"},
}


def read(**changes: object) -> Any:
    return envelopes.read(json.dumps({**MESSAGE, **changes}).encode())


def refusal(**changes: object) -> RefusedRequest:
    with pytest.raises(RefusedRequest) as refused:
        read(**changes)
    return refused.value


def test_envelope_is_a_request_whose_answer_goes_to_the_named_list() -> None:
    request = read(expires="2026-11-29T12:00:00Z")

    assert (request.operation, request.id, request.arguments) == (Operation.GET, "look-1", {"generation_id": "1"})
    assert request.reply == Reply("list", "reelworks:answers:shop")
    assert request.expires == datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert not request.ignores_answer


def test_answer_is_kept_where_the_message_names_no_place() -> None:
    assert read(reply_to=None).reply == Reply("kept")


def test_arguments_may_be_a_text() -> None:
    assert read(arguments='{"generation_id": "2"}').arguments == {"generation_id": "2"}


def test_signed_arguments_stay_the_text_that_was_signed() -> None:
    signature = {"key": "rw_Ab3dE", "timestamp": 1, "hmac": "00"}
    request = read(arguments='{ "generation_id":"2" }', signature=signature)
    assert request.arguments == {"arguments": '{ "generation_id":"2" }', "signature": signature}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"operation": "generation.destroy"}, "takes generation.enqueue, batch.enqueue"),
        ({"operation": None}, "no task"),
        ({"arguments": 5}, "must be an object, or a text that holds one"),
        ({"arguments": "[]"}, "must be an object, or a text that holds one"),
        ({"arguments": "{"}, "must be an object, or a text that holds one"),
        ({"arguments": "[" * 100_000}, "commas and brackets"),
        ({"arguments": f"[{'0,' * MOST_VALUES}0]"}, "commas and brackets"),
        ({"reply_to": {"list": "submit"}}, "begins with reelworks:answers:"),
        ({"reply_to": {"list": "reelworks:answers:a", "stream": "reelworks:answers:b"}}, "reply_to must be"),
        ({"expires": "tomorrow"}, "ISO 8601"),
        ({"eta": "2026-11-29T12:00:00Z"}, "without eta"),
        ({"kwargs": {}}, "and not 'kwargs'"),
    ],
)
def test_refusal_names_what_would_be_right(changes: dict[str, object], words: str) -> None:
    refused = refusal(**changes)
    assert words in refused.error.detail
    assert refused.request_id == "look-1"


def test_refusal_quotes_no_arguments() -> None:
    assert "secret" not in refusal(arguments='["a secret prompt"]').error.detail


@pytest.mark.parametrize("key", [f"rw_{'aB3dE' * 8}xyz", f"sk-{'aB3dE' * 5}", f"whsec_{'aB3dE' * 5}"])
def test_refusal_quotes_no_key_in_the_place_of_a_field(key: str) -> None:
    detail = refusal(**{key: 1}).error.detail
    assert "aB3dE" not in detail
    assert "[…]" in detail


@pytest.mark.parametrize("request_id", [None, "", 7, "two words", "x" * 201])
def test_message_without_an_id_is_unreadable(request_id: object) -> None:
    with pytest.raises(Unreadable, match="needs an id of its own"):
        read(id=request_id)
