"""The step of `downloading`: stream the result from the provider into the object store, under its final key."""

import hashlib
import time

import structlog

from providers.files.downloads import Download, open_download
from schemas.enums import ErrorCode, Kind, Stage
from schemas.errors import DownloadError, SlowSource, WrongFile
from schemas.media_types import RESULTS
from schemas.provider_errors import ProviderError
from schemas.setting_groups import DownloadSettings
from schemas.stages import progress_within
from storage import transitions
from storage.changes import Changes
from storage.claims import Claim
from storage.leases import Lease
from storage.objects import PART_BYTES
from storage.outages import OUTAGES
from tasks.bad_files import fetch_again, link
from tasks.files import StoredBytes, bad_files, content_type, media_of, object_key, stored_key
from tasks.outcomes import Advance, Fail, Later, Outcome
from tasks.remote import remote_ref
from tasks.services import WorkerServices
from tasks.troubles import failed, failed_read, outage

log = structlog.get_logger()

_SHOW_PROGRESS_EVERY_SECONDS = 1.0


def download(services: WorkerServices, claim: Claim, lease: Lease) -> Outcome:
    """Store the result under a key that only this claim uses. Carry the bytes of a small image to the next step."""
    try:
        key, stored, content = _fetch(services, claim, lease)
    except WrongFile as error:
        return fetch_again(services, claim, error.message)
    except DownloadError as error:
        return _not_downloaded(services, claim, error)
    except ProviderError as error:
        return failed_read(services, claim, error)
    changes = Changes(object_key=key, download=stored.model_dump())
    return Advance(Stage.STORING, event={"size_bytes": stored.size_bytes}, changes=changes, carries=content)


def _not_downloaded(services: WorkerServices, claim: Claim, error: DownloadError) -> Fail | Later:
    log.warning("download_failed", reason=error.message, is_stale=error.is_stale, is_final=error.is_final)
    if error.is_final:
        return Fail(ErrorCode.RESULT_INVALID, error.message)
    if error.is_gone and services.providers.bills_nothing(claim.generation.provider):
        # The links of a server of our own do not expire, and no bill follows.
        return Fail(ErrorCode.DOWNLOAD_FAILED, "the server no longer has the result")
    # The work is paid for: while its host is away or slow, only the deadline ends the generation.
    if isinstance(error, SlowSource):
        return failed(services, claim, error.message)
    return _refresh_link(services, claim, error) if error.is_stale else outage(services, error.message)


def _fetch(services: WorkerServices, claim: Claim, lease: Lease) -> tuple[str, StoredBytes, bytes | None]:
    """The key of the stored result, its size, hash and type, and the bytes of a small image."""
    key = stored_key(claim.generation.result_urls[0])
    return _transfer(services, claim, lease) if key is None else _look_at(services, claim, key)


def _transfer(services: WorkerServices, claim: Claim, lease: Lease) -> tuple[str, StoredBytes, bytes | None]:
    """Store the result. The first bytes decide the key's extension."""
    generation = claim.generation
    wanted = services.providers.get(generation.provider).result_request(link(services, claim))
    limits = _limits(services.settings.downloads, claim)
    show = _Progress(services, claim, lease)
    with open_download(wanted, limits, kind=generation.kind, on_chunk=show) as result:
        show.total_bytes = result.size_bytes
        key = object_key(claim, result.media)
        content = result.read() if _is_small_picture(claim, result) else None
        if content is None:
            services.objects.put(key, result, size_bytes=result.size_bytes, content_type=result.content_type)
        else:
            services.objects.put_bytes(key, content, content_type=result.content_type)
        stored = StoredBytes(
            size_bytes=result.received_bytes,
            sha256=result.sha256,
            content_type=result.content_type,
            bad_files=bad_files(claim),
        )
        return key, stored, content


def _look_at(services: WorkerServices, claim: Claim, key: str) -> tuple[str, StoredBytes, bytes | None]:
    """Read a result that came with the create and is stored already."""
    # The vendor's answer may name any key: no customer may receive a file of another customer.
    is_theirs = key.startswith(f"customers/{claim.generation.customer_id}/")
    found = services.objects.stat(key) if is_theirs else None
    if found is None:
        raise DownloadError("the file that the provider sent is lost", is_final=True)
    content = services.objects.read_range(key, 0, found.size_bytes)
    media = media_of(content)
    if media not in RESULTS[claim.generation.kind]:
        raise WrongFile(f"the file is {content_type(media)}, where {claim.generation.kind} was ordered")
    sha256 = hashlib.sha256(content).hexdigest()
    stored = StoredBytes(size_bytes=len(content), sha256=sha256, content_type=content_type(media))
    return key, stored, content if claim.generation.kind is Kind.IMAGE else None


def _is_small_picture(claim: Claim, result: Download) -> bool:
    """Whether the result may stay in memory until the next step. An upload buffers as many bytes as this limit."""
    return claim.generation.kind is Kind.IMAGE and result.size_bytes is not None and result.size_bytes <= PART_BYTES


class _Progress:
    """Runs between two chunks: stops a worker that lost its lease, and writes the progress once a second."""

    def __init__(self, services: WorkerServices, claim: Claim, lease: Lease) -> None:
        self.total_bytes: int | None = None
        self._services = services
        self._claim = claim
        self._lease = lease
        self._shown_at = time.monotonic()

    def __call__(self, received_bytes: int) -> None:
        self._lease.check()
        now = time.monotonic()
        if not self.total_bytes or now - self._shown_at < _SHOW_PROGRESS_EVERY_SECONDS:
            return
        self._shown_at = now
        percent = progress_within(Stage.DOWNLOADING, received_bytes / self.total_bytes)
        try:
            with self._services.database.statement() as sql:
                transitions.record(sql, self._claim, Changes(progress=percent))
            self._services.announce(self._claim.id, self._claim.generation.customer_id)
        except OUTAGES as error:
            # Progress is not worth a new download: go on, and write the next progress.
            log.warning("progress_not_shown", error=type(error).__name__)


def _limits(limits: DownloadSettings, claim: Claim) -> DownloadSettings:
    """The limits until the deadline, for the kind that was ordered. Each failure divides the least rate by four."""
    left = (claim.generation.deadline_at - claim.generation.claimed_at).total_seconds()
    is_image = claim.generation.kind is Kind.IMAGE
    max_bytes = min(limits.max_bytes, limits.max_image_bytes) if is_image else limits.max_bytes
    return limits.model_copy(
        update={
            "timeout_seconds": min(limits.timeout_seconds, left),
            "max_bytes": max_bytes,
            "least_bytes_per_second": limits.least_bytes_per_second >> 2 * claim.generation.failures,
        }
    )


def _refresh_link(services: WorkerServices, claim: Claim, refused: DownloadError) -> Later:
    """Read the state again for a fresh link, because the host refused this one. Links expire."""
    try:
        state = services.providers.get(claim.generation.provider).poll(remote_ref(claim))
    except ProviderError as error:
        return failed_read(services, claim, error)
    log.info("link_refreshed", refused=refused.message, is_fresh=bool(state.result_urls))
    return failed(services, claim, refused.message, changes=Changes(result_urls=state.result_urls or None))
