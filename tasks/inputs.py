"""What a provider is given of an order's inputs: links that it can fetch, or the files themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from minio.error import MinioException

from providers.base import InputFile, InputsRead, Provider, ProviderRequest
from providers.inputs import read_inputs
from schemas.enums import ErrorCode
from schemas.errors import ProviderRejected
from schemas.inputs import upload_id
from schemas.tables import Upload
from storage import uploads
from storage.claims import Claim
from tasks.services import Services

# As long as S3 lets a link work.
_LONGEST_LINK = timedelta(days=7)


def provider_request(services: Services, claim: Claim, provider: Provider) -> ProviderRequest:
    """The request for the claim's route. A link to an upload stands in it alone, and is told to nobody else.

    Raises:
        ProviderRejected: an input is not there, too large, or not what it should be.
        ProviderUnavailable: the host of one does not answer.
    """
    inputs = claim.order.inputs
    given = _uploads(services, claim)
    if provider.reads_inputs is InputsRead.NONE:
        links = {url: _link(services, claim, upload) for url, upload in given.items()}
        return ProviderRequest(model=claim.route.model, inputs=inputs.with_urls(links))
    files: dict[str, InputFile] = {}
    if provider.reads_inputs is InputsRead.ALL:
        files = read_inputs(inputs, services.settings.inputs, services.settings.downloads)
    stored = {url: _read(services, upload) for url, upload in given.items()}
    return ProviderRequest(model=claim.route.model, inputs=inputs, files={**files, **stored})


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
