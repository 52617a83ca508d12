"""The child process that measures a video: `python video_probe.py FORMAT MEMORY_BYTES SECONDS < FILE`.

It prints the length in seconds. FFmpeg reads a stranger's file here, so the process has nothing to lose: it imports
nothing of ours, has no environment and so no secret, and limits its memory, its time and its files first.
"""

import resource
import signal
import sys
from contextlib import suppress
from typing import BinaryIO

# Players follow a file's edit list, and some vendors ignore it. A file may hide seconds from either.
_READINGS: tuple[dict[str, str], ...] = ({}, {"ignore_editlist": "1"})


def main() -> None:
    """Measure the file at standard input."""
    form, memory_bytes, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    signal.alarm(seconds)
    with suppress(ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    sys.stdout.write(repr(longest(sys.stdin.buffer, form)))


def longest(file: BinaryIO, form: str) -> float:
    """The seconds of the longest track, by its header or by its samples; 0 without samples."""
    import av  # after the limits

    seconds = 0.0
    for options in _READINGS:
        file.seek(0)
        # No protocol: FFmpeg opens nothing that the file names.
        with av.open(file, "r", format=form, options={"protocol_whitelist": "none", **options}) as container:
            # The packet at the end has neither.
            end = max(((each.pts or 0) + (each.duration or 0)) * each.time_base for each in container.demux())
            if not end:
                return 0.0
            seconds = max(seconds, float(end), (container.duration or 0) / av.time_base)
    return seconds


if __name__ == "__main__":
    main()
