"""The account at fal: its key, and its slots. fal refuses no create: requests beyond the slots wait in the queue.

Source: https://fal.ai/docs/documentation/model-apis/concurrency-limits.
"""

import hmac

from sandbox.config import SandboxConfig
from sandbox.slots import Slots
from sandbox.vendors.fal.errors import FalError
from sandbox.vendors.fal.record import Records
from sandbox.vendors.fal.webhooks import FalWebhooks


class FalAccount:
    """Checks the account's key."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self.slots = Slots(config.fal_concurrency)
        self.records = Records(config.public_url)
        self.webhooks = FalWebhooks(self.records, config.webhook_secret)

    def authorize(self, authorization: str | None) -> None:
        """Raise `FalError` 401 unless the header carries the account's key."""
        if not hmac.compare_digest((authorization or "").encode(), f"Key {self._key}".encode()):
            raise FalError(401, "No user found for Key ID and Secret")
