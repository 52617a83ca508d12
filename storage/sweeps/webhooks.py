"""The sweepers of webhooks: old messages, ended links of generations, unused callback URLs, and deleted endpoints."""

from collections.abc import Iterator

from sqlalchemy import text

from storage.sweeps.base import Portion, Sweep, in_slices

# An event that did not see the deletion of an endpoint has been committed long before.
_HOUR_IN_DAYS = 1 / 24

_IS_OLD = "< now() - make_interval(secs => :age)"

# An old message that was sent once more still has tries. A paused endpoint gets none.
_OLD_MESSAGES = f"""
    SELECT id FROM webhook_deliveries
    WHERE created_at {_IS_OLD} AND NOT (
        state = 'pending' AND EXISTS (
            SELECT FROM webhook_endpoints AS open
            WHERE open.id = endpoint_id AND open.paused_at IS NULL AND open.deleted_at IS NULL
        )
    )
    ORDER BY created_at
"""  # noqa: S608 -- a constant

_MESSAGES_OF_DELETED = f"""
    SELECT webhook_deliveries.id
    FROM webhook_endpoints JOIN webhook_deliveries ON endpoint_id = webhook_endpoints.id
    WHERE deleted_at {_IS_OLD}
"""  # noqa: S608 -- a constant

# A generation that is unfinished still has its end to tell.
_OLD_LINKS = f"""
    SELECT generation_id FROM webhook_generations
    WHERE created_at {_IS_OLD}
      AND NOT EXISTS (SELECT FROM generations WHERE id = generation_id AND wake_at IS NOT NULL)
    ORDER BY created_at
"""  # noqa: S608 -- a constant

_LINKS_OF_DELETED = f"""
    SELECT generation_id FROM webhook_endpoints JOIN webhook_generations ON endpoint_id = webhook_endpoints.id
    WHERE deleted_at {_IS_OLD}
"""  # noqa: S608 -- a constant

_IS_EMPTY = """
    NOT EXISTS (SELECT FROM webhook_deliveries WHERE endpoint_id = webhook_endpoints.id)
    AND NOT EXISTS (SELECT FROM webhook_generations WHERE endpoint_id = webhook_endpoints.id)
"""

# An order that names the URL again writes `used_at` first, and this statement then leaves the row.
_UNUSED = f"SELECT id FROM webhook_endpoints WHERE is_implicit AND used_at {_IS_OLD} AND {_IS_EMPTY}"  # noqa: S608

_DELETED = f"SELECT id FROM webhook_endpoints WHERE deleted_at {_IS_OLD} AND {_IS_EMPTY}"  # noqa: S608


def webhooks(run: Sweep) -> Iterator[Portion]:
    """Remove messages with their attempts, links of generations, and endpoints that are unused or deleted."""
    days = run.retention.webhook_days
    for age, table, key, due in (
        (days, "webhook_deliveries", "id", _OLD_MESSAGES),
        (_HOUR_IN_DAYS, "webhook_deliveries", "id", _MESSAGES_OF_DELETED),
        (days, "webhook_generations", "generation_id", _OLD_LINKS),
        (_HOUR_IN_DAYS, "webhook_generations", "generation_id", _LINKS_OF_DELETED),
        (days, "webhook_endpoints", "id", _UNUSED),
        (_HOUR_IN_DAYS, "webhook_endpoints", "id", _DELETED),
    ):
        remove = text(f"""
            WITH due AS ({due} LIMIT :slice FOR UPDATE OF {table} SKIP LOCKED), deleted AS (
                DELETE FROM {table} USING due WHERE {table}.{key} = due.{key} RETURNING 1
            )
            SELECT count(*) FROM deleted
        """)  # noqa: S608 -- constants
        count = text(f"SELECT count(*), 0 FROM ({due}) AS due")  # noqa: S608 -- a constant
        yield from in_slices(run, age, remove=remove, count=count)
