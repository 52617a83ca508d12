"""Replaces the `data:` URIs in a request with uploads, so that stored requests contain no files."""

import base64
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
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
class File:
    """The file in a `data:` URI."""

    content: bytes
    """The bytes."""
    media: MediaType
    """The type, by the first bytes."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.content).hexdigest()


def are_in(request: GenerationRequest) -> bool:
    """Whether an input of the request is a `data:` URI."""
    return any(is_data_uri(file.url) for file in request.input_files())


@dataclass(frozen=True)
class Uploader:
    """Stores the files in a customer's requests as uploads, each distinct `data:` URI once."""

    database: Database
    """The database."""
    objects: ObjectStore
    """The object store."""
    customer_id: UUID
    """The customer."""
    limits: InputSettings
    """The limits of files, and the customer's quota."""
    keep_for: timedelta
    """The shortest life of an upload."""
    _stored: dict[tuple[str, Kind], str] = field(default_factory=dict)
    """The uploads so far, by URI and required kind."""

    def into_uploads(self, request: GenerationRequest) -> GenerationRequest:
        """The request with uploads in place of `data:` URIs. Equal contents give equal requests.

        Raises:
            InvalidRequest: a file is malformed, too large, or of a type that its field does not take. Names each field.
            NotFound: the customer does not exist.
            StorageQuotaExceeded: the files exceed the customer's quota. None of the request's files is stored.
        """
        inputs = [each for each in request.input_files() if is_data_uri(each.url)]
        files = self._decoded([each for each in inputs if (each.url, each.kind) not in self._stored])
        sizes = {uploads.identity(self.customer_id, file.sha256): len(file.content) for file in files.values()}
        if files:
            with self.database.statement() as sql:
                # All files of the request have room, or none is stored.
                upload_quota.require_room(sql, self.customer_id, sizes, self.limits)
        for key, file in files.items():
            self._stored[key] = self._store(file)
        return request.with_urls({each.url: self._stored[each.url, each.kind] for each in inputs})

    def _decoded(self, inputs: Iterable[InputField]) -> dict[tuple[str, Kind], File]:
        files: dict[tuple[str, Kind], File] = {}
        problems: list[tuple[str, str]] = []
        for each in inputs:
            try:
                files[each.url, each.kind] = files.get((each.url, each.kind)) or decode(each, self.limits)
            except ValueError as error:
                problems.append((each.name, str(error)))
        if problems:
            raise InvalidRequest.of_fields(problems)
        return files

    def _store(self, file: File) -> str:
        content = io.BytesIO(file.content)
        return upload_url(
            keep(
                self.database, self.objects, self.customer_id, content, file.media, self.limits, keep_for=self.keep_for
            ).id
        )


def decode(wanted: InputField, limits: InputSettings) -> File:
    """The file in a `data:` URI (RFC 2397). The bytes decide the type, as for an upload.

    Raises:
        ValueError: the URI is wrong. The message quotes nothing of the URI.
    """
    most = limits.max_image_bytes if wanted.kind is Kind.IMAGE else limits.max_video_bytes
    header, comma, payload = wanted.url.partition(":")[2].partition(",")
    if not comma:
        raise ValueError(f"has no comma before its content: {_FORM}")
    is_base64 = header.rpartition(";")[2].strip().lower() == "base64"
    content = _base64(payload, most) if is_base64 else _percent_encoded(payload)
    if not content:
        raise ValueError("is empty")
    if len(content) > most:
        raise ValueError(_too_large(most))
    media = sniff(content[:HEAD_BYTES])
    if media is None or media not in TAKEN or media.kind is not wanted.kind:
        taken = ", ".join(each.content_type for each in TAKEN if each.kind is wanted.kind)
        hint = "" if is_base64 else f": {_FORM}"
        raise ValueError(f"is {media.content_type if media else 'of another type'}, where one of {taken} belongs{hint}")
    return File(content, media)


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
