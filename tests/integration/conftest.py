"""The `reelworks` command against the run's services."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.settings import Settings
from stack.wiring import settings_environment
from storage.database import Database
from tests.integration.command import Reelworks, run
from tests.support import NewCustomer


@pytest.fixture
def reelworks(
    settings: Settings,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Reelworks:
    """Runs the command in a folder without `.env`, with the settings of the services."""
    monkeypatch.chdir(tmp_path)
    for name, value in settings_environment(settings).items():
        monkeypatch.setenv(name, value)

    return lambda *arguments, **environment: run(arguments, environment, monkeypatch, capsys)


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with 100 credits."""
    return make_customer(100)
