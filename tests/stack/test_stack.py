import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from schemas.settings import Settings
from stack.child import Child
from stack.errors import AlreadyRunning, PartFailed, PortTaken, StackError
from stack.ports import ATTEMPTS, free_port
from stack.processes import Process
from stack.stack import Stack
from tests.stack.observing import folder_of, no_migration, runs, wait_for, web_server

pytestmark = pytest.mark.slow

MakeStack = Callable[..., Stack]
SERVICES = ("postgres", "redis", "s3")


@pytest.fixture
def make_stack(settings: Settings, tmp_path: Path) -> MakeStack:
    def make(**options: object) -> Stack:
        given = {"sandbox": False, "processes": web_server, "migrate": no_migration} | options
        return Stack(folder_of("the stack", tmp_path), settings, **given)  # type: ignore[arg-type]

    return make


def pid(part: Child) -> int:
    assert part.pid is not None
    return part.pid


def test_stack_starts_answers_and_ends(make_stack: MakeStack) -> None:
    migrated: list[str] = []
    stack = make_stack(migrate=migrated.append)
    with stack:
        pids = [pid(stack.part(name)) for name in (*SERVICES, "gateway")]
        assert all(map(runs, pids))
        assert migrated == [stack.settings.database_url]
        assert httpx.get(stack.gateway_url, trust_env=False).status_code == 200
        assert stack.env["REELWORKS_REDIS_URL"] == stack.settings.redis_url
        stack.check()

    assert not any(map(runs, pids))
    stack.close()  # a second call does nothing


def test_next_run_finds_the_data(make_stack: MakeStack) -> None:
    def url(stack: Stack) -> str:
        return stack.settings.database_url

    with make_stack(only=()) as stack, psycopg.connect(url(stack)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with make_stack(only=()) as stack, psycopg.connect(url(stack)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_killed_parts_start_again(make_stack: MakeStack) -> None:
    with make_stack() as stack:
        for name in ("redis", "gateway"):
            before = pid(stack.part(name))
            stack.kill(name)
            assert not runs(before)
            stack.check()  # `kill` ended the part, so `check` passes

            stack.start(name)
            restarted = pid(stack.part(name))
            assert restarted != before
            stack.restart(name)
            assert pid(stack.part(name)) != restarted
            assert stack.part(name).answers()


def test_check_reports_a_part_that_died_by_itself(make_stack: MakeStack) -> None:
    with make_stack() as stack:
        os.kill(pid(stack.part("gateway")), signal.SIGKILL)
        wait_for(lambda: not stack.part("gateway").alive(), "the gateway is dead")

        with pytest.raises(PartFailed, match=r"^gateway died \(killed by SIGKILL\)\. Its last lines:\n"):
            stack.check()


def test_failed_start_leaves_no_process(make_stack: MakeStack) -> None:
    broken = Process("gateway", ("python3", "-c", "raise SystemExit('no such table')"), ready_url="http://127.0.0.1:1")
    stack = make_stack(processes=lambda _: [broken], only={"gateway"})

    with pytest.raises(PartFailed) as caught, stack:
        pytest.fail("it must not start")

    assert str(caught.value) == "gateway died (exit code 1). Its last lines:\n    no such table"
    assert not any(runs(pid(stack.part(name))) for name in SERVICES)


class Thief:
    """Takes the gateway's port before the gateway, a given number of times."""

    def __init__(self, times: int) -> None:
        self.held = ExitStack()
        self.ports: list[int] = []
        self._times = times

    def __call__(self, settings: Settings) -> list[Process]:
        self.ports.append(settings.gateway_port)
        if len(self.ports) <= self._times:
            self.held.enter_context(socket.create_server(("127.0.0.1", settings.gateway_port)))
        return web_server(settings)


def test_taken_chosen_port_is_replaced(make_stack: MakeStack) -> None:
    thief = Thief(times=1)
    with thief.held, make_stack(processes=thief) as stack:
        assert httpx.get(stack.gateway_url, trust_env=False).status_code == 200
        assert stack.settings.gateway_port == thief.ports[1] != thief.ports[0]


def test_start_fails_after_a_bounded_number_of_ports(make_stack: MakeStack) -> None:
    thief = Thief(times=10)
    with thief.held, pytest.raises(PartFailed, match="gateway died"), make_stack(processes=thief):
        pytest.fail("it must not start")
    assert len(set(thief.ports)) == ATTEMPTS


def test_error_names_a_configured_port_that_is_taken_during_the_start(settings: Settings, tmp_path: Path) -> None:
    port, thief = free_port(), Thief(times=1)
    configured = settings.model_copy(update={"gateway_port": port, "flower_port": free_port()})
    stack = Stack(tmp_path, configured, sandbox=False, free_ports=False, processes=thief, migrate=no_migration)
    with thief.held, pytest.raises(PortTaken, match=f"Port {port} is in use, and the gateway wants it"), stack:
        pytest.fail("it must not start")


def test_every_ready_part_is_reported_in_order(make_stack: MakeStack) -> None:
    told: list[str] = []
    with make_stack(tell=told.append):
        assert told == [*SERVICES, "gateway"]


def test_second_copy_on_a_folder_is_refused(make_stack: MakeStack) -> None:
    with make_stack(only=()) as first:
        with pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}"), make_stack(only=()):
            pytest.fail("it must not start")
        first.check()


def test_services_in_the_settings_are_used_and_keep_running(make_stack: MakeStack, tmp_path: Path) -> None:
    with make_stack(only=()) as owner:
        named = owner.settings
        with Stack(tmp_path / "guest", named, only=(), sandbox=False, migrate=no_migration) as guest:
            assert guest.settings.database_url == named.database_url
            assert guest.settings.s3 == named.s3
            with pytest.raises(StackError, match="There is no part 'postgres'"):
                guest.part("postgres")
        owner.check()


def test_every_process_receives_the_settings_and_the_extra_variables(make_stack: MakeStack, tmp_path: Path) -> None:
    script = "import os; print(os.environ['REELWORKS_REDIS_URL'], os.environ['EXTRA'], os.environ['OWN'], flush=True);"
    process = Process("shower", ("python3", "-c", script + "import signal; signal.pause()"), env={"OWN": "own"})

    with make_stack(processes=lambda _: [process], extra_env={"EXTRA": "extra"}) as stack:
        wait_for(lambda: stack.part("shower").last_lines() != [], "it has shown them")
        assert stack.part("shower").last_lines() == [f"{stack.settings.redis_url} extra own"]
