"""A process of the load generator, and messages over its pipes: a line of JSON each.

Every user of the machine can read a command line.
"""

import json
import subprocess
import sys
from types import TracebackType
from typing import IO, Self


class LoadProcess:
    """A module of the load generator in a separate process, from the begin of the `with` block to its end.

    Args:
        module: the module. It reads its job, answers, and waits for the next message.
        job: the first message.
    """

    def __init__(self, module: str, job: object) -> None:
        self._module = module
        self._job = job
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.tell(self._job)
        self.hear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._running as process:  # closes the pipes and waits
            process.kill()

    @property
    def pid(self) -> int:
        """The process id, for the meter."""
        return self._running.pid

    def tell(self, message: object) -> None:
        """Send a message."""
        stream = _stream(self._running.stdin)
        stream.write(json.dumps(message).encode() + b"\n")
        stream.flush()

    def hear(self) -> object:
        """Wait for a message. A text, if the process died."""
        line = _stream(self._running.stdout).readline()
        return json.loads(line) if line else "the process died"

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"use {type(self).__name__} in a with statement")
        return self._process


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the process has no pipes")
    return stream
