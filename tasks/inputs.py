"""What a provider is given of an order's inputs: links that it can fetch, or the files themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from minio.error import MinioException

from providers.base import InputFile, InputsRead, Provider, ProviderRequest
from providers.inputs import read_inputs
from providers.video_length import seconds_of
from schemas.enums import ErrorCode
from schemas.errors import ProviderRejected
from schemas.inputs import upload_id
from schemas.orders import Inputs
from schemas.tables import Upload
from storage import uploads
from storage.claims import Claim
from storage.leases import Lease
from tasks.services import Services

# Of the seconds that a file claims to have and those that it is called by.
_LENGTH_TOLERANCE_SECONDS = 0.5

# As long as S3 lets a link work.
_LONGEST_LINK = timedelta(days=7)


def provider_request(services: Services, claim: Claim, provider: Provider, lease: Lease) -> ProviderRequest:
    """The request for the claim's route. A link to an upload stands in it alone, and is told to nobody else.

    Raises:
        LeaseLost: another worker has the generation.
        ProviderRejected: an input is not there, too large, or not what it should be.
        ProviderUnavailable: the host of one does not answer.
    """
    inputs = claim.order.inputs
    given = _uploads(services, claim)
    if services.catalogue.keeps_video_length(claim.order.model):
        _require_paid_length(services, claim, given, lease)
    if provider.reads_inputs is InputsRead.NONE:
        links = {url: _link(services, claim, upload) for url, upload in given.items()}
        return ProviderRequest(model=claim.route.model, inputs=inputs.with_urls(links))
    files: dict[str, InputFile] = {}
    if provider.reads_inputs is InputsRead.ALL:
        files = _from_the_web(services, claim, inputs, lease)
    stored = {url: _read(services, upload) for url, upload in given.items()}
    return ProviderRequest(model=claim.route.model, inputs=inputs, files={**files, **stored})


def _require_paid_length(services: Services, claim: Claim, given: Mapping[str, Upload], lease: Lease) -> None:
    """Refuse a video that is longer than what was ordered: the vendor takes money for all of it."""
    videos = claim.order.inputs.model_copy(update={"image_urls": []})
    files = _from_the_web(services, claim, videos, lease)
    ordered = claim.order.inputs.duration_seconds or 0
    for video in videos.input_files():
        file = files.get(video.url) or _read(services, given[video.url])
        seconds = seconds_of(file.content)
        if seconds is None:
            text = f"{video.name} does not say how long it is: give an MP4 or MOV file that does"
            raise ProviderRejected(text, code=ErrorCode.INPUT_UNREADABLE)
        if seconds > ordered + _LENGTH_TOLERANCE_SECONDS:
            raise ProviderRejected(f"{video.name} has {seconds:.1f} s: order at least as many, not {ordered}")


def _from_the_web(services: Services, claim: Claim, inputs: Inputs, lease: Lease) -> dict[str, InputFile]:
    left = (claim.generation.deadline_at - datetime.now(UTC)).total_seconds()
    return read_inputs(inputs, services.settings.inputs, seconds=left, on_chunk=lambda _received: lease.check())


def _uploads(services: Services, claim: Claim) -> Mapping[str, Upload]:
    """The uploads among the inputs, by URL."""
    files = [file for file in claim.order.inputs.input_files() if upload_id(file.url) is not None]
    if not files:
        return {}
    with services.database.statement() as statement:
        found = uploads.find_inputs(statement, claim.generation.customer_id, {file.url for file in files})
    for file in files:
        if file.url not in found:
            raise ProviderRejected(f"{file.name} is an upload that was deleted", code=ErrorCode.INPUT_UNREADABLE)
    return found


def _read(services: Services, upload: Upload) -> InputFile:
    try:
        with services.objects.stream(upload.object_key) as chunks:
            return InputFile(b"".join(chunks), upload.content_type)
    except MinioException:
        # Asked a second time, because stores differ in how they refuse to send what they do not have.
        if services.objects.stat(upload.object_key) is not None:
            raise
    raise ProviderRejected("an uploaded input is not there any more", code=ErrorCode.INPUT_UNREADABLE)


def _link(services: Services, claim: Claim, upload: Upload) -> str:
    left = claim.generation.deadline_at - datetime.now(UTC)
    works_for = min(max(left, timedelta()) + uploads.MARGIN, _LONGEST_LINK)
    return services.objects.presigned_url(upload.object_key, expires=works_for)
