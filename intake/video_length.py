"""Measures the length of a customer's video (docs/decisions/0025), in the decoder (docs/decisions/0034)."""

import io
import math
from typing import BinaryIO, Final
from uuid import UUID

import structlog

from media import decoder
from media.decoder import Limits
from schemas.errors import ResultInvalid, TooManyRequests, Unavailable
from schemas.media_types import MediaType
from schemas.shares import NoPlace

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LIMITS: Final = Limits(memory_bytes=256 * 1024**2, seconds=10)
"""The limits of one video."""


def measure(file: BinaryIO, media: MediaType, customer_id: UUID) -> float | None:
    """The length of a video in seconds; None if it has no length or cannot be read within the limits.

    Args:
        file: an open file. This function moves its position.

    Raises:
        TooManyRequests: slow videos take all places of the customer.
        Unavailable: slow videos take all places.
    """
    try:
        size_bytes = file.seek(0, io.SEEK_END)
        seconds = decoder.measure(file, media, LIMITS, size_bytes=size_bytes, customer_id=customer_id)
    except NoPlace as error:
        if error.is_own:
            raise TooManyRequests("other videos of yours are being measured: send this one again later") from None
        raise Unavailable("too many videos are being measured: send yours again later") from None
    except ResultInvalid as error:
        log.info("video_not_measured", content_type=media.content_type, reason=str(error))
        return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None
