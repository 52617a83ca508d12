"""Asks the running workers for their state over Redis. Listens for the heartbeats of those that take no commands."""

import time
from socket import gethostname

from celery import Celery
from kombu.exceptions import OperationalError
from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError

from schemas.enums import TaskName
from schemas.settings import Settings
from workers.app import create_app
from workers.heartbeats import Heartbeats, hear
from workers.roles import ROLES, Role, role_of

_REPLY_SECONDS = 0.5
# Each worker sends a heartbeat every two seconds.
_HEARTBEAT_SECONDS = 2.5
# All checks within this time share one question.
_KEPT_SECONDS = 0.5

_Replies = TypeAdapter(list[dict[str, dict[str, object]]])


class Workers:
    """The Celery workers of this host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked_at = float("-inf")
        self._nodes: dict[str, bool] = {}

    def serves(self, role: Role) -> bool:
        """Whether a worker of this role does its work."""
        if not ROLES[role].is_celery:
            return self._is_heard(role)
        return any(role_of(node) is role for node in self._ask())

    def hears_beat(self) -> bool:
        """Whether a worker has run a wake-up of beat. Beat sends wake-ups to the workers that serve `control`."""
        return any(self._ask().values())

    def _is_heard(self, role: Role) -> bool:
        """Whether a process that takes no commands sends heartbeats."""
        own = f"@{gethostname()}"

        def is_there(heard: Heartbeats) -> bool:
            return any(role_of(node) is role and node.endswith(own) for node in heard)

        with create_app(self._settings, process="worker") as app:
            try:
                return is_there(hear(app, seconds=_HEARTBEAT_SECONDS, is_enough=is_there))
            except (OperationalError, RedisError):
                return False

    def _ask(self) -> dict[str, bool]:
        """The nodes of this host, and whether each has run a wake-up of beat."""
        if time.monotonic() - self._asked_at > _KEPT_SECONDS:
            nodes = self._read()
            own = f"@{gethostname()}"
            self._nodes = {node: heard for node, heard in nodes.items() if node.endswith(own)}
            self._asked_at = time.monotonic()
        return self._nodes

    def _read(self) -> dict[str, bool]:
        with create_app(self._settings, process="worker") as app:
            try:
                return self._listen(app) if self._settings.remote_control == "off" else self._ask_for_totals(app)
            except (OperationalError, RedisError, ValidationError):
                return {}

    def _ask_for_totals(self, app: Celery) -> dict[str, bool]:
        replies = app.control.broadcast("stats", reply=True, timeout=_REPLY_SECONDS)
        nodes = [node for reply in _Replies.validate_python(replies or []) for node in reply.items()]
        totals = ((node, stats.get("total")) for node, stats in nodes)
        return {node: isinstance(total, dict) and bool(total.get(TaskName.WAKE)) for node, total in totals}

    def _listen(self, app: Celery) -> dict[str, bool]:
        heard = hear(app, seconds=_HEARTBEAT_SECONDS)
        return {node: role_of(node) is Role.CONTROL and bool(beat.get("processed")) for node, beat in heard.items()}
