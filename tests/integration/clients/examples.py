"""Runs the examples of `clients/examples` as programs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from stack.ports import free_port
from tests.support import eventually

ROOT = Path(__file__).parents[3]


@contextmanager
def running(example: str, port: int | None = None, **variables: str | int) -> Iterator[str]:
    """The URL of an example that runs, with these variables."""
    port = port or free_port()
    settings = {"PORT": port, "PYTHONPATH": ROOT / "clients" / "python", **variables}
    process = subprocess.Popen(
        [sys.executable, ROOT / "clients" / "examples" / example],
        env={"PATH": os.environ["PATH"], **{name: str(value) for name, value in settings.items()}},
        stderr=subprocess.PIPE,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: _is_up(url) or process.poll() is not None, bool)
        yield url
    finally:
        process.terminate()
        process.communicate()


def _is_up(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == httpx.codes.NOT_IMPLEMENTED
    except httpx.TransportError:
        return False
