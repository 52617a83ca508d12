import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from stack.child import Child
from stack.errors import PartFailed
from tests.stack.observing import runs, wait_for

READY_THEN_WAIT = "print('ready', flush=True); import signal; signal.pause()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY_THEN_WAIT}"
PARENT = """
import sys
from pathlib import Path
from tests.stack.test_child import READY_THEN_WAIT, Script
children = [Script(READY_THEN_WAIT, Path(sys.argv[1]) / name) for name in ("one", "two")]
for child in children:
    child.start()
    child.wait_until_ready()
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
"""


class Script(Child):
    """A script in Python that is ready after it has printed `ready`."""

    def __init__(self, code: str, log: Path) -> None:
        super().__init__("script", log=log)
        self._code = code

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", self._code]

    def answers(self) -> bool:
        return "ready" in self.last_lines()


def test_children_end_when_their_parent_is_killed(tmp_path: Path, killed_at_end: list[int]) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        killed_at_end += pids
        assert len(pids) == 2
        assert all(map(runs, pids))

        parent.kill()

    wait_for(lambda: not any(map(runs, pids)), "both children have ended")


def test_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    child = Script(READY_THEN_WAIT, tmp_path / "log")
    thread = threading.Thread(target=child.start)
    thread.start()
    thread.join()
    try:
        child.wait_until_ready()
        assert child.alive()
    finally:
        child.kill()


def test_child_leads_a_separate_session_under_the_reported_pid(tmp_path: Path) -> None:
    child = Script(READY_THEN_WAIT, tmp_path / "log")
    child.start()
    try:
        child.wait_until_ready()
        assert child.pid is not None
        assert os.getsid(child.pid) == child.pid
    finally:
        child.stop()
    assert not runs(child.pid)


def test_stop_kills_a_child_that_ignores_sigterm(tmp_path: Path) -> None:
    child = Script(DEAF, tmp_path / "log")
    child.stop_seconds = 0.2
    child.start()
    child.wait_until_ready()

    child.stop()

    assert not child.alive()
    child.check()  # `stop` ended the child, so `check` passes


def test_error_for_a_dead_child_shows_its_last_lines(tmp_path: Path) -> None:
    child = Script("print('first'); print('second'); raise SystemExit(3)", tmp_path / "log")
    child.start()

    with pytest.raises(PartFailed) as caught:
        child.wait_until_ready()

    assert str(caught.value) == "script died (exit code 3). Its last lines:\n    first\n    second"


def test_wait_fails_when_a_child_never_answers(tmp_path: Path) -> None:
    child = Script("import signal; signal.pause()", tmp_path / "log")
    child.start()
    try:
        with pytest.raises(PartFailed) as caught:
            child.wait_until_ready(0.1)
    finally:
        child.kill()

    assert str(caught.value) == "script was not ready after 0.1 s. Its last lines:\n    (it wrote nothing)"


def test_restart_appends_to_the_log_and_new_run_empties_it(tmp_path: Path) -> None:
    child = Script(READY_THEN_WAIT, tmp_path / "log")
    for expected in (["ready"], ["ready", "ready"]):
        child.start()
        wait_for(lambda expected=expected: child.last_lines() == expected, f"the log says {expected}")  # type: ignore[misc]
        child.stop()

    next_run = Script(READY_THEN_WAIT, tmp_path / "log")
    next_run.start()
    wait_for(lambda: next_run.last_lines() == ["ready"], "the log begins anew")
    next_run.stop()


def test_child_receives_signals_that_its_parent_ignores(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = Script(READY_THEN_WAIT, tmp_path / "log")
    child.stop_seconds = 60
    try:
        child.start()
        child.wait_until_ready()
        child.stop()
    finally:
        signal.signal(signal.SIGTERM, before)

    assert not child.alive()
