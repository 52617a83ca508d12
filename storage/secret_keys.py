"""The keys that sign links and callback URLs, by their fingerprints: when each signed, and what still depends on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from schemas.limits import Action
from storage.admission_control import Reason
from storage.sql import Sql, returns


@dataclass(frozen=True)
class SigningKey:
    """A key that a process has signed with."""

    fingerprint: str
    """The first characters of a digest of the key."""
    first_signed_at: datetime
    """When a process first ran with the key."""
    last_signed_at: datetime
    """When a process last ran with the key."""


@dataclass(frozen=True)
class Dependents:
    """What was signed by a key, or before it, and still counts."""

    generations: int
    """The generations whose create left by then: their callbacks carry a token of that time."""
    generations_until: datetime | None
    """The last of their deadlines."""
    shares: int
    """The share links of that time that have neither ended nor been revoked."""
    shares_until: datetime | None
    """The last of their ends."""
    links_until: datetime
    """When the links to files of that time have all ended."""

    @property
    def is_none(self) -> bool:
        """Whether nothing of that time still counts."""
        return not (self.generations or self.shares) and self.links_until < datetime.now(self.links_until.tzinfo)


_SIGNS = """
    INSERT INTO secret_keys (fingerprint) VALUES (%(fingerprint)s)
    ON CONFLICT (fingerprint) DO UPDATE SET last_signed_at = clock_timestamp()
    WHERE secret_keys.last_signed_at < clock_timestamp() - interval '10 seconds'
"""

_KEYS = returns(SigningKey)("""
    SELECT fingerprint, first_signed_at, last_signed_at FROM secret_keys ORDER BY last_signed_at DESC, fingerprint
""")

_GENERATIONS = returns(lambda count, until: (int(count), until))("""
    SELECT count(*), max(deadline_at) FROM generations
    WHERE wake_at IS NOT NULL AND stage IN ('submitting', 'generating') AND coalesce(started_at, stage_at) <= %(by)s
""")

_SHARES = returns(lambda count, until: (int(count), until))("""
    SELECT count(*), max(expires_at) FROM shares
    WHERE created_at <= %(by)s AND expires_at > clock_timestamp() AND revoked_at IS NULL
""")

_RECORD = """
    INSERT INTO admission_changes (id, author, action, scope, name, reason, after)
    VALUES (gen_random_uuid(), %(author)s, %(action)s, 'secrets', 'REELWORKS_SECRET_KEY', %(reason)s, %(after)s)
"""


def signs(sql: Sql, fingerprint: str) -> None:
    """Record that a process runs with a key."""
    sql.run(_SIGNS, fingerprint=fingerprint)


def keys(sql: Sql) -> list[SigningKey]:
    """Every key that a process has run with, the newest first."""
    return sql.all(_KEYS)


def dependents(sql: Sql, by: datetime, *, links_last: timedelta) -> Dependents:
    """What was signed until a time and still counts.

    Args:
        links_last: the longest time for which a link to a file works.
    """
    generations, shares = sql.all(_GENERATIONS, by=by)[0], sql.all(_SHARES, by=by)[0]
    return Dependents(*generations, *shares, links_until=by + links_last)


def record_rotation(sql: Sql, fingerprint: str, why: Reason) -> None:
    """Write into the history of changes that a new key was made."""
    after = Jsonb({"fingerprint": fingerprint})
    sql.run(_RECORD, author=why.author, action=Action.ROTATE, reason=why.text, after=after)
