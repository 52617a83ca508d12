"""The plain envelope: a JSON document that any language can write, without Celery."""

from collections.abc import Mapping
from typing import Final

from intake.redis.arguments import read_object
from intake.redis.replies import KEPT, Reply, reply_to
from intake.redis.request import RefusedRequest, Request, operation_of
from schemas.errors import InvalidRequest, RequestError
from schemas.plain_messages import Refused, Unreadable, moment, visible
from schemas.text import shown
from schemas.trace_context import HEADER, TraceContext

_FIELDS: Final = frozenset({"operation", "id", "arguments", "reply_to", "expires", "signature", HEADER})


def read(message: Mapping[str, object], raw: bytes) -> Request:
    """The request of a plain envelope.

    Raises:
        Unreadable: the message has no id, so its sender finds no answer.
        RefusedRequest: the message is not served, and the sender can be told.
    """
    request_id = visible(message.get("id"))
    if request_id is None:
        raise Unreadable("the message needs an id of its own, e.g. a UUID: up to 200 visible characters")
    reply = KEPT
    try:
        reply = reply_to(message.get("reply_to"))
        return _request(message, request_id, reply, raw)
    except Refused as refused:
        raise RefusedRequest(RequestError(str(refused)), request_id, reply) from None
    except InvalidRequest as error:
        raise RefusedRequest(error, request_id, reply) from None


def _request(message: Mapping[str, object], request_id: str, reply: Reply, raw: bytes) -> Request:
    operation = operation_of(message["operation"])
    if message.get("eta") is not None:
        raise Refused("an order is taken at once: send it without eta")
    if unknown := sorted(set(message) - _FIELDS - {"eta"}):
        raise Refused(f"an envelope has the fields {', '.join(sorted(_FIELDS))}, and not {shown(unknown[0])!r}")
    expires = moment(message.get("expires"))
    # As for HTTP, a text that is no traceparent changes nothing.
    place = TraceContext.read(message.get(HEADER))
    return Request(request_id, operation, _arguments(message), reply, expires, False, "plain", raw, place)


def _arguments(message: Mapping[str, object]) -> dict[str, object]:
    """The arguments, in the form of Celery's keyword arguments."""
    arguments = message.get("arguments", {})
    if message.get("signature") is not None:
        return {"arguments": arguments, "signature": message["signature"]}
    if isinstance(arguments, str):
        return read_object(arguments)
    if not isinstance(arguments, dict):
        raise Refused("the message's arguments must be an object, or a text that holds one")
    return arguments
