from collections.abc import Iterator
from socket import gethostname

import pytest

from stack.stack import Stack
from tests.support import clean_settings, eventually
from workers.health import beat_trouble, worker_trouble

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control worker and beat with a separate Redis: on a shared Redis, another test's push would count as beat's."""
    folder = tmp_path_factory.mktemp("health")
    with Stack(folder / "stack", clean_settings(), only=("worker-control", "beat"), sandbox=False) as stack:
        yield stack


def test_a_running_worker_is_healthy(stack: Stack) -> None:
    eventually(lambda: worker_trouble(stack.settings, "control"), lambda trouble: trouble is None)


def test_health_check_names_a_worker_that_does_not_run(stack: Stack) -> None:
    assert worker_trouble(stack.settings, "media") == f"media@{gethostname()} sent no heartbeat within 5 s"


def test_beat_is_healthy_while_it_sends(stack: Stack) -> None:
    eventually(lambda: beat_trouble(stack.settings), lambda trouble: trouble is None)

    stack.kill("beat")
    # Redis drops a dead client when it notices the closed connection.
    eventually(lambda: beat_trouble(stack.settings), lambda trouble: trouble == "beat has sent nothing for 10 s")

    stack.start("beat")
    eventually(lambda: beat_trouble(stack.settings), lambda trouble: trouble is None)
