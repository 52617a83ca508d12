"""Decoders that run a test's code, as a file could that takes over its process."""

import sys
from collections.abc import Callable, Iterator

import pytest

from media import decoder, fork_server
from media.fork_server import ForkServer

DecoderServer = Callable[[str], ForkServer]


def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderServer]:
    """Starts a server that runs this code before it serves. The server serves this test only."""
    started = ForkServer()

    def start(code: str) -> ForkServer:
        script = f"import os, signal, time\nimport media.child, media.limits\n{code}\nmedia.child.main()"
        monkeypatch.setattr(fork_server, "_COMMAND", [sys.executable, "-I", "-B", "-c", script])
        monkeypatch.setattr(decoder, "_SERVER", started)
        return started

    yield start
    started.close()
