"""The account at the endpoint and its key."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.vendors.longcat.errors import LongCatError
from sandbox.vendors.longcat.record import LongCatRecords


class LongCatAccount:
    """Checks the account's key and limits."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self.records = LongCatRecords(config.public_url)

    def authorize(self, authorization: str | None) -> None:
        """Raise `LongCatError` 401 unless the header carries the account's key."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise LongCatError(401, "unauthorized", "The key is missing or wrong")
