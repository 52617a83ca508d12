"""The one organization at Runway: its key, its credits, its limits of a day, and the tasks that it deleted."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.sliding_window import SlidingWindow
from sandbox.task import JsonObject, Task
from sandbox.vendors.runway.errors import RunwayError
from sandbox.vendors.runway.models import MODELS
from sandbox.vendors.runway.record import RunwayRecords

VERSION = "2024-11-06"
_DAY = 24 * 3600


class RunwayAccount:
    """Refuses, in Runway's words, what the organization may not do."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self._days = {model: SlidingWindow(config.runway_generations_per_day, _DAY) for model in MODELS}
        self._deleted: set[str] = set()
        self._most_credits = config.runway_credits
        self.credits = config.runway_credits
        self.records = RunwayRecords(config.public_url)

    def authorize(self, authorization: str | None, version: str | None) -> None:
        """Raises `RunwayError` 401 unless the header carries the key, 400 without the version of the API."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise RunwayError(401, "Invalid authentication")
        if version != VERSION:
            raise RunwayError(400, f"The X-Runway-Version header should be {VERSION}, not {version}")

    def charge(self, credits_: int, model: str) -> None:
        """Take a task. Raises `RunwayError` 400 without the credits for it, 429 beyond its model's limit of a day.

        The texts: https://github.com/runwayml/sdk-node/issues/28; the other one is not documented, only what it says
        (https://docs.dev.runwayml.com/usage/tiers).
        """
        if credits_ > self.credits:
            raise RunwayError(400, "You do not have enough credits to run this task.")
        day = self._days[model]
        if not day.admit():
            raise RunwayError(429, f"You have reached your daily limit of {day.limit} generations")
        self.credits -= credits_

    def organization(self) -> JsonObject:
        """The answer of `GET /v1/organization`. Nothing limits how many tasks run at once."""
        limits: JsonObject = {
            model: {"maxConcurrentGenerations": None, "maxDailyGenerations": day.limit}
            for model, day in self._days.items()
        }
        usage: JsonObject = {model: {"dailyGenerations": day.count} for model, day in self._days.items()}
        return {
            "creditBalance": self.credits,
            "tier": {"maxMonthlyCreditSpend": self._most_credits, "models": limits},
            "usage": {"models": usage},
        }

    def delete(self, task: Task) -> None:
        """Nobody can read it any more."""
        self._deleted.add(task.id)

    def owns(self, task: Task) -> bool:
        """Whether it was created here, and not deleted."""
        return task.writer is self.records and task.id not in self._deleted
