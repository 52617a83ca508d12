"""Takes the order of a video, and answers with the video."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request, Response

from gateway.callers import Caller
from gateway.dependencies import GatewayServices
from gateway.form_files import store_files
from gateway.openai.bodies import Body
from gateway.openai.errors import MayBeRecorded
from gateway.openai.ordering import take
from gateway.openai.retries import digest_of
from gateway.openai.video_answers import OpenaiVideo, poll_header, video_answer
from gateway.openai.video_lookup import find_video
from gateway.warnings import warning_header
from providers.catalogue.fitting import Fitted
from schemas.inputs import upload_url
from storage import details
from storage.outages import OUTAGES


@dataclass(frozen=True)
class StoredFiles:
    """The files of a body, as uploads."""

    urls: Mapping[str, str]
    """The URL of each upload, by the URL that stands for the file."""
    sha256: Mapping[str, str]
    """The SHA-256 of each file, by the name of its field."""


async def stored_files(body: Body, services: GatewayServices, customer_id: UUID) -> StoredFiles:
    """Store the files of a body.

    Raises:
        InvalidRequest: a file is too large, or of a type that its field does not take.
        StorageQuotaExceeded: the files exceed the customer's quota.
    """
    uploads = await store_files(list(body.files.values()), services, customer_id)
    return StoredFiles(
        {url: upload_url(upload.id) for url, upload in zip(body.files, uploads, strict=True)},
        {file.field: upload.sha256 for file, upload in zip(body.files.values(), uploads, strict=True)},
    )


@dataclass(frozen=True)
class Create:
    """An order of a video that is ready to be taken."""

    operation: str
    """The name of the operation, such as `videos.create`."""
    sent: Mapping[str, object]
    """The fields that the request has, for the digest."""
    sha256: Mapping[str, str]
    """The SHA-256 of each file, by the name of its field."""
    fits: Fitted
    """The request in our form, and the settings that the video will not have."""
    names: Mapping[str, str]
    """This dialect's names of the fields, by ours."""
    idempotency_key: str | None
    """The customer's key."""


async def created(create: Create, request: Request, response: Response) -> OpenaiVideo:
    """Take the order, and answer with the video. A repeated order gives the video of the first.

    Raises:
        RequestError: as `take`.
        MayBeRecorded: an outage came after the order was recorded.
    """
    services: GatewayServices = request.app.state.services
    caller: Caller = request.state.caller
    digest = digest_of(request, create.operation, create.sent, create.sha256)
    accepted = await take(
        request, create.fits.request, create.names, idempotency_key=create.idempotency_key, digest=digest
    )
    response.headers.update(warning_header(create.fits.changes))
    found = details.of_new(accepted.generation)
    if not accepted.is_new:
        response.headers["Idempotency-Replayed"] = "true"
        try:
            found = await find_video(accepted.generation.id.hex, services, caller.customer)
        except OUTAGES as error:
            text = "an earlier request ordered the video, and a service that we depend on does not answer"
            raise MayBeRecorded(text) from error
    response.headers.update(poll_header(found))
    return video_answer(found, services.settings.retention)
