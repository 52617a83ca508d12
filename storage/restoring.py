"""Prepares a database that was restored from a backup, so that no create is paid twice (docs/decisions/0056).

The restored rows do not know the creates that left after the backup. So every queued generation counts as one whose
create may have left: workers look for the create, and never send it again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from schemas.enums import Stage
from schemas.limits import Action
from schemas.names import ProviderName
from storage import admission, transitions
from storage.admission_control import Reason
from storage.sql import Sql, returns

# The ids of events are public: consumers skip an id that they know. No system writes so many between two backups.
_SKIPPED_IDS: Final = 1_000_000_000


@dataclass(frozen=True)
class Restored:
    """The unfinished generations of a restored database."""

    late_seconds: float
    """The time from the backup to now. Deadlines move by this time."""
    doubted: Mapping[ProviderName, int]
    """The queued generations whose creates may have left, by account. They are in `submitting` now."""
    scheduled: int
    """The queued generations that start later. They stay queued."""
    continuing: Mapping[Stage, int]
    """The generations that go on from their stage."""


# The rows of a large queue take longer than a statement of a step. A lock shows that another session works.
_UNHURRIED = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'"

_NEWEST = returns(datetime)("SELECT created_at FROM events ORDER BY id DESC LIMIT 1")

_LATE = returns(float)("SELECT extract(epoch FROM clock_timestamp() - %(at)s)::float8")

_SCHEDULED = returns(int)("SELECT count(*) FROM generations WHERE stage = 'queued' AND wake_at IS NOT NULL")

# The workers of the claims are gone, so a claim counts no crash. An unknown create gets its whole time again: a
# callback or a look-up may still find it.
_CONTINUE = returns(lambda stage, count: (Stage(stage), int(count)))("""
    WITH continued AS (
        UPDATE generations SET
            lease_token = NULL, lease_until = NULL, wake_at = clock_timestamp(),
            stage_at = CASE WHEN stage IN ('submitting') THEN clock_timestamp() ELSE stage_at END,
            deadline_at = deadline_at + make_interval(secs => %(late_seconds)s)
        WHERE wake_at IS NOT NULL AND stage <> 'queued'
        RETURNING stage
    )
    SELECT stage, count(*) FROM continued GROUP BY stage ORDER BY stage
""")

_SKIP_IDS = """
    SELECT setval(name, nextval(name) + %(skipped)s)
    FROM (SELECT pg_get_serial_sequence('events', 'id')::regclass AS name) AS ids
"""

_RECORD = """
    INSERT INTO admission_changes (id, author, action, scope, name, reason, after)
    VALUES (gen_random_uuid(), %(author)s, %(action)s, 'database', %(name)s, %(reason)s, %(after)s)
"""


def unhurried(sql: Sql) -> None:
    """Let the statements of this transaction take their time. A lock of another session still ends them."""
    sql.run(_UNHURRIED)


def newest_event(sql: Sql) -> datetime | None:
    """The time of the newest event. None without events."""
    return sql.first(_NEWEST)


def skip_event_ids(sql: Sql) -> None:
    """Give later events higher ids than the lost events had. No transaction takes this back."""
    sql.run(_SKIP_IDS, skipped=_SKIPPED_IDS)


def prepare(sql: Sql, *, at: datetime, stopped_at: datetime, why: Reason) -> Restored:
    """Prepare the unfinished generations of a restored database. Call before any worker starts.

    Args:
        at: the moment that the database shows. A later moment than now would move deadlines back.
        stopped_at: the moment at which the last worker of before stopped: not before `at`, and not after now.
    """
    late_seconds = sql.all(_LATE, at=at)[0]
    doubted = dict(transitions.doubt(sql, stopped_at=stopped_at))
    for provider in doubted:
        admission.count_work_at(sql, provider)
    continuing = dict(sql.all(_CONTINUE, late_seconds=late_seconds))
    if before := continuing.pop(Stage.SUBMITTING, 0) - sum(doubted.values()):
        continuing[Stage.SUBMITTING] = before
    restored = Restored(late_seconds, doubted, sql.all(_SCHEDULED)[0], continuing)
    sql.run(
        _RECORD, author=why.author, action=Action.RESTORE, name=f"{at:%Y-%m-%dT%H:%M:%SZ}", reason=why.text,
        after=Jsonb(asdict(restored)),
    )  # fmt: skip
    return restored
