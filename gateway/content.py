"""`/v1/generations/{id}/content` and `/thumbnail`: the stored files, as a link or as a stream."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from pathlib import PurePosixPath
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Query
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from minio.error import MinioException
from pydantic import BaseModel

from gateway.authentication import TheCustomer
from gateway.dependencies import Services, ServicesOf
from gateway.head import IsHead
from gateway.openapi import Responses, problems
from gateway.problems import AssetExpired, NoResult, RangeNotSatisfiable
from gateway.ranges import ByteRange, parse_range
from gateway.resources import failure_of
from schemas.enums import AssetRole, Status
from schemas.errors import InvalidRequest, NotFound, NotReady, Unauthenticated
from schemas.stages import status_of
from schemas.tables import Asset, Customer, Generation
from storage import details
from storage.objects import ObjectStore

log = structlog.get_logger()

router = APIRouter(prefix="/v1/generations/{generation_id}", tags=["generations"])


class Delivery(StrEnum):
    """How a file reaches the customer."""

    REDIRECT = "redirect"
    STREAM = "stream"


class Conditions(BaseModel):
    """The headers that decide which bytes are streamed."""

    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None


DeliveryQuery = Annotated[Delivery, Query(description="a link to the object store, or the bytes through this server")]
ConditionHeaders = Annotated[Conditions, Header()]

_FILE: dict[str, object] = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
_RESPONSES: Responses = {
    200: {"description": "The whole file (`delivery=stream`)", **_FILE},
    206: {"description": "The range that was asked for (`delivery=stream`)", **_FILE},
    302: {"description": "A link that works for an hour, without an API key"},
    304: {"description": "The file is the one that `If-None-Match` names (`delivery=stream`)"},
    **problems(Unauthenticated, NotFound, NotReady, NoResult, AssetExpired, RangeNotSatisfiable, InvalidRequest),
}


@router.get("/content", summary="Fetch the result", response_class=Response, responses=_RESPONSES)
def get_content(
    generation_id: UUID,
    services: ServicesOf,
    customer: TheCustomer,
    conditions: ConditionHeaders,
    is_head: IsHead,
    delivery: DeliveryQuery = Delivery.REDIRECT,
) -> Response:
    """Redirects to a link that works for an hour, or streams the file and honours `Range`."""
    asset = _asset(services, customer, generation_id, AssetRole.RESULT)
    return _deliver(services, asset, delivery, conditions, is_head=is_head)


@router.get("/thumbnail", summary="Fetch a still picture of the result", response_class=Response, responses=_RESPONSES)
def get_thumbnail(
    generation_id: UUID,
    services: ServicesOf,
    customer: TheCustomer,
    conditions: ConditionHeaders,
    is_head: IsHead,
    delivery: DeliveryQuery = Delivery.REDIRECT,
) -> Response:
    """Like the content; not every generation has one."""
    asset = _asset(services, customer, generation_id, AssetRole.POSTER)
    return _deliver(services, asset, delivery, conditions, is_head=is_head)


def _asset(services: Services, customer: Customer, generation_id: UUID, role: AssetRole) -> Asset:
    with services.database.transaction() as session:
        found = details.find(session, generation_id, customer_id=customer.id)
    if found is None:
        raise NotFound(f"you have no generation {generation_id}")
    _require_completed(found.generation)
    asset = next((asset for asset in found.assets if asset.role is role), None)
    if asset is None:
        raise NotFound(f"generation {generation_id} has no {role}")
    _require_kept(asset)
    return asset


def _require_kept(asset: Asset) -> None:
    if asset.expired_at is not None:
        raise AssetExpired(
            f"the {asset.role} of generation {asset.generation_id} was deleted on {asset.expired_at:%Y-%m-%d}: "
            "files are not kept for ever here; order it again if you need it",
            {"expired_at": asset.expired_at.isoformat()},
        )


def _require_completed(generation: Generation) -> None:
    status = status_of(generation.stage)
    match status:
        case Status.COMPLETED:
            return
        case Status.QUEUED | Status.PROCESSING:
            raise NotReady(
                f"the generation is {status}, {generation.progress} % done: ask again when it is completed",
                {"generation_status": status, "progress": generation.progress},
            )
        case Status.FAILED | Status.CANCELLED:
            failure = failure_of(generation)
            reason = f": {failure.message}" if failure else ""
            raise NoResult(
                f"the generation {status}{reason}",
                {"generation_status": status, "error": failure and failure.model_dump(mode="json")},
            )


def _deliver(
    services: Services, asset: Asset, delivery: Delivery, conditions: Conditions, *, is_head: bool
) -> Response:
    match delivery:
        case Delivery.REDIRECT:
            url = services.objects.presigned_url(asset.object_key)
            return RedirectResponse(url, 302, {"Cache-Control": "no-store"})
        case Delivery.STREAM:
            return _stream(services, asset, conditions, is_head=is_head)


def _stream(services: Services, asset: Asset, conditions: Conditions, *, is_head: bool) -> Response:
    etag = f'"{asset.sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{asset.generation_id}{PurePosixPath(asset.object_key).suffix}"',
        "X-Content-Type-Options": "nosniff",
    }
    if _is_known(etag, conditions.if_none_match):
        return Response(status_code=304, headers=headers)
    # A range means something to GET only. With another file's tag in If-Range, a part of this one is no use either.
    is_part = not is_head and conditions.if_range in {None, etag}
    part = parse_range(conditions.range, asset.size_bytes) if is_part else None
    if part is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{asset.size_bytes}"
    headers["Content-Length"] = str(part.length if part else asset.size_bytes)
    if is_head:
        return Response(None, 200, headers, asset.content_type)
    return StreamingResponse(_body(services, asset, part), 206 if part else 200, headers, asset.content_type)


def _is_known(etag: str, if_none_match: str | None) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return not tags.isdisjoint({etag, "*"})


def _body(services: Services, asset: Asset, part: ByteRange | None) -> Iterator[bytes]:
    chunks = _chunks(services.objects, asset.object_key, part)
    # The first chunk is read before the status is sent: an object store that does not answer is a 503, not a cut 200.
    try:
        return chain([next(chunks, b"")], chunks)
    except MinioException:
        # Asked a second time, because stores differ in how they refuse to send what they do not have.
        if services.objects.stat(asset.object_key) is not None:
            raise
    # It may have expired since its row was read.
    with services.database.transaction() as session:
        _require_kept(session.get_one(Asset, asset.id))
    log.error("stored_object_missing", generation_id=str(asset.generation_id), key=asset.object_key)
    raise NoResult(f"the {asset.role} of generation {asset.generation_id} is lost: the operator has been told")


def _chunks(objects: ObjectStore, key: str, part: ByteRange | None) -> Iterator[bytes]:
    offset, length = (part.first, part.length) if part else (0, 0)
    with objects.stream(key, offset=offset, length=length) as chunks:
        yield from chunks
