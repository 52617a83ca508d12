"""Streams a file of the object store: the whole file, a range, or only the headers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from fastapi.responses import Response, StreamingResponse
from minio.error import MinioException

from gateway.conditions import Conditions, allows_range, http_date, is_known
from gateway.openapi import Responses
from gateway.ranges import ByteRange, parse_range
from storage.objects import ObjectStore


class ObjectMissing(Exception):
    """The object store does not have the file."""


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file to stream."""

    key: str
    """The object's key."""
    content_type: str
    """The content type: "image/png"."""
    size_bytes: int
    """The size."""
    name: str
    """The file name that browsers use to save the file."""
    tag: str
    """The value of the ETag, which is unique to the content."""
    modified_at: datetime | None = None
    """The time when the file was stored. None: unknown."""
    is_attachment: bool = False
    """Whether a browser saves the file instead of showing it."""
    cache_control: str = "private, no-cache"
    """The value of `Cache-Control`."""

    @property
    def disposition(self) -> str:
        """The value of `Content-Disposition` (RFC 6266)."""
        return disposition(self.name, is_attachment=self.is_attachment)


_FILE: dict[str, object] = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
STREAMED: Responses = {
    200: {"description": "The whole file", **_FILE},
    206: {"description": "The range that was asked for", **_FILE},
    304: {"description": "The client has the file: `If-None-Match` or `If-Modified-Since` says so"},
}
"""The `responses` of a route that streams."""


def disposition(name: str, *, is_attachment: bool) -> str:
    """The value of `Content-Disposition` for one of our names, which are ASCII without quotes."""
    return f'{"attachment" if is_attachment else "inline"}; filename="{name}"'


def stream(objects: ObjectStore, file: StoredFile, conditions: Conditions, *, is_head: bool) -> Response:
    """The response to a request for a file.

    Raises:
        ObjectMissing: the object store does not have the file.
        RangeNotSatisfiable: the range begins after the end of the file.
    """
    etag = f'"{file.tag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": file.cache_control,
        "Content-Disposition": file.disposition,
        "X-Content-Type-Options": "nosniff",
    }
    if file.modified_at is not None:
        headers["Last-Modified"] = http_date(file.modified_at)
    if is_known(conditions, etag, file.modified_at):
        return Response(status_code=304, headers=headers)
    # Only GET supports ranges. If If-Range names another version, the client needs the whole file.
    is_part = not is_head and allows_range(conditions, etag, file.modified_at)
    part = parse_range(conditions.range, file.size_bytes) if is_part else None
    if part is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{file.size_bytes}"
    headers["Content-Length"] = str(part.length if part else file.size_bytes)
    if is_head:
        return Response(None, 200, headers, file.content_type)
    return StreamingResponse(_body(objects, file.key, part), 206 if part else 200, headers, file.content_type)


def read_whole(objects: ObjectStore, key: str) -> bytes:
    """The bytes of a small file.

    Raises:
        ObjectMissing: the object store does not have the file.
    """
    return b"".join(_body(objects, key, None))


def _body(objects: ObjectStore, key: str, part: ByteRange | None) -> Iterator[bytes]:
    chunks = _chunks(objects, key, part)
    # Read the first chunk before sending the status. If the object store does not answer, the status is then 503.
    try:
        return chain([next(chunks, b"")], chunks)
    except MinioException:
        # Ask again with `stat`, because object stores report a missing object in different ways.
        if objects.stat(key) is not None:
            raise
    raise ObjectMissing(key)


def _chunks(objects: ObjectStore, key: str, part: ByteRange | None) -> Iterator[bytes]:
    offset, length = (part.first, part.length) if part else (0, 0)
    with objects.stream(key, offset=offset, length=length) as chunks:
        yield from chunks
