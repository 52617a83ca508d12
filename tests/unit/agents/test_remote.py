"""The operations over HTTP: which answers are final, and what a repeated order carries."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from agents.blocks import in_words
from agents.remote import RemoteReelworks
from schemas.api import GenerationResource
from schemas.errors import RequestError
from schemas.estimate_api import EstimateResource
from schemas.orders import GenerationRequest

ORDER = GenerationRequest(model="nano-banana", prompt="a boat")
GENERATION: Any = GenerationResource.model_json_schema()["examples"][0]
PROBLEM = {"code": "unavailable", "detail": "a service does not answer"}


def ordered(answers: Sequence[httpx.Response]) -> tuple[list[httpx.Request], Any]:
    """Order, with these answers; the requests, and the result or the error."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answers[len(seen) - 1]

    async def run() -> Any:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
            return await RemoteReelworks(http).order(ORDER, None)

    try:
        return seen, asyncio.run(run())
    except RequestError as error:
        return seen, error


def test_an_order_is_repeated_with_its_key_while_the_gateway_cannot_answer() -> None:
    later = httpx.Response(503, json=PROBLEM, headers={"Retry-After": "0"})
    seen, (found, is_new) = ordered([later, httpx.Response(202, json=GENERATION)])

    assert (str(found.id), is_new) == (GENERATION["id"], True)
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert len(seen) == 2


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3600"}])
def test_a_final_refusal_and_a_long_wait_are_told_at_once(headers: dict[str, str]) -> None:
    seen, error = ordered([httpx.Response(503, json=PROBLEM, headers=headers)])

    assert (len(seen), error.detail, error.code) == (1, PROBLEM["detail"], "unavailable")


def test_the_answer_of_an_older_gateway_is_read() -> None:
    newest = ("preview_of", "continuation_of", "continued_by")
    older = {name: value for name, value in GENERATION.items() if name not in newest}
    _, (found, is_new) = ordered([httpx.Response(202, json=older)])

    assert (str(found.id), is_new) == (GENERATION["id"], True)
    assert [getattr(found, name) for name in newest] == [None, None, None]
    cost: Any = EstimateResource.model_json_schema()["examples"][0]
    del cost["preview_of"]
    assert EstimateResource.model_validate(cost).preview_of is None


@pytest.mark.parametrize("body", [b"{}", b"<html>", b"[]"])
def test_an_answer_that_is_not_understood_blames_the_gateway(body: bytes) -> None:
    _, error = ordered([httpx.Response(202, content=body)])

    assert error.code == "bad_answer"
    assert "the gateway's answer was not understood" in in_words(error)
    assert "do not order again" in error.detail
    assert "arguments" not in in_words(error)
