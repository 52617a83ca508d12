"""Reading requests as strictly as vendors do, and saying what is wrong with one."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import AfterValidator, TypeAdapter, ValidationError

from sandbox.task import JsonObject

_JSON_OBJECT = TypeAdapter(JsonObject)


def check_http_url(text: str) -> str:
    """The same text. Raises `ValueError` for what is no such URL."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("should be an http or https URL")
    return text


# Kept as it came: a normalised URL may no longer match its own signature.
HttpUrlText = Annotated[str, AfterValidator(check_http_url)]


async def json_object(request: Request) -> JsonObject | None:
    """The body of a request; None when it is not a JSON object."""
    try:
        return _JSON_OBJECT.validate_json(await request.body())
    except ValidationError:
        return None


def sentences(error: ValidationError, *within: str) -> str:
    """What is wrong with which field, for the text of a vendor's error."""
    return "; ".join(
        f"{'.'.join(map(str, (*within, *problem['loc'])))}: {problem['msg']}" for problem in error.errors()
    )
