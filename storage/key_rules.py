"""What one API key may give to another: a key makes and changes keys that allow no more than itself."""

from datetime import datetime
from typing import Final, TypeVar

from schemas.customer_tables import ApiKey
from schemas.errors import InvalidRequest

LIMITS: Final = ("daily_cap", "in_flight", "per_day")
"""The fields of a key that limit its orders."""


def is_limited(row: ApiKey) -> bool:
    """Whether a key has limits, so that its orders count."""
    return any(getattr(row, name) is not None for name in LIMITS)


_Limit = TypeVar("_Limit", int, datetime)


def exceeds(limit: _Limit | None, other: _Limit | None) -> bool:
    """Whether a limit allows more than another. None: there is no limit."""
    return other is not None and (limit is None or limit > other)


def limits(maker: ApiKey, row: ApiKey) -> bool:
    """Whether the limits of a maker limit a key. A test key takes nothing of a live key's limits."""
    return is_limited(maker) and maker.is_test is row.is_test


def require_within(row: ApiKey, maker: ApiKey) -> None:
    """Require that a key allows no more than its maker.

    Raises:
        InvalidRequest: the key allows more. The error names each field.
    """
    problems = []
    if more := set(row.scopes) - set(maker.scopes):
        problems.append(("scopes", f"your key lacks `{'`, `'.join(sorted(more))}`, so it cannot make such a key"))
    if maker.is_test and not row.is_test:
        problems.append(("test", "a test key makes test keys only: send true"))
    if row.makes_customers and not maker.makes_customers:
        problems.append(("makes_customers", "your key makes no customers, so it cannot make such a key"))
    if exceeds(row.expires_at, maker.expires_at):
        problems.append(("expires_in", f"must end by {maker.expires_at:%Y-%m-%dT%H:%M:%SZ}, the end of your key"))
    if limits(maker, row):
        problems += [
            (name, f"must be at most {most}, the {'cap' if name == 'daily_cap' else 'limit'} of your key")
            for name in LIMITS
            if exceeds(getattr(row, name), most := getattr(maker, name))
        ]
    if problems:
        raise InvalidRequest.of_fields(problems)


def require_one_limit(row: ApiKey, maker: ApiKey) -> None:
    """Require that a capped maker gives no second cap: the orders of both keys count together.

    Raises:
        InvalidRequest: the orders of the key count apart.
    """
    if limits(maker, row) and (row.spends_as or row.id) != (maker.spends_as or maker.id):
        raise InvalidRequest(
            f"the key {row.prefix} has limits apart from yours: use the key itself, or a key without limits"
        )
