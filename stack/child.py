"""A child process in the foreground. Its output goes to a file, and it ends when this process ends."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from stack.errors import PartFailed
from stack.guard import guarded

# Linux ties a child to the thread that started the child, not to the process. This thread lives as long as the
# process, so a test may restart a part from a thread that ends.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-starter")

_TAIL_BYTES = 64 * 1024
_CHECK_SECONDS = 0.05


class Child(ABC):
    """A child process. A child that has ended can start again.

    The child runs in a separate session: a Ctrl-C in the terminal reaches only the parent, which ends parts in order.
    A subclass decides in `answers` when the child is ready.
    """

    stop_signal = signal.SIGTERM
    stop_seconds = 60.0
    start_seconds = 180.0

    def __init__(self, name: str, *, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._asked_to_stop = False

    def start(self) -> None:
        """Start the process and return at once. `wait_until_ready` waits.

        Raises:
            StackError: the process cannot start. The message names the reason.
        """
        if self.alive():
            return
        self.prepare()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        mode = "wb" if self._process is None else "ab"  # the first start empties the log; a restart appends
        with self.log.open(mode) as log:
            self._process = _starter.submit(self._spawn, log.fileno()).result()
        self._wanted = True
        self._asked_to_stop = False

    def prepare(self) -> None:  # noqa: B027 -- most children have nothing to prepare
        """Create what the process needs before its start."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line without the guard."""

    def environment(self) -> Mapping[str, str]:
        """All environment variables of the process."""
        return os.environ

    def guarded_command(self) -> list[str]:
        """The command line with the guard."""
        return guarded(self.command())

    def answers(self) -> bool:
        """Whether the process does its work now."""
        return self.alive()

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 -- our own command lines
            self.guarded_command(),
            env=dict(self.environment()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int | None:
        """The process id of the last start. None before the first start."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def wait_until_ready(self, seconds: float | None = None) -> None:
        """Wait until the process answers. None: for `start_seconds`.

        Raises:
            PartFailed: the process died, or did not answer in time.
        """
        seconds = self.start_seconds if seconds is None else seconds
        deadline = time.monotonic() + seconds
        while not self.answers():
            self.check()
            if time.monotonic() > deadline:
                raise PartFailed(self.name, f"was not ready after {seconds:g} s", self.last_lines())
            time.sleep(_CHECK_SECONDS)

    def check(self) -> None:
        """Check that a started process still runs, unless this object ended the process.

        Raises:
            PartFailed: the process died.
        """
        if (how := self.end()) is not None:
            raise PartFailed(self.name, f"died ({how})", self.last_lines())

    def end(self) -> str | None:
        """How a started process died, unless this object ended the process. None while the process runs."""
        code = self._process.poll() if self._wanted and self._process is not None else None
        return None if code is None else how_it_ended(code)

    def ask_to_stop(self) -> None:
        """Send the stop signal once. A second signal would cut a worker's orderly end short."""
        self._wanted = False
        if self._process is not None and self.alive() and not self._asked_to_stop:
            self._process.send_signal(self.stop_signal)
            self._asked_to_stop = True

    def stop(self) -> None:
        """Ask the process to end, wait up to `stop_seconds`, then kill it. Do nothing if the process does not run."""
        self.ask_to_stop()
        if self._process is None:
            return
        try:
            self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the process and all processes in its session with SIGKILL."""
        self._wanted = False
        if self._process is None or not self.alive():
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def last_lines(self, count: int = 20) -> list[str]:
        """The last lines of the log."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-count:]


def how_it_ended(code: int) -> str:
    """A return code in words. Negative numbers are signals."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
