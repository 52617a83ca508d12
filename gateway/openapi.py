"""How the API's description speaks of problems: FastAPI knows `application/json` only."""

from collections.abc import Callable
from http import HTTPStatus
from itertools import groupby

from fastapi import FastAPI

from gateway.problems import MEDIA_TYPE
from schemas.api import Problem
from schemas.errors import RequestError

_SCHEMAS = "#/components/schemas/"

Responses = dict[int | str, dict[str, object]]
"""What a route's `responses` take."""


def problems(*kinds: type[RequestError]) -> Responses:
    """The problems that a route answers with, by status."""
    in_order = sorted(kinds, key=_status)
    return {status: _response(list(same)) for status, same in groupby(in_order, key=_status)}


def with_problems(app: FastAPI) -> Callable[[], dict[str, object]]:
    """An `openapi` function for the application that also describes `Problem`."""
    describe = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
            parts: dict[str, object] = schema.pop("$defs", {})
            describe()["components"]["schemas"] |= {**parts, "Problem": schema}
        return describe()

    return openapi


def _status(kind: type[RequestError]) -> int:
    return kind.http_status


def _response(kinds: list[type[RequestError]]) -> dict[str, object]:
    return {
        "description": HTTPStatus(kinds[0].http_status).phrase,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": f"{_SCHEMAS}Problem"},
                "examples": {kind.code: {"summary": kind.title, "value": _example(kind)} for kind in kinds},
            }
        },
    }


def _example(kind: type[RequestError]) -> dict[str, object]:
    # By way of the base class: some kinds are made from something else than a text.
    problem = RequestError("what was wrong, and what would be right").problem()
    return {
        **problem,
        "type": f"urn:reelworks:problem:{kind.code}",
        "title": kind.title,
        "status": kind.http_status,
        "code": kind.code,
    }
