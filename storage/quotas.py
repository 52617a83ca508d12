"""Counts orders against the limits of customers and of API keys.

The functions of `storage/migrations/versions/0023_quotas.py` count (`quota_take` and `quota_waits`:
`0028_rest_of_admission.py`). An order without limits costs no statement: the
insert of its generation returns the customer's limits, and the authentication those of the key.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from math import ceil
from uuid import UUID

from schemas.errors import QuotaReached
from schemas.quotas import Quota, QuotaHolder, QuotaLimit
from schemas.tables import AT_TWIN
from storage.ledger import Spender
from storage.sql import Sql, returns

# Until a generation ends, where nothing is known of those that run.
_LOOK_AGAIN_SECONDS = 10.0
# An estimate of many minutes is worth little.
_LONGEST_PAUSE_SECONDS = 300.0
_MOST_RUNNING, _NEWEST = 200, 50


@dataclass(frozen=True)
class Part:
    """What an order takes from the limits of one holder."""

    holder: QuotaHolder
    """Whose limits they are, for the answer."""
    holder_id: UUID
    """The id under which the order counts."""
    key_id: UUID | None
    """The API key of the order. None: the limits of the customer."""
    quota: Quota
    """The limits."""

    def counted(self, amounts: Mapping[UUID, int]) -> list[int]:
        """The credits to count for each generation. The hold counts those of a key that refuses orders over its cap."""
        is_by_hold = self.key_id is not None and not self.quota.waits
        return [0] * len(amounts) if is_by_hold else list(amounts.values())


def lock(sql: Sql, customer_id: UUID, quota: Quota, spender: Spender | None) -> None:
    """Lock the limits from which `take` takes. Call it before the hold, which locks the day of a key.

    Args:
        quota: the limits of the customer.
        spender: the key of the order. None: an order without a key.
    """
    for part in _parts(customer_id, quota, spender):
        if not part.quota.waits:
            sql.run(_LOCK_OF_CUSTOMER if part.key_id is None else _LOCK_OF_KEY, holder=part.holder_id)


_LOCK_OF_CUSTOMER = "SELECT FROM customer_limits WHERE customer_id = %(holder)s FOR NO KEY UPDATE"
_LOCK_OF_KEY = "SELECT FROM api_keys WHERE id = %(holder)s FOR NO KEY UPDATE"


def take(sql: Sql, customer_id: UUID, amounts: Mapping[UUID, int], quota: Quota, spender: Spender | None) -> None:
    """Count new generations against the limits of their customer and of their key: all of them, or none.

    Args:
        amounts: the credits by generation.
        quota: the limits of the customer.
        spender: the key of the order. None: an order without a key.

    Raises:
        QuotaReached: a limit has no room. The caller must roll the transaction back.
    """
    for part in _parts(customer_id, quota, spender):
        _require_possible(part, amounts)
        if part.quota.waits:
            _queue(sql, part, amounts)
        else:
            _take(sql, part, amounts)


def _parts(customer_id: UUID, quota: Quota, spender: Spender | None) -> Iterator[Part]:
    """The limits that hold for an order, in the order of their locks."""
    if spender is not None and _counts(spender.quota):
        yield Part(QuotaHolder.KEY, spender.key_id, spender.used_id, spender.quota)
    if not quota.is_unlimited:
        yield Part(QuotaHolder.CUSTOMER, customer_id, None, quota)


def _counts(quota: Quota) -> bool:
    """Whether a key has limits beside a cap that refuses. The hold counts such a cap."""
    return not quota.is_unlimited if quota.waits else quota.in_flight is not None or quota.per_day is not None


def _require_possible(part: Part, amounts: Mapping[UUID, int]) -> None:
    """Require that the order fits into limits of which nothing is used. No wait helps an order that does not fit."""
    quota, counted = part.quota, part.counted(amounts)
    for limit, most, needed in (
        (QuotaLimit.IN_FLIGHT, quota.in_flight, 1 if quota.waits else len(counted)),
        (QuotaLimit.PER_DAY, quota.per_day, 1 if quota.waits else len(counted)),
        (QuotaLimit.CREDITS_PER_DAY, quota.credits_per_day, max(counted) if quota.waits else sum(counted)),
    ):
        if most is not None and needed > most > 0:
            raise QuotaReached(limit, part.holder, most=most, needed=needed)


def _queue(sql: Sql, part: Part, amounts: Mapping[UUID, int]) -> None:
    """Note new generations that wait: they count once they have a place, also if `on_limit` changes until then."""
    sql.run(_QUEUE, holder=part.holder_id, key_id=part.key_id, ids=list(amounts), prices=part.counted(amounts))


def _take(sql: Sql, part: Part, amounts: Mapping[UUID, int]) -> None:
    """Count new generations at once."""
    quota, counted = part.quota, part.counted(amounts)
    reached = sql.first(
        _TAKE, holder=part.holder_id, key_id=part.key_id, ids=list(amounts), prices=counted,
        in_flight=quota.in_flight, per_day=quota.per_day,
        credits_per_day=None if part.holder is QuotaHolder.KEY else quota.credits_per_day,
    )  # fmt: skip
    if reached is None:
        return
    most = {
        QuotaLimit.IN_FLIGHT: quota.in_flight,
        QuotaLimit.PER_DAY: quota.per_day,
        QuotaLimit.CREDITS_PER_DAY: quota.credits_per_day,
    }[reached.limit]
    frees_at = None if reached.limit is QuotaLimit.IN_FLIGHT else end_of_day(reached.now)
    raise QuotaReached(
        reached.limit, part.holder, most=most or 0, used=reached.used, frees_at=frees_at,
        needed=sum(counted) if reached.limit is QuotaLimit.CREDITS_PER_DAY else len(counted),
        retry_after=_seconds_to_an_end(sql, part) if frees_at is None else _seconds(frees_at - reached.now),
    )  # fmt: skip


@dataclass(frozen=True)
class _Reached:
    """The limit that has no room for an order."""

    limit: QuotaLimit
    """The limit."""
    used: int
    """How much of the limit is used."""
    now: datetime
    """The time of the order."""


_TAKE = returns(_Reached)("""
    SELECT reached AS limit, used, now() AS now FROM quota_take(
        %(holder)s, %(key_id)s, %(ids)s::uuid[], %(prices)s::bigint[], %(in_flight)s::bigint, %(per_day)s::bigint,
        %(credits_per_day)s::bigint
    )
