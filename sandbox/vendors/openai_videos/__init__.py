"""OpenAI's videos wire, which other vendors still serve, under `/openai_videos`, and servers of one's own below it."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from sandbox.openai_errors import OpenAIError, answer_openai_error
from sandbox.vendor import Vendor
from sandbox.vendors.openai_videos import engines, routes
from sandbox.vendors.openai_videos.account import OpenAIVideosAccount

_router = APIRouter()
# `routes` refuses every other path of its own.
_router.include_router(engines.router)
_router.include_router(routes.router)


async def _answer_error(request: Request, error: OpenAIError) -> JSONResponse:
    """The exception handler: each server's errors in its own form."""
    if not isinstance(error, engines.DetailError):
        return await answer_openai_error(request, error)
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse({"detail": error.message}, status_code=error.code, headers=headers)


VENDOR = Vendor(router=_router, account=OpenAIVideosAccount, error=OpenAIError, answer_error=_answer_error)
