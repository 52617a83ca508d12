"""Measures the input videos of a task, as vendors do before they accept a task."""

import asyncio
from dataclasses import dataclass
from io import BytesIO

import av
import httpx

from sandbox.images import ImageNotFetched, fetch_content


@dataclass(frozen=True)
class SourceVideo:
    """The measures of an input video. The video itself is not kept: the result does not show it."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    seconds: float
    """The length."""


class VideoNotFetched(Exception):
    """An input video was not fetched. The text names the video and the reason."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"Failed to fetch the video {url}: {reason}")


async def look_at_video(url: str, *, max_bytes: int, client: httpx.AsyncClient) -> SourceVideo:
    """Fetch a video and measure it. Raises `VideoNotFetched`."""
    try:
        content = await fetch_content(client, url, max_bytes)
    except ImageNotFetched as error:
        raise VideoNotFetched(url, error.reason) from error
    return await measure_video(url, content)


async def measure_video(url: str, content: bytes) -> SourceVideo:
    """Measure the content. Raises `VideoNotFetched` if the content is not a video."""
    try:
        return await asyncio.to_thread(_measure, content)
    except (av.error.FFmpegError, IndexError) as error:
        raise VideoNotFetched(url, "it is not a video") from error


def _measure(content: bytes) -> SourceVideo:
    with av.open(BytesIO(content), mode="r", format="mp4") as container:
        stream = container.streams.video[0]
        return SourceVideo(stream.width, stream.height, (container.duration or 0) / av.time_base)
