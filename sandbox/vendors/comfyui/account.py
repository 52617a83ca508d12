"""The key in front of the server, and the state of the server: queue, history, cache, files, sockets."""

import hmac
import time

from sandbox.config import SandboxConfig
from sandbox.vendors.comfyui.errors import ComfyError, ServerDown
from sandbox.vendors.comfyui.server import PromptServer


class ComfyAccount:
    """One ComfyUI server. ComfyUI itself has no keys: the key is that of a proxy in front of the server."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self._down_until = 0.0
        self.server = PromptServer()

    def authorize(self, authorization: str | None) -> None:
        """Let a call in.

        Raises:
            ServerDown: the server restarts.
            ComfyError: 401 unless the header carries the key.
        """
        if time.monotonic() < self._down_until:
            raise ServerDown
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise ComfyError(401, "unauthorized", "The key is missing or wrong")

    async def restart(self, seconds: float) -> None:
        """Kill the server, and start it again after this time. Queue, history and cache are empty then; files stay."""
        self._down_until = time.monotonic() + seconds
        await self.server.restart()
