"""`/files/{key}`: results by signed links, for everybody with a link and for a CDN whose origin is the gateway."""

import time
from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import Response
from sqlmodel import Session

from gateway.conditions import ConditionHeaders
from gateway.content import stream_asset
from gateway.dependencies import ServicesOf
from gateway.head import IsHead
from gateway.openapi import problems
from gateway.problems import AssetExpired, NoResult, RangeNotSatisfiable
from gateway.routing import PrefixRouter
from gateway.signed_links import Expires, Token, require_valid
from gateway.streaming import STREAMED
from gateway.variants import as_asset
from schemas import content_link
from schemas.errors import NotFound, Unauthenticated
from schemas.setting_groups import RetentionSettings
from schemas.tables import Asset
from storage import assets
from storage.variants import reading
from storage.variants.claims import PREFIX

router = PrefixRouter(tags=["files"])

_LONGEST_SECONDS = 3600


def _require_link(
    services: ServicesOf,
    key: str,
    expires: Expires = "",
    saved_as: Annotated[
        str | None, Query(alias="n", description="the name under which a browser saves the file")
    ] = None,
    token: Token = "",
) -> bool:
    """Whether the link is one of the gateway's own, not of the CDN's."""
    own = [content_link.gateway_secret(secret) for secret in services.settings.accepted_keys]
    of_the_cdn = [secret for secret in [services.settings.cdn.secret.get_secret_value()] if secret]
    signed = [content_link.verify(secrets, key, expires, saved_as, token) for secrets in (own, of_the_cdn)]
    ended = "this link has ended: ask for another at the `content` of the generation"
    require_valid(expires, is_ours=any(signed), ended=ended)
    return signed[0]


@router.get(
    "/files/{key:path}",
    summary="Fetch a result by a signed link",
    response_class=Response,
    # Runs first: a caller without a valid link learns nothing.
    dependencies=[Depends(_require_link)],
    responses={**STREAMED, **problems(Unauthenticated, NotFound, NoResult, AssetExpired, RangeNotSatisfiable)},
)
def get_file(
    key: str,
    services: ServicesOf,
    conditions: ConditionHeaders,
    is_head: IsHead,
    is_own: Annotated[bool, Depends(_require_link)],
    expires: Expires = "",
    saved_as: Annotated[str | None, Query(alias="n", include_in_schema=False)] = None,
) -> Response:
    """Streams a result or a thumbnail to everybody with a signed link. Supports `Range`."""
    with services.database.transaction() as session:
        asset = assets.find_kept(session, key) if not key.startswith(PREFIX) else _of_variant(session, key)
    if asset is None or assets.gone_at(asset, services.settings.retention) is not None:
        raise NotFound("the file was deleted")
    return stream_asset(
        services,
        asset,
        conditions,
        is_head=is_head,
        is_attachment=saved_as is not None,
        cache_control=_cache_control(asset, services.settings.retention, int(expires), is_own=is_own),
    )


def _of_variant(session: Session, key: str) -> Asset | None:
    found = reading.find_kept(session, key)
    return None if found is None else as_asset(*found)


def _cache_control(asset: Asset, retention: RetentionSettings, link_ends: int, *, is_own: bool) -> str:
    """How long caches may keep the file: not longer than the link and the file last.

    Only a CDN's link is for shared caches. A customer who deletes a generation ends the gateway's own links.
    """
    file_ends = assets.expires_at(asset, retention)
    ends = link_ends if file_ends is None else min(link_ends, file_ends.timestamp())
    seconds = max(0, min(_LONGEST_SECONDS, int(ends - time.time())))
    return f"{'private' if is_own else 'public'}, max-age={seconds}"
