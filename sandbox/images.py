"""Fetches the input images of a task, as vendors do before they accept a task."""

import asyncio
from collections.abc import Sequence

import httpx

from sandbox.frames import UnreadableImage
from sandbox.media_store import MediaStore, SourceImage

_FETCH_SECONDS = 10


class ImageNotFetched(Exception):
    """An input image was not fetched. The text names the image and the reason."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"Failed to fetch the image {url}: {reason}")
        self.reason = reason


async def fetch_source(
    urls: Sequence[str], *, task_id: str, max_bytes: int, client: httpx.AsyncClient, media: MediaStore
) -> SourceImage | None:
    """Fetch every image and keep the first. None without URLs. Raises `ImageNotFetched`."""
    contents = [await fetch_content(client, url, max_bytes) for url in urls]
    if not contents:
        return None
    try:
        return await media.keep_source(f"source-{task_id}", contents[0])
    except UnreadableImage as error:
        raise ImageNotFetched(urls[0], "it is not an image") from error


async def fetch_content(client: httpx.AsyncClient, url: str, max_bytes: int) -> bytes:
    """The bytes at an input's URL. Raises `ImageNotFetched`."""
    try:
        async with asyncio.timeout(_FETCH_SECONDS), client.stream("GET", url, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ImageNotFetched(url, f"HTTP {answer.status_code}")
            content = bytearray()
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > max_bytes:
                    raise ImageNotFetched(url, f"it exceeds {max_bytes} bytes")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise ImageNotFetched(url, type(error).__name__) from error
    return bytes(content)
