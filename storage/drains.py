"""Drains of worker processes: the operator's requests, and the reports of the processes.

Each process reports itself every second, and learns in the same statement whether it is to drain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from schemas.limits import Action
from storage.admission_control import Reason
from storage.sql import Sql, returns

REPORT_SECONDS: Final = 1.0
"""The time between two reports of a process."""

# A process that has not reported for so long was killed, or does not reach the database.
_SILENT_SECONDS = 10

FORGOTTEN_SECONDS: Final = 3600
"""The silence after which a process is gone. By then, other workers have its work."""


@dataclass(frozen=True)
class Drain:
    """A request to drain, in force until it is taken back."""

    target: str
    """A node such as `provider@host`, or `@host` for all nodes of a host."""
    author: str
    """Who asked."""
    reason: str | None
    """Why, for people."""
    created_at: datetime
    """Since when."""

    def in_words(self) -> str:
        """The drain in a line, with its author, its time and its reason."""
        why = f": {self.reason}" if self.reason else ""
        return f"the drain of {self.target} by {self.author} since {self.created_at:%Y-%m-%d %H:%M:%S}{why}"


@dataclass(frozen=True)
class Process:
    """A worker process that has reported itself. An orderly end removes the report."""

    node: str
    """The name of the node, such as `provider@host`."""
    pid: int
    """The process id."""
    in_hand: int
    """The claims or messages that the process has."""
    drained_at: datetime | None
    """Since when the process takes nothing new. None: it takes work."""
    drain: str | None
    """The drain that the process is to follow. None: there is none."""
    seen_at: datetime
    """The newest report."""
    is_silent: bool
    """Whether reports are missing. The process may still work: perhaps it does not reach the database."""

    @property
    def is_empty(self) -> bool:
        """Whether the process takes nothing new and has nothing left. Nothing is known of a silent process."""
        return self.drained_at is not None and self.in_hand == 0 and not self.is_silent


# A drained process writes its state, so that the operator sees that no claim follows.
_REPORT = returns(bool)("""
    INSERT INTO worker_processes (node, pid, in_hand, drained_at)
    VALUES (%(node)s, %(pid)s, %(in_hand)s, CASE WHEN %(is_drained)s THEN clock_timestamp() END)
    ON CONFLICT (node, pid) DO UPDATE SET
        seen_at = clock_timestamp(), in_hand = excluded.in_hand,
        drained_at = CASE WHEN %(is_drained)s THEN coalesce(worker_processes.drained_at, clock_timestamp()) END
    RETURNING EXISTS (SELECT FROM drains WHERE target IN (node, '@' || split_part(node, '@', 2)))
""")

_BEGIN = """
    DELETE FROM worker_processes
    WHERE (node = %(node)s AND pid = %(pid)s)
        OR (node = %(node)s AND seen_at < clock_timestamp() - make_interval(secs => %(silent_seconds)s))
"""

_LEAVE = "DELETE FROM worker_processes WHERE node = %(node)s AND pid = %(pid)s"

_PROCESSES = returns(Process)("""
    SELECT node, pid, in_hand, drained_at,
        (SELECT min(target) FROM drains WHERE target IN (node, '@' || split_part(node, '@', 2))) AS drain,
        seen_at, seen_at < clock_timestamp() - make_interval(secs => %(silent_seconds)s) AS is_silent
    FROM worker_processes WHERE seen_at > clock_timestamp() - make_interval(secs => %(forgotten_seconds)s)
    ORDER BY node, pid
""")

_DRAINS = returns(Drain)("SELECT target, author, reason, created_at FROM drains ORDER BY created_at, target")

_DRAIN = returns(str)("""
    WITH drained AS (
        INSERT INTO drains (target, author, reason) VALUES (%(target)s, %(author)s, %(reason)s)
        ON CONFLICT (target) DO NOTHING RETURNING target
    )
    INSERT INTO admission_changes (id, author, action, scope, name, reason, after)
    SELECT gen_random_uuid(), %(author)s, %(action)s, 'worker', target, %(reason)s, %(after)s FROM drained
    RETURNING name
""")

_UNDRAIN = returns(str)("""
    WITH undrained AS (DELETE FROM drains WHERE target = %(target)s RETURNING target, reason)
    INSERT INTO admission_changes (id, author, action, scope, name, reason, before)
    SELECT gen_random_uuid(), %(author)s, %(action)s, 'worker', target, %(reason)s,
           jsonb_build_object('reason', undrained.reason)
    FROM undrained
    RETURNING name
""")


def begin(sql: Sql, node: str, pid: int) -> None:
    """Forget the silent processes of this name. A name has one process. A sweep forgets those of other names."""
    sql.run(_BEGIN, node=node, pid=pid, silent_seconds=_SILENT_SECONDS)


def report(sql: Sql, node: str, pid: int, *, in_hand: int, is_drained: bool) -> bool:
    """Report a process. Returns whether the process is to take nothing new.

    Args:
        in_hand: the claims or messages that the process has.
        is_drained: whether the process takes nothing new.
    """
    return sql.all(_REPORT, node=node, pid=pid, in_hand=in_hand, is_drained=is_drained)[0]


def leave(sql: Sql, node: str, pid: int) -> None:
    """Remove the report of a process that ends."""
    sql.run(_LEAVE, node=node, pid=pid)


def processes(sql: Sql) -> list[Process]:
    """The processes that have reported themselves within the hour and have not ended in order."""
    return sql.all(_PROCESSES, silent_seconds=_SILENT_SECONDS, forgotten_seconds=FORGOTTEN_SECONDS)


def drains(sql: Sql) -> list[Drain]:
    """The drains in force, the oldest first."""
    return sql.all(_DRAINS)


def drain(sql: Sql, target: str, found: Sequence[Process], why: Reason) -> bool:
    """Let the processes of a target take nothing new, also those that start later.

    Returns False if the target is drained already: that drain keeps its author and its reason.

    Args:
        found: the processes of the target, for the history.
    """
    after = {"processes": {f"{one.node} pid {one.pid}": one.in_hand for one in found}}
    made = sql.first(
        _DRAIN, target=target, author=why.author, reason=why.text, action=Action.DRAIN, after=Jsonb(after)
    )  # fmt: skip
    return made is not None


def undrain(sql: Sql, target: str, why: Reason) -> bool:
    """Take a drain back. Returns False if there is none."""
    return sql.first(_UNDRAIN, target=target, author=why.author, reason=why.text, action=Action.UNDRAIN) is not None


def matches(node: str, target: str) -> bool:
    """Whether a node belongs to a target: the same node, or a node of the host."""
    return node == target or (target.startswith("@") and node.endswith(target))
