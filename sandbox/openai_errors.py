"""OpenAI's errors: `{"error": {"message", "type", "param", "code"}}` with the matching HTTP status."""

from fastapi import Request
from fastapi.responses import JSONResponse

from sandbox.scenarios import ErrorReply

_TYPES = {429: "rate_limit_error"}
_FIRST_SERVER_ERROR = 500


class OpenAIError(Exception):
    """Refuses a request. `code` is the HTTP status: 400 invalid, 401 key, 404 unknown."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.reason = reason
        self.param = param
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "OpenAIError":
        """The error that a scenario describes. Its code is the HTTP status, unless the scenario names another."""
        return cls(error.http_status or error.code, error.msg, retry_after=error.retry_after)


async def answer_openai_error(_request: Request, error: OpenAIError) -> JSONResponse:
    """The exception handler of `OpenAIError`."""
    otherwise = "server_error" if error.code >= _FIRST_SERVER_ERROR else "invalid_request_error"
    told = {
        "message": error.message,
        "type": _TYPES.get(error.code, otherwise),
        "param": error.param,
        "code": error.reason,
    }
    return JSONResponse({"error": told}, status_code=error.code, headers=_retry_after(error.retry_after))


def _retry_after(seconds: int | None) -> dict[str, str]:
    """OpenAI's client reads both headers and prefers the first."""
    return {} if seconds is None else {"Retry-After-Ms": str(1000 * seconds), "Retry-After": str(seconds)}
