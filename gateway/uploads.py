"""`/v1/uploads`: uploads images and videos, for use in orders."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import UUID

import structlog
from anyio import to_thread
from fastapi import Request, Response

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import Responses, problems
from gateway.problems import ContentTooLarge, UnsupportedMediaType
from intake.uploads import keep
from schemas.api import UploadResource
from schemas.enums import Kind
from schemas.errors import NotFound, StorageQuotaExceeded, TooManyRequests, Unauthenticated, Unavailable
from schemas.inputs import upload_url
from schemas.media_types import HEAD_BYTES, TAKEN, MediaType, sniff
from schemas.setting_groups import InputSettings
from schemas.shares import NoPlace, Shares
from schemas.tables import Upload
from storage import uploads

log = structlog.get_logger()

PATH = "/v1/uploads"

router = customers_router(PATH, "uploads")

_BODY = {
    "requestBody": {
        "required": True,
        "description": "the bytes of the file; they decide its type, and `Content-Type` is ignored",
        "content": {media.content_type: {"schema": {"type": "string", "format": "binary"}} for media in TAKEN},
    }
}
_CREATED: Responses = {201: {"description": "Stored; uploading a file again extends the storage of the same upload"}}


@router.post(
    "",
    status_code=201,
    summary="Upload an image or a video",
    openapi_extra=_BODY,
    responses=_CREATED
    | problems(Unauthenticated, StorageQuotaExceeded, ContentTooLarge, UnsupportedMediaType, TooManyRequests),
)
async def create_upload(
    request: Request, response: Response, services: ServicesOf, customer: TheCustomer
) -> UploadResource:
    """Stores the body as a file. Orders refer to the file by its `url`.

    The file is stored for some days, and as long as an order needs it.
    """
    with upload_place(services.upload_shares, customer.id), TemporaryFile() as file:
        media = await _receive(request, file, services.settings.inputs)
        store = partial(
            keep,
            services.database,
            services.objects,
            customer.id,
            file,
            media,
            services.settings.inputs,
            keep_for=timedelta(days=services.settings.retention.upload_days),
        )
        upload = await to_thread.run_sync(store, limiter=services.upload_threads)
    response.headers["Location"] = f"{PATH}/{upload.id}"
    return _resource(upload)


@router.get("/{upload_id}", summary="See an upload", responses=problems(Unauthenticated, NotFound))
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
    responses=problems(Unauthenticated, NotFound),
)
def delete_upload(upload_id: UUID, services: ServicesOf, customer: TheCustomer) -> None:
    """Deletes the file at once. A generation that needs the file and has not reached a provider will fail."""
    if not uploads.delete(services.database, services.objects, customer.id, upload_id):
        raise _not_found(upload_id)


@contextmanager
def upload_place(shares: Shares, customer_id: UUID) -> Iterator[None]:
    """A place for an upload, while its sender sends.

    Raises:
        TooManyRequests: uploads of the customer take all of the customer's places.
        Unavailable: there is no place, or the file cannot be kept.
    """
    try:
        with shares.taken_by(customer_id):
            yield
    except NoPlace as error:
        if error.is_own:
            raise TooManyRequests(f"{shares.each} of your uploads are under way: wait until one has ended") from None
        raise Unavailable("too many uploads are under way: send yours again") from None
    except OSError as error:
        log.error("upload_not_spooled", error=type(error).__name__)
        raise Unavailable("the file could not be kept while it was sent: send it again") from None


async def _receive(request: Request, file: BinaryIO, limits: InputSettings) -> MediaType:
    """Write the body into a file. Holds no thread while the sender is slow: the connection has a least rate.

    Raises:
        UnsupportedMediaType: the body is of another type.
        ContentTooLarge: the body exceeds the limit of its type.
        ClientDisconnect: the sender has disconnected.
    """
    length = request.headers.get("content-length", "0")
    announced = int(length) if length.isdecimal() else 0
    head, media, size = b"", None, 0
    async for chunk in request.stream():
        file.write(chunk)
        size += len(chunk)
        if media is None:
            head += chunk
            if len(head) < HEAD_BYTES:
                continue
            media = _media_of(head)
        _check_size(media, max(size, announced), limits)
    if media is None:
        media = _media_of(head)
        _check_size(media, size, limits)
    file.seek(0)
    return media


def _media_of(head: bytes) -> MediaType:
    media = sniff(head)
    if media is None or media not in TAKEN:
        taken = ", ".join(each.content_type for each in TAKEN)
        if media is not None:
            raise UnsupportedMediaType(f"the body is {media.content_type}, and not one of {taken}: convert it")
        raise UnsupportedMediaType(f"the body is none of {taken}: send the file itself, as `curl --data-binary` does")
    return media


def _check_size(media: MediaType, size: int, limits: InputSettings) -> None:
    most = limits.max_image_bytes if media.kind is Kind.IMAGE else limits.max_video_bytes
    if size > most:
        raise ContentTooLarge(f"{'an' if media.kind is Kind.IMAGE else 'a'} {media.kind} may have up to {most} bytes")


def _not_found(upload_id: UUID) -> NotFound:
    return NotFound(f"you have no upload {upload_id}, or it has expired")


def _resource(upload: Upload) -> UploadResource:
    return UploadResource.model_validate({**upload.model_dump(), "url": upload_url(upload.id)})
