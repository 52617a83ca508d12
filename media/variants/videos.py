"""The variants of videos that are videos: web, copies, HLS."""

import os
from contextlib import AbstractContextManager
from typing import BinaryIO

from av.container import OutputContainer
from av.error import FFmpegError

from media.cursor import Cursor
from media.iso_files import is_streamable
from media.variants import copies, files
from media.variants.clips import Encoder
from media.variants.recipes import Job, Made
from media.variants.sink import sha256_of, size_of
from media.variants.sizes import place
from media.variants.sources import Source, opened
from schemas.media_types import MP4, MediaType
from schemas.variants import HLS_TYPE

_PLAYED_EVERYWHERE = frozenset({"yuv420p", "yuvj420p"})
_H264, _AAC = "h264", "aac"


def web(file: BinaryIO, media: MediaType, job: Job, descriptor: int) -> Made:
    """An MP4 file in H.264 and AAC whose index comes first. A file of other order is copied, others are encoded.

    Raises:
        ResultInvalid: the result cannot be decoded.
    """
    is_first = media is MP4 and is_streamable(Cursor(file))
    with opened(file, media, threads=job.threads) as source:
        if _plays_everywhere(source):
            if is_first:
                return _facts(source, descriptor, MP4.content_type, is_original=True)
            if _is_copied(source, files.mp4(descriptor), descriptor):
                return _facts(source, descriptor, MP4.content_type, is_copied=True)
    return copy(file, media, job, descriptor)


def copy(file: BinaryIO, media: MediaType, job: Job, descriptor: int) -> Made:
    """A smaller or shorter MP4 file.

    Raises:
        ResultInvalid: the result cannot be decoded, or has no such part.
    """
    with opened(file, media, threads=job.threads) as source:
        return _encoded(source, job, descriptor)


def hls(file: BinaryIO, media: MediaType, job: Job, descriptor: int) -> tuple[Made, str]:
    """An HLS stream, and its playlist.

    Raises:
        ResultInvalid: the result cannot be decoded.
    """
    index: list[str] = []
    with opened(file, media, threads=job.threads) as source:
        is_whole_size = place(source.size, job.width, job.height, job.fit, step=1).cut == source.size
        can_copy = _plays_everywhere(source) and source.turn is None and is_whole_size
        if can_copy and _is_copied(source, files.hls(descriptor, index), descriptor):
            facts = _facts(source, descriptor, MP4.content_type, is_copied=True, index_type=HLS_TYPE)
            return facts, index[-1]
    with opened(file, media, threads=job.threads) as source:
        with files.hls(descriptor, index) as output:
            encoder = _encode(source, output, job, even_keys=True)
        facts = _facts(source, descriptor, MP4.content_type, encoder=encoder, index_type=HLS_TYPE)
    return facts, index[-1]


def _is_copied(source: Source, target: AbstractContextManager[OutputContainer], descriptor: int) -> bool:
    """Copy the streams. False: they cannot be copied without loss, and the output file is empty again."""
    try:
        with target as output:
            tally = copies.copy_streams(source, output)
        copies.require_all(tally, descriptor)
    except (copies.NotCopied, FFmpegError) as error:
        if isinstance(error, MemoryError):
            raise
        os.ftruncate(descriptor, 0)
        return False
    return True


def _plays_everywhere(source: Source) -> bool:
    pixels = source.video.codec_context.pix_fmt
    sound = source.audio
    is_known = source.codec == _H264 and pixels in _PLAYED_EVERYWHERE
    return is_known and (sound is None or sound.codec_context.codec.canonical_name == _AAC)


def _encoded(source: Source, job: Job, descriptor: int) -> Made:
    with files.mp4(descriptor) as output:
        encoder = _encode(source, output, job)
    return _facts(source, descriptor, MP4.content_type, encoder=encoder)


def _encode(source: Source, output: OutputContainer, job: Job, *, even_keys: bool = False) -> Encoder:
    encoder = Encoder(source, output, job, even_keys=even_keys)
    encoder.run()
    return encoder


def _facts(
    source: Source,
    descriptor: int,
    content_type: str,
    *,
    encoder: Encoder | None = None,
    is_copied: bool = False,
    is_original: bool = False,
    index_type: str | None = None,
) -> Made:
    width, height = source.size if encoder is None else encoder.placed.cut
    return Made(
        content_type=content_type,
        width=width,
        height=height,
        codec=_H264,
        size_bytes=size_of(descriptor),
        sha256=sha256_of(descriptor),
        duration_seconds=source.duration if encoder is None else encoder.end,
        frame_rate=source.rate if encoder is None else encoder.rate,
        is_copied=is_copied,
        is_original=is_original,
        index_type=index_type,
    )
