"""The operations over HTTP: which answers are final, and what a repeated order carries."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from agents.remote import Refused, RemoteReelworks
from schemas.api import GenerationResource
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
    except Refused as error:
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
