"""The wire: routes, the key, and errors. docs/model-server.md describes it."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from model_server import measured, pictures, requests
from model_server.configuration import Configuration
from model_server.errors import CallRefused
from model_server.jobs import ENDED, Job, Status
from model_server.runner import Runner
from model_server.store import NewJob, QueueClosed, QueueFull, Store
from schemas.reach import Reach, reach_of

_BUSY_SECONDS = 10
# Bodies that are in memory at one time. Each may hold a picture.
_BODIES = 4
_STATUS_CODES = {404: "not_found", 405: "method_not_allowed"}


@dataclass
class Server:
    """What the routes use."""

    configuration: Configuration
    """The whole configuration."""
    store: Store
    """The jobs."""
    runner: Runner
    """The thread that runs them."""
    instance: str
    """This start of the server."""
    on_end: Callable[[Job], None]
    """Told of each job that a route ends."""
    is_draining: bool = False
    """Whether the server takes no further job."""

    def document(self, job: Job) -> dict[str, Any]:
        """The job on the wire."""
        return job.document(self.store.ahead(job))


def create_app(server: Server) -> FastAPI:
    """The application of one server."""
    app = FastAPI(title="Reelworks model server", docs_url=None, redoc_url=None, openapi_url=None)
    _add_errors(app)
    _add_jobs(app, server)
    _add_facts(app, server)
    return app


def error_answer(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error document."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(CallRefused)
    async def refused(_request: Request, error: CallRefused) -> Response:
        return error_answer(error.status, error.code, error.message, error.headers)

    @app.exception_handler(HTTPException)
    async def unknown(_request: Request, error: HTTPException) -> Response:
        code = _STATUS_CODES.get(error.status_code, "bad_request")
        return error_answer(error.status_code, code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def wrong(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return error_answer(422, "invalid_request", f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}")


def _key_check(server: Server) -> Callable[[Request], Awaitable[None]]:
    key = server.configuration.server.api_key

    async def check(request: Request) -> None:
        if key is None:
            # The page of a stranger, open in a browser here, could give its own name the address 127.0.0.1.
            if reach_of(f"http://{request.headers.get('host', '')}") is not Reach.MACHINE:
                raise CallRefused(400, "bad_host", "without a key, ask for 127.0.0.1 or localhost")
            return
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {key.get_secret_value()}".encode()):
            headers = {"WWW-Authenticate": "Bearer"}
            raise CallRefused(401, "unauthorized", "send the server's key: Authorization: Bearer KEY", headers)

    return check


def _add_jobs(app: FastAPI, server: Server) -> None:
    key = [Depends(_key_check(server))]
    bodies = asyncio.Semaphore(_BODIES)

    @app.post("/v1/jobs", dependencies=key)
    async def create(request: Request) -> JSONResponse:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise CallRefused(415, "unsupported_media_type", "send application/json")
        async with bodies:
            body = await _body(request)
            try:
                job, is_new = await run_in_threadpool(_created, server, body)
            except CallRefused as error:
                measured.REFUSED.labels(error.code).inc()
                raise
        return JSONResponse(server.document(job), 202 if is_new else 200, {"Location": f"/v1/jobs/{job.id}"})

    @app.get("/v1/jobs", dependencies=key)
    def find(reference: str = Query(max_length=200)) -> dict[str, Any]:
        job = server.store.by_reference(reference)
        return {"jobs": [] if job is None else [server.document(job)]}

    @app.get("/v1/jobs/{job_id}", dependencies=key)
    def read(job_id: str) -> dict[str, Any]:
        return server.document(_found(server.store.by_id(job_id)))

    @app.delete("/v1/jobs/{job_id}", dependencies=key)
    def cancel(job_id: str) -> dict[str, Any]:
        before = _found(server.store.by_id(job_id))
        job = _found(server.store.cancel(job_id))
        if before.status not in ENDED and job.status is Status.CANCELLED:
            measured.JOBS.labels(job.pipeline, job.status.value).inc()
            server.on_end(job)
        return server.document(job)

    @app.api_route("/v1/jobs/{job_id}/file", methods=["GET", "HEAD"], dependencies=key)
    def file(job_id: str) -> Response:
        job = _found(server.store.by_id(job_id))
        if job.file is None:
            raise CallRefused(
                409, "job_not_finished", f"the job is {job.status.value}: only a succeeded job has a file"
            )
        path = server.store.file_of(job.id)
        if job.is_file_expired or not path.is_file():
            raise CallRefused(410, "file_expired", "the file's life is over, or newer files needed its place")
        return FileResponse(path, media_type=job.file.content_type, headers={"Cache-Control": "private"})


def _add_facts(app: FastAPI, server: Server) -> None:
    @app.get("/v1/pipelines", dependencies=[Depends(_key_check(server))])
    def pipelines() -> dict[str, Any]:
        return {"pipelines": [_pipeline(server, name) for name in server.configuration.pipelines]}

    @app.get("/health")
    def health() -> JSONResponse:
        if server.is_draining or not server.runner.ready.is_set():
            return JSONResponse(
                {"status": "draining" if server.is_draining else "starting", "instance": server.instance}, 503
            )
        return JSONResponse(
            {
                "status": "ok",
                "queued": server.store.count(Status.QUEUED),
                "running": server.store.count(Status.LOADING, Status.RUNNING),
                "device": server.runner.device,
                "instance": server.instance,
            }
        )

    @app.get("/metrics")
    def metrics() -> Response:
        measured.QUEUED.set(server.store.count(Status.QUEUED))
        measured.RUNNING.set(server.store.count(Status.LOADING, Status.RUNNING))
        measured.FILE_BYTES.set(server.store.file_bytes())
        measured.DEVICE_BYTES.set(_device_bytes(server.runner))
        return Response(generate_latest(measured.REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _found(job: Job | None) -> Job:
    if job is None:
        raise CallRefused(404, "job_not_found", "there is no such job")
    return job


async def _body(request: Request) -> bytes:
    too_large = CallRefused(413, "content_too_large", f"the body may have up to {requests.MAX_BODY_BYTES} bytes")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > requests.MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > requests.MAX_BODY_BYTES:
            raise too_large
    return bytes(body)


def _created(server: Server, body: bytes) -> tuple[Job, bool]:
    create, digest = requests.read(body)
    if (known := server.store.by_reference(create.reference)) is not None:
        return _same(known, digest), False
    work = requests.work_of(create, server.configuration)
    settings = server.configuration.server
    # Before the work of decoding. `add` decides.
    if server.store.count(Status.QUEUED) >= settings.queue_limit:
        raise _queue_full(settings.queue_limit)
    if server.is_draining:
        raise _draining()
    if not server.runner.ready.is_set():
        # A server that cannot use its device ends before it is ready, and would lose the job.
        raise CallRefused(503, "starting", "the server is not ready yet", {"Retry-After": str(_BUSY_SECONDS)})
    picture = requests.picture_of(create)
    pixels = (
        None
        if picture is None
        else pictures.decoded(picture, work.width, work.height, max_pixels=settings.max_picture_pixels)
    )
    new = NewJob(create.reference, digest, create.pipeline, work, pixels, create.webhook_url)
    try:
        job, is_new = server.store.add(new, queue_limit=settings.queue_limit)
    except QueueFull:
        raise _queue_full(settings.queue_limit) from None
    except QueueClosed:
        raise _draining() from None
    if not is_new:
        return _same(job, digest), False
    server.runner.wake()
    return job, True


def _same(job: Job, digest: str) -> Job:
    if job.body_digest != digest:
        raise CallRefused(409, "reference_conflict", f"another request has this reference: the job {job.id}")
    return job


def _draining() -> CallRefused:
    return CallRefused(503, "draining", "the server is about to stop", {"Retry-After": str(_BUSY_SECONDS)})


def _queue_full(limit: int) -> CallRefused:
    return CallRefused(429, "queue_full", f"{limit} jobs wait already", {"Retry-After": str(_BUSY_SECONDS)})


def _pipeline(server: Server, name: str) -> dict[str, Any]:
    configured, shelf = server.configuration.pipelines[name], server.runner.shelf
    loaded = None if shelf is None else shelf.bytes_of(name)
    return {
        "name": name,
        "kind": configured.kind.kind,
        "takes_prompt": configured.kind.takes_prompt,
        "takes_image": configured.kind.takes_image,
        "class": configured.class_name,
        "source": configured.source,
        "revision": configured.revision,
        "loaded": loaded is not None,
        "memory_bytes": loaded if loaded is not None else configured.memory_bytes,
    }


def _device_bytes(runner: Runner) -> int:
    if not runner.device.startswith("cuda"):
        return 0
    import torch

    return int(torch.cuda.memory_reserved(runner.device))
