"""Limits the commands that workers take over Redis.

Every client that may publish in Redis can send Celery's remote control to every worker. By default a worker takes the
commands that show state, for Flower and `reelworks status`, and no command that changes or ends it.
"""

from collections.abc import Callable
from typing import Literal

import structlog
from celery.worker.control import Panel

log = structlog.get_logger()

Commands = Literal["off", "read", "all"]
"""The commands that a worker takes. With "off" a worker does not listen: `workers.app` switches that."""

READS = frozenset(
    {
        "active",
        "active_queues",
        "disable_events",
        "enable_events",
        "heartbeat",
        "ping",
        "query_task",
        "registered",
        "reserved",
        "revoked",
        "scheduled",
        "stats",
    }
)
"""The commands that change nothing but the sending of events, and quote no setting."""


def limit_remote_control(commands: Commands) -> None:
    """Let the workers of this process refuse the other commands, unless `commands` is "all"."""
    if commands == "all":
        return
    for name in set(Panel.data) - READS:
        Panel.data[name] = _refusing(name)


def _refusing(name: str) -> Callable[..., dict[str, str]]:
    def refuse(_state: object, **_arguments: object) -> dict[str, str]:
        log.warning("remote_control_refused", command=name)
        return {"error": "this worker takes this command only where REELWORKS_REMOTE_CONTROL is all"}

    return refuse
