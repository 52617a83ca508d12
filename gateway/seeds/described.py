"""The answers of `/video` and `/image` for the OpenAPI document."""

from pydantic import BaseModel

from gateway.json_body import BODY_KINDS
from gateway.openapi import Responses
from gateway.ordering import ORDER_KINDS
from gateway.problems import AssetExpired, NoResult, RangeNotSatisfiable
from gateway.seeds.errors import GenerationFailed, refusals
from gateway.streaming import STREAMED
from gateway.warnings import WARNING
from schemas.errors import InternalError, NotFound, NotReady, RequestError, Unauthenticated

_TEXT = {"type": "string"}

_HEADERS = {
    WARNING: {"description": "the settings that the model cannot do, with the values taken", "schema": _TEXT},
    "Location": {"description": "where to ask for this answer again", "schema": _TEXT},
    "Idempotency-Replayed": {"description": "`true` if an earlier request made the order", "schema": _TEXT},
}


def accepted(answer: type[BaseModel], *further: type[RequestError]) -> Responses:
    """The answers to an order. `further`: errors of this route alone."""
    kinds = (*BODY_KINDS, *ORDER_KINDS, NotFound, NoResult, InternalError, GenerationFailed, *further)
    return {
        200: {"description": "The result is stored", "headers": _HEADERS},
        202: {"description": "The result is not ready yet: ask at `status_url`", "headers": _HEADERS, "model": answer},
        **refusals(*kinds),
    }


FOUND: Responses = {200: {"description": "The order"}, **refusals(Unauthenticated, NotFound)}
"""The answers to a question for an order."""

FILE: Responses = {
    **STREAMED,
    302: {"description": "A link that works for at least an hour, without an API key"},
    **refusals(Unauthenticated, NotFound, NotReady, NoResult, AssetExpired, RangeNotSatisfiable),
}
"""The answers to a download."""
