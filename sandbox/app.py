"""Composes the sandbox's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from sandbox import control, files, kie, kling, openai_videos, replicate
from sandbox.config import SandboxConfig
from sandbox.kie_error import KieError, answer_kie_error
from sandbox.kling_error import KlingError, answer_kling_error
from sandbox.lifetime import Stopping
from sandbox.openai_videos_error import OpenAIError, answer_openai_error
from sandbox.replicate_error import ReplicateError, answer_replicate_error
from sandbox.state import Sandbox

_DESCRIPTION = """A stand-in for AI vendors. It makes real media without any model, and misbehaves on request.

Under `/kie` it speaks Kie Market's wire, under `/kling` Kling's new one, under `/replicate` Replicate's, under
`/openai` the videos wire that OpenAI left to others. `/_sandbox` is for tests: add a scenario whose
`match.prompt_contains` is a word of your own, put that word into a prompt, and only your task misbehaves."""


def create_app(config: SandboxConfig) -> FastAPI:
    """The application. `sandbox.server.serve` runs it; another server cannot cut connections for it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.sandbox = Sandbox(config)
        yield
        await app.state.sandbox.close()

    app = FastAPI(title="Reelworks sandbox", description=_DESCRIPTION, lifespan=lifespan)
    app.include_router(kie.router)
    app.include_router(kling.router)
    app.include_router(openai_videos.router)
    app.include_router(replicate.router)
    app.include_router(files.router)
    app.include_router(control.router)
    app.exception_handler(KieError)(answer_kie_error)
    app.exception_handler(KlingError)(answer_kling_error)
    app.exception_handler(OpenAIError)(answer_openai_error)
    app.exception_handler(ReplicateError)(answer_replicate_error)
    app.exception_handler(Stopping)(_answer_stopping)
    return app


async def _answer_stopping(_request: Request, _error: Stopping) -> PlainTextResponse:
    return PlainTextResponse("the sandbox is shutting down", status_code=503)
