"""Replaces the `data:` URIs in a request with uploads, so that stored requests contain no files."""

import base64
import hashlib
import io
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from intake.uploads import keep
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.inputs import InputField, is_data_uri, upload_url
from schemas.media_types import HEAD_BYTES, TAKEN, MediaType, sniff
from schemas.orders import GenerationRequest
from schemas.settings import InputSettings
from storage import uploads
from storage.database import Database
from storage.objects import ObjectStore


@dataclass(frozen=True)
class _File:
    content: bytes
    media: MediaType


def are_in(request: GenerationRequest) -> bool:
    """Whether an input of the request is a `data:` URI."""
    return any(is_data_uri(file.url) for file in request.input_files())


def into_uploads(
    database: Database,
    objects: ObjectStore,
    customer_id: UUID,
    request: GenerationRequest,
    limits: InputSettings,
    *,
    keep_for: timedelta,
) -> GenerationRequest:
    """The request with uploads in place of `data:` URIs. Equal contents give equal requests.

    Raises:
        InvalidRequest: a file is malformed, too large, or not of the type that its URI names. Names each such field.
        NotFound: the customer does not exist.
    """
    files = _decoded(request, limits)
    if not files:
        return request
    return request.with_urls(
        {url: _kept(database, objects, customer_id, file, keep_for) for url, file in files.items()}
    )


def _kept(database: Database, objects: ObjectStore, customer_id: UUID, file: _File, keep_for: timedelta) -> str:
    """The URL of the upload with this content, new or existing."""
    sha256 = hashlib.sha256(file.content).hexdigest()
    with database.statement() as statement:
        upload = uploads.prolong(statement, customer_id, sha256, keep_for=keep_for)
    # An upload of an earlier release can have no measured length.
    if upload is None or (file.media.kind is Kind.VIDEO and upload.duration_seconds is None):
        upload = keep(database, objects, customer_id, io.BytesIO(file.content), file.media, keep_for=keep_for)
    return upload_url(upload.id)


def _decoded(request: GenerationRequest, limits: InputSettings) -> dict[str, _File]:
    files: dict[str, _File] = {}
    problems: dict[str, str] = {}
    for field in request.input_files():
        if is_data_uri(field.url):
            try:
                files[field.url] = _decode(field, limits)
            except ValueError as error:
                problems[field.name] = str(error)
    if problems:
        raise InvalidRequest.of_fields(problems)
    return files


def _decode(field: InputField, limits: InputSettings) -> _File:
    """The file in a `data:` URI (RFC 2397).

    Raises:
        ValueError: the URI is wrong. The message quotes nothing of the URI.
    """
    most = limits.max_image_bytes if field.kind is Kind.IMAGE else limits.max_video_bytes
    header, _, payload = field.url.partition(":")[2].partition(",")
    parameters, _, encoding = header.lower().rpartition(";")
    claimed = parameters.partition(";")[0]
    if encoding != "base64" or not claimed:
        raise ValueError("names no type or no encoding: a `data:` URI is data:TYPE;base64,CONTENT")
    # Four characters decode to at most three bytes. This check comes before the memory is allocated.
    if len(payload) * 3 // 4 > most + 2 or len(content := _base64(payload)) > most:
        raise ValueError(f"is larger than {most} bytes")
    media = sniff(content[:HEAD_BYTES])
    if media is None or media not in TAKEN or media.kind is not field.kind:
        taken = ", ".join(each.content_type for each in TAKEN if each.kind is field.kind)
        raise ValueError(f"is {media.content_type if media else 'of another type'}, where one of {taken} belongs")
    if claimed != media.content_type:
        raise ValueError(f"is {media.content_type}, and says that it is something else")
    return _File(content, media)


def _base64(payload: str) -> bytes:
    try:
        return base64.b64decode(payload, validate=True)
    except ValueError:
        raise ValueError("is no base64: letters, digits, + and /, padded with = to a multiple of four") from None
