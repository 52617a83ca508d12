"""`/v1/generations/{id}/content` and `/thumbnail`: the stored files, by redirect or as a stream."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway import variants
from gateway.authentication import TheCustomer, customers_router
from gateway.conditions import ConditionHeaders, Conditions
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.head import IsHead
from gateway.openapi import Responses, problems
from gateway.problems import AssetExpired, NoResult, RangeNotSatisfiable
from gateway.public_links import PublicLinks
from gateway.streaming import STREAMED, ObjectMissing, StoredFile, disposition, stream
from notify.resources import failure_of
from schemas.content_link import content_link
from schemas.enums import AssetRole, Status
from schemas.errors import InvalidRequest, NotFound, NotReady, Unauthenticated, VariantNotReady
from schemas.setting_groups import CdnSettings, RetentionSettings
from schemas.stages import status_of
from schemas.tables import Asset, Generation
from schemas.variants import LONGEST_NAME, FilePart
from storage import assets, details
from storage.customers import ActingCustomer
from storage.details import Details
from storage.variants.claims import PREFIX

log = structlog.get_logger()

router = customers_router("/v1/generations/{generation_id}", "generations")

_LINK_LIFETIME = timedelta(hours=1)


class Delivery(StrEnum):
    """How the gateway delivers a file."""

    REDIRECT = "redirect"
    """A redirect to the object store."""

    STREAM = "stream"
    """The bytes, through the gateway."""


_DELIVERY = (
    "`redirect`: a link to the object store, if customers can reach it; `stream`: the bytes through this server; "
    "omitted: a link if possible, otherwise the bytes"
)
DeliveryQuery = Annotated[Delivery | None, Query(description=_DELIVERY)]
_DOWNLOAD = "`1`: a browser saves the file instead of showing it, as `Content-Disposition` says"
DownloadQuery = Annotated[bool, Query(description=_DOWNLOAD)]

VariantQuery = Annotated[
    str | None,
    Query(description="the name of a variant; omitted: the result", max_length=LONGEST_NAME, examples=["web"]),
]
FileQuery = Annotated[
    FilePart | None,
    Query(
        description="of a variant of two files: `media` or `index`; omitted: what a player opens. The links of a "
        "playlist and of times lead to the media, and work without an API key"
    ),
]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request for a file."""

    services: GatewayServices
    """The services of the gateway."""
    request: Request | None
    """The request to answer. None: links lead to the public URL."""
    conditions: Conditions
    """The conditional headers."""
    delivery: Delivery | None
    """How the file is wanted."""
    is_head: bool
    """Whether only the headers are wanted."""
    is_attachment: bool = False
    """Whether a browser saves the file instead of showing it."""


_RESPONSES: Responses = {
    **STREAMED,
    302: {"description": "A link that works for at least an hour, without an API key"},
    **problems(Unauthenticated, NotFound, NotReady, NoResult, AssetExpired, RangeNotSatisfiable, InvalidRequest),
}
_OF_RESULTS: Responses = _RESPONSES | problems(NotReady, NoResult, VariantNotReady)


@router.get("/content", summary="Fetch the result, or a variant", response_class=Response, responses=_OF_RESULTS)
def get_content(
    generation_id: UUID,
    request: Request,
    services: ServicesOf,
    customer: TheCustomer,
    conditions: ConditionHeaders,
    is_head: IsHead,
    delivery: DeliveryQuery = None,
    download: DownloadQuery = False,
    variant: VariantQuery = None,
    file: FileQuery = None,
) -> Response:
    """Redirects to a link that works for an hour if customers can reach the object store; otherwise streams the file.

    A stream supports `Range`. A link answers the method of the request: GET for GET, HEAD for HEAD. With `variant`, the
    file of a variant. A playlist, and the times of sprites, are always streamed.
    """
    asked = Asked(
        services=services,
        request=request,
        conditions=conditions,
        delivery=delivery,
        is_head=is_head,
        is_attachment=download,
    )
    if variant is not None:
        return deliver_variant(asked, customer, generation_id, variant, file)
    if file is not None:
        raise InvalidRequest.of_fields([("file", "is a file of a variant: name the variant, too")])
    return deliver_result(asked, customer, generation_id)


