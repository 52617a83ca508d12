"""A test run that SIGTERM ends leaves no process behind."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.stack.observing import VANISH_SECONDS, runs, wait_for

ROOT = Path(__file__).parents[2]
RUN_STARTS_SECONDS = 500

WAITING = """
import asyncio, signal, subprocess, sys, time
from pathlib import Path

def test_with_an_event_loop_of_its_own(services):
    async def handles():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)

    asyncio.run(handles())

def test_that_waits(services):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(__file__).with_name("waits").touch()
    time.sleep(600)
"""


def names(processes: list[psutil.Process]) -> Iterator[str]:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            yield process.name()


@pytest.mark.slow
def test_processes_of_a_run_end_with_the_run(tmp_path: Path, killed_at_end: list[int]) -> None:
    test = tmp_path / "test_waiting.py"
    test.write_text(WAITING)
    options = ["-c", "pyproject.toml", "-p", "tests.conftest", "-p", "no:cacheprovider", "-n", "1"]
    options += ["--basetemp", str(tmp_path / "run")]
    with (tmp_path / "log").open("w") as log:
        run = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, str(test)], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
    killed_at_end.append(run.pid)
    waits = tmp_path / "waits"
    wait_for(lambda: waits.exists() or run.poll() is not None, "the test waits", RUN_STARTS_SECONDS)
    processes = psutil.Process(run.pid).children(recursive=True)
    pids = [process.pid for process in processes]
    killed_at_end += pids
    assert {"postgres", "valkey-server", "rclone"} <= set(names(processes))

    run.terminate()
    run.wait(VANISH_SECONDS)

    wait_for(lambda: not any(map(runs, pids)), "all processes of the run have ended")
