"""The pictures and videos of a create: links, `data:` URIs, and uploads.

Source: https://docs.dev.runwayml.com/assets/inputs. Runway requires HTTPS and a host name in links; the sandbox does
not.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import httpx
from pydantic import AfterValidator

from sandbox.frames import UnreadableImage
from sandbox.images import ImageNotFetched, fetch_content
from sandbox.media_store import MediaStore, SourceImage
from sandbox.validation import check_http_url
from sandbox.vendors.runway.uploads import SCHEME, Uploads
from sandbox.videos import SourceVideo, VideoNotFetched, measure_video

_LONGEST_LINK = 2048
_DATA_URI_BYTES = 5 * 1024**2
_DATA_URI = re.compile(r"data:(?P<type>[a-z]+/[a-z0-9.+-]+);base64,(?P<content>[A-Za-z0-9+/]+={0,2})")
_IMAGES: Final = frozenset({"image/jpeg", "image/jpg", "image/png", "image/webp"})
_VIDEOS: Final = frozenset({"video/mp4", "video/quicktime", "video/webm"})
_MOST_BYTES: Final[Mapping[frozenset[str], int]] = {_IMAGES: 16 * 1024**2, _VIDEOS: 32 * 1024**2}


def _check(uri: str) -> str:
    if uri.startswith("data:"):
        if len(uri) >= _DATA_URI_BYTES:
            raise ValueError("a data URI should be shorter than 5 MB")
        if _DATA_URI.fullmatch(uri) is None:
            raise ValueError("should be a data URI with a content type, in base64")
        return uri
    if uri.startswith(SCHEME):
        return uri
    if len(uri) > _LONGEST_LINK:
        raise ValueError(f"should have at most {_LONGEST_LINK} characters")
    return check_http_url(uri)


InputUri = Annotated[str, AfterValidator(_check)]


@dataclass(frozen=True)
class Inputs:
    """Fetches the input files of creates."""

    uploads: Uploads
    """The uploaded files."""
    client: httpx.AsyncClient
    """Fetches links."""
    media: MediaStore
    """Stores pictures."""

    async def images(self, uris: tuple[str, ...], task_id: str) -> SourceImage | None:
        """Fetch every picture and keep the first; None without one. Raises `ImageNotFetched`."""
        contents = [await self._content(uri, _IMAGES) for uri in uris]
        if not contents:
            return None
        try:
            return await self.media.keep_source(f"source-{task_id}", contents[0])
        except UnreadableImage as error:
            raise ImageNotFetched(_shown(uris[0]), "it is not an image") from error

    async def video(self, uri: str) -> SourceVideo:
        """Fetch a video and measure it. Raises `VideoNotFetched`."""
        try:
            content = await self._content(uri, _VIDEOS)
        except ImageNotFetched as error:
            raise VideoNotFetched(_shown(uri), error.reason) from error
        return await measure_video(_shown(uri), content)

    async def _content(self, uri: str, types: frozenset[str]) -> bytes:
        data = _DATA_URI.fullmatch(uri)
        if data is not None:
            _require_type(uri, data["type"], types)
            return base64.b64decode(data["content"])
        if not uri.startswith(SCHEME):
            await self._ask_for_head(uri, types)
            return await fetch_content(self.client, uri, _MOST_BYTES[types])
        content = self.uploads.content(uri)
        if content is None:
            raise ImageNotFetched(uri, "nothing was uploaded")
        return content

    async def _ask_for_head(self, url: str, types: frozenset[str]) -> None:
        """Check a link with a HEAD request, as Runway does before it fetches. Redirects are not followed."""
        try:
            answer = await self.client.head(url, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ImageNotFetched(url, type(error).__name__) from error
        if answer.status_code != httpx.codes.OK:
            raise ImageNotFetched(url, f"HTTP {answer.status_code} to a HEAD request")
        if "Content-Length" not in answer.headers:
            raise ImageNotFetched(url, "it has no Content-Length")
        _require_type(url, answer.headers.get("Content-Type", ""), types)


def _require_type(uri: str, content_type: str, types: frozenset[str]) -> None:
    if content_type not in types:
        raise ImageNotFetched(_shown(uri), f"the content type {content_type!r} is none of {', '.join(sorted(types))}")


def _shown(uri: str) -> str:
    return "of a data URI" if uri.startswith("data:") else uri
