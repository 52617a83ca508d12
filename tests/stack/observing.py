"""Small processes for the stack's tests, and looking for what was left of them."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from schemas.settings import Settings
from stack.processes import Process
from stack.wiring import gateway_url

VANISH_SECONDS = 20.0


def runs(pid: int) -> bool:
    """Whether a process of this number does anything; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool], what: str, seconds: float = VANISH_SECONDS) -> None:
    """Waits until the condition holds; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        time.sleep(0.02)


def web_server(settings: Settings) -> list[Process]:
    """A stand-in for the application: a web server on the gateway's port."""
    argv = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(settings.gateway_port))
    return [Process("gateway", argv, ready_url=f"{gateway_url(settings)}/")]


def no_migration(_database_url: str) -> None:
    """For tests of everything but the schema."""


def folder_of(name: str, base: Path) -> Path:
    """A run folder with spaces in its name, which must not matter."""
    return base / f"run of {name}"
