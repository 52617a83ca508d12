"""The child process that measures a video: `python video_probe.py FORMAT MEMORY_BYTES SECONDS < FILE`.

Prints the length in seconds. FFmpeg reads an untrusted file here, so the process is isolated: it imports no code of
Reelworks, has an empty environment without secrets, and first limits its memory, its time and its files.
"""

import resource
import signal
import sys
from contextlib import suppress
from typing import BinaryIO

# Players follow a file's edit list, and some vendors ignore it. So measure both ways: a file can hide seconds from one.
_READINGS: tuple[dict[str, str], ...] = ({}, {"ignore_editlist": "1"})


def main() -> None:
    """Measure the file on standard input."""
    form, memory_bytes, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    signal.alarm(seconds)
    with suppress(ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    sys.stdout.write(repr(longest(sys.stdin.buffer, form)))


def longest(file: BinaryIO, form: str) -> float:
    """The length of the longest track in seconds, by header or by samples, whichever is longer; 0 without samples."""
    import av  # after the limits

    seconds = 0.0
    for options in _READINGS:
        file.seek(0)
        # No protocols: FFmpeg must not open URLs or files that this file names.
        with av.open(file, "r", format=form, options={"protocol_whitelist": "none", **options}) as container:
            # The final packet, which ends the stream, has neither `pts` nor `duration`.
            end = max(((each.pts or 0) + (each.duration or 0)) * each.time_base for each in container.demux())
            if not end:
                return 0.0
            seconds = max(seconds, float(end), (container.duration or 0) / av.time_base)
    return seconds


if __name__ == "__main__":
    main()
