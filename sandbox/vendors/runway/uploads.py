"""Runway's ephemeral uploads, and the bucket that receives them.

Source: https://docs.dev.runwayml.com/assets/uploads, and `resources/uploads.py` of Runway's own client. The bucket
behaves as S3: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.forms import NotAForm, form_parts
from sandbox.task import JsonObject
from sandbox.validation import sentences
from sandbox.vendors.runway.errors import RunwayError

SCHEME = "runway://"
_FEWEST_BYTES, _MOST_BYTES = 512, 200 * 1024**2
_FILE = "file"
_STRANGE_HEADERS = frozenset({"authorization", "x-runway-version"})


class _Begin(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    filename: str = Field(min_length=1)
    type: Literal["ephemeral"]


class BucketError(Exception):
    """The bucket refuses a request. `status` is the HTTP status; the text is S3's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status


@dataclass
class _Place:
    """The place of one file."""

    fields: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None


class Uploads:
    """The uploaded files of one organization."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._places: dict[str, _Place] = {}

    def begin(self, body: JsonObject) -> JsonObject:
        """Prepare an upload. Raises `RunwayError` 400."""
        try:
            wanted = _Begin.model_validate(body)
        except ValidationError as error:
            raise RunwayError(400, sentences(error)) from None
        upload_id = token_hex(16)
        fields = {"key": f"{upload_id}/{wanted.filename}", "policy": token_hex(16), "x-amz-signature": token_hex(16)}
        self._places[upload_id] = _Place(fields)
        return {
            "runwayUri": f"{SCHEME}{upload_id}",
            "uploadUrl": f"{self._public_url}/runway/bucket/{upload_id}",
            "fields": {**fields},
        }

    def take(self, upload_id: str, headers: Mapping[str, str], body: bytes) -> None:
        """Store the file of a form. Raises `BucketError`."""
        # S3 takes one proof of identity, and the form carries it.
        if not _STRANGE_HEADERS.isdisjoint(headers.keys()):
            raise BucketError(400, "InvalidArgument")
        place = self._places.get(upload_id)
        if place is None:
            raise BucketError(404, "NoSuchBucket")
        try:
            *texts, file = form_parts(headers.get("content-type", ""), body)
        except NotAForm:
            raise BucketError(400, "MalformedPOSTRequest") from None
        # S3 does not read fields behind the file, so the policy's fields must come first.
        if file.name != _FILE or file.file_name is None:
            raise BucketError(400, "InvalidArgument")
        if {text.name: text.text for text in texts} != place.fields:
            raise BucketError(403, "AccessDenied")
        if not _FEWEST_BYTES <= len(file.content) <= _MOST_BYTES:
            raise BucketError(400, "EntityTooSmall" if len(file.content) < _FEWEST_BYTES else "EntityTooLarge")
        place.content = file.content

    def content(self, uri: str) -> bytes | None:
        """The uploaded file with this `uri`. None if nothing was uploaded."""
        place = self._places.get(uri.removeprefix(SCHEME))
        return None if place is None else place.content
