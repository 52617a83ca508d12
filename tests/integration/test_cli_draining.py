"""`reelworks drain` and `undrain`: when a process counts as empty, and whose drain holds."""

import json
from socket import gethostname

import pytest
from sqlalchemy import text

from schemas.settings import Settings
from storage import drains
from storage.admission_control import Reason
from storage.database import Database
from tests.integration.command import Reelworks
from tests.support import eventually
from workers.app import create_app
from workers.presence import present

NODE, SECOND = "provider@there", "media@there"


@pytest.fixture(autouse=True)
def _listens_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.heartbeats._LISTEN_SECONDS", 0.1)


def report(
    database: Database, node: str = NODE, *, in_hand: int = 0, is_silent: bool = False, silent_seconds: int = 11
) -> None:
    """A drained process reports itself. A process that is not silent stays so for the test."""
    with database.statement() as sql:
        drains.report(sql, node, 1, in_hand=in_hand, is_drained=True)
    with database.transaction() as session:
        session.execute(
            text("UPDATE worker_processes SET seen_at = seen_at + make_interval(secs => :s) WHERE node = :node"),
            {"node": node, "s": -silent_seconds if is_silent else 3600},
        )


def drain(database: Database, target: str, author: str = "ann") -> bool:
    with database.statement() as sql:
        return drains.drain(sql, target, [], Reason(author, "a disk"))


def in_force(database: Database) -> list[tuple[str, str]]:
    with database.statement() as sql:
        return [(one.target, one.author) for one in drains.drains(sql)]


def test_empty_process_lets_the_command_succeed(reelworks: Reelworks, database: Database) -> None:
    report(database)

    ended = reelworks("drain", NODE, "--wait", "0")

    assert ended.status == 0, ended.err
    assert "empty, takes nothing new since" in ended.out


@pytest.mark.parametrize("in_hand", [0, 3])
def test_silent_process_does_not_count_as_empty(reelworks: Reelworks, database: Database, in_hand: int) -> None:
    report(database, in_hand=in_hand, is_silent=True)

    ended = reelworks("drain", NODE, "--wait", "0")

    assert ended.status == 1
    assert "provider@there (pid 1): silent since " in ended.out
    assert f", {in_hand} in hand" in ended.out
    assert reelworks("drain", NODE, "--wait", "0", "--ignore-silent").status == 0


def test_process_that_was_killed_long_ago_holds_no_drain_up(reelworks: Reelworks, database: Database) -> None:
    report(database, in_hand=3, is_silent=True, silent_seconds=3601)
    report(database, SECOND)

    ended = reelworks("drain", "--host", "there", "--wait", "0")

    assert ended.status == 0, ended.err
    assert NODE not in ended.out


def test_next_process_of_the_name_ends_the_silence(reelworks: Reelworks, database: Database) -> None:
    report(database, is_silent=True)
    report(database, SECOND, is_silent=True)
    with database.statement() as sql:
        drains.begin(sql, NODE, 2)
        assert [(one.node, one.is_silent) for one in drains.processes(sql)] == [(SECOND, True)]


@pytest.mark.slow
def test_names_a_node_that_runs_and_does_not_report_itself(
    reelworks: Reelworks, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.heartbeats._LISTEN_SECONDS", 3.0)
    host = gethostname()
    drain = ("drain", "--host", host, "--wait", "0")
    with create_app(settings, process="worker") as app, present(app, "transfer"):
        # A busy machine sends a heartbeat late: the command is repeated until it hears one.
        says = f"transfer@{host}"
        alone = eventually(lambda: reelworks(*drain), lambda ended: says in ended.err)
        report(database, f"provider@{host}")
        beside = eventually(lambda: reelworks(*drain), lambda ended: says in ended.out)
        ignored = eventually(lambda: reelworks(*drain, "--ignore-silent", "--json"), lambda ended: says in ended.out)

    assert alone.status != 0
    assert f"transfer@{host} runs and does not report itself" in alone.err
    assert beside.status == 1
    assert f"transfer@{host}: runs and does not report itself" in beside.out
    assert (ignored.status, json.loads(ignored.out)["unreported"]) == (0, [f"transfer@{host}"])


def test_second_drain_of_a_target_keeps_the_first_author(reelworks: Reelworks, database: Database) -> None:
    report(database)
    assert drain(database, NODE)
    assert not drain(database, NODE, "bob")

    ended = reelworks("drain", NODE, "--wait", "0", "--reason", "mine")

    assert ended.status == 0
    assert "in force already: the drain of provider@there by ann since" in ended.out
    assert in_force(database) == [(NODE, "ann")]
    assert len(json.loads(reelworks("limits", "history", "--json").out)) == 1


def test_undrain_names_the_drain_of_the_host(reelworks: Reelworks, database: Database) -> None:
    drain(database, NODE)
    drain(database, "@there", "bob")

    ended = reelworks("undrain", NODE)

    assert ended.status == 0
    assert "still in force: the drain of @there by bob since" in ended.out
    assert f"{NODE} takes no work until that drain ends, too" in ended.out
    assert "takes work again" not in ended.out


def test_undrain_of_a_host_names_the_drains_of_its_workers(reelworks: Reelworks, database: Database) -> None:
    drain(database, NODE)
    drain(database, "media@elsewhere")
    drain(database, "@there")

    ended = reelworks("undrain", "--host", "there")

    assert "still in force: the drain of provider@there by ann since" in ended.out
    assert "media@elsewhere" not in ended.out
    assert "@there takes work again, within about a second but for these" in ended.out


def test_undrain_of_the_only_drain_says_that_work_is_taken(reelworks: Reelworks, database: Database) -> None:
    drain(database, NODE)

    assert reelworks("undrain", NODE).out == f"{NODE} takes work again, within about a second\n"
