"""Google's errors: `{"error": {"code", "message", "status"}}` with the matching HTTP status."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply

# HTTP statuses as google.rpc.Code: https://cloud.google.com/apis/design/errors
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class VertexError(Exception):
    """Refuses a request. `code` is the HTTP status: 400 invalid, 401 token, 403 project, 404 unknown, 429 quota."""

    def __init__(self, code: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "VertexError":
        """The error that a scenario describes. Its code is the HTTP status, unless the scenario names another."""
        return cls(error.http_status or error.code, error.msg, retry_after=error.retry_after)


async def answer_vertex_error(_request: Request, error: VertexError) -> JSONResponse:
    """The exception handler of `VertexError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    status = _STATUSES.get(error.code, "UNKNOWN")
    told = {"code": error.code, "message": error.message, "status": status}
    return JSONResponse({"error": told}, status_code=error.code, headers=headers)
