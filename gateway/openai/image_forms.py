"""Reads the form of an image edit: fields, files, and images as texts."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from gateway.form_files import FormFile
from gateway.openai.forms import nested
from gateway.openai.image_orders import ImageFields
from intake.data_uris import decode
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.inputs import InputField, is_data_uri
from schemas.refusals import Place, refusal
from schemas.setting_groups import InputSettings
from schemas.text import OptionalName

MOST_FILES: Final = 16
"""The most images of an edit, as OpenAI has it."""

_IMAGE = re.compile(r"image(\[[0-9]{0,2}\])?")
_LISTS: Final = frozenset({"image"})
_OBJECTS: Final = frozenset({"metadata"})

_NO_MASK = "is not taken: no model here edits a part of an image; describe the change in the prompt"


class EditFields(ImageFields):
    """The fields of an edit beside its files."""

    image: list[str] = Field(
        default=[],
        description="the images: files, or texts as in `image_urls` of POST /v1/generations; also `image[]`",
        max_length=MOST_FILES,
    )
    input_fidelity: OptionalName = Field(default=None, description="taken, and not used", max_length=20)


@dataclass(frozen=True)
class EditForm:
    """The form of an edit."""

    fields: EditFields
    """The fields. Images that are links are among them."""
    files: list[FormFile]
    """The images that are files, or `data:` URIs."""


def read_edit(form: FormData, limits: InputSettings) -> EditForm:
    """The fields and the files of a form. A `data:` URI is a file: the request waits for long, and keeps no picture.

    Raises:
        InvalidRequest: a field is wrong or unknown, or there is no image.
        ContentTooLarge: the texts of JSON have too many values.
    """
    texts: list[tuple[str, object]] = []
    files: list[FormFile] = []
    for name, value in form.multi_items():
        field = "image" if _IMAGE.fullmatch(name) else name
        if field == "mask":
            raise InvalidRequest.of_fields([("mask", _NO_MASK)])
        if isinstance(value, UploadFile):
            if field != "image":
                raise InvalidRequest.of_fields([(name, "takes no file")])
            files.append(FormFile(f"image.{len(files)}", value, Kind.IMAGE))
        else:
            texts.append((field, value))
    fields = _parsed(nested(texts, lists=_LISTS, objects=_OBJECTS))
    if not files and not fields.image:
        raise InvalidRequest.of_fields([("image", "is missing: send one or more images as `image` or `image[]`")])
    if len(files) + len(fields.image) > MOST_FILES:
        raise InvalidRequest.of_fields([("image", f"may have up to {MOST_FILES} images")])
    if in_texts := list(_in_texts(fields.image, len(files), limits)):
        files += in_texts
        fields = fields.model_copy(update={"image": [each for each in fields.image if not is_data_uri(each)]})
    return EditForm(fields, files)


def _in_texts(texts: list[str], number: int, limits: InputSettings) -> Iterator[FormFile]:
    """The files in `data:` URIs.

    Args:
        number: the number of the first of these files among the images.
    """
    for place, uri in enumerate(filter(is_data_uri, texts), number):
        name = f"image.{place}"
        try:
            content = decode(InputField(name=name, url=uri, kind=Kind.IMAGE), limits).content
        except ValueError as error:
            raise InvalidRequest.of_fields([(name, str(error))]) from None
        yield FormFile(name, UploadFile(io.BytesIO(content), size=len(content)), Kind.IMAGE)


def _parsed(values: dict[str, Any]) -> EditFields:
    try:
        return EditFields.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        raise refusal(problems, lambda location: Place(location, EditFields, "form")) from None
