"""The messages of Celery's clients: each is one request, with keyword arguments alone."""

from collections.abc import Mapping

from intake.redis.replies import CELERY
from intake.redis.request import RefusedRequest, Request, operation_of
from schemas.celery_messages import Parts, call_of, parts_of
from schemas.errors import InvalidRequest, RequestError
from schemas.plain_messages import Refused, Unreadable, mapping, visible
from schemas.trace_context import HEADER, TraceContext


def read(message: Mapping[str, object], raw: bytes) -> Request:
    """The request of a message of Celery.

    Raises:
        Unreadable: the message has no id, so its sender reads no answer.
        RefusedRequest: the message is no order, or asks for more than an order.
    """
    headers = mapping(message.get("headers"))
    try:
        parts = parts_of(message)
        headers = dict(parts.headers)
        return _request(parts, raw)
    except Refused as refused:
        request_id = visible(headers.get("id"))
        if request_id is None:
            raise Unreadable(str(refused)) from None
        raise RefusedRequest(RequestError(str(refused)), request_id, CELERY) from None


def _request(parts: Parts, raw: bytes) -> Request:
    operation = operation_of(parts.headers.get("task"))
    call = call_of(parts)
    if call.arguments:
        text = f"{operation} takes keyword arguments only: customer_id and request"
        raise RefusedRequest(InvalidRequest(text), call.id, CELERY)
    is_ignored = parts.headers.get("ignore_result") is True
    place = TraceContext.read(parts.headers.get(HEADER))
    return Request(call.id, operation, call.keywords, CELERY, call.expires, is_ignored, "celery", raw, place)
