"""Replicate's errors: RFC 7807. The HTTP status equals the body's `status`."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply


class ReplicateError(Exception):
    """Refuses a request to Replicate. `code` is the `status` in the body."""

    def __init__(
        self, code: int, title: str, detail: str, *, http_status: int | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(code, title, detail)
        self.code = code
        self.title = title
        self.detail = detail
        self.http_status = http_status or code
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "ReplicateError":
        """The error that a scenario describes."""
        return cls(
            error.code,
            "As the scenario says",
            error.msg,
            http_status=error.http_status,
            retry_after=error.retry_after,
        )


async def answer_replicate_error(_request: Request, error: ReplicateError) -> JSONResponse:
    """The exception handler of `ReplicateError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    body = {"type": "about:blank", "title": error.title, "status": error.code, "detail": error.detail}
    return JSONResponse(body, status_code=error.http_status, headers=headers, media_type="application/problem+json")
