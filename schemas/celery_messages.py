"""Celery's messages, of protocol 2 and 1: a message is one call of a task, and names no other work, time or group."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.plain_messages import Refused, Unreadable, content, mapping, moment, parsed_object, visible


@dataclass(frozen=True)
class Parts:
    """The parts of a message, still of any type."""

    headers: Mapping[str, object]
    """The headers, or in protocol 1 the body."""
    properties: Mapping[str, object]
    """The properties."""
    arguments: object
    """The positional arguments."""
    keywords: object
    """The keyword arguments."""
    embedded: object
    """The work that follows."""


@dataclass(frozen=True)
class Call:
    """The valid parts of a message."""

    id: str
    """The id of the message."""
    arguments: list[object]
    """The positional arguments."""
    keywords: dict[str, object]
    """The keyword arguments."""
    expires: datetime | None
    """The end of the message's validity, with a time zone."""


def parts_of(message: Mapping[str, object]) -> Parts:
    """The parts of a message.

    Raises:
        Refused: the message is not plain JSON, or its body has another form.
    """
    body, properties = content(message), mapping(message.get("properties"))
    headers = mapping(message.get("headers"))
    if "task" not in headers and isinstance(body, dict):
        return _first_protocol(body, properties)
    if not isinstance(body, list) or len(body) != len(("arguments", "keywords", "embedded")):
        raise Refused("the message's body must be a list of arguments, keyword arguments and options")
    return Parts(headers, properties, *body)


def names_of(raw: bytes) -> dict[str, str]:
    """The task and the id of a message, as far as they can be read, for the log line of a message to discard."""
    try:
        message = parsed_object(raw)
    except Unreadable:
        return {}
    try:
        headers = parts_of(message).headers
    except Refused:
        headers = mapping(message.get("headers"))
    return {name: text for name in ("task", "id") if (text := visible(headers.get(name))) is not None}


def call_of(parts: Parts) -> Call:
    """The call that a message asks for, now and alone.

    Raises:
        Refused: a part has the wrong type, or the message asks for more than one call.
    """
    headers = parts.headers
    message_id = visible(headers.get("id"))
    if message_id is None:
        raise Refused("the message needs an id of its own, e.g. a UUID: up to 200 visible characters")
    if headers.get("eta") is not None:
        raise Refused("an order is taken at once: send it without eta or countdown")
    if headers.get("group") is not None:
        raise Refused("an order stands alone: send it without a group")
    arguments, keywords, embedded = parts.arguments, parts.keywords, parts.embedded
    if not isinstance(arguments, list) or not isinstance(keywords, dict):
        raise Refused("the message's arguments must be a list, and its keyword arguments an object")
    if embedded is not None and (not isinstance(embedded, dict) or any(embedded.values())):
        raise Refused("an order stands alone: send it without chain, chord, link or link_error")
    return Call(message_id, arguments, keywords, moment(headers.get("expires")))


def _first_protocol(body: Mapping[str, object], properties: Mapping[str, object]) -> Parts:
    """The parts of a message of Celery's protocol 1, in which the body holds everything."""
    embedded = {name: body.get(name) for name in ("callbacks", "errbacks", "chord")}
    headers = {**body, "group": body.get("taskset")}
    return Parts(headers, properties, body.get("args", []), body.get("kwargs", {}), embedded)
