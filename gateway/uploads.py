"""`/v1/uploads`: uploads images and videos, for use in orders."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from uuid import UUID

from anyio import current_time, fail_after, from_thread, to_thread
from fastapi import APIRouter, Request, Response

from gateway.authentication import TheCustomer
from gateway.dependencies import ServicesOf
from gateway.openapi import Responses, problems
from gateway.problems import BadRequest, ContentTooLarge, UnsupportedMediaType
from intake.uploads import keep
from schemas.api import UploadResource
from schemas.enums import Kind
from schemas.errors import InvalidRequest, NotFound, Unauthenticated
from schemas.inputs import upload_url
from schemas.media_types import HEAD_BYTES, TAKEN, MediaType, sniff
from schemas.settings import InputSettings
from schemas.tables import Upload
from storage import uploads

PATH = "/v1/uploads"

router = APIRouter(prefix=PATH, tags=["uploads"])

_LONGEST_SILENCE_SECONDS = 30
_LONGEST_SECONDS = 300

_BODY = {
    "requestBody": {
        "required": True,
        "description": "the bytes of the file; they decide its type, and `Content-Type` is ignored",
        "content": {media.content_type: {"schema": {"type": "string", "format": "binary"}} for media in TAKEN},
    }
}
_CREATED: Responses = {201: {"description": "Stored; uploading a file again extends the storage of the same upload"}}


class _Body:
    """The rest of a request body, read by a thread. Reading fails after `ends_at` (the event loop's clock)."""

    def __init__(
        self, head: bytes, chunks: AsyncIterator[bytes], media: MediaType, most: int, *, ends_at: float
    ) -> None:
        self._ends_at = ends_at
        self._buffer = bytearray(head)
        self._received = len(head)
        self._chunks = chunks
        self._media = media
        self._most = most

    def read(self, size: int = -1, /) -> bytes:
        """Read `size` bytes, or fewer at the end of the body. Negative: read all.

        Raises:
            ContentTooLarge: the body exceeds the limit.
            BadRequest: the body stalls.
            ClientDisconnect: the sender has disconnected.
        """
        while size < 0 or len(self._buffer) < size:
            chunk = from_thread.run(_next, self._chunks, self._ends_at)
            if not chunk:
                break
            self._received += len(chunk)
            if self._received > self._most:
                raise _too_large(self._media, self._most)
            self._buffer += chunk
        end = len(self._buffer) if size < 0 else size
        block = bytes(self._buffer[:end])
        del self._buffer[:end]
        return block


@router.post(
    "",
    status_code=201,
    summary="Upload an image or a video",
    openapi_extra=_BODY,
    responses=_CREATED | problems(BadRequest, Unauthenticated, ContentTooLarge, UnsupportedMediaType),
)
async def create_upload(
    request: Request, response: Response, services: ServicesOf, customer: TheCustomer
) -> UploadResource:
    """Stores the body as a file. Orders refer to the file by its `url`.

    The file is stored for some days, and as long as an order needs it.
    """
    chunks = aiter(request.stream())
    ends_at = current_time() + _LONGEST_SECONDS
    head = await _head(chunks, ends_at)
    media = _media_of(head)
    most = _most(media, services.settings.inputs)
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(media, most)
    store = partial(
        keep,
        services.database,
        services.objects,
        customer.id,
        _Body(head, chunks, media, most, ends_at=ends_at),
        media,
        keep_for=timedelta(days=services.settings.retention.upload_days),
    )
    upload = await to_thread.run_sync(store, limiter=services.upload_threads)
    response.headers["Location"] = f"{PATH}/{upload.id}"
    return _resource(upload)


@router.get("/{upload_id}", summary="See an upload", responses=problems(Unauthenticated, NotFound, InvalidRequest))
async def get_upload(upload_id: UUID, services: ServicesOf, customer: TheCustomer) -> UploadResource:
    """Returns the type and the size of an upload, and the time of its expiry."""
    found = await services.loop_database.statement(lambda statement: uploads.find(statement, customer.id, upload_id))
    if found is None:
        raise _not_found(upload_id)
    return _resource(found)


@router.delete(
    "/{upload_id}",
    status_code=204,
    summary="Delete an upload",
    responses=problems(Unauthenticated, NotFound, InvalidRequest),
)
def delete_upload(upload_id: UUID, services: ServicesOf, customer: TheCustomer) -> None:
    """Deletes the file at once. A generation that needs the file and has not reached a provider will fail."""
    if not uploads.delete(services.database, services.objects, customer.id, upload_id):
        raise _not_found(upload_id)


async def _next(chunks: AsyncIterator[bytes], ends_at: float) -> bytes:
    """The next bytes of a body; empty at the end."""
    left = ends_at - current_time()
    try:
        with fail_after(max(min(left, _LONGEST_SILENCE_SECONDS), 0)):
            async for chunk in chunks:
                if chunk:
                    return chunk
    except TimeoutError:
        if left < _LONGEST_SILENCE_SECONDS:
            raise BadRequest(f"the body did not come within {_LONGEST_SECONDS} s: send it again") from None
        raise BadRequest(f"nothing more of the body came for {_LONGEST_SILENCE_SECONDS} s: send it again") from None
    return b""


async def _head(chunks: AsyncIterator[bytes], ends_at: float) -> bytes:
    """The first chunks of a body, with at least the bytes that identify the file's type."""
    head = b""
    while len(head) < HEAD_BYTES and (chunk := await _next(chunks, ends_at)):
        head += chunk
    return head


def _media_of(head: bytes) -> MediaType:
    media = sniff(head)
    if media is None or media not in TAKEN:
        taken = ", ".join(each.content_type for each in TAKEN)
        if media is not None:
            raise UnsupportedMediaType(f"the body is {media.content_type}, and not one of {taken}: convert it")
        raise UnsupportedMediaType(f"the body is none of {taken}: send the file itself, as `curl --data-binary` does")
    return media


def _most(media: MediaType, limits: InputSettings) -> int:
    return limits.max_image_bytes if media.kind is Kind.IMAGE else limits.max_video_bytes


def _too_large(media: MediaType, most: int) -> ContentTooLarge:
    return ContentTooLarge(f"{'an' if media.kind is Kind.IMAGE else 'a'} {media.kind} may have up to {most} bytes")


def _not_found(upload_id: UUID) -> NotFound:
    return NotFound(f"you have no upload {upload_id}, or it has expired")


def _resource(upload: Upload) -> UploadResource:
    return UploadResource.model_validate({**upload.model_dump(), "url": upload_url(upload.id)})