""")

_QUEUE = """
    INSERT INTO quota_orders (generation_id, holder_id, key_id, credits, waits)
    SELECT id, %(holder)s, %(key_id)s, credits, true
    FROM unnest(%(ids)s::uuid[], %(prices)s::bigint[]) AS new (id, credits)
"""


def _seconds_to_an_end(sql: Sql, part: Part) -> int:
    """The seconds until one of the holder's generations usually ends."""
    (seconds,) = sql.all(_TO_AN_END, holder=part.holder_id, most=_MOST_RUNNING, newest=_NEWEST)
    if seconds is None:
        seconds = _LOOK_AGAIN_SECONDS
    return ceil(max(1.0, min(seconds, _LONGEST_PAUSE_SECONDS)))


# Work that takes longer than usual ends soon, as in a forecast (`admission.forecast`).
_TO_AN_END = returns(lambda seconds: None if seconds is None else float(seconds))(f"""
    WITH running AS MATERIALIZED (
        SELECT model, {AT_TWIN} AS is_test, extract(epoch FROM clock_timestamp() - started_at)::float8 AS since
        FROM quota_orders JOIN generations ON id = generation_id
        WHERE holder_id = %(holder)s AND started_at IS NOT NULL AND wake_at IS NOT NULL
        ORDER BY started_at LIMIT %(most)s
    ), usual AS MATERIALIZED (
        SELECT model, is_test, (
            SELECT avg(extract(epoch FROM finished_at - started_at))::float8 FROM (
                SELECT started_at, finished_at FROM generations
                WHERE model = models.model AND {AT_TWIN} = is_test AND stage = 'completed'
                ORDER BY finished_at DESC LIMIT %(newest)s
            ) AS newest
        ) AS seconds
        FROM (SELECT DISTINCT model, is_test FROM running) AS models
    )
    SELECT min(greatest(seconds - since, seconds * 0.1)) FROM running JOIN usual USING (model, is_test)
""")  # noqa: S608 -- a constant


def end_of_day(now: datetime) -> datetime:
    """The end of a day in UTC, on which the limits of the day have room again."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def _seconds(wait: timedelta) -> int:
    return int(wait.total_seconds()) + 1
