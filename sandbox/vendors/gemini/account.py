"""The project at Google: its key and its registered webhook."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.task import Task
from sandbox.vendors.gemini.errors import GeminiError
from sandbox.vendors.gemini.record import Records
from sandbox.vendors.gemini.webhooks import DynamicWebhooks, StaticWebhooks

REVISION = "2026-05-20"


class GeminiAccount:
    """Checks the project's key, and holds the URI of its registered webhook."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self.records = Records(config.public_url)
        self.dynamic = DynamicWebhooks(config.webhook_secret)
        self.static = StaticWebhooks(config.webhook_secret)

    def authorize(self, key: str | None, revision: str | None = None) -> None:
        """Raise `GeminiError`: 403 without a key, 400 for a wrong key or an unknown revision."""
        if not key:
            raise GeminiError(
                403,
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
                "or other form of API consumer identity to call this API.",
            )
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise GeminiError(400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID")
        if revision not in {None, REVISION}:
            raise GeminiError(400, f"Api-Revision: there is no revision {revision}")

    def owns(self, task: Task) -> bool:
        """Whether the task is an interaction."""
        return task.writer is self.dynamic or task.writer is self.static
