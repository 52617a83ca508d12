"""The errors of the protocol. A client sees our words, and no text of an unforeseen error."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

import mcp_types as types
import structlog
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from agents.blocks import in_words
from schemas.errors import RequestError

log = structlog.get_logger()

R = TypeVar("R")


def refused(error: RequestError) -> MCPError:
    """A refusal as an error of the protocol."""
    is_ours = error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return MCPError(types.INTERNAL_ERROR if is_ours else types.INVALID_PARAMS, error.detail, {"code": error.code})


def guarded(
    name: str, handler: Callable[[ServerRequestContext[Any, Any], Any], Awaitable[R]]
) -> Callable[[ServerRequestContext[Any, Any], Any], Awaitable[R]]:
    """The handler of a method, whose errors are all errors of the protocol."""

    async def handle(context: ServerRequestContext[Any, Any], params: Any) -> R:
        try:
            return await handler(context, params)
        except MCPError:
            raise
        except RequestError as error:
            raise refused(error) from None
        except ValidationError as error:
            raise MCPError(types.INVALID_PARAMS, in_words(error)) from None
        except Exception as error:  # noqa: BLE001 -- the edge: the SDK would send the text of the error
            log.error("tool_failed", tool=getattr(params, "name", name), error=type(error).__name__)
            raise MCPError(types.INTERNAL_ERROR, "something went wrong on our side: try again") from None

    return handle
