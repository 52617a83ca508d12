"""The account at Replicate: its token and its rate limits."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.sliding_window import SlidingWindow
from sandbox.vendors.replicate.errors import ReplicateError
from sandbox.vendors.replicate.webhooks import ReplicateWebhooks

_MINUTE = 60


class ReplicateAccount:
    """Checks the account's key and limits. Limits: https://replicate.com/docs/topics/predictions/rate-limits."""

    def __init__(self, config: SandboxConfig) -> None:
        self._token = config.api_key
        self.webhooks = ReplicateWebhooks(config.public_url, config.webhook_secret)
        self._creates = SlidingWindow(config.replicate_creates_per_minute, _MINUTE)
        self._others = SlidingWindow(config.replicate_other_calls_per_minute, _MINUTE)

    def authorize(self, authorization: str | None) -> None:
        """Raise `ReplicateError` 401 unless the header carries the account's token."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._token}".encode()):
            raise ReplicateError(401, "Unauthenticated", "You did not pass a valid authentication token")

    def admit_create(self) -> None:
        """Raise `ReplicateError` 429 beyond the limit on new predictions."""
        _admit(self._creates)

    def admit_other(self) -> None:
        """Raise `ReplicateError` 429 beyond the limit on all other calls."""
        _admit(self._others)


def _admit(window: SlidingWindow) -> None:
    if not window.admit():
        raise ReplicateError(
            429, "Too many requests", "Request was throttled. Expected available in 1 second.", retry_after=1
        )
