"""The files of variants: which file a request means, and texts whose links lead to the media."""

import hashlib

from fastapi.responses import Response

from gateway.conditions import Conditions, is_known
from gateway.dependencies import GatewayServices
from gateway.streaming import disposition, read_whole
from schemas.enums import AssetRole
from schemas.errors import NotFound, VariantNotReady
from schemas.tables import Asset
from schemas.text import shown
from schemas.variant_tables import VariantFile
from schemas.variants import FILE_URI, INDEX_EXTENSIONS, FilePart, VariantKind, VariantOrigin, VariantState
from storage.details import Details
from storage.variants.reading import StoredVariant


def as_asset(file: VariantFile, result: Asset) -> Asset:
    """A file of a variant in the form in which files are delivered. It is kept as long as its result."""
    return Asset(
        id=result.id,
        generation_id=result.generation_id,
        customer_id=result.customer_id,
        role=AssetRole.RESULT,
        object_key=file.object_key,
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        width=file.width or 0,
        height=file.height or 0,
        codec=file.codec or "",
        created_at=result.created_at,
        expires_at=result.expires_at,
        expired_at=result.expired_at,
    )


def file_of(found: Details, result: Asset, name: str, part: FilePart | None) -> Asset:
    """The file of a variant.

    Args:
        name: the name, or the kind of the first variant of a kind.
        part: which file. None: the one that a player opens: the text where there is one, else the media.

    Raises:
        NotFound: the result has no such variant, or the variant has no such file. Names those that exist.
        VariantNotReady: the variant is pending, or has failed.
    """
    variant = _named(found, name)
    row = variant.variant
    name = row.name
    match row.state:
        case VariantState.PENDING:
            raise VariantNotReady(
                f"the variant {name} is being made: ask again in a few seconds", {"variant_state": row.state}
            )
        case VariantState.FAILED:
            extra: dict[str, object] = {"variant_state": row.state, "error": {"code": row.error_code}}
            raise VariantNotReady(f"the variant {name} was not made: {row.error_message}", extra)
    if row.origin is VariantOrigin.ORIGINAL and part in {None, FilePart.MEDIA}:
        return result
    file = variant.file(part) if part else variant.file(FilePart.INDEX) or variant.file(FilePart.MEDIA)
    if file is None:
        raise NotFound(f"the variant {name} has no file {part}: leave `file` out", {"files": _parts(variant)})
    return as_asset(file, result)


def _named(found: Details, name: str) -> StoredVariant:
    variant = next((each for each in found.variants if _is_meant(each, name)), None)
    if variant is None:
        names = [each.variant.name for each in found.variants]
        has = f"it has {', '.join(names)}" if names else "none was ordered"
        words = f"generation {found.generation.id} has no variant {shown(str(name))!r}: {has}"
        raise NotFound(words, {"variants": names})
    return variant


def _is_meant(variant: StoredVariant, name: str) -> bool:
    return (variant.variant.kind if isinstance(name, VariantKind) else variant.variant.name) == name


def _parts(variant: StoredVariant) -> list[str]:
    return [file.part.value for file in variant.files] or [FilePart.MEDIA.value]


def media_of(found: Details, result: Asset, name: str) -> Asset:
    """The media of a variant that is ready."""
    return file_of(found, result, name, FilePart.MEDIA)


def index(
    services: GatewayServices,
    asset: Asset,
    media_url: str,
    conditions: Conditions,
    *,
    is_head: bool,
    cache_control: str,
) -> Response:
    """A text that leads into the media, with the address of the media. Players take the text as it is.

    Args:
        asset: the text.
        media_url: the address of the media.

    Raises:
        ObjectMissing: the object store does not have the text.
    """
    content = read_whole(services.objects, asset.object_key)
    body = content.decode().replace(FILE_URI, media_url).encode()
    name = f"{asset.generation_id}.{INDEX_EXTENSIONS[asset.content_type]}"
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    headers = {
        "ETag": etag,
        "Cache-Control": cache_control,
        "Content-Disposition": disposition(name, is_attachment=False),
        "X-Content-Type-Options": "nosniff",
    }
    if conditions.if_none_match is not None and is_known(conditions, etag, None):
        return Response(status_code=304, headers=headers)
    if is_head:
        headers["Content-Length"] = str(len(body))
    return Response(None if is_head else body, 200, headers, asset.content_type)


def is_index(asset: Asset) -> bool:
    """Whether a file is a text that leads into the media of a variant."""
    return asset.content_type in INDEX_EXTENSIONS
