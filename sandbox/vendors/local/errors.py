"""The server's errors: `{"error": {"code", "message"}}` with the matching HTTP status."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply


class LocalError(Exception):
    """Refuses a request. `code` is the HTTP status, `word` the code in the body."""

    def __init__(self, code: int, word: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(code, word, message)
        self.code = code
        self.word = word
        self.message = message
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "LocalError":
        """The error that a scenario describes. Its code is the HTTP status, unless the scenario names another."""
        status = error.http_status or error.code
        word = {429: "queue_full", 503: "draining", 422: "invalid_request"}.get(status, "refused")
        return cls(status, word, error.msg, retry_after=error.retry_after)


async def answer_local_error(_request: Request, error: LocalError) -> JSONResponse:
    """The exception handler of `LocalError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse(
        {"error": {"code": error.word, "message": error.message}}, status_code=error.code, headers=headers
    )
