"""Measures the length of a customer's video in a child process (docs/decisions/0025)."""

import math
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore
from typing import BinaryIO

import structlog

from schemas.media_types import MediaType

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_PROBE = Path(__file__).with_name("video_probe.py")

_SECONDS = 10
# The child ends itself after `_SECONDS`. This limit is for a child that cannot.
_WAIT_SECONDS = _SECONDS + 1
_MEMORY_BYTES = 512 * 1024**2
# The most children at one time. With the memory limit of one child, this bounds the memory for customers' files.
_AT_ONCE = BoundedSemaphore(2)

_LONGEST_ANSWER_BYTES = 64


def measure(file: BinaryIO, media: MediaType) -> float | None:
    """The length of a video in seconds; None if it has no length or cannot be read within the limits.

    Args:
        file: an open file with a file descriptor. This function moves its position.
    """
    file.flush()
    # -I: environment variables, user packages and the working directory do not affect imports. -B: writes no bytecode.
    command = [sys.executable, "-I", "-B", str(_PROBE), media.demuxer, str(_MEMORY_BYTES), str(_SECONDS)]
    with (
        _AT_ONCE,
        subprocess.Popen(  # noqa: S603 -- every argument is ours
            command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        ) as child,
    ):
        try:
            status = child.wait(timeout=_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            status = child.wait()
        answer = child.stdout.read(_LONGEST_ANSWER_BYTES) if child.stdout else b""
    seconds = _seconds(answer) if status == 0 else None
    if seconds is None:
        log.info("video_not_measured", content_type=media.content_type, exit_status=status)
    return seconds


def _seconds(answer: bytes) -> float | None:
    try:
        seconds = float(answer)
    except ValueError:
        return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None
