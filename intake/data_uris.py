"""Replaces the `data:` URIs in a request with uploads, so that stored requests contain no files."""

import base64
import hashlib
import io
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote_to_bytes
from uuid import UUID

from intake.uploads import keep
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.inputs import InputField, is_data_uri, upload_url
from schemas.media_types import HEAD_BYTES, TAKEN, MediaType, sniff
from schemas.orders import GenerationRequest
from schemas.setting_groups import InputSettings
from storage import upload_quota, uploads
from storage.database import Database
from storage.objects import ObjectStore

_FORM = "a `data:` URI is data:TYPE;base64,CONTENT"

_NO_BASE64 = (
    "is no base64: letters, digits, + and / (or - and _); = at the end fills up to a multiple of four, or is left out"
)

_STANDARD = bytes.maketrans(b"-_", b"+/")
_WHITE_SPACE = b" \t\n\f\r"
_DIGITS_AT_ONCE = 4


@dataclass(frozen=True)
class _File:
    content: bytes
    media: MediaType

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


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
        InvalidRequest: a file is malformed, too large, or not of a type that the field takes. Names each such field.
        NotFound: the customer does not exist.
        StorageQuotaExceeded: the files exceed the customer's quota. None of them is stored.
    """
    files = _decoded(request, limits)
    if not files:
        return request
    sizes = {uploads.identity(customer_id, file.sha256): len(file.content) for file in files.values()}
    with database.statement() as sql:
        # All files of the order have room, or none is stored.
        upload_quota.require_room(sql, customer_id, sizes, limits)

    def stored(file: _File) -> str:
        content = io.BytesIO(file.content)
        return upload_url(keep(database, objects, customer_id, content, file.media, limits, keep_for=keep_for).id)

    return request.with_urls({url: stored(file) for url, file in files.items()})


def _decoded(request: GenerationRequest, limits: InputSettings) -> dict[str, _File]:
    files: dict[str, _File] = {}
    problems: list[tuple[str, str]] = []
    for field in request.input_files():
        if is_data_uri(field.url):
            try:
                files[field.url] = _decode(field, limits)
            except ValueError as error:
                problems.append((field.name, str(error)))
    if problems:
        raise InvalidRequest.of_fields(problems)
    return files


def _decode(field: InputField, limits: InputSettings) -> _File:
    """The file in a `data:` URI (RFC 2397). The bytes decide the type, as for an upload.

    Raises:
        ValueError: the URI is wrong. The message quotes nothing of the URI.
    """
    most = limits.max_image_bytes if field.kind is Kind.IMAGE else limits.max_video_bytes
    header, comma, payload = field.url.partition(":")[2].partition(",")
    if not comma:
        raise ValueError(f"has no comma before its content: {_FORM}")
    is_base64 = header.rpartition(";")[2].strip().lower() == "base64"
    content = _base64(payload, most) if is_base64 else _percent_encoded(payload)
    if not content:
        raise ValueError("is empty")
    if len(content) > most:
        raise ValueError(_too_large(most))
    media = sniff(content[:HEAD_BYTES])
    if media is None or media not in TAKEN or media.kind is not field.kind:
        taken = ", ".join(each.content_type for each in TAKEN if each.kind is field.kind)
        hint = "" if is_base64 else f": {_FORM}"
        raise ValueError(f"is {media.content_type if media else 'of another type'}, where one of {taken} belongs{hint}")
    return _File(content, media)


def _base64(payload: str, most: int) -> bytes:
    """The bytes of base64 in either alphabet. White space is ignored, and padding may be absent.

    Raises:
        ValueError: the text is no base64, or too long.
    """
    try:
        escaped = unquote_to_bytes(payload) if "%" in payload else payload.encode("ascii")
        digits = escaped.translate(_STANDARD, delete=_WHITE_SPACE)
        # Four digits decode to at most three bytes. This check comes before the memory is allocated.
        if len(digits) * 3 // 4 <= most + 2:
            # Padding of the wrong length shows that digits are missing: a form turns + into a space.
            missing = b"" if digits.endswith(b"=") else b"=" * (-len(digits) % _DIGITS_AT_ONCE)
            return base64.b64decode(digits + missing, validate=True)
    except ValueError:
        raise ValueError(_NO_BASE64) from None
    raise ValueError(_too_large(most))


def _percent_encoded(payload: str) -> bytes:
    if not payload.isascii():
        raise ValueError(f"is neither base64 nor percent-encoded: {_FORM}")
    return unquote_to_bytes(payload)


def _too_large(most: int) -> str:
    return f"is larger than {most} bytes"
