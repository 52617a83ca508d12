"""Builds the sandbox's ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from sandbox import control, files
from sandbox.config import SandboxConfig
from sandbox.lifetime import Stopping
from sandbox.state import Sandbox
from sandbox.vendors import vendors

_DESCRIPTION = """A stand-in for AI vendors. It makes real media without any model, and misbehaves on request.

Below `/` and a vendor's name it speaks that vendor's wire. `/_sandbox` is for tests: add a scenario whose
`match.prompt_contains` is a word of your own, put that word into a prompt, and only your task misbehaves."""


def create_app(config: SandboxConfig) -> FastAPI:
    """Build the application. Run it with `sandbox.server.serve`: another server cannot cut connections."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.sandbox = Sandbox(config)
        yield
        await app.state.sandbox.close()

    app = FastAPI(title="Reelworks sandbox", description=_DESCRIPTION, lifespan=lifespan)
    for vendor in vendors():
        app.include_router(vendor.router)
        app.exception_handler(vendor.error)(vendor.answer_error)
    app.include_router(files.router)
    app.include_router(control.router)
    app.exception_handler(Stopping)(_answer_stopping)
    return app


async def _answer_stopping(_request: Request, _error: Stopping) -> PlainTextResponse:
    return PlainTextResponse("the sandbox is shutting down", status_code=503)
