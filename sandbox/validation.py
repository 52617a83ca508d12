"""Validates requests as strictly as vendors do, and describes the errors."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import AfterValidator, TypeAdapter, ValidationError

from sandbox.task import JsonObject

_JSON_OBJECT = TypeAdapter(JsonObject)


def check_http_url(text: str) -> str:
    """Return the text. Raises `ValueError` if the text is not such a URL."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("should be an http or https URL")
    return text


# The URL keeps its spelling: a normalised URL may not match its own signature.
HttpUrlText = Annotated[str, AfterValidator(check_http_url)]


async def json_object(request: Request) -> JsonObject | None:
    """The body of a request. None if the body is not a JSON object."""
    try:
        return _JSON_OBJECT.validate_json(await request.body())
    except ValidationError:
        return None


def sentences(error: ValidationError, *within: str) -> str:
    """Each invalid field and its error, as text for a vendor's error."""
    return "; ".join(
        f"{'.'.join(map(str, (*within, *problem['loc'])))}: {problem['msg']}" for problem in error.errors()
    )
