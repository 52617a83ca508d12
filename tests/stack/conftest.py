"""The fixtures of the stack's tests."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from schemas.settings import Settings
from tests.support import variables_set


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The defaults, without this machine's variables and `.env`."""
    for name in variables_set():
        monkeypatch.delenv(name)
    return Settings(_env_file=None)


@pytest.fixture
def killed_at_end() -> Iterator[list[int]]:
    """The pids that the fixture kills at the end: a failed test must leave no process."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
