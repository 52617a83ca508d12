"""Takes the order of a video, and answers with the video."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import Request, Response

from gateway.dependencies import GatewayServices
from gateway.form_files import hashes_of, store_files
from gateway.openai.bodies import Body
from gateway.openai.errors import MayBeRecorded
from gateway.openai.ordering import earlier_order, take
from gateway.openai.retries import digest_of
from gateway.openai.video_answers import OpenaiVideo, poll_header, video_answer
from gateway.openai.video_lookup import find_video
from gateway.warnings import warning_header
from intake.callers import Caller
from providers.catalogue.fitting import Fitted
from schemas.inputs import upload_url
from schemas.orders import GenerationRequest
from schemas.tables import Generation
from storage import details
from storage.details import Details
from storage.outages import OUTAGES


@dataclass(frozen=True)
class Create:
    """An order of a video, as received."""

    operation: str
    """The name of the operation, such as `videos.create`."""
    sent: Mapping[str, object]
    """The fields that the request has, for the digest."""
    body: Body
    """The body. Its files are open."""
    order: GenerationRequest
    """The request in our form, with the URLs that stand for the files."""
    fit: Callable[[GenerationRequest], Awaitable[Fitted]]
    """Fits the request with the stored files to a model. The settings that the video will not have are told."""
    names: Mapping[str, str]
    """This dialect's names of the fields, by ours."""
    idempotency_key: str | None
    """The customer's key."""


async def created(create: Create, request: Request, response: Response) -> OpenaiVideo:
    """Take the order, and answer with the video. A repeated order gives the video of the first.

    A repeated order neither stores files nor reads models: the first order is paid for, although they change.

    Raises:
        InvalidRequest: a file is too large, or of a type that its field does not take.
        StorageQuotaExceeded: the files exceed the customer's quota.
        RequestError: as `take`.
        MayBeRecorded: an outage came after the order was recorded.
    """
    services: GatewayServices = request.app.state.services
    digest = digest_of(request, create.operation, create.sent, await hashes_of([*create.body.files.values()], services))
    earlier = await earlier_order(request, digest, idempotency_key=create.idempotency_key)
    if earlier is not None:
        found = await _replayed(earlier.first, request, response)
    else:
        fits = await create.fit(create.order.with_urls(await _stored(create.body, request)))
        accepted = await take(request, fits.request, create.names, digest, idempotency_key=create.idempotency_key)
        response.headers.update(warning_header(fits.changes))
        row = accepted.generation
        found = details.of_new(row) if accepted.is_new else await _replayed(row, request, response)
    response.headers.update(poll_header(found))
    return video_answer(found, services.settings.retention)


async def _stored(body: Body, request: Request) -> Mapping[str, str]:
    """Store the files of a body. Returns the URL of each upload, by the URL that stands for the file."""
    caller: Caller = request.state.caller
    uploads = await store_files([*body.files.values()], request.app.state.services, caller.customer.id)
    return {url: upload_url(upload.id) for url, upload in zip(body.files, uploads, strict=True)}


async def _replayed(row: Generation, request: Request, response: Response) -> Details:
    """The video that an earlier request ordered."""
    response.headers["Idempotency-Replayed"] = "true"
    try:
        return await find_video(row.id.hex, request.app.state.services, request.state.caller.customer)
    except OUTAGES as error:
        text = "an earlier request ordered the video, and a service that we depend on does not answer"
        raise MayBeRecorded(text) from error
