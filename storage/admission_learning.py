"""Learns the limits of provider accounts from the vendors' refusals, for all processes.

The function `admission_refused` decides. `admission_limits` applies what was learned
(`storage/migrations/versions/0028_rest_of_admission.py`).
"""

from dataclasses import dataclass
from uuid import UUID

from schemas.limits import Refusal
from schemas.names import ProviderName
from storage import admission
from storage.sql import Sql, returns


@dataclass(frozen=True)
class Refused:
    """A create that a vendor refused because of our account."""

    why: Refusal
    """The meaning of the refusal."""
    pause: float
    """The seconds to wait if the vendor names none."""
    retry_after: float | None = None
    """The seconds that the vendor names."""


@dataclass(frozen=True)
class Learned:
    """The account after a refusal."""

    is_news: bool
    """Whether the account was open before, or closed for another reason."""
    closed_seconds: float
    """The seconds for which nothing is granted. 0: the account stays open."""
    places: int | None
    """The generations that the vendor works on, where it takes no more."""
    factor: float
    """The part of the configured rate that is left."""
    family: str | None
    """The family of models that the refusal concerns. None: the whole account."""


_REFUSED = returns(Learned)("""
    SELECT is_news, closed_seconds, places, factor, of_family AS family FROM admission_refused(
        %(provider)s::text, %(id)s, %(why)s::text, %(pause)s::float8, %(retry_after)s::float8
    )
""")

_ACCEPTED = returns(str)("""
    UPDATE admission_accounts SET closed_until = NULL, closed_reason = NULL
    WHERE provider = %(provider)s AND closed_reason IN ('no_money', 'daily') AND closed_until < clock_timestamp()
    RETURNING provider
""")


def refused(sql: Sql, provider: ProviderName, generation_id: UUID, refusal: Refused) -> Learned:
    """Close the account, or the family of the generation, for a while, and lower its limits.

    Call it after the generation is queued again, in transactions of single statements (`Database.statement`).
    """
    if refusal.why is Refusal.TOO_MANY:
        # Without limits so far, nobody counted what is in flight.
        admission.count_work_at(sql, provider)
    (learned,) = sql.all(
        _REFUSED, provider=provider, id=generation_id, why=refusal.why, pause=refusal.pause,
        retry_after=refusal.retry_after,
    )  # fmt: skip
    return learned


def accepted(sql: Sql, provider: ProviderName) -> bool:
    """Open an account that was out of money or of generations of the day. Returns whether it was."""
    return sql.first(_ACCEPTED, provider=provider) is not None
