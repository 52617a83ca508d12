"""The definition of the tools, and its forms."""

import json
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from pydantic import ValidationError

from agents.arguments import ExtendVideo, GenerateImage, GenerateVideo, schema_of
from agents.formats import ToolFormat, tools_in
from agents.tools import TOOLS, Tool
from schemas.enums import Kind
from schemas.variants import VariantKind

NAMES = [tool.name for tool in TOOLS]


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_the_schema_of_each_tool_is_plain(tool: Tool) -> None:
    schema = schema_of(tool.arguments)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    text = json.dumps(schema)
    # Some clients read no references, and no alternatives.
    assert "anyOf" not in text
    assert "$ref" not in text
    assert all("description" in entry for entry in schema["properties"].values())


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.is_order or tool.name == "estimate"])
def test_the_schema_of_each_order_tells_the_forms_of_variants(tool: Tool) -> None:
    one = schema_of(tool.arguments)["properties"]["variants"]["items"]
    assert set(one["properties"]["kind"]["enum"]) == set(VariantKind)
    jsonschema.validate({"kind": "web"}, one)
    jsonschema.validate({"name": "square", "width": 480, "height": 480, "fit": "cover", "seconds": 3}, one)
    for wrong in ({"kind": "gif"}, {"width": 8}, {"bitrate": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, one)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, None),
        ({"variants": None}, None),
        ({"variants": []}, []),
        ({"variants": ["web", {"name": "small", "width": 64}]}, [("web", "web"), ("copy", "small")]),
    ],
)
def test_variants_of_a_tool_are_those_of_the_order(given: dict[str, Any], asked: list[tuple[str, str]] | None) -> None:
    variants = GenerateImage.model_validate({"prompt": "a boat", **given}).request().variants
    assert (None if variants is None else [(one.kind, one.name) for one in variants]) == asked


def test_each_form_has_every_tool() -> None:
    assert [tool["name"] for tool in tools_in(ToolFormat.OPENAI)] == NAMES
    assert [tool["function"]["name"] for tool in tools_in(ToolFormat.OPENAI_CHAT)] == NAMES
    assert [tool["name"] for tool in tools_in(ToolFormat.ANTHROPIC)] == NAMES
    assert all("input_schema" in tool for tool in tools_in(ToolFormat.ANTHROPIC))


def test_the_arguments_of_earlier_tools_are_taken() -> None:
    wanted = GenerateVideo.model_validate(
        {"prompt": "a boat", "aspectRatio": "landscape", "nFrames": "10", "canvasId": "c", "organizationId": "o"}
    )
    request = wanted.request()
    assert (request.kind, request.aspect_ratio, request.duration_seconds) == (Kind.VIDEO, "16:9", 10)
    assert request.metadata == {"canvas_id": "c", "organization_id": "o"}


def test_an_extension_names_its_video() -> None:
    video = uuid4()
    assert ExtendVideo(prompt="on", generation_id=video).request().video_urls == [f"generation:{video}"]


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ValidationError, match="speed"):
        GenerateVideo.model_validate({"prompt": "a boat", "speed": 2})
