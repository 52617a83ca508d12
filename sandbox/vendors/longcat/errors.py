"""The endpoint's errors: `{"error": {"code", "message"}}` with the matching HTTP status."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply

_STATUSES = {"content_rejected": 422, "input_unreadable": 422, "invalid_input": 422}


class LongCatError(Exception):
    """Refuses a request. `code` is the HTTP status, `word` the code in the body."""

    def __init__(self, code: int, word: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(code, word, message)
        self.code = code
        self.word = word
        self.message = message
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "LongCatError":
        """The error that a scenario describes. Its code is the HTTP status, unless the scenario names another."""
        return cls(error.http_status or error.code, "refused", error.msg, retry_after=error.retry_after)

    @classmethod
    def of_failure(cls, word: str, message: str) -> "LongCatError":
        """The error of a create whose work failed before the answer."""
        return cls(_STATUSES.get(word, 500), word, message)


async def answer_longcat_error(_request: Request, error: LongCatError) -> JSONResponse:
    """The exception handler of `LongCatError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse(
        {"error": {"code": error.word, "message": error.message}}, status_code=error.code, headers=headers
    )
