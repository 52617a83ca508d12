from collections.abc import Iterator
from socket import gethostname

import pytest

from stack.stack import Stack
from tests.support import clean_settings, eventually
from workers.health import beat_trouble, worker_trouble


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Redis of its own: on a shared one, what other tests push from this address would pass for beat."""
    folder = tmp_path_factory.mktemp("health")
    with Stack(folder / "stack", clean_settings(), only=("worker-control", "beat"), sandbox=False) as stack:
        yield stack


def test_a_worker_answers_while_it_consumes(stack: Stack) -> None:
    eventually(lambda: worker_trouble(stack.settings, "control"), lambda trouble: trouble is None)


def test_a_worker_that_does_not_run_is_named(stack: Stack) -> None:
    assert worker_trouble(stack.settings, "media") == f"media@{gethostname()} did not answer within 5 s"


def test_beat_is_well_while_it_sends(stack: Stack) -> None:
    eventually(lambda: beat_trouble(stack.settings), lambda trouble: trouble is None)

    stack.kill("beat")
    # Redis forgets a dead client as soon as it notices.
    eventually(lambda: beat_trouble(stack.settings), lambda trouble: trouble == "beat has sent nothing for 10 s")

    stack.start("beat")
    eventually(lambda: beat_trouble(stack.settings), lambda trouble: trouble is None)
