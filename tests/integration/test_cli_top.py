"""`reelworks top` without a terminal."""

import importlib.util
from collections.abc import Callable

import pytest

from schemas.enums import ErrorCode
from schemas.settings import Settings
from storage.database import Database
from tests.integration.command import Reelworks
from tests.integration.gateway.finishing import fail
from tests.support import NewCustomer, a_generation


@pytest.fixture(autouse=True)
def _no_worker_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.top.presence._ALIVE_SECONDS", 0.0)


def test_without_a_terminal_it_names_the_way(reelworks: Reelworks) -> None:
    ended = reelworks("top")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "this is not a terminal: `reelworks top --once` prints one screen as text\n"


def test_without_its_extra_it_says_how_to_install_it(reelworks: Reelworks, monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., object] = importlib.util.find_spec
    monkeypatch.setattr("cli.commands.top.find_spec", lambda name: None if name == "textual" else find(name))
    monkeypatch.setattr("cli.commands.top._is_terminal", lambda: True)
    ended = reelworks("top")
    assert ended.status == 2
    assert "pip install 'reelworks[top]'" in ended.err


def test_once_prints_the_screen_and_a_list_as_plain_text(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    waits, failed = (a_generation(database, settings, customer, prompt="for nobody else") for _ in range(2))
    fail(database, settings, failed, ErrorCode.TIMEOUT, "late")
    ended = reelworks("top", "--once", "--show", "failed")

    assert ended.status == 0
    assert "\x1b" not in ended.out
    assert "nobody else" not in ended.out
    for told in ("queued", "kie", "timed out", "messages", "failed in the last hour", str(failed)[:8]):
        assert told in ended.out
    assert str(waits)[:8] in reelworks("top", "--once", "--stage", "queued").out
    assert str(waits)[:8] in reelworks("top", "--once", "--search", str(customer.id)).out


def test_once_without_a_database_fails_and_shows_the_rest(reelworks: Reelworks) -> None:
    url = "postgresql://reelworks:s3cret@127.0.0.1:1/reelworks"
    ended = reelworks("top", "--once", REELWORKS_DATABASE_URL=url)
    assert ended.status == 1
    assert "the database at 127.0.0.1:1 does not answer" in ended.out
    assert "messages" in ended.out
    assert "s3cret" not in ended.out + ended.err


def test_stage_goes_with_the_unfinished_ones_alone(reelworks: Reelworks) -> None:
    ended = reelworks("top", "--once", "--show", "stuck", "--stage", "queued")
    assert (ended.status, ended.err[:7]) == (2, "--stage")
