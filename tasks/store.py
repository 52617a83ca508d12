"""The step of `storing`: read the stored result, compare it with the order, and make it an asset."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO
from pathlib import PurePosixPath

import structlog

from media import decoder
from media.decoder import Limits
from media.reading import Poster, Probe, Reading
from schemas.enums import AssetRole, Queue, Stage
from schemas.errors import ResultInvalid
from schemas.media_types import BY_CONTENT_TYPE, JPEG
from schemas.orders import Order
from schemas.shares import NoPlace
from storage.assets import NewAsset
from storage.claims import Claim
from storage.leases import Lease
from tasks.bad_files import fetch_again
from tasks.files import StoredBytes
from tasks.outcomes import Advance, Fail, Later
from tasks.services import WorkerServices
from tasks.timing import outage_pause

log = structlog.get_logger()

# Pictures that need more memory are decoded by the processes that serve the store queue.
_LIGHT_BYTES = 128 * 1024**2

# Vendors round sizes to multiples of 16 or 64, and durations to whole frames.
_ASPECT_TOLERANCE = 0.03
_FRAME_RATE_TOLERANCE = 0.5
_SECONDS_TOLERANCE = 0.5


def store(
    services: WorkerServices, claim: Claim, lease: Lease, *, content: bytes | None = None
) -> Advance | Later | Fail:
    """Read the stored result, and store a poster where the format needs one. A bad file is fetched again.

    The step is put off while the customer's other files take the customer's places in the decoder.

    Args:
        content: the result's bytes, if the previous step still has them. None: read the result from the object store.
            A heavy picture then waits for a process that serves the store queue.
    """
    stored = StoredBytes.model_validate(claim.generation.download)
    try:
        reading = _read(services, claim, stored, content)
    except NoPlace as error:
        log.info("decoder_busy", is_own=error.is_own)
        return Later(outage_pause(services.settings.pipeline))
    except ResultInvalid as error:
        return fetch_again(services, claim, str(error))
    if reading.undecoded is not None and content is not None and not _decodes_heavy(services):
        log.info("result_left_to_media", reason=reading.undecoded)
        return Later(0.0)
    result = _asset(AssetRole.RESULT, _object_key(claim), stored, reading.probe)
    assets = [result]
    lease.check()
    if reading.poster is not None:
        assets.append(_store_poster(services, claim, reading.poster))
    return Advance(Stage.SETTLING, event=_event(claim.order, result, reading), assets=assets)


def compare(order: Order, delivered: NewAsset) -> list[str]:
    """Describe how the result differs from the order. A difference is recorded, and the customer keeps the result."""
    differences: list[str] = []
    ordered, extension = order.inputs, BY_CONTENT_TYPE[delivered.content_type].extension
    if extension != order.file_extension:
        differences.append(f"{extension} file, ordered {order.file_extension}")
    if ordered.aspect_ratio and ordered.aspect_ratio != "auto":
        width, height = (int(side) for side in ordered.aspect_ratio.split(":"))
        wanted, got = width / height, delivered.width / delivered.height
        if abs(got / wanted - 1) > _ASPECT_TOLERANCE:
            differences.append(f"aspect ratio {delivered.width}x{delivered.height}, ordered {ordered.aspect_ratio}")
    wanted_seconds, got_seconds = ordered.duration_seconds, delivered.duration_seconds
    if wanted_seconds and got_seconds and abs(got_seconds - wanted_seconds) > _SECONDS_TOLERANCE:
        differences.append(f"{got_seconds:.2f} s, ordered {wanted_seconds} s")
    if ordered.fps and delivered.frame_rate and abs(delivered.frame_rate - ordered.fps) > _FRAME_RATE_TOLERANCE:
        differences.append(f"{delivered.frame_rate:.2f} fps, ordered {ordered.fps} fps")
    return differences


def _read(services: WorkerServices, claim: Claim, stored: StoredBytes, content: bytes | None) -> Reading:
    media, kind, size = BY_CONTENT_TYPE[stored.content_type], claim.generation.kind, stored.size_bytes
    memory = services.settings.media.memory_bytes
    if content is not None and not _decodes_heavy(services):
        memory = min(memory, _LIGHT_BYTES)
    limits = Limits(memory, services.settings.media.seconds)
    with services.objects.open(_object_key(claim), size) if content is None else BytesIO(content) as file:
        return decoder.read(file, media, kind, limits, size_bytes=size, customer_id=claim.generation.customer_id)


def _decodes_heavy(services: WorkerServices) -> bool:
    return Queue.STORE in services.queues


def _event(order: Order, result: NewAsset, reading: Reading) -> Mapping[str, object]:
    """The details of the move: differences from the order, and the reason why no picture was decoded."""
    event: dict[str, object] = {}
    differences = compare(order, result)
    if differences:
        log.warning("delivered_other_than_ordered", differences=differences)
        event["differences"] = differences
    if reading.undecoded is not None:
        log.warning("result_not_decoded", reason=reading.undecoded)
        event["undecoded"] = reading.undecoded
    return event


def _store_poster(services: WorkerServices, claim: Claim, poster: Poster) -> NewAsset:
    key = str(PurePosixPath(_object_key(claim)).with_suffix(f".{claim.token}.poster.{JPEG.extension}"))
    services.objects.put_bytes(key, poster.content, content_type=JPEG.content_type)
    stored = StoredBytes(
        size_bytes=len(poster.content),
        sha256=hashlib.sha256(poster.content).hexdigest(),
        content_type=JPEG.content_type,
    )
    return _asset(AssetRole.POSTER, key, stored, Probe(poster.width, poster.height, JPEG.codec))


def _object_key(claim: Claim) -> str:
    if claim.generation.object_key is None:
        raise ValueError("a downloaded generation has an object")
    return claim.generation.object_key


def _asset(role: AssetRole, key: str, stored: StoredBytes, probe: Probe) -> NewAsset:
    return NewAsset(role=role, object_key=key, **stored.model_dump(exclude={"bad_files"}), **asdict(probe))
