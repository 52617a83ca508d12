"""Reads multipart forms, and stores their files as uploads."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from anyio import to_thread
from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from gateway.dependencies import GatewayServices
from gateway.problems import BadRequest, ContentTooLarge, UnsupportedMediaType
from gateway.uploads import upload_place
from intake.uploads import keep
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.media_types import HEAD_BYTES, TAKEN, MediaType, sniff
from schemas.setting_groups import InputSettings
from schemas.tables import Upload

_MOST_FIELDS = 100
_PART_BYTES = 1024 * 1024

MOST_TEXT_BYTES: Final = 16 * 1024 * 1024
"""The most bytes of all texts of a form together. Files are not in memory, and texts are."""


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
        ContentTooLarge: the texts of the form are too large.
        TooManyRequests, Unavailable: there is no place.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        raise UnsupportedMediaType("send the request as a form, with `Content-Type: multipart/form-data`")
    with upload_place(services.upload_shares, customer_id):
        form = await read_form(request, most_files=most_files)
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


async def read_form(request: Request, *, most_files: int) -> FormData:
    """The multipart form of a request. The caller closes the form.

    Raises:
        BadRequest: the form is malformed, or has too many parts.
        ContentTooLarge: the texts of the form are too large.
    """
    async with aclosing(request.stream()) as stream:
        try:
            return await _FormParser(request.headers, stream, max_files=most_files, max_fields=_MOST_FIELDS).parse()
        except MultiPartException as error:
            raise BadRequest(f"the form cannot be read: {error.message}") from None


class _FormParser(MultiPartParser):
    """A parser that also limits the bytes of all texts together."""

    _text_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a part."""
        if self._current_part.file is None:
            self._text_bytes += end - start
            if self._text_bytes > MOST_TEXT_BYTES:
                raise ContentTooLarge(
                    f"the texts of a form may have up to {MOST_TEXT_BYTES} bytes together: send pictures as files"
                )
        super().on_part_data(data, start, end)


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
