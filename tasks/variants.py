"""The task `generation.variant`: make the variants of results that are due.

A variant is work of its own: the generation is completed and charged before, and nothing here writes to its row.
"""

import hashlib
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from pathlib import PurePosixPath
from typing import BinaryIO, cast

import structlog
from celery import shared_task
from structlog.contextvars import bound_contextvars

from media import decoder
from media.decoder import DiskFull, Limits, Stopped
from media.variants.recipes import Job, Made
from metrics.families import VARIANT_SECONDS, VARIANTS
from metrics.labels import VariantOutcome
from schemas.enums import TaskName
from schemas.errors import LeaseLost, ResultInvalid
from schemas.media_types import BY_CONTENT_TYPE
from schemas.shares import NoPlace
from schemas.variants import INDEX_EXTENSIONS, FilePart, VariantError, VariantOrigin, VariantSpec
from storage.leases import Lease
from storage.outages import OUTAGES
from storage.variants import claims
from storage.variants.claims import NewFile, VariantClaim
from tasks.services import WorkerServices, current_services

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 300.0
# The result is read from its beginning to its end: fewer and larger reads than those of headers.
_READ_BYTES = 4 * 1024**2


@shared_task(name=TaskName.VARIANT)
def variant_task() -> None:
    """Run `run` as a Celery task."""
    run(current_services())


def run(services: WorkerServices) -> None:
    """Make due variants one after the other, until there are none. Do nothing without a place.

    Customers take turns at each claim. A process that is drained or ends claims no more.
    """
    with _place(services) as has_place:
        while has_place and not services.threads.is_over:
            with ExitStack() as ends:
                held = _claim(services, ends)
                if held is None:
                    return
                claimed, lease = held
                row = claimed.row
                with bound_contextvars(generation_id=str(row.generation_id), variant=row.kind):
                    _make_or_tell(services, claimed, lease)


def _claim(services: WorkerServices, ends: ExitStack) -> tuple[VariantClaim, Lease] | None:
    """Claim the next variant. `ends` ends the renewal of the lease. None: there is none, or the process is drained."""
    with services.taking.taking() as may_take:
        if not may_take:
            return None
        asked_at = time.monotonic()
        with services.database.statement() as sql:
            claimed = claims.claim(
                sql, lease_seconds=services.settings.pipeline.lease_seconds, holder=services.worker_name
            )
        if claimed is None:
            return None
        return claimed, ends.enter_context(services.variant_leases.keep(claimed, since=asked_at))


@contextmanager
def _place(services: WorkerServices) -> Iterator[bool]:
    """Take one of the places for variants during the block. False: there is none."""
    try:
        with services.variant_places.taken_by(None):
            yield True
    except NoPlace:
        yield False


def _make_or_tell(services: WorkerServices, claimed: VariantClaim, lease: Lease) -> None:
    """Make a variant, and write its end or the next try. No error leaves this function."""
    began = time.monotonic()
    try:
        outcome = _outcome(services, claimed, lease)
    except LeaseLost:
        # Another worker has the variant, or its generation was deleted.
        log.warning("variant_claim_lost")
        outcome = VariantOutcome.LOST
    except OUTAGES as error:
        log.warning("variant_interrupted", error=type(error).__name__)
        outcome = VariantOutcome.INTERRUPTED
    VARIANTS.add(claimed.row.kind, outcome)
    VARIANT_SECONDS.observe(claimed.row.kind, seconds=time.monotonic() - began)


def _outcome(services: WorkerServices, claimed: VariantClaim, lease: Lease) -> VariantOutcome:
    settings = services.settings.variants
    row = claimed.row
    if row.crashes >= settings.crashes:
        return _fail(services, claimed, VariantError.INTERNAL, f"its worker died {row.crashes} times")
    if row.result_key is None:
        return _fail(services, claimed, VariantError.RESULT_DELETED, "the result was deleted before it was made")
    try:
        return _made(services, claimed, lease)
    except ResultInvalid as error:
        return _fail(services, claimed, VariantError.NOT_POSSIBLE, str(error))
    except Stopped as stopped:
        if stopped.is_limit:
            return _fail(services, claimed, VariantError.TOO_LARGE, str(stopped))
        return _again(services, claimed, VariantError.INTERNAL, str(stopped), counts=True)
    except DiskFull as error:
        return _again(services, claimed, VariantError.UNAVAILABLE, str(error), counts=True)
    except OUTAGES as error:
        return _again(services, claimed, VariantError.UNAVAILABLE, f"a service of ours did not answer ({_name(error)})")
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("variant_crashed")
        return _again(services, claimed, VariantError.INTERNAL, f"a fault of ours ({_name(error)})", counts=True)


def _made(services: WorkerServices, claimed: VariantClaim, lease: Lease) -> VariantOutcome:
    stored: list[str] = []
    try:
        with tempfile.TemporaryFile(prefix="reelworks-variant-") as output:
            made, index = _encode(services, claimed, lease, cast("BinaryIO", output))
            lease.check()
            files = list(_stored(services, claimed, made, index, cast("BinaryIO", output), stored))
        with services.database.statements() as sql:
            is_kept = claims.finish(sql, claimed, _origin(made), files)
        if not is_kept:
            outcome = _fail(services, claimed, VariantError.RESULT_DELETED, "the result was deleted while it was made")
            _forget(services, stored)
            return outcome
    except BaseException:
        # A commit without its acknowledgement may have arrived. Then the keys are named, and only a sweep can tell.
        if not stored or not _may_be_named(services, stored):
            _forget(services, stored)
        raise
    services.announce(claimed.row.generation_id, claimed.row.customer_id)
    log.info("variant_ready", origin=_origin(made), size_bytes=sum(file.size_bytes for file in files))
    return VariantOutcome.READY


