"""The `reelworks` command against the run's services."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import main
from schemas.settings import Settings, get_settings
from stack.wiring import settings_environment
from storage.database import Database
from tests.integration.command import Ended, Reelworks
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

    def run(*arguments: str, **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["reelworks", *arguments])
        get_settings.cache_clear()
        with pytest.raises(SystemExit) as end:
            main()
        get_settings.cache_clear()
        said = capsys.readouterr()
        return Ended(int(end.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with 100 credits."""
    return make_customer(100)
