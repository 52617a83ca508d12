"""Reads the messages of Celery's wire as plain JSON, before kombu decodes anything.

kombu unpacks bodies, runs decoders that a message names, and raises in the middle of a read where a part is missing.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from schemas.json_values import MOST_VALUES, TOO_MANY_VALUES, count_values, structure

_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,200}")


class Unreadable(Exception):
    """A message to discard: no sender can be told. The text quotes at most the name of a task."""


class Refused(Exception):
    """A message whose sender can be told what is wrong."""


def parsed_object(raw: bytes) -> dict[str, object]:
    """A message, as it stands in Redis.

    Raises:
        Unreadable: the message is no JSON object, or has too many values.
    """
    # The body is a text in the message. Few messages need the second count, which leaves texts out.
    if count_values(raw) > MOST_VALUES and count_values(structure(raw)) > MOST_VALUES:
        raise Unreadable(f"the message is too large: {TOO_MANY_VALUES}")
    message = _json(raw)
    if not isinstance(message, dict):
        raise Unreadable("the message is no JSON object")
    return message


def content(message: Mapping[str, object], *, most_values: int = MOST_VALUES) -> object:
    """The parsed body of a message.

    Raises:
        Refused: the message is not plain JSON.
    """
    if mapping(message.get("headers")).get("compression"):
        raise Refused("the message is compressed: send plain JSON")
    if message.get("content-type") != "application/json":
        raise Refused("the message must have the content type application/json")
    properties = message.get("properties")
    if not isinstance(properties, dict):
        raise Refused("the message's properties must be an object")
    document = _document(message.get("body"), properties.get("body_encoding"))
    if count_values(document) > most_values:
        raise Refused(f"the message is too large: {TOO_MANY_VALUES}")
    parsed = _json(document)
    if parsed is None:
        raise Refused("the message's body is not JSON")
    return parsed


def plain_message(
    body: object, headers: Mapping[str, object], properties: Mapping[str, object], *, routing_key: str
) -> dict[str, object]:
    """A message that kombu can read.

    Args:
        properties: beside those that every message has.
    """
    return {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": routing_key},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
            **properties,
        },
    }


def mapping(value: object) -> dict[str, object]:
    """A JSON object. Empty for a value of another type."""
    return value if isinstance(value, dict) else {}


def visible(value: object) -> str | None:
    """A text of up to 200 visible characters, as ids and names are. None for another value."""
    return value if isinstance(value, str) and _VISIBLE.fullmatch(value) else None


def moment(expires: object) -> datetime | None:
    """The end of a message's validity. A time without a zone is UTC, as Celery's clients send it.

    Raises:
        Refused: the value is no ISO 8601 time.
    """
    if expires is None:
        return None
    try:
        time = datetime.fromisoformat(expires if isinstance(expires, str) else "")
    except ValueError:
        raise Refused("the message's expires must be an ISO 8601 time") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _document(body: object, encoding: object) -> bytes:
    if not isinstance(body, str):
        raise Refused("the message's body must be a text")
    if encoding is None or encoding == "utf-8":
        return body.encode("utf-8", "surrogatepass")
    if encoding != "base64":
        raise Refused("the message's body_encoding must be base64")
    try:
        return base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        raise Refused("the message's body is not base64") from None


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
