"""Requests with their retries, waits and streams."""

import math
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from reelworks_client._io import IO, Opened, Pauses, Request
from reelworks_client._sse import Messages
from reelworks_client.errors import ApiError, ConnectionFailed, WaitTimeout, error_of
from reelworks_client.models import Batch, Event, Generation
from reelworks_client.progress import Progress

LONGEST_WAIT: Final = 60
"""Seconds that the gateway holds a request open at most."""

SILENCE: Final = 60.0
"""Seconds without a byte after which a stream is dead. A heartbeat comes every 15."""

POLL: Final = 2.0
"""Seconds between two reads, where the gateway does not wait."""

_STEADY: Final = 10.0
"""Seconds after which a connection counts as good, also without an event."""

_MOMENT: Final = 0.1
"""A read needs a timeout above 0."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0

_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Link:
    """The way to the gateway."""

    io: IO
    """Sends and waits."""
    timeout: float
    """Seconds without a byte after which a connection counts as lost."""
    retry_for: float
    """Seconds for which a request is repeated, from its first trouble on."""

    def retries(self) -> "Retries":
        """The pauses of a request."""
        return Retries(self.io, self.retry_for)


class Deadline:
    """The end of a caller's patience."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._at = math.inf if seconds is None else time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(self._at - time.monotonic(), 0.0)


class Retries:
    """The pauses between the tries of a request."""

    def __init__(self, io: Pauses, seconds: float) -> None:
        self._io = io
        self._seconds = seconds
        self._tries = 0
        self._ends: Deadline | None = None

    async def pause_after(self, trouble: ApiError | ConnectionFailed) -> None:
        """Wait before the next try. Raises the trouble if it is final, or has lasted too long."""
        if not trouble.is_transient:
            raise trouble
        self._ends = self._ends or Deadline(self._seconds)
        usual = min(_FIRST_PAUSE * 2**self._tries, _LONGEST_PAUSE)
        pause = max(trouble.retry_after or 0.0, usual * random.uniform(0.5, 1))  # noqa: S311
        if pause > self._ends.remaining:
            raise trouble
        self._tries += 1
        await self._io.pause(pause)


async def send(link: Link, request: Request) -> httpx.Response:
    """The response to a request, after as many tries as needed. Raises `ApiError` or `ConnectionFailed`."""
    retries = link.retries()
    while True:
        trouble: ApiError | ConnectionFailed
        try:
            response = await link.io.send(request)
        except httpx.TransportError as error:
            trouble = ConnectionFailed(f"{type(error).__name__} at {request.method} {request.path}: {error}")
            may_repeat = request.is_repeatable or isinstance(error, _NEVER_SENT)
        else:
            if response.is_success:
                return response
            trouble, may_repeat = error_of(response, response.content), request.is_repeatable
        if not may_repeat:
            raise trouble
        await retries.pause_after(trouble)


@asynccontextmanager
async def opened(link: Link, request: Request) -> AsyncIterator[Opened]:
    """A response whose body is still to be read. Raises `ApiError` or `httpx.TransportError`."""
    async with link.io.open(request) as answer:
        if not answer.response.is_success:
            raise error_of(answer.response, b"".join([piece async for piece in answer.pieces]))
        yield answer


async def wait(link: Link, generation_id: str, deadline: Deadline, progress: Progress | None) -> Generation:
    """The generation after its end. Raises `WaitTimeout`."""
    path = f"/v1/generations/{generation_id}"
    if progress is not None:
        async with aclosing(follow(link, f"{path}/events", deadline=deadline)) as events:
            async for event in events:
                progress(event)
    while True:
        seconds = int(min(deadline.remaining, LONGEST_WAIT))
        waiting = {"Prefer": f"wait={seconds}"} if seconds else {}
        response = await send(link, Request("GET", path, headers=waiting, read_timeout=link.timeout + seconds))
        generation = Generation.model_validate_json(response.content)
        if generation.has_ended:
            return generation
        if not deadline.remaining:
            raise WaitTimeout(generation_id, deadline.seconds)
        if "Preference-Applied" not in response.headers:
            await link.io.pause(min(POLL, deadline.remaining))


async def wait_for_batch(link: Link, batch_id: str, deadline: Deadline) -> Batch:
    """The batch after the end of its last generation. Raises `WaitTimeout`."""
    while True:
        response = await send(link, Request("GET", f"/v1/batches/{batch_id}"))
        batch = Batch.model_validate_json(response.content)
        if batch.has_ended:
            return batch
        if not deadline.remaining:
            raise WaitTimeout(batch_id, deadline.seconds)
        await link.io.pause(min(POLL, deadline.remaining))


async def follow(
    link: Link, path: str, *, after: str | None = None, deadline: Deadline | None = None, is_endless: bool = False
) -> AsyncGenerator[Event, None]:
    """The events of a stream. After a lost connection, the stream resumes with the next event.

    Args:
        path: the stream.
        after: the id of the last known event.
        deadline: the end of the iteration, whether or not the generation has ended.
        is_endless: whether the stream goes on after the end of a generation.
    """
    deadline = deadline or Deadline(None)
    retries = link.retries()
    messages = Messages(after or "")
    while deadline.remaining:
        # A message that was cut comes again, whole.
        messages = Messages(messages.last_id)
        before, steady = messages.last_id, Deadline(_STEADY)
        trouble: ApiError | ConnectionFailed = ConnectionFailed(f"the stream {path} ended")
        try:
            async with aclosing(_connection(link, path, messages, deadline)) as events:
                async for event in events:
                    yield event
                    if event.type == "end" and not is_endless:
                        return
        except _NothingFollows:
            return
        except httpx.TransportError as error:
            trouble = ConnectionFailed(f"{type(error).__name__} in the stream {path}: {error}")
        except ApiError as error:
            trouble = error
        if messages.last_id != before or not steady.remaining:
            retries = link.retries()
        trouble.retry_after = trouble.retry_after or messages.retry_seconds
        if deadline.remaining:
            await retries.pause_after(trouble)


async def _connection(link: Link, path: str, messages: Messages, deadline: Deadline) -> AsyncGenerator[Event, None]:
    """The events of one connection."""
    resumes = {"Last-Event-ID": messages.last_id} if messages.last_id else {}
    headers = {"Accept": "text/event-stream", **resumes}
    silence = min(SILENCE, deadline.remaining + _MOMENT)
    async with opened(link, Request("GET", path, headers=headers, read_timeout=silence)) as answer:
        if answer.response.status_code == httpx.codes.NO_CONTENT:
            raise _NothingFollows
        async for piece in answer.pieces:
            for data in messages.feed(piece):
                yield Event.model_validate_json(data)
            if not deadline.remaining:
                return


class _NothingFollows(Exception):
    """The generation ended before the first event that the client does not know."""
