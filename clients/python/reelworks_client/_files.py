"""Files: downloads that resume, and the bytes of uploads."""

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from reelworks_client._calls import Link, opened, send
from reelworks_client._io import Request
from reelworks_client.errors import ApiError, ConnectionFailed, DamagedFile
from reelworks_client.models import Asset, Generation

Source = bytes | str | os.PathLike[str] | BinaryIO
"""A file to upload: bytes, a path, or an open file."""

_TIMEOUT: Final = 60.0

_SUFFIXES: Final = {"jpeg": "jpg", "quicktime": "mov", "x-matroska": "mkv"}


async def read(link: Link, source: Source) -> bytes:
    """The bytes of a file to upload."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | os.PathLike):
        return await link.io.do(Path(source).read_bytes)
    return await link.io.do(source.read)


def content_of(generation_id: str) -> str:
    """The path of a result."""
    return f"/v1/generations/{generation_id}/content"


async def download(link: Link, generation_id: str, target: Path) -> Path:
    """Write the result to a file, or into a folder; the path.

    Until the file is whole, the bytes are in a file beside the target, from which a later call goes on.
    """
    response = await send(link, Request("GET", f"/v1/generations/{generation_id}"))
    generation = Generation.model_validate_json(response.content).raise_for_end()
    asset = generation.result
    if asset is None:
        # The refusal says how far the generation is.
        await send(link, Request("GET", content_of(generation_id)))
        raise DamagedFile(f"{generation_id} has no result")
    path = target / f"{generation_id}{_suffix(asset)}" if await link.io.do(target.is_dir) else target
    part = path.with_name(f"{path.name}.{asset.sha256[:8]}.part")
    await _fetch(link, content_of(generation_id), part, asset.size_bytes)
    if await link.io.do(partial(_sha256, part)) != asset.sha256:
        await link.io.do(part.unlink)
        raise DamagedFile(f"the bytes of {generation_id} are not those of the result: fetch the file again")
    await link.io.do(partial(part.replace, path))
    return path


async def _fetch(link: Link, content: str, part: Path, size: int) -> None:
    """Fetch the rest of a file, and after a lost connection the rest of the rest."""
    retries = link.retries()
    while (have := await link.io.do(partial(_size, part))) < size:
        trouble: ApiError | ConnectionFailed
        try:
            await _append(link, content, part, have)
            trouble = ConnectionFailed(f"{content} ended early")
        except httpx.TransportError as error:
            trouble = ConnectionFailed(f"{type(error).__name__} at {content}: {error}")
        except ApiError as error:
            trouble = error
        has = await link.io.do(partial(_size, part))
        if has > have:
            retries = link.retries()
        if has < size:
            await retries.pause_after(trouble)


async def _append(link: Link, content: str, part: Path, have: int) -> None:
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    async with opened(link, Request("GET", content, headers=headers, read_timeout=_TIMEOUT)) as answer:
        is_rest = answer.response.status_code == httpx.codes.PARTIAL_CONTENT
        with await link.io.do(lambda: part.open("ab" if is_rest else "wb")) as file:
            async for piece in answer.pieces:
                await link.io.do(partial(file.write, piece))


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _sha256(part: Path) -> str:
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _suffix(asset: Asset) -> str:
    name = asset.content_type.partition("/")[2]
    return f".{_SUFFIXES.get(name, name)}"
