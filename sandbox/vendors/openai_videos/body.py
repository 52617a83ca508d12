"""Reading a create: a multipart form, as OpenAI's client sends it even without a file, or a JSON object."""

from dataclasses import dataclass
from email.parser import BytesParser

from fastapi import Request

from sandbox.openai_errors import OpenAIError
from sandbox.task import JsonObject
from sandbox.validation import json_object

REFERENCE = "input_reference"


@dataclass(frozen=True)
class CreateBody:
    """What a create carries."""

    fields: JsonObject
    picture: bytes | None
    """The file of a form."""

    @property
    def prompt(self) -> str:
        """What scenarios and counts go by, even when the fields are not valid."""
        prompt = self.fields.get("prompt")
        return prompt if isinstance(prompt, str) else ""

    @property
    def model(self) -> str:
        """The same for the model."""
        model = self.fields.get("model")
        return model if isinstance(model, str) else ""


async def read_body(request: Request) -> CreateBody:
    """The body of a create. Raises `OpenAIError` 400 for one that is neither a form nor a JSON object."""
    content_type = request.headers.get("Content-Type", "")
    if content_type.startswith("multipart/form-data"):
        return _form(content_type, await request.body())
    fields = await json_object(request)
    if fields is None:
        raise OpenAIError(400, "We could not parse the body of your request: send a form or a JSON object")
    return CreateBody(fields, None)


def _form(content_type: str, body: bytes) -> CreateBody:
    # A form is a MIME message whose first header came as HTTP's.
    form = BytesParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    fields: JsonObject = {}
    picture = None
    for part in form.walk():
        if part.is_multipart():
            continue
        name, content = part.get_param("name", header="Content-Disposition"), part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise OpenAIError(400, "We could not parse the form of your request")
        if part.get_filename() is None:
            fields[name] = content.decode(errors="replace")
        elif name == REFERENCE:
            picture = content
        else:
            raise OpenAIError(400, f"Unknown parameter: '{name}'", param=name, reason="unknown_parameter")
    return CreateBody(fields, picture)
