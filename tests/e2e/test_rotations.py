"""The secret key changes under load: callbacks under the earlier token count, and so do those under the new one."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pydantic import JsonValue

from schemas.settings import Settings
from stack.processes import ApplicationProcess, Process, application_processes
from stack.stack import Stack
from tests.e2e.conftest import System, own_places, system_of
from tests.support import NewCustomer, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

NEW = "the next secret key of this system, long enough"
VIDEO: dict[str, JsonValue] = {"model": "kling-2.6-text-to-video", "duration_seconds": 5}
ROTATED = ("gateway", "worker-provider")


@pytest.fixture
def rotated(services: Stack, run_folder: Path) -> Iterator[System]:
    """A system in which only a callback ends a wait, and whose gateway and provider worker a test exchanges."""

    def processes(settings: Settings) -> Sequence[Process]:
        return [one for one in application_processes(settings) if one.name != "flower"]

    with Stack(run_folder / "rotations", own_places(services, "rotations", 6), processes=processes) as stack:
        yield from system_of(stack)


@contextmanager
def with_keys(system: System, name: str, signs: str, *accepted: str) -> Iterator[None]:
    """A process with these keys in place of the one of before."""
    process = next(one for one in application_processes(system.stack.settings) if one.name == name)
    keys = {"REELWORKS_SECRET_KEY": signs, "REELWORKS_ALSO_ACCEPTED_SECRET_KEYS": json.dumps(accepted)}
    environment = {**os.environ, **system.stack.env, **keys}
    child = ApplicationProcess(process, system.stack.folder / "logs" / f"with {len(accepted)}", environment)
    child.start()
    try:
        child.wait_until_ready()
        yield
    finally:
        child.stop()


def order(system: System, customer: NewCustomer, word: str) -> str:
    made = str(system.submit(customer, word, **VIDEO).raise_for_status().json()["id"])
    eventually(lambda: system.see(customer, made).stage, lambda stage: stage == "generating")
    return made


def test_callbacks_of_both_keys_count_during_a_rotation(rotated: System) -> None:
    system, customer, old = rotated, rotated.customer(100_000), rotated.stack.settings.secret_key.get_secret_value()
    word = system.behave(seconds=3600)
    made = [order(system, customer, word) for _ in range(3)]
    for name in ROTATED:
        system.stack.stop(name)
    with ExitStack() as ends:
        first = ends.enter_context(ExitStack())
        first.enter_context(with_keys(system, "gateway", old, NEW))
        ends.enter_context(with_keys(system, "worker-provider", NEW, old))
        made += [order(system, customer, word) for _ in range(3)]
        system.sandbox.finish(word)
        assert {system.finished(customer, one).status for one in made} == {"completed"}

        later = system.behave(seconds=3600)
        waiting = [order(system, customer, later) for _ in range(3)]
        first.close()
        ends.enter_context(with_keys(system, "gateway", NEW, old))
        system.sandbox.finish(later)
        assert {system.finished(customer, one).status for one in waiting} == {"completed"}
    assert "callback_token_wrong" not in "".join(
        log.read_text() for log in (system.stack.folder / "logs").rglob("gateway.log")
    )
    for name in ROTATED:
        system.stack.start(name)
    assert system.audit().breaches == []
