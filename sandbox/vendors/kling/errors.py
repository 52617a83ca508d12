"""Kling's errors: an envelope with a `code`. Several codes share an HTTP status."""

from uuid import uuid4

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply

# "Error codes" of https://kling.ai/document-api
_STATUSES = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), 401),
    **dict.fromkeys((1200, 1201, 1300, 1301), 400),
    **dict.fromkeys((1202, 1203), 404),
    **dict.fromkeys((1100, 1101, 1102, 1302, 1303, 1304), 429),
    1103: 403,
    5000: 500,
    5001: 503,
    5002: 504,
}


class KlingError(Exception):
    """Refuses a request to Kling. Codes: 1001 and 1002 key, 1201 invalid, 1203 unknown, 1303 too many at once."""

    def __init__(
        self, code: int, message: str, *, http_status: int | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.http_status = http_status or _STATUSES.get(code, 500)
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "KlingError":
        """The error that a scenario describes."""
        return cls(error.code, error.msg, http_status=error.http_status, retry_after=error.retry_after)


async def answer_kling_error(_request: Request, error: KlingError) -> JSONResponse:
    """The exception handler of `KlingError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    body = {"code": error.code, "message": error.message, "request_id": uuid4().hex}
    return JSONResponse(body, status_code=error.http_status, headers=headers)