@router.get("/thumbnail", summary="Fetch a still picture of the result", response_class=Response, responses=_RESPONSES)
def get_thumbnail(
    generation_id: UUID,
    services: ServicesOf,
    customer: TheCustomer,
    conditions: ConditionHeaders,
    is_head: IsHead,
    delivery: DeliveryQuery = None,
    download: DownloadQuery = False,
) -> Response:
    """Delivers the thumbnail as `/content` delivers the result. Not every generation has a thumbnail."""
    asset = asset_of(services, customer, generation_id, AssetRole.POSTER)
    return deliver(services, asset, delivery, conditions, is_head=is_head, is_attachment=download)


def asset_of(services: GatewayServices, customer: ActingCustomer, generation_id: UUID, role: AssetRole) -> Asset:
    """A kept file of a customer's generation.

    Raises:
        NotFound: the customer has no such generation, or the generation has no such file.
        NotReady, NoResult: the generation has no result yet, or will have none.
        AssetExpired: the file was deleted after its time.
    """
    with services.database.transaction() as session:
        found = details.find(session, generation_id, customer_id=customer.id)
    return _role_of(services, found, role)


def media_of_variant(services: GatewayServices, customer: ActingCustomer, generation_id: UUID, name: str) -> Asset:
    """The media of a variant of a customer's generation: the file of the result, where the result is the variant.

    Raises:
        NotFound, NotReady, NoResult, VariantNotReady, AssetExpired: as `deliver_variant`.
    """
    with services.database.transaction() as session:
        found = details.find(session, generation_id, customer_id=customer.id)
    return variants.media_of(found, _role_of(services, found, AssetRole.RESULT), name)


def _role_of(services: GatewayServices, found: Details, role: AssetRole) -> Asset:
    require_completed(found.generation)
    asset = next((asset for asset in found.assets if asset.role is role), None)
    if asset is None:
        raise NotFound(f"generation {found.generation.id} has no {role}")
    require_kept(asset, services.settings.retention)
    return asset


def deliver_result(asked: Asked, customer: ActingCustomer, generation_id: UUID) -> Response:
    """Deliver a result, and count the download.

    Raises:
        NotFound: the customer has no such generation.
        NotReady, NoResult: the generation has no result yet, or will have none.
        AssetExpired: the file was deleted after its time.
    """
    services, conditions = asked.services, asked.conditions
    asset = asset_of(services, customer, generation_id, AssetRole.RESULT)
    answer = deliver(
        services, asset, asked.delivery, conditions, is_head=asked.is_head, is_attachment=asked.is_attachment
    )
    if not (asked.is_head or customer.is_viewed):
        note_download(services, generation_id, answer, conditions)
    return answer


def deliver_variant(
    asked: Asked, customer: ActingCustomer, generation_id: UUID, name: str, part: FilePart | None
) -> Response:
    """Deliver a file of a variant.

    Args:
        name: the name of the variant, or a kind: the first variant of the kind.

    Raises:
        NotFound: the customer has no such generation, or the generation has no such variant.
        NotReady, NoResult: the generation has no result yet, or will have none.
        VariantNotReady: the variant is pending, or has failed.
        AssetExpired: the file was deleted after its time.
    """
    services = asked.services
    with services.database.transaction() as session:
        found = details.find(session, generation_id, customer_id=customer.id)
    result = _role_of(services, found, AssetRole.RESULT)
    asset = variants.file_of(found, result, name, part)
    if variants.is_index(asset):
        url = PublicLinks(services, asked.request).of(variants.media_of(found, result, name))
        with _told_if_missing(services, asset):
            return variants.index(
                services, asset, url, asked.conditions, is_head=asked.is_head, cache_control="private, no-cache"
            )
    return deliver(
        services, asset, asked.delivery, asked.conditions, is_head=asked.is_head, is_attachment=asked.is_attachment
    )


def note_download(services: GatewayServices, generation_id: UUID, answer: Response, conditions: Conditions) -> None:
    """Count a download of the result, if the answer begins one."""
    if _begins_download(answer, conditions):
        services.downloads.note(generation_id)


def _begins_download(answer: Response, conditions: Conditions) -> bool:
    """Whether the answer is the whole file or its first part. A player's further parts and a 304 count for nothing."""
    if answer.status_code in {HTTPStatus.PARTIAL_CONTENT, HTTPStatus.FOUND}:
        return (conditions.range or "bytes=0-").replace(" ", "").lower().startswith("bytes=0-")
    return answer.status_code == HTTPStatus.OK


