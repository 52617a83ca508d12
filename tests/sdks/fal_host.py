"""fal's client, told that fal is here: it reads its host from the environment, once, when it is imported."""

import socket

import pytest

LISTENER = socket.create_server(("127.0.0.1", 0))
"""Where the client goes, with TLS; nobody answers before a test starts the front."""

HOST = f"127.0.0.1:{LISTENER.getsockname()[1]}"

with pytest.MonkeyPatch.context() as _environment:
    _environment.setenv("FAL_QUEUE_RUN_HOST", f"{HOST}/fal")
    import fal_client

__all__ = ["HOST", "LISTENER", "fal_client"]
