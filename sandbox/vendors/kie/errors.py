"""Kie's errors: a `code` in the JSON body of an HTTP 200."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply


class KieError(Exception):
    """Refuses a request to Kie. Codes: 400 bad body, 401 key, 402 credits, 404 unknown, 422 invalid, 429 rate,
    451 an input image could not be fetched, 500 server."""

    def __init__(self, code: int, msg: str, *, http_status: int = 200, retry_after: int | None = None) -> None:
        super().__init__(code, msg)
        self.code = code
        self.msg = msg
        self.http_status = http_status
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "KieError":
        """The error that a scenario describes."""
        return cls(error.code, error.msg, http_status=error.http_status or 200, retry_after=error.retry_after)


async def answer_kie_error(_request: Request, error: KieError) -> JSONResponse:
    """The exception handler of `KieError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    body = {"code": error.code, "msg": error.msg, "data": None}
    return JSONResponse(body, status_code=error.http_status, headers=headers)
