import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from stack.output import Output
from stack.rehearsal import Rehearsal
from stack.service import Service
from tests.support import eventually


class SlowService(Service):
    """A service that answers once the file `ready` exists."""

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", "import time; time.sleep(600)"]

    def answers(self) -> bool:
        return self.alive() and (self.folder / "ready").exists()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SlowService]:
    """A running service."""
    service = SlowService("slow", tmp_path / "slow", 0)
    service.start()
    yield service
    service.kill()


def test_a_rehearsal_does_not_wait_for_a_service_that_starts_again(service: SlowService, tmp_path: Path) -> None:
    terminal = io.StringIO()
    rehearsal = Rehearsal([service], Output(terminal), tmp_path, pause_seconds=0)
    rehearsal.begin({})
    killed = service.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    eventually(service.end, lambda how: how is not None)

    # The first check sees the death, the second one starts the service, and neither waits until the service answers.
    rehearsal.check_services()
    rehearsal.check_services()
    assert service.pid != killed
    rehearsal.check_services()
    assert "is back" not in terminal.getvalue()

    (service.folder / "ready").touch()
    rehearsal.check_services()
    rehearsal.check_services()
    assert terminal.getvalue().count(f"slow is back (pid {service.pid})") == 1
