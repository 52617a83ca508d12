"""Finds the generation behind a link of ours, so that a result of one request can be the input of the next."""

import re
from collections.abc import Collection, Iterator
from functools import partial
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import UUID

from sqlmodel import Session

from gateway.dependencies import GatewayServices
from schemas.enums import AssetRole
from schemas.inputs import generation_url
from schemas.orders import GenerationRequest
from storage import assets

_FILES = "/files/"

_VIDEO = re.compile(r"(?:(?:/api)?/video/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/download)?", re.IGNORECASE)
"""An id of ours, alone or in our path."""

_PORTS = {"http": 80, "https": 443}


def own_video(address: str, origins: Collection[str]) -> str:
    """`generation:ID` for an id, a path or a URL of ours. Every other address stays as it is.

    Args:
        origins: the origins of our URLs, such as `https://api.example.com`.
    """
    try:
        parts = urlsplit(address)
        is_here = not parts.netloc and parts.scheme in {"", "generation"}
        is_ours = is_here or _origin(parts) in [_origin(urlsplit(origin)) for origin in origins]
    except ValueError:  # an address that is no URL
        return address
    found = _VIDEO.fullmatch(parts.path) if is_ours else None
    return generation_url(UUID(found[1])) if found else address


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


async def with_own_files(request: GenerationRequest, services: GatewayServices, customer_id: UUID) -> GenerationRequest:
    """The request with `generation:ID` in place of links to the customer's results. Other links stay as they are."""
    named = ((file.url, _key_of(file.url, services)) for file in request.input_files())
    # No key of ours has other characters, and PostgreSQL takes no NUL.
    keys = {url: key for url, key in named if key and key.isprintable()}
    if not keys:
        return request
    find = partial(_generations, keys=keys, customer_id=customer_id)
    return request.with_urls(await services.loop_database.transaction(find))


def _key_of(url: str, services: GatewayServices) -> str | None:
    """The object's key in a link that `PublicLinks` made."""
    cdn = services.settings.cdn.base_url
    if cdn and url.startswith(f"{cdn}/"):
        return unquote(urlsplit(url.removeprefix(f"{cdn}/")).path)
    path = urlsplit(url).path if url.startswith(("http://", "https://")) else ""
    return unquote(path.removeprefix(_FILES)) if path.startswith(_FILES) else None


def _generations(session: Session, keys: dict[str, str], customer_id: UUID) -> dict[str, str]:
    def found() -> Iterator[tuple[str, str]]:
        for url, key in keys.items():
            asset = assets.find_kept(session, key)
            if asset is not None and asset.customer_id == customer_id and asset.role is AssetRole.RESULT:
                yield url, generation_url(asset.generation_id)

    return dict(found())
