"""The installed command on a real pseudo-terminal."""

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from schemas.settings import Settings
from stack.wiring import settings_environment
from storage.database import Database
from tests.support import NewCustomer, a_generation

pytestmark = pytest.mark.slow

_SECONDS = 300.0

_ALARM_AT_THE_END = "alarm-at-the-end"

_AT_EXIT = f"""
import atexit, pathlib, signal
atexit.register(lambda: pathlib.Path("{_ALARM_AT_THE_END}").write_text(str(signal.alarm(0))))
"""
"""Writes the seconds that the process has left when Python begins to end. 0: as many as it needs."""


class Terminal:
    """A command on a terminal of 80 by 24 characters."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._slave = slave
        self._is_open = True
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

    def read(self, seconds: float) -> bool:
        """Read what comes within this time. Returns whether something came."""
        is_there = bool(select.select([self._master], [], [], seconds)[0])
        if is_there:
            self.output += os.read(self._master, 65536)
        return is_there

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def present_modes(self) -> list[object]:
        """The modes of the terminal now."""
        return termios.tcgetattr(self._slave)

    def expect_as_it_was(self) -> None:
        """Wait for the end of the program. The terminal is as it was before."""
        self.until(lambda _: self.process.poll() is not None)
        while self.read(0.1):
            pass
        assert self.process.returncode == 0
        assert self.present_modes() == self.modes
        # The screen of before, its cursor and no reports of the mouse.
        for begun, ended in ((b"?1049h", b"?1049l"), (b"?25l", b"?25h"), (b"?1000h", b"?1000l")):
            assert self.output.rindex(ended) > self.output.rindex(begun)
        assert b"Traceback" not in self.output

    def hang_up(self) -> None:
        """Take the terminal away, as a window that is closed does."""
        os.close(self._slave)
        os.close(self._master)
        self._is_open = False

    def close(self) -> None:
        """End the program, and take the terminal away."""
        self.process.kill()
        self.process.wait()
        if self._is_open:
            self.hang_up()


@pytest.fixture
def terminal(settings: Settings, tmp_path: Path) -> Iterator[Terminal]:
    """The program on a terminal."""
    command = Path(sys.executable).parent / "reelworks"
    (tmp_path / "sitecustomize.py").write_text(_AT_EXIT)
    environment = {
        **os.environ,
        **settings_environment(settings),
        "TERM": "xterm-256color",
        "PYTHONPATH": str(tmp_path),
    }
    terminal = Terminal([str(command), "top", "--every", "0.5"], environment, tmp_path)
    yield terminal
    terminal.close()


def test_program_works_on_a_terminal_and_leaves_it_as_it_was(
    terminal: Terminal, settings: Settings, database: Database, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    terminal.until(lambda shown: b"queued" in shown and b"no process" in shown)
    seen = len(terminal.output)
    terminal.type(b"/" + str(generation_id)[:8].encode() + b"\r")
    terminal.until(lambda shown: b"(an id or" in shown, since=seen)
    terminal.type(b"\r")
    terminal.until(lambda shown: b"hold" in shown, since=seen)
    terminal.type(b"q")
    terminal.expect_as_it_was()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(terminal: Terminal, number: signal.Signals) -> None:
    terminal.until(lambda shown: b"no process" in shown)
    terminal.process.send_signal(number)
    terminal.expect_as_it_was()


def test_a_program_that_left_may_take_its_time_to_end(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until(lambda shown: b"no process" in shown)
    terminal.process.send_signal(signal.SIGTERM)
    terminal.expect_as_it_was()
    assert (tmp_path / _ALARM_AT_THE_END).read_text() == "0"


def test_program_ends_when_its_terminal_goes(terminal: Terminal) -> None:
    terminal.until(lambda shown: b"no process" in shown)
    terminal.hang_up()
    terminal.process.send_signal(signal.SIGHUP)
    terminal.process.wait(_SECONDS)
