"""Serves results, with byte ranges and the download faults of a scenario."""

import gzip
import time
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from sandbox.connection import hang_up
from sandbox.lifetime import Lifetime, Stopping
from sandbox.media import MEDIA_TYPES
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox

# A slow body is sent in pieces, this many in a second.
_PIECES_PER_SECOND = 20

_BODIES = {
    "html": "<!DOCTYPE html><title>Sandbox</title><p>This is not the media that its name promises.</p>",
    "json": '{"status": "processing"}',
    "empty": "",
}

router = APIRouter(tags=["results"])


@router.head("/files/{name}", include_in_schema=False)
@router.get("/files/{name}", response_class=FileResponse)
async def read_file(name: str, request: Request, sandbox: CurrentSandbox, expires: int | None = None) -> Response:
    """The result of a task. `expires` is the Unix second after which the link answers 403."""
    task, path = sandbox.engine.task_of_file(name), sandbox.media.path(name)
    if task is None or path is None or name not in task.results:
        raise HTTPException(404, f"there is no result {name}: it was never made, or it was deleted")
    if expires is not None and expires < time.time():
        raise HTTPException(403, "this link has expired")
    media_type = MEDIA_TYPES[task.spec.format]
    if request.method == "HEAD":
        return FileResponse(path, media_type=media_type)
    task.downloads += 1
    scenario = task.scenario
    refusals = 0 if scenario.download_status is None else scenario.download_status_times
    if scenario.download_status is not None and task.downloads <= refusals:
        return Response("the sandbox refuses this download", scenario.download_status, media_type="text/plain")
    number = task.downloads - refusals
    if scenario.download_body != "normal" and number <= (scenario.download_body_times or number):
        return _other_body(scenario, path, media_type)
    if scenario.download_encoding == "gzip":
        return Response(gzip.compress(path.read_bytes()), media_type=media_type, headers={"Content-Encoding": "gzip"})
    return _Download(path, media_type=media_type, scenario=scenario, number=number, lifetime=sandbox.lifetime)


def _other_body(scenario: Scenario, path: Path, media_type: str) -> Response:
    """Something else than the file, with the file's type."""
    if scenario.download_body == "half":
        content = path.read_bytes()
        # Without a Content-Length, the cut does not show.
        return StreamingResponse(iter([content[: len(content) // 2]]), media_type=media_type)
    return Response(_BODIES[scenario.download_body], media_type=media_type)


class _Download(FileResponse):
    """One download of a result: complete, cut, or slow."""

    # Each chunk costs a hop to a thread. With Starlette's 64 KiB a gigabyte takes five times as long.
    chunk_size = 1024 * 1024

    def __init__(self, path: Path, *, media_type: str, scenario: Scenario, number: int, lifetime: Lifetime) -> None:
        super().__init__(path, media_type=media_type)
        self._lifetime = lifetime
        self._bytes_per_second = scenario.bytes_per_second
        self._bytes_left = scenario.cut_after_bytes if number <= scenario.cut_times else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def misbehaving_send(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
            else:
                await self._send_slowly(self._cut(message), send)

        try:
            await super().__call__(scope, receive, misbehaving_send)
        except* Stopping:
            await hang_up(scope, receive)
        if self._bytes_left == 0:
            await hang_up(scope, receive)

    def _cut(self, message: Message) -> Message:
        if self._bytes_left is None:
            return message
        body: bytes = message["body"][: self._bytes_left]
        self._bytes_left -= len(body)
        # The server refuses to end a body before its announced length, so a cut body never ends.
        return {**message, "body": body, "more_body": self._bytes_left == 0 or message["more_body"]}

    async def _send_slowly(self, message: Message, send: Send) -> None:
        if self._bytes_per_second is None:
            await send(message)
            return
        body: bytes = message["body"]
        size = max(1, self._bytes_per_second // _PIECES_PER_SECOND)
        for start in range(0, len(body), size):
            await self._lifetime.pause(size / self._bytes_per_second)
            await send({**message, "body": body[start : start + size], "more_body": True})
        await send({**message, "body": b""})
