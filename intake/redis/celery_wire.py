"""Celery's messages, of protocol 2 and 1: a message is one request, and names no other work, time or group."""

from collections.abc import Mapping
from dataclasses import dataclass

from intake.redis.moments import moment
from intake.redis.replies import CELERY
from intake.redis.request import RefusedRequest, Request, operation_of
from schemas.errors import InvalidRequest, RequestError
from schemas.plain_messages import Refused, Unreadable, content, mapping, visible


@dataclass(frozen=True)
class _Parts:
    """The parts of a message, still of any type."""

    headers: Mapping[str, object]
    arguments: object
    keywords: object
    embedded: object


def read(message: Mapping[str, object], raw: bytes) -> Request:
    """The request of a message of Celery.

    Raises:
        Unreadable: the message has no id, so its sender reads no answer.
        RefusedRequest: the message is no order, or asks for more than an order.
    """
    headers = mapping(message.get("headers"))
    try:
        parts = _parts(message, headers)
        headers = parts.headers
        return _request(parts, raw)
    except Refused as refused:
        request_id = visible(headers.get("id"))
        if request_id is None:
            raise Unreadable(str(refused)) from None
        raise RefusedRequest(RequestError(str(refused)), request_id, CELERY) from None


def _request(parts: _Parts, raw: bytes) -> Request:
    headers = parts.headers
    operation = operation_of(headers.get("task"))
    request_id = visible(headers.get("id"))
    if request_id is None:
        raise Refused("the message needs an id of its own, e.g. a UUID: up to 200 visible characters")
    if headers.get("eta") is not None:
        raise Refused("an order is taken at once: send it without eta or countdown")
    if headers.get("group") is not None:
        raise Refused("an order stands alone: send it without a group")
    arguments, keywords = _arguments(parts)
    expires = moment(headers.get("expires"))
    if arguments:
        text = f"{operation} takes keyword arguments only: customer_id and request"
        raise RefusedRequest(InvalidRequest(text), request_id, CELERY)
    is_ignored = headers.get("ignore_result") is True
    return Request(request_id, operation, keywords, CELERY, expires, is_ignored, "celery", raw)


def _parts(message: Mapping[str, object], headers: Mapping[str, object]) -> _Parts:
    body = content(message)
    if "task" not in headers and isinstance(body, dict):
        return _first_protocol(body)
    if not isinstance(body, list) or len(body) != len(("arguments", "keywords", "embedded")):
        raise Refused("the message's body must be a list of arguments, keyword arguments and options")
    return _Parts(headers, *body)


def _first_protocol(body: Mapping[str, object]) -> _Parts:
    """The parts of a message of Celery's protocol 1, in which the body holds everything."""
    embedded = {name: body.get(name) for name in ("callbacks", "errbacks", "chord")}
    headers = {**body, "group": body.get("taskset")}
    return _Parts(headers, body.get("args", []), body.get("kwargs", {}), embedded)


def _arguments(parts: _Parts) -> tuple[list[object], dict[str, object]]:
    arguments, keywords, embedded = parts.arguments, parts.keywords, parts.embedded
    if not isinstance(arguments, list) or not isinstance(keywords, dict):
        raise Refused("the message's arguments must be a list, and its keyword arguments an object")
    if embedded is not None and (not isinstance(embedded, dict) or any(embedded.values())):
        raise Refused("an order stands alone: send it without chain, chord, link or link_error")
    return arguments, keywords
