"""Sets the host of fal's client to the TLS front. The client reads its host from the environment, at its import."""

import atexit
import socket

import pytest

LISTENER = socket.create_server(("127.0.0.1", 0))
"""The client's host, with TLS. A front that a test starts takes a copy of the socket."""
atexit.register(LISTENER.close)

HOST = f"127.0.0.1:{LISTENER.getsockname()[1]}"

with pytest.MonkeyPatch.context() as _environment:
    _environment.setenv("FAL_QUEUE_RUN_HOST", f"{HOST}/fal")
    import fal_client

__all__ = ["HOST", "LISTENER", "fal_client"]
