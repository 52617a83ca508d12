"""The installed command on a real pseudo-terminal."""

import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

import pytest

from schemas.settings import Settings
from stack.wiring import settings_environment
from storage.database import Database
from tests.support import NewCustomer, a_generation

pytestmark = pytest.mark.slow

_SECONDS = 60.0


class Terminal:
    """A command on a terminal of 80 by 24 characters."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._slave = slave
        self.modes = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder, start_new_session=True
        )
        self.output = b""

    def until(self, is_there: Callable[[bytes], bool], *, since: int = 0) -> None:
        """Read until the output after a place is as it should be."""
        give_up_at = time.monotonic() + _SECONDS
        while not is_there(self.output[since:]):
            assert time.monotonic() < give_up_at, self.output[-2000:]
            self.read(0.1)

    def read(self, seconds: float) -> None:
        """Read what comes within this time."""
        if select.select([self._master], [], [], seconds)[0]:
            self.output += os.read(self._master, 65536)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def present_modes(self) -> list[object]:
        """The modes of the terminal now."""
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        """Take the terminal away."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)


def test_program_works_on_a_terminal_and_leaves_it_as_it_was(
    settings: Settings, database: Database, customer: NewCustomer, tmp_path: Path
) -> None:
    generation_id = a_generation(database, settings, customer)
    command = Path(sys.executable).parent / "reelworks"
    environment = {**os.environ, **settings_environment(settings), "TERM": "xterm-256color"}
    terminal = Terminal([str(command), "top", "--every", "0.5"], environment, tmp_path)
    try:
        terminal.until(lambda shown: b"queued" in shown and b"no process" in shown)
        seen = len(terminal.output)
        terminal.type(b"/" + str(generation_id)[:8].encode() + b"\r")
        terminal.until(lambda shown: b"(an id)" in shown, since=seen)
        terminal.type(b"\r")
        terminal.until(lambda shown: b"hold" in shown, since=seen)
        terminal.type(b"q")
        terminal.until(lambda _: terminal.process.poll() is not None)
        terminal.read(0.1)
        assert terminal.process.returncode == 0
        assert terminal.present_modes() == terminal.modes
        # The screen of before, its cursor and no reports of the mouse.
        for begun, ended in ((b"?1049h", b"?1049l"), (b"?25l", b"?25h"), (b"?1000h", b"?1000l")):
            assert terminal.output.rindex(ended) > terminal.output.rindex(begun)
        assert b"Traceback" not in terminal.output
    finally:
        terminal.close()
