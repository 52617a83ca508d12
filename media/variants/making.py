"""Makes one variant by its kind."""

from typing import BinaryIO

from media.variants import animations, pictures, videos
from media.variants.recipes import Job, Made, Recipe
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import MediaType


def make(file: BinaryIO, media: MediaType, job: Job, descriptor: int, *, memory_bytes: int) -> tuple[Made, str | None]:
    """Make a variant of a result.

    Args:
        file: the result, a seekable file.
        media: the format that the first bytes of the result show.
        descriptor: an empty file, which gets the variant.
        memory_bytes: a picture that needs more memory than this is not decoded.

    Returns:
        The facts of the output file, and the text that leads into it. The text names the file as `FILE_URI`.

    Raises:
        ResultInvalid: the result cannot be decoded, or has no such part.
        FileTooLarge: the variant is larger than its limit.
        DiskFull: the disk is full.
    """
    recipe = Recipe(job.recipe)
    if job.kind == Kind.IMAGE:
        match recipe:
            case Recipe.WEB:
                return pictures.web(file, media, job, descriptor, memory_bytes=memory_bytes), None
            case Recipe.COPY:
                return pictures.copy(file, media, job, descriptor, memory_bytes=memory_bytes), None
            case _:
                raise ResultInvalid(f"a picture has no variant of the kind {recipe}")
    if not media.demuxer:
        raise ResultInvalid(f"FFmpeg does not read an animation of the type {media.content_type}: no variant is made")
    match recipe:
        case Recipe.WEB:
            return videos.web(file, media, job, descriptor), None
        case Recipe.COPY:
            return videos.copy(file, media, job, descriptor), None
        case Recipe.PREVIEW:
            return animations.preview(file, media, job, descriptor), None
        case Recipe.SPRITES:
            return animations.sprites(file, media, job, descriptor)
        case Recipe.HLS:
            return videos.hls(file, media, job, descriptor)
