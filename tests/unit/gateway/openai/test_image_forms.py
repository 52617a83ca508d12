"""The form of an image edit."""

import base64
import io
from typing import Any

import pytest
from starlette.datastructures import FormData, UploadFile

from gateway.openai.image_forms import EditForm, read_edit
from schemas.errors import InvalidRequest
from schemas.setting_groups import InputSettings
from tests.media_files.images import png

PROMPT = ("prompt", "the same at night")
IMAGE = ("image", "https://pictures.example/1.png")


def form(*fields: tuple[str, str | UploadFile]) -> FormData:
    return FormData([PROMPT, *fields])


def read(given: FormData) -> EditForm:
    return read_edit(given, InputSettings())


@pytest.mark.parametrize(
    ("fields", "metadata"),
    [
        ([("metadata[a]", "1"), ("metadata[b]", "2")], {"a": "1", "b": "2"}),
        ([("metadata[tag]", "[draft] boat"), ("metadata[ctx]", '{"a":1}')], {"tag": "[draft] boat", "ctx": '{"a":1}'}),
        ([("metadata", '{"a": "1"}')], {"a": "1"}),
    ],
)
def test_metadata_are_brackets_or_json(fields: list[tuple[str, str]], metadata: dict[str, str]) -> None:
    assert read(form(IMAGE, *fields)).fields.metadata == metadata


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ([("metadata", "x"), ("metadata[a]", "y")], "metadata[a]: is given twice"),
        ([("metadata[a]", "y"), ("metadata", "x")], "metadata: is given twice"),
        ([PROMPT], "prompt: is given twice"),
        ([("metadata", "[" * 600 + "]" * 600)], "metadata: is JSON of more than 8 levels"),
        ([("colour", "red")], "colour: there is no field `colour`; GET /docs lists the fields"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_field_is_named(fields: list[tuple[str, str]], detail: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(form(IMAGE, *fields))
    assert refused.value.detail == detail


@pytest.mark.parametrize(
    "names", [("image", "image"), ("image[]", "image[]"), ("image[0]", "image[1]"), ("image",) * 16]
)
def test_texts_under_every_name_are_images_in_their_order(names: tuple[str, ...]) -> None:
    urls = [f"https://pictures.example/{number}.png" for number, _ in enumerate(names)]
    assert read(form(*zip(names, urls, strict=True))).fields.image == urls


def test_files_and_texts_are_images_together() -> None:
    file: Any = UploadFile(io.BytesIO(b"a picture"))
    edit = read(form(("image", file), IMAGE))
    assert ([each.file for each in edit.files], edit.fields.image) == ([file], [IMAGE[1]])


def uri(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def test_pictures_in_data_uris_are_files() -> None:
    """A request that waits keeps links and ids alone."""
    pictures = [png(8, 8), png(8, 9)]
    edit = read(form(("image", uri(pictures[0])), IMAGE, ("image", uri(pictures[1]))))
    assert [each.file.file.read() for each in edit.files] == pictures
    assert [each.field for each in edit.files] == ["image.0", "image.1"]
    assert edit.fields.image == [IMAGE[1]]


def test_data_uri_without_a_picture_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"image\.1: is no base64"):
        read(form(("image", uri(png(8, 8))), ("image", "data:image/png;base64,!")))


def test_files_and_texts_have_a_limit_together() -> None:
    file: Any = UploadFile(io.BytesIO(b"a picture"))
    with pytest.raises(InvalidRequest, match="image: may have up to 16 images"):
        read(form(*[("image", file)] * 9, *[IMAGE] * 8))
