"""The account at the OpenAI-compatible vendor: its key and its deleted videos."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.openai_errors import OpenAIError
from sandbox.task import Task
from sandbox.vendors.openai_videos.record import OpenAIVideosEvents


class OpenAIVideosAccount:
    """Checks the account's key and limits."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self._deleted: set[str] = set()
        self.events = OpenAIVideosEvents()

    def authorize(self, authorization: str | None) -> None:
        """Raise `OpenAIError` 401 unless the header carries the account's key."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise OpenAIError(401, "Incorrect API key provided", reason="invalid_api_key")

    def delete(self, task: Task) -> None:
        """Delete a task. Later reads do not find it."""
        self._deleted.add(task.id)

    def owns(self, task: Task) -> bool:
        """Whether the task was created at this vendor and is not deleted."""
        return task.writer is self.events and task.id not in self._deleted
