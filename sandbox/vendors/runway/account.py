"""The organization at Runway: its key, its credits, its daily limits, and its deleted tasks."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.sliding_window import SlidingWindow
from sandbox.slots import Slots
from sandbox.task import JsonObject, Task
from sandbox.vendors.runway.errors import RunwayError
from sandbox.vendors.runway.models import MODELS
from sandbox.vendors.runway.record import RunwayRecords
from sandbox.vendors.runway.uploads import Uploads

VERSION = "2024-11-06"
_DAY = 24 * 3600


class RunwayAccount:
    """Checks key, credits and limits with Runway's errors."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self._days = {model: SlidingWindow(config.runway_generations_per_day, _DAY) for model in MODELS}
        self.slots = {model: Slots(config.runway_concurrency) for model in MODELS}
        self._deleted: set[str] = set()
        self._most_credits = config.runway_credits
        self.credits = config.runway_credits
        self.records = RunwayRecords(config.public_url)
        self.uploads = Uploads(config.public_url)

    def authorize(self, authorization: str | None, version: str | None) -> None:
        """Raise `RunwayError`: 401 unless the header carries the key, 400 without the API's version."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise RunwayError(401, "Invalid authentication")
        if version != VERSION:
            raise RunwayError(400, f"The X-Runway-Version header should be {VERSION}, not {version}")

    def charge(self, credits_: int, model: str) -> None:
        """Take a task's price. Raises `RunwayError` 400 without enough credits, 429 beyond the model's daily limit.

        Source of the first text: https://github.com/runwayml/sdk-node/issues/28. Runway documents only the meaning of
        the second (https://docs.dev.runwayml.com/usage/tiers).
        """
        if credits_ > self.credits:
            raise RunwayError(400, "You do not have enough credits to run this task.")
        day = self._days[model]
        if not day.admit():
            raise RunwayError(429, f"You have reached your daily limit of {day.limit} generations")
        self.credits -= credits_

    def organization(self) -> JsonObject:
        """The answer of `GET /v1/organization`."""
        limits: JsonObject = {
            model: {"maxConcurrentGenerations": self.slots[model].limit, "maxDailyGenerations": day.limit}
            for model, day in self._days.items()
        }
        usage: JsonObject = {model: {"dailyGenerations": day.count} for model, day in self._days.items()}
        return {
            "creditBalance": self.credits,
            "tier": {"maxMonthlyCreditSpend": self._most_credits, "models": limits},
            "usage": {"models": usage},
        }

    def delete(self, task: Task) -> None:
        """Delete a task. Later reads do not find it."""
        self._deleted.add(task.id)

    def owns(self, task: Task) -> bool:
        """Whether the task was created at this vendor and is not deleted."""
        return task.writer is self.records and task.id not in self._deleted
