"""The state of the provider accounts, for operators: limits in force, and the work that is there, waits or is held."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.admission_api import AccountState, AccountUse
from schemas.limits import WHOLE_ACCOUNT, AccountLimits, HeldBy, Limits, Place, RemoteWait
from schemas.names import ProviderName
from storage.sql import Sql, returns


@dataclass(frozen=True)
class _Account:
    """The row of an account."""

    provider: ProviderName
    declared: dict[str, Any]
    override: dict[str, Any] | None
    in_force: dict[str, Any]
    learned_in_flight: float | None
    rate_factor: float
    closed_until: datetime | None
    closed_reason: str | None


@dataclass(frozen=True)
class _Count:
    """The generations of a pool in one place."""

    provider: ProviderName
    pool: str
    place: Place
    held_by: HeldBy | None
    count: int
    oldest_seconds: float


@dataclass(frozen=True)
class _AtVendor:
    """The generations that a vendor has, by its last word about them."""

    provider: ProviderName
    remote_wait: RemoteWait
    count: int


@dataclass
class _Counts:
    """The generations of an account."""

    in_flight: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    oldest_waits: float | None = None
    at_vendor: dict[str, int] = field(default_factory=dict)

    def add(self, one: _Count) -> None:
        """Count the generations of one pool in one place."""
        match one.place:
            case Place.GRANTED:
                self.in_flight[one.pool] = one.count
            case Place.WAITING:
                self.waiting[one.pool] = one.count
                self.oldest_waits = max(self.oldest_waits or 0.0, round(one.oldest_seconds, 1))
            case _:
                reason = one.held_by or HeldBy.BUSY
                self.held[reason] = self.held.get(reason, 0) + one.count


_ACCOUNTS = returns(_Account)("""
    SELECT provider, declared, override, admission_limits(a) AS in_force,
           admission_learned_in_flight(a)::float8 AS learned_in_flight, admission_rate_factor(a) AS rate_factor,
           CASE WHEN closed_until > clock_timestamp() THEN closed_until END AS closed_until,
           CASE WHEN closed_until > clock_timestamp() OR closed_reason IN ('no_money', 'daily')
               THEN closed_reason END AS closed_reason
    FROM admission_accounts a
    WHERE %(only)s::text IS NULL OR provider = %(only)s
    ORDER BY provider
""")

_COUNTS = returns(_Count)("""
    SELECT provider, pool, place, held_by, count(*) AS count,
           extract(epoch FROM clock_timestamp() - min(asked_at))::float8 AS oldest_seconds
    FROM admissions
    WHERE place IN ('granted', 'waiting', 'held') AND (%(only)s::text IS NULL OR provider = %(only)s)
    GROUP BY provider, pool, place, held_by
""")

_AT_VENDOR = returns(_AtVendor)("""
    SELECT a.provider, remote_wait, count(*) AS count FROM admissions a JOIN generations ON id = generation_id
    WHERE place = 'granted' AND remote_wait IS NOT NULL AND stage = 'generating'
        AND (%(only)s::text IS NULL OR a.provider = %(only)s)
    GROUP BY a.provider, remote_wait
""")

_IN_WINDOWS = returns(int)("""
    SELECT (
        SELECT count(*) FROM admission_creates c
        WHERE c.provider = wanted.provider AND (wanted.pool = '' OR c.pool = wanted.pool)
            AND at > clock_timestamp() - make_interval(secs => wanted.seconds)
    )
    FROM unnest(%(providers)s::text[], %(pools)s::text[], %(seconds)s::float8[])
        WITH ORDINALITY AS wanted (provider, pool, seconds, place)
    ORDER BY place
""")


def account_states(sql: Sql, only: ProviderName | None = None) -> list[AccountState]:
    """The states of all accounts, by name.

    Args:
        only: this account alone.
    """
    accounts = sql.all(_ACCOUNTS, only=only)
    counts = {account.provider: _Counts() for account in accounts}
    for one in sql.all(_COUNTS, only=only):
        if one.provider in counts:
            counts[one.provider].add(one)
    for told in sql.all(_AT_VENDOR, only=only):
        if told.provider in counts:
            counts[told.provider].at_vendor[told.remote_wait] = told.count
    limits = {account.provider: AccountLimits.model_validate(account.in_force) for account in accounts}
    windows = [
        (name, pool, rate.seconds)
        for name, its in limits.items()
        for pool, of_pool in _pools(its, counts[name])
        for rate in of_pool.creates
    ]
    creates = iter(_in_windows(sql, windows))
    return [_state(one, limits[one.provider], counts[one.provider], creates) for one in accounts]


def _in_windows(sql: Sql, windows: Iterable[tuple[str, str, float]]) -> list[int]:
    if not (columns := list(zip(*windows, strict=True))):
        return []
    providers, pools, seconds = map(list, columns)
    return sql.all(_IN_WINDOWS, providers=providers, pools=pools, seconds=seconds)


def _pools(limits: AccountLimits, counts: _Counts) -> Iterator[tuple[str, Limits]]:
    """The whole account, then each family that has limits or work."""
    yield WHOLE_ACCOUNT, limits
    for name in sorted({*limits.families, *counts.in_flight, *counts.waiting} - {WHOLE_ACCOUNT}):
        yield name, limits.families.get(name, Limits())


def _state(account: _Account, limits: AccountLimits, counts: _Counts, creates: Iterator[int]) -> AccountState:
    (_, whole), *families = [(pool, _use(pool, its, counts, creates)) for pool, its in _pools(limits, counts)]
    return AccountState(
        account=account.provider,
        limits=limits,
        declared=AccountLimits.model_validate(account.declared),
        override=None if account.override is None else AccountLimits.model_validate(account.override),
        learned_in_flight=account.learned_in_flight,
        rate_factor=account.rate_factor,
        closed_until=account.closed_until,
        closed_reason=account.closed_reason,
        use=whole,
        families=dict(families),
        held=counts.held,
        at_vendor=counts.at_vendor,
        oldest_waits_seconds=counts.oldest_waits,
    )


def _use(pool: str, limits: Limits, counts: _Counts, creates: Iterator[int]) -> AccountUse:
    is_whole = pool == WHOLE_ACCOUNT
    return AccountUse(
        in_flight=sum(counts.in_flight.values()) if is_whole else counts.in_flight.get(pool, 0),
        waiting=sum(counts.waiting.values()) if is_whole else counts.waiting.get(pool, 0),
        in_windows=[next(creates) for _ in limits.creates],
    )
