"""Sends a file to Runway: in the create's body, or, if it is large, through a bucket of Runway.

Source: https://docs.dev.runwayml.com/assets/inputs, https://docs.dev.runwayml.com/assets/uploads, and
`resources/uploads.py` of https://github.com/runwayml/sdk-python.
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from providers.base import InputFile
from providers.http.calls import Form, FormFile
from schemas import media_types

PATH: Final = "/v1/uploads"

_DATA_URI_BYTES: Final = 5 * 1024 * 1024
"""A `data:` URI must be shorter. Runway allows longer ones for videos, but Runway's client says 5 MB for all."""

_EXTENSIONS: Final[Mapping[str, str]] = {media.content_type: media.extension for media in media_types.TAKEN}


class UploadTarget(BaseModel):
    """The answer to `POST /v1/uploads`. `url` takes a form with `fields` and the file. Creates then use `uri`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    uri: Annotated[str, StringConstraints(pattern=r"^runway://[^\s\x00]+$")] = Field(alias="runwayUri", repr=False)
    fields: dict[str, str] = Field(repr=False)
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")] = Field(alias="uploadUrl", repr=False)


def to_data_uri(file: InputFile) -> str | None:
    """The file as a `data:` URI; None if the URI is too long."""
    head = f"data:{file.content_type};base64,"
    if len(head) + 4 * -(-len(file.content) // 3) >= _DATA_URI_BYTES:
        return None
    return head + base64.b64encode(file.content).decode()


def to_body(file: InputFile) -> dict[str, object]:
    """The body of `POST /v1/uploads`."""
    return {"filename": _name(file), "type": "ephemeral"}


def to_form(target: UploadTarget, file: InputFile) -> Form:
    """The form for the target's URL."""
    return Form(target.fields, FormFile("file", _name(file), file.content_type, file.content))


def _name(file: InputFile) -> str:
    return f"input.{_EXTENSIONS.get(file.content_type, 'bin')}"
