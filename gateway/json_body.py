"""Requires that the body of a request is JSON."""

from fastapi import Depends, Request

from gateway.openapi import problems
from gateway.problems import BadRequest, ContentTooLarge, UnsupportedMediaType
from schemas.errors import InvalidRequest


async def _require_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("send the request as JSON, with `Content-Type: application/json`")


RequireJson = Depends(_require_json)
"""A dependency of each route that reads a JSON body."""

BODY_PROBLEMS = problems(BadRequest, ContentTooLarge, UnsupportedMediaType, InvalidRequest)
"""The refusals of such a route."""
