"""Reelworks over HTTP, for a program that runs beside an agent."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

import httpx

from agents.service import Sight, path_of
from schemas.api import GenerationResource
from schemas.errors import NotFound, RequestError, Unavailable
from schemas.estimate_api import EstimateResource
from schemas.orders import GenerationRequest

_ATTEMPTS = 4
_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_OF_PROXIES = frozenset({502, 504})

# The server sends a comment every some seconds, so a longer silence is a lost connection.
_SILENCE_SECONDS = 60.0


class Refused(RequestError):
    """A refusal of the gateway, with its own words."""

    @classmethod
    def of(cls, response: httpx.Response) -> "Refused":
        """The refusal in a response."""
        try:
            document = response.json()
            detail = str(document["detail"])
        except (ValueError, KeyError, TypeError):
            document, detail = {}, f"the gateway answered with the status {response.status_code}"
        made = cls(detail)
        made.http_status, made.code = response.status_code, str(document.get("code", "bad_answer"))
        return made


class NotUnderstood(RequestError):
    """The gateway has answered, and the answer is no document that this command knows."""

    http_status = 502
    code = "bad_answer"
    title = "Answer not understood"


class RemoteReelworks:
    """The operations of one customer, by the HTTP API."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` has the address of the gateway and the API key."""
        self._http = http

    async def models(self) -> Sequence[Mapping[str, Any]]:
        """The models of `/v1/models`, as JSON."""
        answer = await self._send("GET", "/v1/models")
        with _understood("the models"):
            return cast("list[Mapping[str, Any]]", answer.json()["data"])

    async def estimate(self, request: GenerationRequest) -> EstimateResource:
        """The price of an order, and the models that could make the same."""
        answer = await self._send("POST", "/v1/estimate", json=_body(request))
        with _understood("the estimate: nothing was ordered"):
            return EstimateResource.model_validate_json(answer.content)

    async def order(self, request: GenerationRequest, idempotency_key: str | None) -> tuple[GenerationResource, bool]:
        """Order. A key makes it safe to send the order again after a lost answer."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = await self._send("POST", "/v1/generations", json=_body(request), headers=headers)
        with _understood("the order, which is accepted: do not order again"):
            return GenerationResource.model_validate_json(answer.content), "Idempotency-Replayed" not in answer.headers

    async def generation(self, generation_id: UUID) -> GenerationResource:
        """A generation as it is now."""
        answer = await self._send("GET", f"/v1/generations/{generation_id}")
        with _understood("the generation"):
            return GenerationResource.model_validate_json(answer.content)

    async def generations(self, cursor: str | None) -> tuple[Sequence[GenerationResource], str | None]:
        """One page of the customer's generations, newest first, and the cursor of the next page."""
        answer = await self._send("GET", "/v1/generations", params={"cursor": cursor} if cursor else {})
        with _understood("the generations"):
            page = answer.json()
            return [GenerationResource.model_validate(each) for each in page["data"]], page["next_cursor"]

    async def follow(self, generation_id: UUID) -> AsyncGenerator[Sight, None]:
        """What happens to a generation, from its beginning to its end, or to the end of the connection."""
        url = f"/v1/generations/{generation_id}/events"
        timeout = httpx.Timeout(30, read=_SILENCE_SECONDS)
        try:
            async with self._http.stream(
                "GET", url, headers={"Accept": "text/event-stream"}, timeout=timeout
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise Refused.of(answer)
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        yield Sight.of(line)
        except httpx.TransportError:
            return

    async def cancel(self, generation_id: UUID) -> GenerationResource:
        """Cancel a generation, or ask its provider to stop."""
        answer = await self._send("POST", f"/v1/generations/{generation_id}/cancel")
        with _understood("the wish to cancel, which is accepted"):
            return GenerationResource.model_validate_json(answer.content)

    async def file(self, generation_id: UUID, part: str) -> bytes:
        """The bytes of a stored file."""
        url = httpx.URL(path_of(generation_id, part)).copy_merge_params({"delivery": "stream"})
        return (await self._send("GET", str(url))).content

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request, and send it again while the gateway cannot answer. Every request here may be repeated."""
        for attempt in range(1, _ATTEMPTS + 1):
            is_last = attempt == _ATTEMPTS
            try:
                answer = await self._http.request(method, path, **more)
            except httpx.TransportError as error:
                if is_last:
                    where = f"the gateway at {self._http.base_url} does not answer ({type(error).__name__})"
                    raise Unavailable(f"{where}: check REELWORKS_URL") from error
                await asyncio.sleep(_PAUSE_SECONDS * attempt)
                continue
            pause = _pause(answer, attempt)
            if pause is None or is_last:
                break
            await asyncio.sleep(pause)
        if answer.is_error:
            raise (
                NotFound(Refused.of(answer).detail)
                if answer.status_code == httpx.codes.NOT_FOUND
                else Refused.of(answer)
            )
        return answer


def _pause(answer: httpx.Response, attempt: int) -> float | None:
    """The seconds until the request may be answered. None: this is the answer, or the wait would be long."""
    if answer.status_code in _OF_PROXIES:
        return _PAUSE_SECONDS * attempt
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() and float(asked) <= _LONGEST_PAUSE_SECONDS else None


def _body(request: GenerationRequest) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_unset=True)


@contextmanager
def _understood(answered: str) -> Generator[None]:
    """Tells an answer that cannot be read. Otherwise the error would speak of the arguments of the tool.

    Args:
        answered: the request that the gateway has answered.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError):
        reason = "the gateway and this command may be of different releases: its operator can tell"
        raise NotUnderstood(f"the gateway's answer was not understood, to {answered}; {reason}") from None
