"""What the stack's tests are given."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from schemas.settings import Settings


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Defaults only: nothing from this machine's variables or `.env`."""
    for name in [name for name in os.environ if name.startswith(("REELWORKS_", "LONGCAT_"))]:
        monkeypatch.delenv(name)
    return Settings(_env_file=None)


@pytest.fixture
def killed_at_end() -> Iterator[list[int]]:
    """Pids to end whatever happens: a failing test must leave nothing, either."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
