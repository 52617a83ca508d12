"""Reads multipart forms, and stores their files as uploads."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from anyio import to_thread
from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile

from gateway.dependencies import GatewayServices
from gateway.problems import BadRequest, UnsupportedMediaType
from gateway.uploads import upload_place
from intake.uploads import keep
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.media_types import HEAD_BYTES, TAKEN, MediaType, sniff
from schemas.setting_groups import InputSettings
from schemas.tables import Upload

_MOST_FIELDS = 100
_PART_BYTES = 1024 * 1024


@dataclass(frozen=True)
class FormFile:
    """A file of a form."""

    field: str
    """The name of the field, for errors."""
    file: UploadFile
    """The file. It is in memory, or in a temporary file."""
    kind: Kind
    """The required kind of media."""


@asynccontextmanager
async def open_form(
    request: Request, services: GatewayServices, customer_id: UUID, *, most_files: int
) -> AsyncIterator[FormData]:
    """The multipart form of a request. Its files are open in the block. Takes one of the places for uploads.

    Raises:
        UnsupportedMediaType: the body is no form.
        BadRequest: the form is malformed, or has too many parts.
        TooManyRequests, Unavailable: there is no place.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        raise UnsupportedMediaType("send the request as a form, with `Content-Type: multipart/form-data`")
    with upload_place(services.upload_shares, customer_id):
        try:
            form = await request.form(max_files=most_files, max_fields=_MOST_FIELDS)
        except HTTPException as error:
            if error.status_code != BadRequest.http_status:
                raise
            raise BadRequest(f"the form cannot be read: {error.detail}") from None
        try:
            yield form
        finally:
            await form.close()


async def hashes_of(files: Sequence[FormFile], services: GatewayServices) -> Mapping[str, str]:
    """The SHA-256 of each file, by the name of its field."""
    if not files:
        return {}
    return await to_thread.run_sync(
        lambda: {each.field: _hash(each) for each in files}, limiter=services.upload_threads
    )


def _hash(wanted: FormFile) -> str:
    file = wanted.file.file
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(_PART_BYTES):
        digest.update(part)
    file.seek(0)
    return digest.hexdigest()


async def store_files(files: Sequence[FormFile], services: GatewayServices, customer_id: UUID) -> list[Upload]:
    """The files as uploads of the customer, in their order. The same file is always the same upload.

    Raises:
        InvalidRequest: a file is too large, or of a type that its field does not take. No file is stored then.
        RequestError: as `intake.uploads.keep`.
    """
    store = partial(_store, files, services, customer_id)
    return await to_thread.run_sync(store, limiter=services.upload_threads)


def _store(files: Sequence[FormFile], services: GatewayServices, customer_id: UUID) -> list[Upload]:
    limits = services.settings.inputs
    checked = [(each, _checked(each, limits)) for each in files]
    keep_for = timedelta(days=services.settings.retention.upload_days)
    return [
        keep(services.database, services.objects, customer_id, each.file.file, media, limits, keep_for=keep_for)
        for each, media in checked
    ]


def _checked(wanted: FormFile, limits: InputSettings) -> MediaType:
    media = sniff(wanted.file.file.read(HEAD_BYTES))
    most = limits.max_image_bytes if wanted.kind is Kind.IMAGE else limits.max_video_bytes
    if media is None or media not in TAKEN or media.kind is not wanted.kind:
        taken = ", ".join(each.content_type for each in TAKEN if each.kind is wanted.kind)
        found = media.content_type if media else "of another type"
        raise InvalidRequest.of_fields([(wanted.field, f"is {found}, where one of {taken} belongs")])
    if (wanted.file.size or 0) > most:
        raise InvalidRequest.of_fields([(wanted.field, f"is larger than {most} bytes")])
    return media
