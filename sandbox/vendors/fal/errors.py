"""fal's errors: a text from fal's own servers, or a model's list of problems with its input.

Source: https://docs.fal.ai/documentation/model-apis/request-errors.
"""

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import JsonValue

from sandbox.scenarios import ErrorReply

# The HTTP status of a model's error type. Types that are not listed describe a wrong input: 422.
MODEL_STATUSES: Mapping[str, int] = {
    "generation_timeout": 504,
    "downstream_service_error": 400,
    "downstream_service_unavailable": 500,
    "internal_server_error": 500,
}
# The HTTP status of fal's own error types.
REQUEST_STATUSES: Mapping[str, int] = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "client_disconnected": 499,
    "client_cancelled": 499,
    "bad_request": 400,
    "internal_error": 500,
}


class FalError(Exception):
    """Refuses a request to fal. `code` is the HTTP status."""

    def __init__(self, code: int, detail: JsonValue, *, retry_after: int | None = None) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    @classmethod
    def of_input(cls, field: str, kind: str, text: str) -> "FalError":
        """A model's error about one field."""
        return cls(422, [{"loc": ["body", field], "msg": text, "type": kind}])

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "FalError":
        """The error that a scenario describes."""
        return cls(error.http_status or error.code, error.msg, retry_after=error.retry_after)


async def answer_fal_error(_request: Request, error: FalError) -> JSONResponse:
    """The exception handler of `FalError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse({"detail": error.detail}, status_code=error.code, headers=headers)
