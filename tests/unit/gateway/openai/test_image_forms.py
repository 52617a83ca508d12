"""The form of an image edit."""

import io
from typing import Any

import pytest
from starlette.datastructures import FormData, UploadFile

from gateway.openai.image_forms import read_edit
from schemas.errors import InvalidRequest

PROMPT = ("prompt", "the same at night")
IMAGE = ("image", "https://pictures.example/1.png")


def form(*fields: tuple[str, str | UploadFile]) -> FormData:
    return FormData([PROMPT, *fields])


@pytest.mark.parametrize(
    ("fields", "metadata"),
    [
        ([("metadata[a]", "1"), ("metadata[b]", "2")], {"a": "1", "b": "2"}),
        ([("metadata[tag]", "[draft] boat"), ("metadata[ctx]", '{"a":1}')], {"tag": "[draft] boat", "ctx": '{"a":1}'}),
        ([("metadata", '{"a": "1"}')], {"a": "1"}),
    ],
)
def test_metadata_are_brackets_or_json(fields: list[tuple[str, str]], metadata: dict[str, str]) -> None:
    assert read_edit(form(IMAGE, *fields)).fields.metadata == metadata


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
        read_edit(form(IMAGE, *fields))
    assert refused.value.detail == detail


@pytest.mark.parametrize(
    "names", [("image", "image"), ("image[]", "image[]"), ("image[0]", "image[1]"), ("image",) * 16]
)
def test_texts_under_every_name_are_images_in_their_order(names: tuple[str, ...]) -> None:
    urls = [f"https://pictures.example/{number}.png" for number, _ in enumerate(names)]
    assert read_edit(form(*zip(names, urls, strict=True))).fields.image == urls


def test_files_and_texts_are_images_together() -> None:
    file: Any = UploadFile(io.BytesIO(b"a picture"))
    edit = read_edit(form(("image", file), IMAGE))
    assert ([each.file for each in edit.files], edit.fields.image) == ([file], [IMAGE[1]])
