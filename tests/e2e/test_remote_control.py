"""What each value of `REELWORKS_REMOTE_CONTROL` allows, with real workers, Flower and Redis."""

from collections.abc import Iterator
from pathlib import Path
from socket import gethostname

import httpx
import pytest
from celery import Celery

from cli.state import state_of
from schemas.enums import Queue, TaskName
from stack.stack import Stack
from tests.e2e.conftest import FLOWER_LOGIN, own_places
from tests.support import eventually
from workers.app import create_app
from workers.remote_control import Commands

pytestmark = pytest.mark.slow

NODE = f"control@{gethostname()}"
MODES: list[Commands] = ["off", "read", "all"]


@pytest.fixture(scope="module", params=MODES)
def stack(request: pytest.FixtureRequest, services: Stack, run_folder: Path) -> Iterator[Stack]:
    """Flower, beat and one worker. That they start shows that `reelworks up` finds workers that take no command."""
    mode: Commands = request.param
    settings = own_places(services, f"remote_control_{mode}", 4 + MODES.index(mode))
    settings = settings.model_copy(update={"remote_control": mode})
    only = ("worker-control", "beat", "flower")
    with Stack(run_folder / f"remote_control_{mode}", settings, only=only, sandbox=False) as stack:
        yield stack


@pytest.fixture
def app(stack: Stack) -> Iterator[Celery]:
    with create_app(stack.settings, process="worker") as app:
        yield app


@pytest.fixture
def flower(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.flower_url, auth=FLOWER_LOGIN, timeout=60, trust_env=False) as client:
        yield client


def test_a_worker_shows_its_state_unless_remote_control_is_off(stack: Stack, app: Celery) -> None:
    if stack.settings.remote_control == "off":
        assert app.control.ping(timeout=2) == []
    else:
        assert eventually(lambda: app.control.ping(timeout=2), bool) == [{NODE: {"ok": "pong"}}]


def test_a_worker_is_changed_only_where_all_commands_are_allowed(stack: Stack, app: Celery) -> None:
    def replies() -> object:
        return app.control.rate_limit(TaskName.WAKE, 0, destination=[NODE], reply=True, timeout=2)

    answer = {
        "off": [],
        "read": [{NODE: {"error": "this worker takes this command only where REELWORKS_REMOTE_CONTROL is all"}}],
        "all": [{NODE: {"ok": "rate limit disabled successfully"}}],
    }[stack.settings.remote_control]
    eventually(replies, lambda found: found == answer)


def test_flower_says_at_once_whether_it_may_change_a_worker(stack: Stack, flower: httpx.Client) -> None:
    eventually(lambda: flower.get("/api/workers?refresh=1").json(), lambda found: _is_as_expected(stack, found))

    pressed = flower.post(f"/api/worker/shutdown/{NODE}")

    if stack.settings.remote_control == "all":
        assert pressed.status_code == 200
        assert eventually(lambda: "worker_exited" in stack.part("worker-control").log.read_text(), bool)
    else:
        assert (pressed.status_code, "read only" in pressed.text.lower()) == (403, True)


def _is_as_expected(stack: Stack, found: dict[str, object]) -> bool:
    return stack.settings.remote_control == "off" or NODE in found


def test_status_names_the_worker_of_each_queue(stack: Stack) -> None:
    def workers() -> dict[Queue, list[str]]:
        state = state_of(stack.settings, gateway="http://127.0.0.1:1", patience=5)
        return {queue.name: list(queue.workers) for queue in state.queues if queue.workers}

    expected = {Queue.CONTROL: [NODE], Queue.SETTLE: [NODE]}
    assert eventually(workers, lambda found: found == expected) == expected
