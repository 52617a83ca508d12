"""Asks the running workers for their state over Redis."""

import time
from socket import gethostname

from kombu.exceptions import OperationalError
from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError

from schemas.enums import TaskName
from schemas.settings import Settings
from workers.app import create_app
from workers.roles import Role

_REPLY_SECONDS = 0.5
# All checks within this time share one question.
_KEPT_SECONDS = 0.5

_Replies = TypeAdapter(list[dict[str, dict[str, object]]])


class Workers:
    """The Celery workers of this host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked_at = float("-inf")
        self._replies: dict[str, dict[str, object]] = {}

    def serves(self, role: Role) -> bool:
        """Whether a worker of this role takes messages."""
        return any(name.rstrip("0123456789") == role for name in self._ask())

    def hears_beat(self) -> bool:
        """Whether a worker has run a wake-up of beat. Beat sends wake-ups to the workers that serve `control`."""
        totals = [reply.get("total") for reply in self._ask().values()]
        return any(isinstance(total, dict) and total.get(TaskName.WAKE) for total in totals)

    def _ask(self) -> dict[str, dict[str, object]]:
        """The statistics of each worker by node name."""
        if time.monotonic() - self._asked_at > _KEPT_SECONDS:
            self._replies = self._read()
            self._asked_at = time.monotonic()
        return self._replies

    def _read(self) -> dict[str, dict[str, object]]:
        with create_app(self._settings, process="worker") as app:
            try:
                replies = app.control.broadcast("stats", reply=True, timeout=_REPLY_SECONDS)
                nodes = [node for reply in _Replies.validate_python(replies or []) for node in reply.items()]
            except (OperationalError, RedisError, ValidationError):
                return {}
        own = f"@{gethostname()}"
        return {name.removesuffix(own): stats for name, stats in nodes if name.endswith(own)}
