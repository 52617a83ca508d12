"""Checks the workers by their heartbeats in Redis, and beat by its messages."""

import time
from collections.abc import Iterator, Mapping

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from cli.doctor.findings import Finding, error, ok, unchecked
from cli.doctor.running import reason
from schemas.enums import TaskName
from schemas.settings import Settings
from workers.app import create_app
from workers.heartbeats import Heartbeats, hear
from workers.roles import ROLES, Role, open_roles, role_of

# A worker sends a heartbeat every two seconds, and beat a message every second.
_LISTEN_SECONDS = 5.0
_ASK_SECONDS = 2.0
_BEATS_SECONDS = 3.0


def checks(settings: Settings) -> Iterator[Finding]:
    """Whether each role has a worker, and whether beat runs."""
    try:
        with create_app(settings, process="worker") as app:
            heard = hear(app, seconds=_LISTEN_SECONDS)
            yield from roles(settings, heard)
            yield beat(app, settings, heard)
    except (RedisError, OperationalError) as trouble:
        yield unchecked("workers and beat", reason(trouble, settings))


def roles(settings: Settings, heard: Heartbeats) -> Iterator[Finding]:
    """Whether each role has a worker that sends heartbeats."""
    nodes: dict[Role, list[str]] = {}
    for node in sorted(heard):
        if (role := role_of(node)) is not None:
            nodes.setdefault(role, []).append(node)
    for role in open_roles(settings.doors_off):
        queues = ", ".join(ROLES[role].queues)
        if role in nodes:
            yield ok(f"worker {role}", ", ".join(nodes[role]))
        else:
            says = f"no worker sends heartbeats{f': work in {queues} waits' if queues else ''}"
            yield error(f"worker {role}", says, f"start `reelworks worker --role {role}`")


def beat(app: Celery, settings: Settings, heard: Heartbeats) -> Finding:
    """Whether beat runs: the control workers run a wake-up every second."""
    nodes = [node for node in heard if role_of(node) is Role.CONTROL]
    if not nodes:
        return unchecked("beat", "no control worker runs, which would show beat's messages")
    if settings.remote_control == "off":
        return unchecked("beat", "REELWORKS_REMOTE_CONTROL=off: workers do not tell which tasks they ran")
    before = _wakes(app, nodes)
    time.sleep(_BEATS_SECONDS)
    after = _wakes(app, nodes)
    if not before.keys() & after.keys():
        return unchecked("beat", f"no control worker answered within {_ASK_SECONDS:.0f} s")
    ran = sum(after[node] - before[node] for node in before.keys() & after.keys())
    if ran > 0:
        return ok("beat", f"the control workers ran {ran} of its wake-ups in {_BEATS_SECONDS:.0f} s")
    says = f"no wake-up reached a control worker within {_BEATS_SECONDS:.0f} s: due generations wait"
    return error("beat", says, "start `reelworks beat`; docs/runbook.md: A queue is full")


def _wakes(app: Celery, nodes: list[str]) -> Mapping[str, int]:
    """How many wake-ups each control worker ran."""
    answers = app.control.inspect(destination=nodes, timeout=_ASK_SECONDS).stats() or {}
    return {node: int(answer.get("total", {}).get(TaskName.WAKE.value, 0)) for node, answer in answers.items()}
