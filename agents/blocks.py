"""The answers of the tools in the protocol: text, links to the stored files, and a small picture."""

import base64
from contextlib import suppress
from uuid import UUID

import mcp_types as types
from pydantic import ValidationError

from agents.results import resource_uri
from agents.service import MOST_INLINE_BYTES, ROLES, Reelworks, part_of_variant, path_of, variant_in
from agents.tools import Answer
from schemas.api import AssetResource, GenerationResource
from schemas.errors import InvalidRequest, RequestError
from schemas.refusals import Place
from schemas.refusals import refusal as words_of
from schemas.text import shown
from schemas.variant_api import VariantFileResource, VariantResource
from schemas.variants import FilePart, VariantOrigin, VariantState

MOST_RESOURCE_BYTES = 8 * 1024 * 1024
"""The largest file that `resources/read` sends. Base64 adds a third, and the client has all of it in memory."""


async def result_of(reelworks: Reelworks, answer: Answer) -> types.CallToolResult:
    """The result of a call."""
    content: list[types.ContentBlock] = [types.TextContent(text=answer.text)]
    if answer.generation is not None:
        content += await _files(reelworks, answer.generation)
    data = None if answer.data is None else answer.data.model_dump(mode="json")
    return types.CallToolResult(content=content, structured_content=data, is_error=answer.data is None)


def refusal(error: RequestError | ValidationError) -> types.CallToolResult:
    """The result of a call that was refused."""
    return types.CallToolResult(content=[types.TextContent(text=in_words(error))], is_error=True)


def in_words(error: RequestError | ValidationError) -> str:
    """A refusal as a text for the model."""
    known = _of_fields(error) if isinstance(error, ValidationError) else error
    return f"{known.title} ({known.code}): {known.detail}"


async def content_of(reelworks: Reelworks, generation_id: UUID, part: str) -> tuple[str, bytes]:
    """The media type and the bytes of a stored file.

    Raises:
        InvalidRequest: there is no such file, or the file is larger than a resource may be.
    """
    asset = _asset(await reelworks.generation(generation_id), part)
    if asset.size_bytes > MOST_RESOURCE_BYTES:
        raise InvalidRequest(
            f"the file has {asset.size_bytes} bytes, and a resource has {MOST_RESOURCE_BYTES} at most: "
            f"GET {path_of(generation_id, part)} with the API key sends it"
        )
    return asset.content_type, await reelworks.file(generation_id, part)


def _asset(found: GenerationResource, part: str) -> AssetResource | VariantFileResource:
    """A kept file of a generation.

    Raises:
        InvalidRequest: there is no such file, or not yet, or no more.
    """
    if (name := variant_in(part)) is not None:
        return _media(found, name)
    link = found.links.content if part == "content" else found.links.thumbnail
    asset = next((each for each in found.assets if each.role is ROLES[part]), None)
    if link is None or asset is None:
        raise InvalidRequest(f"generation {found.id} is {found.status}, and has no {part} to read")
    return asset


def _media(found: GenerationResource, name: str) -> AssetResource | VariantFileResource:
    """The media of a variant that is ready."""
    variant = next((each for each in found.variants if each.name == name), None)
    if variant is None:
        has = ", ".join(each.name for each in found.variants) or "none"
        raise InvalidRequest(f"generation {found.id} has no variant {shown(name)}; its variants: {has}")
    if variant.content is None:
        raise InvalidRequest(f"the variant {name} of generation {found.id} {_why_unread(variant)}")
    if variant.origin is VariantOrigin.ORIGINAL:
        return _asset(found, "content")
    media = next((file for file in variant.files if file.part is FilePart.MEDIA), None)
    if media is None:
        raise InvalidRequest(f"the variant {name} of generation {found.id} has no file to read")
    return media


def _why_unread(variant: VariantResource) -> str:
    match variant.state:
        case VariantState.PENDING:
            return "is not made yet: read it again in some seconds"
        case VariantState.FAILED:
            return f"was not made: {variant.error.message}" if variant.error else "was not made"
        case VariantState.READY:
            return "was deleted with its result"


async def _files(reelworks: Reelworks, found: GenerationResource) -> list[types.ContentBlock]:
    """The links to the stored files, and a small picture of the result."""
    linked = _linked(found)
    blocks: list[types.ContentBlock] = [
        types.ResourceLink(
            name=f"{name} {found.id}",
            uri=resource_uri(found.id, part),
            mime_type=_asset(found, part).content_type,
            size=_asset(found, part).size_bytes,
        )
        for part, name in linked.items()
    ]
    for part in [part for part in ("thumbnail", "content") if part in linked]:
        asset = _asset(found, part)
        if asset.content_type.startswith("image/") and asset.size_bytes <= MOST_INLINE_BYTES:
            # The link stays where the picture cannot be read now.
            with suppress(RequestError):
                data = base64.b64encode(await reelworks.file(found.id, part)).decode()
                blocks.append(types.ImageContent(data=data, mime_type=asset.content_type))
            break
    return blocks


def _linked(found: GenerationResource) -> dict[str, str]:
    """The parts with a stored file, and the names of their links. A variant that is the result itself has no file."""
    linked = {"content": found.kind.value} if found.links.content else {}
    if found.links.thumbnail:
        linked["thumbnail"] = "thumbnail"
    for variant in found.variants:
        if variant.content is not None and variant.origin is not VariantOrigin.ORIGINAL:
            linked[part_of_variant(variant.name)] = f"variant {variant.name} of"
    return linked


def _of_fields(error: ValidationError) -> RequestError:
    errors = error.errors(include_url=False, include_input=False)
    return words_of(errors, lambda location: Place(location, None, "arguments", {}, "tools/list has the arguments"))
