"""Limits the commands that workers take over Redis.

Every client that may publish in Redis can send Celery's remote control to every worker. A worker takes the commands
that show state, for Flower and `reelworks status`. By default a worker takes no command that changes or ends it.
"""

from typing import Literal

from celery.worker.control import Panel

Commands = Literal["read", "all"]

READS = frozenset(
    {
        "active",
        "active_queues",
        "disable_events",
        "enable_events",
        "heartbeat",
        "hello",
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
    """Remove the other commands from the workers of this process, unless `commands` is "all"."""
    if commands == "all":
        return
    for name in set(Panel.data) - READS:
        del Panel.data[name]
