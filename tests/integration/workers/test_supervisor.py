import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import eventually

SUPERVISOR = """
import sys
from workers.supervisor import Supervisor
Supervisor({"child": [sys.executable, "-c", sys.argv[1]]}, drain_seconds=float(sys.argv[2])).run()
"""

# Prints each signal, and ends only on SIGQUIT.
STUBBORN = """
import signal, sys, time
def note(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGQUIT:
        sys.exit(0)
for number in (signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, note)
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""


class Supervised:
    """A supervisor with one child, and the lines that both print."""

    def __init__(self, log: Path, child: str, drain_seconds: float) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISOR, child, str(drain_seconds)], stdout=output, stderr=output
            )

    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def wait_for(self, line: str) -> None:
        eventually(self.lines, lambda lines: line in lines)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[[str, float], Supervised]]:
    """Starts a supervisor. The fixture kills its remaining processes."""
    started: list[Supervised] = []

    def start(child: str, drain_seconds: float) -> Supervised:
        started.append(Supervised(tmp_path / "log", child, drain_seconds))
        return started[-1]

    yield start
    for one in started:
        left = psutil.Process(one.process.pid).children() if one.process.poll() is None else []
        one.process.kill()
        one.process.wait()
        for child in left:
            child.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_is_passed_on_once_and_second_signal_becomes_sigquit(
    supervised: Callable[[str, float], Supervised], number: signal.Signals
) -> None:
    supervisor = supervised(STUBBORN, 600)
    supervisor.wait_for("ready")
    supervisor.process.send_signal(number)
    supervisor.wait_for("SIGTERM")
    supervisor.process.send_signal(number)
    assert supervisor.process.wait(300) == 0
    assert supervisor.lines() == ["ready", "SIGTERM", "SIGQUIT"]


def test_supervisor_kills_a_child_that_outlives_its_bound(supervised: Callable[[str, float], Supervised]) -> None:
    supervisor = supervised(STUBBORN, 0)
    supervisor.wait_for("ready")
    (child,) = psutil.Process(supervisor.process.pid).children()
    supervisor.process.send_signal(signal.SIGTERM)
    assert supervisor.process.wait(300) == 0
    assert not child.is_running()
    assert "worker_killed" in supervisor.lines()[-1]
