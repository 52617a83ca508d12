"""Talks with a process over its pipes, a line of JSON for each message. A command line could be read by anybody."""

import json
import subprocess
from typing import IO


def tell(process: subprocess.Popen[bytes], message: object) -> None:
    """Send a message."""
    stream = _stream(process.stdin)
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


def hear(process: subprocess.Popen[bytes]) -> object:
    """Wait for a message. A text, if the process died."""
    line = _stream(process.stdout).readline()
    return json.loads(line) if line else "the process died"


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the process has no pipes")
    return stream
