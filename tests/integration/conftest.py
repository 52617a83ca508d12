"""The `reelworks` command against the run's services."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.settings import Settings
from stack.wiring import settings_environment
from storage.database import Database
from storage.quotas import end_of_day
from tests.integration.command import Reelworks, run
from tests.support import NewCustomer, eventually

_LAST_OF_THE_DAY = timedelta(minutes=1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin no test in the last minute of a UTC day: quotas and caps of keys count by the day."""
    eventually(lambda: datetime.now(UTC), lambda now: end_of_day(now) - now > _LAST_OF_THE_DAY, seconds=120)


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
