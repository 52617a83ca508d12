import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from stack.errors import AlreadyRunning, PartFailed
from stack.ports import free_port
from stack.postgres import Postgres
from tests.stack.observing import folder_of, runs, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(folder_of("postgres", tmp_path), free_port(), password="secret", durable=False)
    server.start()
    server.wait_until_ready()
    yield server
    server.kill()


def test_data_survives_an_orderly_restart_and_a_kill(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (what text)")
        connection.execute("INSERT INTO kept VALUES ('before the restart')")
    first = postgres.pid
    postgres.stop()
    assert first is not None
    assert not runs(first)
    assert not postgres.alive()

    postgres.start()
    postgres.wait_until_ready()
    with psycopg.connect(postgres.url) as connection:
        connection.execute("INSERT INTO kept VALUES ('before the kill')")
    postgres.kill()

    postgres.start()
    postgres.wait_until_ready()
    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute("SELECT what FROM kept ORDER BY what").fetchall()
    assert rows == [("before the kill",), ("before the restart",)]


def test_stop_ends_open_sessions_and_leaves_no_process(postgres: Postgres) -> None:
    assert postgres.pid is not None
    session = psycopg.connect(postgres.url, autocommit=True)
    processes = psutil.Process(postgres.pid).children(recursive=True)
    assert len(processes) > 1

    postgres.stop()

    assert not any(process.is_running() for process in processes)
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    session.close()


def test_server_refuses_a_wrong_password(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url.replace("secret", "guess"))


def test_durable_server_keeps_every_safety_setting(tmp_path: Path) -> None:
    server = Postgres(folder_of("durable", tmp_path), free_port(), password="secret", durable=True)
    server.start()
    try:
        server.wait_until_ready()
        with psycopg.connect(server.url) as connection:
            shown = [
                connection.execute(f"SHOW {name}").fetchone()
                for name in ("fsync", "synchronous_commit", "full_page_writes")
            ]
    finally:
        server.stop()

    assert shown == [("on",), ("on",), ("on",)]


def test_second_server_on_a_folder_names_the_owner(postgres: Postgres) -> None:
    second = Postgres(postgres.folder, free_port(), password="secret")
    second.leave_seconds = 0.1

    with pytest.raises(AlreadyRunning) as caught:
        second.start()

    assert f"Another copy is running from {postgres.folder} (pid {postgres.pid})" in str(caught.value)
    assert postgres.answers()


def test_pid_file_with_the_pid_of_another_process_does_not_block_the_start(postgres: Postgres) -> None:
    pid_file = postgres.folder / "data" / "postmaster.pid"
    left = pid_file.read_text().splitlines()
    postgres.kill()
    left[0] = str(os.getpid())
    pid_file.write_text("\n".join(left))

    postgres.start()
    postgres.wait_until_ready()

    assert postgres.answers()


def test_second_start_repairs_a_killed_first_start(tmp_path: Path) -> None:
    folder = folder_of("half", tmp_path)
    (folder / "data.partial" / "base").mkdir(parents=True)
    (folder / "password").touch(mode=0o600)
    server = Postgres(folder, free_port(), password="secret", durable=False)
    try:
        server.start()
        server.wait_until_ready()
    finally:
        server.stop()

    assert sorted(path.name for path in folder.iterdir()) == ["data", "lock", "log"]


def test_private_folder_above_the_data_is_passable_but_not_readable(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    server = Postgres(home / "project" / "postgres", free_port(), password="secret", durable=False)
    try:
        server.start()
        server.wait_until_ready()
    finally:
        server.stop()

    passable = stat.S_IXOTH if os.geteuid() == 0 else 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o700 | passable


def test_error_for_a_dead_server_shows_its_last_lines(postgres: Postgres) -> None:
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    wait_for(lambda: not postgres.alive(), "the server is dead")

    with pytest.raises(PartFailed) as caught:
        postgres.check()

    told = str(caught.value).splitlines()
    assert told[0] == "postgres died (killed by SIGKILL). Its last lines:"
    # The log may end with the refusal of an early connection.
    assert any(line.endswith("database system is ready to accept connections") for line in told)
