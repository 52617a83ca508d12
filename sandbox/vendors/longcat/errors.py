"""An error as the endpoint answers it: `{"error": {"code", "message"}}`, with an HTTP status to match."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply

_STATUSES = {"content_rejected": 422, "input_unreadable": 422, "invalid_input": 422}


class LongCatError(Exception):
    """Refuses a request. `code` is the HTTP status, `word` the code of the body."""

    def __init__(self, code: int, word: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(code, word, message)
        self.code = code
        self.word = word
        self.message = message
        self.retry_after = retry_after

    @classmethod
    def asked_for(cls, error: ErrorReply) -> "LongCatError":
        """The error that a scenario describes; its code is the HTTP status, unless it names another."""
        return cls(error.http_status or error.code, "refused", error.msg, retry_after=error.retry_after)

    @classmethod
    def of_failure(cls, word: str, message: str) -> "LongCatError":
        """What becomes of work that fails while its create waits for it."""
        return cls(_STATUSES.get(word, 500), word, message)


async def answer_longcat_error(_request: Request, error: LongCatError) -> JSONResponse:
    """The exception handler of `LongCatError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse(
        {"error": {"code": error.word, "message": error.message}}, status_code=error.code, headers=headers
    )
