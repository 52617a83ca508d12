"""Prepares an order's inputs for a provider: links that the provider can fetch, or the files themselves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from minio.error import MinioException

from providers.base import InputFile, InputsRead, Provider, ProviderRequest, RemoteRef
from providers.files.inputs import read_inputs
from schemas.enums import ErrorCode
from schemas.input_link import input_link
from schemas.inputs import InputField, generation_id, upload_id
from schemas.provider_errors import ProviderRejected
from schemas.shares import Shares
from schemas.tables import Upload
from storage import earlier_generations, uploads
from storage.claims import Claim
from storage.earlier_generations import EarlierGeneration, File
from storage.leases import Lease
from tasks.services import WorkerServices

log = structlog.get_logger()

# At most four threads of a process read inputs, two of them for one customer. The other threads send creates and read
# states.
_READERS = Shares(each=2, total=4)

# S3's longest validity of a presigned link.
_LONGEST_LINK = timedelta(days=7)


# An input in our object store: an upload, or the result of an earlier generation.
_Stored = Upload | File


def provider_request(services: WorkerServices, claim: Claim, provider: Provider, lease: Lease) -> ProviderRequest:
    """Make the request for the claim's route. Only the request contains links to our object store; no log does.

    Raises:
        LeaseLost: another worker has the claim.
        ProviderRejected: an input is missing, too large, or of a wrong type.
        ProviderUnavailable: the host of an input does not answer.
        NoPlace: the process reads inputs on all the threads that it may use for them.
    """
    inputs = claim.order.inputs
    generations = _generations(services, claim)
    sources = _sources(services, claim, generations)
    given: dict[str, _Stored] = {**_uploads(services, claim), **_results(claim, generations, sources)}
    if provider.reads_inputs is InputsRead.NONE:
        links = {url: _link(services, claim, stored) for url, stored in given.items()}
        return ProviderRequest(model=claim.route.model, inputs=inputs.with_urls(links), sources=sources)
    files: dict[str, InputFile] = {}
    if inputs.input_files():
        with _one_of_few_readers(claim.generation.customer_id):
            files = _files(services, claim, given, lease, with_web=provider.reads_inputs is InputsRead.ALL)
    return ProviderRequest(model=claim.route.model, inputs=inputs, files=files, sources=sources)


@contextmanager
def _one_of_few_readers(customer_id: UUID) -> Iterator[None]:
    """Take one of the process's places for reading inputs. Slow hosts must not block all threads, or other customers.

    Raises:
        NoPlace: no place is free.
    """
    with _READERS.taken_by(customer_id):
        yield


def _files(
    services: WorkerServices, claim: Claim, given: Mapping[str, _Stored], lease: Lease, *, with_web: bool
) -> dict[str, InputFile]:
    """Read the order's stored input files, and with `with_web` also the files on the web, by URL."""
    limits = services.settings.inputs
    room = limits.max_total_bytes - sum(stored.size_bytes for stored in given.values())
    if room < 0:
        text = f"the input files have more than {limits.max_total_bytes} bytes together"
        raise ProviderRejected(text, code=ErrorCode.INPUT_UNREADABLE)
    files: dict[str, InputFile] = {}
    if with_web:
        left = (claim.generation.deadline_at - datetime.now(UTC)).total_seconds()
        limits = limits.model_copy(update={"max_total_bytes": room})
        files = read_inputs(claim.order.inputs, limits, seconds=left, on_chunk=lambda _received: lease.check())
    return {**files, **{url: _read(services, stored) for url, stored in given.items()}}


def _generations(services: WorkerServices, claim: Claim) -> Mapping[str, EarlierGeneration]:
    """The earlier generations among the inputs, by URL."""
    urls = {file.url for file in claim.order.inputs.input_files() if generation_id(file.url) is not None}
    if not urls:
        return {}
    with services.database.statement() as statement:
        return earlier_generations.find(statement, claim.generation.customer_id, urls)


def _sources(
    services: WorkerServices, claim: Claim, generations: Mapping[str, EarlierGeneration]
) -> Mapping[str, RemoteRef]:
    """The vendor's references to the earlier generations that the model extends, by URL."""
    if not services.catalogue.extends(claim.order.model):
        return {}
    return {
        url: RemoteRef(found.remote_id, found.remote_model, found.remote_links)
        for url, found in generations.items()
        if url in claim.order.inputs.video_urls and found.remote_id is not None
    }


def _results(
    claim: Claim, generations: Mapping[str, EarlierGeneration], sources: Mapping[str, RemoteRef]
) -> Mapping[str, File]:
    """The files of the other earlier generations, by URL. The sweep may have deleted a file since acceptance."""
    results: dict[str, File] = {}
    for field in claim.order.inputs.input_files():
        if generation_id(field.url) is not None and field.url not in sources:
            results[field.url] = _result(field, generations.get(field.url))
    return results


def _result(field: InputField, found: EarlierGeneration | None) -> File:
    if found is None or found.file is None or found.file.expired_at is not None:
        text = f"{field.name} is a generation whose file was deleted"
        raise ProviderRejected(text, code=ErrorCode.INPUT_UNREADABLE)
    return found.file


def _uploads(services: WorkerServices, claim: Claim) -> Mapping[str, Upload]:
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


def _read(services: WorkerServices, stored: _Stored) -> InputFile:
    try:
        with services.objects.stream(stored.object_key) as chunks:
            return InputFile(b"".join(chunks), stored.content_type)
    except MinioException:
        # Stores differ in their errors for a missing object, so `stat` decides whether the object is missing.
        if services.objects.stat(stored.object_key) is not None:
            raise
    raise ProviderRejected("an input is not in our store any more", code=ErrorCode.INPUT_UNREADABLE)


def _link(services: WorkerServices, claim: Claim, stored: _Stored) -> str:
    """The link to a stored input: at the object store's public endpoint if there is one, else at the gateway.

    Raises:
        ProviderRejected: the provider reaches neither of them.
    """
    now = datetime.now(UTC)
    works_for = min(max(claim.generation.deadline_at - now, timedelta()) + uploads.MARGIN, _LONGEST_LINK)
    url = services.objects.presigned_url(stored.object_key, expires=works_for)
    if url is not None:
        return url
    settings, provider = services.settings, claim.route.provider
    if not services.providers.reaches_us(provider):
        log.warning(
            "input_out_of_reach", provider=provider, setting="REELWORKS_S3__PUBLIC_ENDPOINT or REELWORKS_PUBLIC_URL"
        )
        text = f"{provider} cannot fetch files that are kept here: give a link to a file on the web"
        raise ProviderRejected(text, code=ErrorCode.INPUT_UNREADABLE)
    secret = settings.secret_key.get_secret_value()
    return input_link(settings.public_url, secret, stored.object_key, now + works_for)
