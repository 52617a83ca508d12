"""Describes problem responses in the OpenAPI document. FastAPI itself describes only `application/json`."""

import json
import threading
from collections.abc import Callable
from copy import deepcopy
from http import HTTPStatus
from itertools import groupby
from typing import Any

import anyio
from anyio import to_thread
from fastapi import FastAPI
from fastapi.responses import Response

from gateway.dialects import described_errors
from gateway.problems import MEDIA_TYPE, RateLimited
from schemas.api import Problem
from schemas.errors import (
    InsufficientScope,
    InvalidRequest,
    KeyExpired,
    KeyRevoked,
    NotFound,
    OtherCustomer,
    RequestError,
    Unauthenticated,
)
from schemas.identity_api import CUSTOMER_HEADER, LONGEST_NAME

_SCHEMAS = "#/components/schemas/"

Responses = dict[int | str, dict[str, object]]
"""The type of a route's `responses`."""


def problems(*kinds: type[RequestError]) -> Responses:
    """The problem responses of a route, by status."""
    in_order = sorted(kinds, key=_status)
    return {status: _response(list(same)) for status, same in groupby(in_order, key=_status)}


def refusals(path: str, *kinds: type[RequestError]) -> Responses:
    """The error responses of a route in the dialect of its path, by status."""
    return (described_errors(path) or problems)(*kinds)


def with_problems(app: FastAPI) -> Callable[[], dict[str, object]]:
    """An `openapi` function for the application: our problems in place of the 422 that FastAPI describes."""
    describe, lock = app.openapi, threading.Lock()
    finished: dict[str, object] = {}

    def openapi() -> dict[str, object]:
        # Several threads may ask for the first document, and FastAPI keeps it before it is finished.
        with lock:
            if not finished:
                schema = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
                parts: dict[str, object] = schema.pop("$defs", {})
                document = describe()
                document["components"]["schemas"] |= {**parts, "Problem": schema}
                _remove_undeclared(document)
                _describe_keys(document)
                finished.update(document)
        return finished

    return openapi


def install_document(app: FastAPI) -> None:
    """Serve `/openapi.json`. FastAPI's own route writes the document anew for each request."""
    document = app.state.document = _Document(app)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_document() -> Response:
        return Response(await document.content(), media_type="application/json")


def write_document(app: FastAPI) -> None:
    """Write the document now. Otherwise the first request writes it, and other requests wait for the processor."""
    app.state.document.write()


class _Document:
    """The document as JSON. It is written once, by `write_document` or by the first request."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._content = b""
        self._lock = anyio.Lock()

    async def content(self) -> bytes:
        async with self._lock:
            if not self._content:
                await to_thread.run_sync(self.write)
        return self._content

    def write(self) -> None:
        document = self._app.openapi()
        self._content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _remove_undeclared(document: dict[str, Any]) -> None:
    """Remove the 422 that FastAPI adds to each route with a parameter. A wrong id is a 404 here."""
    for path in document["paths"].values():
        for operation in path.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


_CUSTOMER: dict[str, object] = {
    "name": CUSTOMER_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    "description": "the customer for whom the request acts: to a service's key, the service's own number or text, such "
    "as `123`; to the operator's key, our id. A customer's key needs no name",
}

_OF_KEYS = (
    Unauthenticated,
    KeyExpired,
    KeyRevoked,
    InsufficientScope,
    OtherCustomer,
    NotFound,
    InvalidRequest,
    RateLimited,
)


def _describe_keys(document: dict[str, Any]) -> None:
    """Add to each operation with an API key the header that names the customer, and the refusals of keys."""
    for name, path in document["paths"].items():
        of_keys: dict[int | str, Any] = refusals(name, *_OF_KEYS)
        for operation in path.values():
            if not operation.get("security"):
                continue
            operation.setdefault("parameters", []).append(_CUSTOMER)
            for status, described in of_keys.items():
                known = operation["responses"].setdefault(str(status), deepcopy(described))
                for media_type, content in described["content"].items():
                    known["content"][media_type]["examples"] |= content["examples"]


def _status(kind: type[RequestError]) -> int:
    return kind.http_status


def _response(kinds: list[type[RequestError]]) -> dict[str, Any]:
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
    # Uses the base class, because the constructors of some kinds take other arguments.
    problem = RequestError("the reason of the refusal, and the remedy").problem()
    return {
        **problem,
        "type": f"urn:reelworks:problem:{kind.code}",
        "title": kind.title,
        "status": kind.http_status,
        "code": kind.code,
    }
