"""Errors of Google's APIs: `{"error": {"code", "message", "status", "details"}}`.

Source: https://ai.google.dev/gemini-api/docs/generate-content/api-errors; the details are those of google.rpc.
"""

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import JsonValue

from sandbox.scenarios import ErrorReply

# google.rpc.Code, by HTTP status.
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPE = "type.googleapis.com/google.rpc."


class GeminiError(Exception):
    """Refuses a request. `code` is the HTTP status; `reason` is Google's reason, for errors that have one."""

    def __init__(self, code: int, message: str, *, reason: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.reason = reason
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "GeminiError":
        """The error that a scenario describes. Its code is the HTTP status, unless the scenario names another."""
        return cls(error.http_status or error.code, error.msg, retry_after=error.retry_after)


async def answer_gemini_error(_request: Request, error: GeminiError) -> JSONResponse:
    """The exception handler of `GeminiError`. The body carries the pause for a retry; no header does."""
    details: list[JsonValue] = []
    if error.reason is not None:
        details.append({"@type": f"{_TYPE}ErrorInfo", "reason": error.reason, "domain": "googleapis.com"})
    if error.retry_after is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{error.retry_after}s"})
    told = {
        "code": error.code,
        "message": error.message,
        "status": _STATUSES.get(error.code, "UNKNOWN"),
        "details": details,
    }
    return JSONResponse({"error": told}, status_code=error.code)
