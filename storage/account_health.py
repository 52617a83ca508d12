"""Whether the provider accounts take work now, as all processes together know it."""

from typing import Final

from schemas.limits import AccountHealth
from schemas.names import ProviderName
from storage.sql import Sql, returns

STATES: Final = """
    SELECT provider, CASE
        WHEN EXISTS (SELECT FROM admission_pauses WHERE scope = 'provider' AND name = provider) THEN 'paused'
        WHEN closed_until > clock_timestamp() OR closed_reason IN ('no_money', 'daily') THEN 'closed'
        WHEN EXISTS (
            SELECT FROM route_health r WHERE r.provider = account.provider AND r.opened_at IS NOT NULL
        ) THEN 'failing'
        ELSE 'works'
    END AS state
    FROM admission_accounts account
"""
"""The state of each account that a worker has declared."""

_ALL = returns(lambda provider, state: (provider, AccountHealth(state)))(STATES)


def of_all(sql: Sql) -> dict[ProviderName, AccountHealth]:
    """The state of each account that a worker has declared."""
    return dict(sql.all(_ALL))
