"""Requires that a body is JSON. A request may lack the body where the route can do without."""

from fastapi import Depends, Request

from gateway.openapi import problems
from gateway.problems import BadRequest, ContentTooLarge, UnsupportedMediaType
from schemas.errors import InvalidRequest


async def _require_json(request: Request) -> None:
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("send the request as JSON, with `Content-Type: application/json`")


RequireJson = Depends(_require_json)
"""A dependency of each route that reads a JSON body."""

BODY_KINDS = (BadRequest, ContentTooLarge, UnsupportedMediaType, InvalidRequest)
"""The types of the refusals of such a route."""

BODY_PROBLEMS = problems(*BODY_KINDS)
"""These refusals in the form of `/v1`."""