def require_kept(asset: Asset, retention: RetentionSettings) -> None:
    """Require that customers still get a file.

    Raises:
        AssetExpired: the file was deleted after its time.
    """
    expired_at = assets.gone_at(asset, retention)
    if expired_at is not None:
        raise AssetExpired(
            f"the {asset.role} of generation {asset.generation_id} was deleted on {expired_at:%Y-%m-%d}: "
            "files are not kept for ever here; order it again if you need it",
            {"expired_at": expired_at.isoformat()},
        )


def require_completed(generation: Generation) -> None:
    """Require that the generation has a result.

    Raises:
        NotReady: the generation is unfinished.
        NoResult: the generation has failed or was cancelled.
    """
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


def deliver(
    services: GatewayServices,
    asset: Asset,
    delivery: Delivery | None,
    conditions: Conditions,
    *,
    is_head: bool,
    is_attachment: bool = False,
) -> Response:
    """Deliver a file as asked for: by a link, or as a stream.

    Raises:
        InvalidRequest: a redirect is asked for, and there are no links to files.
        AssetExpired, NoResult, RangeNotSatisfiable: as `stream_asset`.
    """
    if delivery is not Delivery.STREAM:
        saved_as = file_name(asset) if is_attachment else None
        url = _cdn_link(services.settings.cdn, asset, saved_as) or services.objects.presigned_url(
            asset.object_key,
            expires=_link_lifetime(asset, services.settings.retention),
            method="HEAD" if is_head else "GET",
            disposition=saved_as and disposition(saved_as, is_attachment=True),
        )
        if url is not None:
            return RedirectResponse(url, 302, {"Cache-Control": "no-store"})
        if delivery is Delivery.REDIRECT:
            raise InvalidRequest("there are no links to files here: leave `delivery` out, or ask for `stream`")
    return stream_asset(services, asset, conditions, is_head=is_head, is_attachment=is_attachment)


def _link_lifetime(asset: Asset, retention: RetentionSettings) -> timedelta:
    """An hour, or less where the file's time ends earlier."""
    ends_at = assets.expires_at(asset, retention)
    left = _LINK_LIFETIME if ends_at is None else min(ends_at - datetime.now(UTC), _LINK_LIFETIME)
    # The shortest lifetime that S3 takes.
    return max(left, timedelta(seconds=1))


def _cdn_link(cdn: CdnSettings, asset: Asset, saved_as: str | None) -> str | None:
    if not cdn.base_url:
        return None
    secret = cdn.secret.get_secret_value()
    return content_link(cdn.base_url, secret, asset.object_key, now=time.time(), saved_as=saved_as)


def file_name(asset: Asset) -> str:
    """The name under which a browser saves the file."""
    return f"{asset.generation_id}{PurePosixPath(asset.object_key).suffix}"


def stream_asset(
    services: GatewayServices,
    asset: Asset,
    conditions: Conditions,
    *,
    is_head: bool,
    is_attachment: bool = False,
    cache_control: str = "private, no-cache",
) -> Response:
    """Stream a stored file.

    Raises:
        AssetExpired: the file was deleted a moment ago.
        NoResult: the object store has lost the file.
    """
    file = StoredFile(
        key=asset.object_key,
        content_type=asset.content_type,
        size_bytes=asset.size_bytes,
        name=file_name(asset),
        tag=asset.sha256,
        modified_at=asset.created_at,
        is_attachment=is_attachment,
        cache_control=cache_control,
    )
    with _told_if_missing(services, asset):
        return stream(services.objects, file, conditions, is_head=is_head)


@contextmanager
def _told_if_missing(services: GatewayServices, asset: Asset) -> Iterator[None]:
    """Tell customers of a file that the object store does not have.

    Raises:
        AssetExpired: the file was deleted a moment ago.
        NoResult: the object store has lost the file.
    """
    try:
        yield
    except ObjectMissing:
        # The file can have expired after the gateway read its row.
        with services.database.transaction() as session:
            require_kept(session.get_one(Asset, asset.id), services.settings.retention)
        log.error("stored_object_missing", generation_id=str(asset.generation_id), key=asset.object_key)
        file = "a variant" if asset.object_key.startswith(PREFIX) else f"the {asset.role}"
        text = f"{file} of generation {asset.generation_id} is lost: the operator has been told"
        raise NoResult(text) from None
