"""The answer to an image request: the images as base64, streamed from the object store, or links to them."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import structlog
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from gateway.content import require_kept
from gateway.dependencies import GatewayServices
from gateway.openai.image_orders import ImageOrder
from gateway.problems import NoResult
from gateway.public_links import PublicLinks
from gateway.warnings import warning_header
from providers.catalogue.fitting import Change
from schemas.enums import AssetRole
from schemas.tables import Asset
from storage.details import Details
from storage.objects import ObjectStore

log = structlog.get_logger()

# Base64 makes four digits of three bytes.
_BYTES, _DIGITS = 3, 4

_BEFORE, _AFTER, _JOINT = '{"b64_json": "', '", "revised_prompt": null}', ", "

_NO_TOKENS: Final[dict[str, Any]] = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}


class ImageData(BaseModel):
    """One image."""

    b64_json: str | None = Field(default=None, description="the file as base64")
    url: str | None = Field(default=None, description="a link that works without a key")
    revised_prompt: None = Field(default=None, description="prompts are not revised here")


class ImageUsage(BaseModel):
    """The price. Nothing here is counted in tokens."""

    input_tokens: int
    """0."""
    input_tokens_details: dict[str, int]
    """0."""
    output_tokens: int
    """0."""
    total_tokens: int
    """0."""
    credits: int
    """The price of the images."""


class ImagesAnswer(BaseModel):
    """The images of a request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "created": 1795960800,
                    "background": "opaque",
                    "output_format": "png",
                    "size": "1536x1024",
                    "usage": {**_NO_TOKENS, "credits": 4},
                    "data": [{"b64_json": "iVBORw0KGgo…", "revised_prompt": None}],
                }
            ]
        }
    )

    created: int = Field(description="the time of the order, in Unix seconds")
    data: list[ImageData]
    """The images."""
    background: str
    """`opaque`."""
    output_format: str = Field(description="the format of the first file: `png`, `jpeg`, …")
    size: str = Field(description="the size of the first file: WIDTHxHEIGHT")
    usage: ImageUsage
    """The price."""


def images_answer(
    services: GatewayServices,
    links: PublicLinks,
    order: ImageOrder,
    found: Sequence[Details],
    changes: Sequence[Change],
) -> Response:
    """The answer for completed generations. Blocks.

    Args:
        changes: the settings that the images do not have as asked for.

    Raises:
        AssetExpired: a file was deleted after its time.
        NoResult: the object store has lost a file.
    """
    results = [next(asset for asset in each.assets if asset.role is AssetRole.RESULT) for each in found]
    for asset in results:
        require_kept(asset, services.settings.retention)
    rest, told = _rest(found, results[0]), [*changes, *_other_size(order, results[0])]
    is_large = sum(asset.size_bytes for asset in results) > services.settings.openai.max_base64_bytes
    if is_large and not order.wants_links:
        told.append(Change("response_format", "b64_json", "url"))
    if is_large or order.wants_links:
        data = [{"url": links.of(asset), "revised_prompt": None} for asset in results]
        return JSONResponse({**rest, "data": data}, headers=warning_header(told))
    for asset in results:
        _require_stored(services.objects, asset)
        services.downloads.note(asset.generation_id)
    return _streamed(services.objects, results, rest, warning_header(told))


def _require_stored(objects: ObjectStore, asset: Asset) -> None:
    if objects.stat(asset.object_key) is None:
        log.error("stored_object_missing", generation_id=str(asset.generation_id), key=asset.object_key)
        raise NoResult(f"the result of generation {asset.generation_id} is lost: the operator has been told")


def _rest(found: Sequence[Details], first: Asset) -> dict[str, Any]:
    """The members of the answer beside `data`."""
    created_at = min(each.generation.created_at for each in found if each.generation.created_at)
    return {
        "created": int(created_at.timestamp()),
        "background": "opaque",
        "output_format": first.content_type.removeprefix("image/"),
        "size": f"{first.width}x{first.height}",
        "usage": {**_NO_TOKENS, "credits": sum(each.generation.credits for each in found)},
    }


def _other_size(order: ImageOrder, first: Asset) -> Iterator[Change]:
    taken = f"{first.width}x{first.height}"
    if order.size is not None and order.size != taken:
        yield Change("size", order.size, taken)


def _streamed(
    objects: ObjectStore, results: Sequence[Asset], rest: dict[str, Any], headers: dict[str, str]
) -> Response:
    """The answer with the images in it. The memory does not grow with the images."""
    head, tail = f'{{{json.dumps(rest)[1:-1]}, "data": [', "]}"

    def body() -> Iterator[bytes]:
        for number, asset in enumerate(results):
            yield f"{_JOINT if number else head}{_BEFORE}".encode()
            with objects.stream(asset.object_key) as chunks:
                yield from _base64(chunks)
            yield _AFTER.encode()
        yield tail.encode()

    files = sum(len(_BEFORE) + _digits(asset.size_bytes) + len(_AFTER) for asset in results)
    length = len(head) + files + (len(results) - 1) * len(_JOINT) + len(tail)
    return StreamingResponse(body(), headers={**headers, "Content-Length": str(length)}, media_type="application/json")


def _digits(size_bytes: int) -> int:
    """The length of a file as base64."""
    return -(-size_bytes // _BYTES) * _DIGITS


def _base64(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The base64 of all chunks together. Only the end has padding."""
    left = b""
    for chunk in chunks:
        left += chunk
        whole = len(left) - len(left) % _BYTES
        yield base64.b64encode(left[:whole])
        left = left[whole:]
    yield base64.b64encode(left)
