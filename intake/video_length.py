"""Measures the length of a customer's video (docs/decisions/0025), in the decoder (docs/decisions/0034)."""

import io
import math
from typing import BinaryIO

import structlog

from media import decoder
from media.decoder import Limits
from schemas.errors import ResultInvalid
from schemas.media_types import MediaType

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_LIMITS = Limits(memory_bytes=256 * 1024**2, seconds=10)


def measure(file: BinaryIO, media: MediaType) -> float | None:
    """The length of a video in seconds; None if it has no length or cannot be read within the limits.

    Args:
        file: an open file. This function moves its position.
    """
    try:
        seconds = decoder.measure(file, media, _LIMITS, size_bytes=file.seek(0, io.SEEK_END))
    except ResultInvalid as error:
        log.info("video_not_measured", content_type=media.content_type, reason=str(error))
        return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None
