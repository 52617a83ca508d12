"""`reelworks doctor` beside a whole system at work."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from cli.doctor import processes
from cli.doctor.findings import Level
from schemas.settings import Settings
from tests.e2e.conftest import System
from tests.support import eventually
from workers.roles import Role


def levels(settings: Settings) -> dict[str, Level]:
    return {finding.check: finding.level for finding in processes.checks(settings)}


def errors(settings: Settings) -> set[str]:
    return {check for check, level in levels(settings).items() if level is Level.ERROR}


@contextmanager
def standing_still(system: System, part: str) -> Iterator[None]:
    """Stop a process and its children without an end, as a hanging machine does."""
    parent = psutil.Process(system.stack.part(part).pid)
    frozen = [parent, *parent.children(recursive=True)]
    for process in frozen:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in frozen:
            os.kill(process.pid, signal.SIGCONT)


@pytest.mark.slow
def test_process_that_stands_still_is_found(system: System) -> None:
    settings = system.stack.settings
    well = {**{f"worker {role}": Level.OK for role in Role}, "beat": Level.OK}
    eventually(lambda: levels(settings), lambda found: found == well)
    with standing_still(system, "beat"):
        # Wake-ups that were sent before still run.
        eventually(lambda: levels(settings)["beat"], lambda level: level is Level.ERROR)
    with standing_still(system, "worker-media"):
        eventually(lambda: errors(settings), lambda found: found == {"worker media"})
