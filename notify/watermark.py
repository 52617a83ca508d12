"""Tells up to which id every event is committed.

A sequence gives the ids, and transactions commit in another order: event 8 may appear before event 7. A consumer of
many generations that reads "greater than the last id" would skip event 7. Such a consumer reads up to the watermark.

A transaction locks the table `events` before it takes an id, and holds the lock until its end. So a transaction that
took an id before a moment, and may still commit the id, is among the holders of the lock at that moment
(docs/decisions/0041).
"""

import time
from dataclasses import dataclass

import structlog

from storage.sql import Sql, returns

log = structlog.get_logger()

# A look compares so many new ids. After a long pause there are more: the watermark then moves as it does past a gap.
_MOST_IDS = 10_000

_WARN_SECONDS = 10.0

# The server ends our statements after 30 s and our idle transactions after 60 s. A transaction that holds the lock for
# longer is not ours, and so inserts no event: for example, an operator's correction by hand.
_GIVE_UP_SECONDS = 300.0


@dataclass(frozen=True)
class _Beyond:
    """The ids that are visible above the watermark."""

    unbroken: int
    """The highest id up to which no id is missing. 0 if the first one is missing."""
    newest: int
    """The highest id of all."""


@dataclass(frozen=True)
class _Holder:
    """A transaction that may insert events."""

    transaction: str
    """The transaction's virtual id, which is unique while the server runs."""
    pid: int
    """The server process."""


_BEYOND = returns(_Beyond)("""
    SELECT
        coalesce(max(id) FILTER (WHERE id = %(after)s + number), 0) AS unbroken,
        coalesce((SELECT max(id) FROM events), 0) AS newest
    FROM (
        SELECT id, row_number() OVER (ORDER BY id) AS number
        FROM (SELECT id FROM events WHERE id > %(after)s ORDER BY id LIMIT %(limit)s) AS first
    ) AS beyond
""")

_HOLDERS = returns(_Holder)("""
    SELECT virtualtransaction AS transaction, pid FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'events'::regclass AND mode = 'RowExclusiveLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


@dataclass
class _Gap:
    """A gap among the ids: of a transaction that is open, or that was rolled back."""

    newest: int
    """The highest committed id when the gap was seen."""
    holders: dict[str, int]
    """The transactions that may fill the gap, with their processes."""
    since: float
    """When the gap was seen, by the monotonic clock."""
    is_logged: bool = False
    """Whether the log has a warning about the gap."""


class Watermark:
    """The id up to which each event is committed or was rolled back. Not safe to share without a lock."""

    def __init__(self) -> None:
        self.settled: int | None = None
        """The id. None until the transactions that were open at the start have ended."""
        self.newest = 0
        """The highest committed id."""
        self._gap: _Gap | None = None

    @property
    def is_held(self) -> bool:
        """Whether committed events wait for an open transaction. Look again soon."""
        return self._gap is not None

    def advance(self, sql: Sql) -> int | None:
        """Look once, and return `settled`. Each statement must be a transaction by itself."""
        # At first, only the newest id matters.
        after, limit = (0, 0) if self.settled is None else (self.settled, _MOST_IDS)
        (beyond,) = sql.all(_BEYOND, after=after, limit=limit)
        self.newest = max(self.newest, beyond.newest)
        if self.settled is None:
            self._watch(sql, beyond.newest)
            return self.settled
        self.settled = max(self.settled, beyond.unbroken)
        if beyond.newest > self.settled:
            self._watch(sql, beyond.newest)
        else:
            self._gap = None
        return self.settled

    def _watch(self, sql: Sql, newest: int) -> None:
        """Move past a gap once no transaction is left that may fill the gap."""
        now = time.monotonic()
        # This read comes after the read of `newest`: each id up to `newest` was taken before it.
        holders = {holder.transaction: holder.pid for holder in sql.all(_HOLDERS)}
        if self._gap is None:
            self._gap = _Gap(newest, holders, now)
        gap = self._gap
        gap.holders = {transaction: pid for transaction, pid in gap.holders.items() if transaction in holders}
        seconds = now - gap.since
        if gap.holders and seconds > _WARN_SECONDS and not gap.is_logged:
            gap.is_logged = True
            log.warning("events_held_back", seconds=round(seconds), database_pids=sorted(gap.holders.values()))
        if not gap.holders or seconds > _GIVE_UP_SECONDS:
            self.settled, self._gap = max(self.settled or 0, gap.newest), None
