"""Parses a create: a JSON object, or a multipart form, which OpenAI's client sends even without a file."""

from dataclasses import dataclass

from fastapi import Request

from sandbox.forms import NotAForm, form_parts
from sandbox.openai_errors import OpenAIError
from sandbox.task import JsonObject
from sandbox.validation import json_object

REFERENCE = "input_reference"


@dataclass(frozen=True)
class CreateBody:
    """The content of a create."""

    fields: JsonObject
    """The text fields."""
    picture: bytes | None
    """The file of a form."""

    @property
    def prompt(self) -> str:
        """The prompt for scenarios and counts, even of invalid fields."""
        prompt = self.fields.get("prompt")
        return prompt if isinstance(prompt, str) else ""

    @property
    def model(self) -> str:
        """The model's name for scenarios, even of invalid fields."""
        model = self.fields.get("model")
        return model if isinstance(model, str) else ""


async def read_body(request: Request) -> CreateBody:
    """The body of a create. Raises `OpenAIError` 400 if the body is neither a form nor a JSON object."""
    content_type = request.headers.get("Content-Type", "")
    if content_type.startswith("multipart/form-data"):
        return _form(content_type, await request.body())
    fields = await json_object(request)
    if fields is None:
        raise OpenAIError(400, "We could not parse the body of your request: send a form or a JSON object")
    return CreateBody(fields, None)


def _form(content_type: str, body: bytes) -> CreateBody:
    try:
        parts = form_parts(content_type, body)
    except NotAForm:
        raise OpenAIError(400, "We could not parse the form of your request") from None
    fields: JsonObject = {}
    picture = None
    for part in parts:
        if part.file_name is None:
            fields[part.name] = part.text
        elif part.name == REFERENCE:
            picture = part.content
        else:
            raise OpenAIError(400, f"Unknown parameter: '{part.name}'", param=part.name, reason="unknown_parameter")
    return CreateBody(fields, picture)
