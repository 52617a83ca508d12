"""Runway's errors: `{"error": …}` with the matching HTTP status."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply


class RunwayError(Exception):
    """Refuses a request. `code` is the HTTP status: 400 invalid or no credits, 401 key, 404 unknown, 429 too many."""

    def __init__(self, code: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "RunwayError":
        """The error that a scenario describes. Its code is the HTTP status, unless the scenario names another."""
        return cls(error.http_status or error.code, error.msg, retry_after=error.retry_after)


async def answer_runway_error(_request: Request, error: RunwayError) -> JSONResponse:
    """The exception handler of `RunwayError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse({"error": error.message}, status_code=error.code, headers=headers)
