"""Small processes for the stack's tests, and checks for processes that remain."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from schemas.settings import Settings
from stack.processes import Process
from stack.wiring import gateway_url

VANISH_SECONDS = 300.0


def runs(pid: int) -> bool:
    """Whether a process with this pid runs. A zombie does not run."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def name_of(pid: int) -> str:
    """The name of a process. Empty: the process has ended."""
    try:
        return psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return ""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = VANISH_SECONDS) -> None:
    """Wait until the condition holds. Fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        time.sleep(0.02)


def web_server(settings: Settings) -> list[Process]:
    """A web server on the gateway's port that stands for the application."""
    argv = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(settings.gateway_port))
    return [Process("gateway", argv, ready_url=f"{gateway_url(settings)}/")]


def no_migration(_database_url: str) -> None:
    """Migrate nothing: only tests of the schema migrate."""


def folder_of(name: str, base: Path) -> Path:
    """A run folder with spaces in its name."""
    return base / f"run of {name}"
