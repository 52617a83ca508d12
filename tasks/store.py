"""The step of `storing`: probe the stored result, compare it with the order, and make it an asset."""

import hashlib
from dataclasses import asdict
from io import BytesIO
from pathlib import PurePosixPath

import structlog

from schemas.enums import AssetRole, ErrorCode, Kind, Stage
from schemas.errors import ResultInvalid
from schemas.orders import Inputs
from storage.assets import NewAsset
from storage.claims import Claim
from storage.leases import Lease
from tasks import media
from tasks.files import StoredBytes
from tasks.media import Probe
from tasks.outcomes import Advance, Fail
from tasks.services import WorkerServices

log = structlog.get_logger()

# Vendors round sizes to multiples of 16 or 64, and durations to whole frames.
_ASPECT_TOLERANCE = 0.03
_FRAME_RATE_TOLERANCE = 0.5
_SECONDS_TOLERANCE = 0.5


def store(services: WorkerServices, claim: Claim, lease: Lease, *, content: bytes | None = None) -> Advance | Fail:
    """Probe the stored result, and make a poster for a video.

    Args:
        content: the result's bytes, if the previous step still has them. None: read the result from the object store.
    """
    try:
        assets = _assets(services, claim, lease, content)
    except ResultInvalid as error:
        return Fail(ErrorCode.RESULT_INVALID, str(error))
    differences = compare(claim.order.inputs, assets[0])
    if differences:
        log.warning("delivered_other_than_ordered", differences=differences)
    return Advance(Stage.SETTLING, event={"differences": differences} if differences else {}, assets=assets)


def compare(ordered: Inputs, delivered: NewAsset) -> list[str]:
    """Describe how the result differs from the order. A difference is recorded, and the customer keeps the result."""
    differences: list[str] = []
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


def _assets(services: WorkerServices, claim: Claim, lease: Lease, content: bytes | None) -> list[NewAsset]:
    generation, key = claim.generation, _object_key(claim)
    stored = StoredBytes.model_validate(generation.download)
    read = media.probe_video if generation.kind is Kind.VIDEO else media.probe_image
    with services.objects.open(key, stored.size_bytes) if content is None else BytesIO(content) as file:
        probe = read(file, stored.content_type)
    assets = [_asset(AssetRole.RESULT, key, stored, probe)]
    lease.check()
    if generation.kind is Kind.VIDEO:
        assets.append(_poster(services, claim, stored))
    return assets


def _poster(services: WorkerServices, claim: Claim, video: StoredBytes) -> NewAsset:
    with services.objects.open(_object_key(claim), video.size_bytes) as file:
        picture, probe = media.poster(file, video.content_type)
    key = str(PurePosixPath(_object_key(claim)).with_suffix(f".{claim.token}.poster.jpg"))
    services.objects.put_bytes(key, picture, content_type="image/jpeg")
    stored = StoredBytes(size_bytes=len(picture), sha256=hashlib.sha256(picture).hexdigest(), content_type="image/jpeg")
    return _asset(AssetRole.POSTER, key, stored, probe)


def _object_key(claim: Claim) -> str:
    if claim.generation.object_key is None:
        raise ValueError("a downloaded generation has an object")
    return claim.generation.object_key


def _asset(role: AssetRole, key: str, stored: StoredBytes, probe: Probe) -> NewAsset:
    return NewAsset(role=role, object_key=key, **stored.model_dump(), **asdict(probe))
