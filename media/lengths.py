"""Measures the length of a video by all its samples, for vendors that bill the seconds of an input."""

from typing import BinaryIO

import av
from av.error import FFmpegError

from media.containers import open_container
from schemas.errors import ResultInvalid
from schemas.media_types import MediaType

# Players follow a file's edit list, and some vendors ignore it. So measure both ways: a file can hide seconds from one.
_READINGS: tuple[dict[str, str], ...] = ({}, {"ignore_editlist": "1"})


def longest(file: BinaryIO, media: MediaType) -> float:
    """The length of the longest track in seconds, by header or by samples, whichever is longer; 0 without samples.

    Raises:
        ResultInvalid: the file is damaged, or is no video.
    """
    try:
        lengths = [_length(file, media, options) for options in _READINGS]
    except FFmpegError as error:
        raise ResultInvalid(f"the file is not a readable video: {error.strerror}") from error
    return max(lengths) if all(lengths) else 0.0


def _length(file: BinaryIO, media: MediaType, options: dict[str, str]) -> float:
    with open_container(file, media, options) as container:
        # The final packet, which ends the stream, has neither `pts` nor `duration`.
        ends = (((each.pts or 0) + (each.duration or 0)) * each.time_base for each in container.demux())
        end = max(ends, default=0)
        return max(float(end), (container.duration or 0) / av.time_base) if end else 0.0
