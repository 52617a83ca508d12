"""The server's key and its queue. A server has one key for everyone."""

import hmac
from secrets import token_hex

from sandbox.config import SandboxConfig
from sandbox.slots import Slots
from sandbox.vendors.local.errors import LocalError


class LocalAccount:
    """Checks the key, and holds the jobs that run at once."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self.webhook_secret = config.webhook_secret
        self.slots = Slots(config.local_concurrency)
        self.instance = token_hex(8)

    def authorize(self, authorization: str | None) -> None:
        """Raise `LocalError` 401 unless the header carries the server's key."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise LocalError(401, "unauthorized", "The key is missing or wrong")
