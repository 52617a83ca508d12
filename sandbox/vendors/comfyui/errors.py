"""The server's refusals: `{"error": {"type", "message", "details", "extra_info"}, "node_errors"}` with HTTP 400."""

from collections.abc import Mapping

from fastapi import Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import JsonValue

from sandbox.creates import NoReply
from sandbox.scenarios import ErrorReply

FAILED_VALIDATION = "prompt_outputs_failed_validation"


class ComfyError(Exception):
    """Refuses a request. `code` is the HTTP status."""

    def __init__(
        self,
        code: int,
        kind: str,
        message: str,
        details: str = "",
        *,
        node_errors: Mapping[str, JsonValue] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code, kind, message)
        self.code = code
        self.kind = kind
        self.message = message
        self.details = details
        self.node_errors = dict(node_errors or {})
        self.retry_after = retry_after

    @classmethod
    def of_scenario(cls, error: ErrorReply) -> "ComfyError":
        """The error that a scenario describes. Its code is the HTTP status, unless the scenario names another."""
        return cls(error.http_status or error.code, "refused", error.msg, retry_after=error.retry_after)


class ServerDown(ComfyError):
    """The process restarts: the connection closes without an answer."""

    def __init__(self) -> None:
        super().__init__(503, "down", "the server restarts")


class Trouble(ComfyError):
    """The server raised an exception of its own: a body that is no JSON."""

    def __init__(self) -> None:
        super().__init__(500, "trouble", "500 Internal Server Error\n\nServer got itself in trouble")


class Nothing(ComfyError):
    """A 404 without a body."""

    def __init__(self) -> None:
        super().__init__(404, "nothing", "")


async def answer_comfy_error(_request: Request, error: ComfyError) -> Response:
    """The exception handler of `ComfyError`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    match error:
        case ServerDown():
            return NoReply()
        case Trouble() | Nothing():
            return PlainTextResponse(error.message, status_code=error.code)
        case _:
            told = {"type": error.kind, "message": error.message, "details": error.details, "extra_info": {}}
            body = {"error": told, "node_errors": error.node_errors}
            return JSONResponse(body, status_code=error.code, headers=headers)
