"""The account at Kling: its key, its tasks, and its limit of parallel tasks."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.task import Task
from sandbox.vendors.kling.callbacks import KlingCallbacks
from sandbox.vendors.kling.errors import KlingError


class KlingAccount:
    """Checks key and limits with Kling's errors."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self.callbacks = self._callbacks(config)
        self.concurrency = config.kling_concurrency
        self._tasks: dict[str, Task] = {}
        self._by_external_id: dict[str, Task] = {}

    def _callbacks(self, config: SandboxConfig) -> KlingCallbacks:
        return KlingCallbacks(config.public_url, config.webhook_secret)

    def authorize(self, authorization: str | None) -> None:
        """Raise `KlingError` 1001 or 1002 unless the header carries the account's key."""
        if not authorization:
            raise KlingError(1001, "Authorization is missing")
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._key}".encode()):
            raise KlingError(1002, "Authorization is invalid")

    def admit(self, task: Task) -> None:
        """Add a task. Raises `KlingError` 1201 for a duplicate external id, 1303 beyond the limit of parallel tasks."""
        if task.external_id in self._by_external_id:
            raise KlingError(1201, f"external_task_id {task.external_id} already exists")
        if sum(known.ended is None for known in self._tasks.values()) >= self.concurrency:
            raise KlingError(1303, "The resource pack's limit of parallel tasks is reached")
        self._tasks[task.id] = task
        if task.external_id is not None:
            self._by_external_id[task.external_id] = task

    def task(self, task_id: str) -> Task | None:
        """The task with this id."""
        return self._tasks.get(task_id)

    def task_of(self, external_id: str) -> Task | None:
        """The task with this id of the customer."""
        return self._by_external_id.get(external_id)