def _may_be_named(services: WorkerServices, keys: list[str]) -> bool:
    """Whether a row may name one of the objects. If the database does not answer, a row may."""
    try:
        with services.database.statement() as sql:
            return claims.names_any(sql, keys)
    except OUTAGES:
        return True


def _forget(services: WorkerServices, keys: list[str]) -> None:
    for key in keys:
        services.objects.forget(key)


def _encode(services: WorkerServices, claimed: VariantClaim, lease: Lease, output: BinaryIO) -> tuple[Made, str | None]:
    settings, row = services.settings.variants, claimed.row
    spec = VariantSpec.model_validate(row.spec)
    job = Job(
        recipe=spec.kind, kind=row.media_kind, width=spec.width, height=spec.height, fit=spec.fit,
        start_seconds=spec.start_seconds, seconds=spec.seconds, format=spec.format, threads=settings.threads,
    )  # fmt: skip
    key, size_bytes = row.result_key or "", row.result_bytes or 0
    with services.objects.open(key, size_bytes, block_bytes=_READ_BYTES) as file:
        return decoder.make(
            cast("BinaryIO", _Checked(file, lease)), BY_CONTENT_TYPE[row.result_type or ""], job,
            Limits(settings.memory_bytes, settings.seconds), size_bytes=size_bytes,
            output=output, output_bytes=settings.max_bytes,
        )  # fmt: skip


class _Checked:
    """A file whose reads end with the lease of a claim."""

    def __init__(self, file: BinaryIO, lease: Lease) -> None:
        self._file, self._lease = file, lease

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position."""
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes.

        Raises:
            LeaseLost: the claim is not valid any more.
        """
        self._lease.check()
        return self._file.read(size)


def _stored(
    services: WorkerServices,
    claimed: VariantClaim,
    made: Made,
    index: str | None,
    output: BinaryIO,
    keys: list[str],
) -> Iterator[NewFile]:
    """Store the files of a variant. `keys` gets each key before its object is written."""
    if made.is_original:
        return
    media = BY_CONTENT_TYPE[made.content_type]
    keys.append(_key(claimed, FilePart.MEDIA, media.extension))
    output.seek(0)
    services.objects.put(keys[-1], output, size_bytes=made.size_bytes, content_type=made.content_type)
    yield NewFile(
        FilePart.MEDIA, keys[-1], made.content_type, made.size_bytes, made.sha256, width=made.width, height=made.height,
        duration_seconds=made.duration_seconds, frame_rate=made.frame_rate, codec=made.codec,
    )  # fmt: skip
    if index is None or made.index_type is None:
        return
    content = index.encode()
    keys.append(_key(claimed, FilePart.INDEX, INDEX_EXTENSIONS[made.index_type]))
    services.objects.put_bytes(keys[-1], content, content_type=made.index_type)
    yield NewFile(FilePart.INDEX, keys[-1], made.index_type, len(content), hashlib.sha256(content).hexdigest())


def _key(claimed: VariantClaim, part: FilePart, extension: str) -> str:
    """The key of a file that this claim stores. As with results, each claim has keys of its own."""
    row = claimed.row
    timestamp = f"{row.claimed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return str(PurePosixPath(claims.PREFIX, str(row.customer_id), f"{timestamp}_{claimed.token}.{part}.{extension}"))


def _origin(made: Made) -> VariantOrigin:
    if made.is_original:
        return VariantOrigin.ORIGINAL
    return VariantOrigin.COPIED if made.is_copied else VariantOrigin.ENCODED


def _fail(services: WorkerServices, claimed: VariantClaim, code: VariantError, message: str) -> VariantOutcome:
    with services.database.statements() as sql:
        claims.fail(sql, claimed, code, message)
    services.announce(claimed.row.generation_id, claimed.row.customer_id)
    log.warning("variant_failed", code=code, reason=message)
    return VariantOutcome.FAILED


def _again(
    services: WorkerServices, claimed: VariantClaim, code: VariantError, message: str, *, counts: bool = False
) -> VariantOutcome:
    """Try again later, until the tries or the time are used up."""
    settings, row = services.settings.variants, claimed.row
    age = (row.claimed_at - row.created_at).total_seconds()
    if (counts and row.failures + 1 >= settings.tries) or age > settings.give_up_seconds:
        return _fail(services, claimed, code, message)
    pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**row.failures) * random.uniform(0.5, 1.0)  # noqa: S311
    with services.database.statement() as sql:
        claims.put_back(sql, claimed, seconds=pause, failed=True)
    log.warning("variant_put_off", code=code, reason=message, seconds=round(pause, 1))
    return VariantOutcome.PUT_OFF


def _name(error: Exception) -> str:
    return type(error).__name__
