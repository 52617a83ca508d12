"""What `reelworks status` says of a whole system at work."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.enums import Queue
from tests.e2e.conftest import System
from tests.support import eventually

ROOT = Path(__file__).parents[2]


def status(system: System) -> tuple[int, dict[str, Any]]:
    ended = subprocess.run(
        [sys.executable, "-m", "cli", "status", "--json", "--patience", "20"],
        cwd=system.stack.folder,
        env={**os.environ, **system.stack.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    state: dict[str, Any] = json.loads(ended.stdout)
    return ended.returncode, state


@pytest.mark.slow
def test_a_whole_system_is_well_and_names_its_workers(system: System) -> None:
    customer = system.customer()
    assert system.make(customer, system.behave()).status == "completed"

    code, state = eventually(lambda: status(system), lambda found: found[0] == 0)

    assert (code, state["well"]) == (0, True)
    assert {service["says"] for service in state["services"]} == {"ok"}
    served = {queue["name"]: {name.partition("@")[0] for name in queue["workers"]} for queue in state["queues"]}
    assert served == {
        Queue.SUBMIT: {"provider"},
        Queue.POLL: {"provider"},
        Queue.DOWNLOAD: {"transfer"},
        Queue.SWEEP: {"transfer"},
        Queue.STORE: {"media"},
        Queue.VARIANTS: {"media"},
        Queue.SETTLE: {"control"},
        Queue.CONTROL: {"control"},
        Queue.REQUESTS: {"requests"},
    }
    assert state["finished_today"]["completed"] >= 1
