"""Finds a generation by what an operator has at hand: the id of anything that belongs to it, or a reference."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from schemas.enums import Stage
from storage.sql import Sql, returns

LEAST_DIGITS: Final = 6
"""The shortest beginning of an id."""

_MOST = 6
_HEX_DIGITS = 32
_HEX = re.compile(r"[0-9a-f]+")
# The ids of events are 64 bits long.
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Candidate:
    """A generation that a text may mean."""

    id: UUID
    """The id."""
    model: str
    """The model."""
    stage: Stage
    """The stage."""
    created_at: datetime
    """The time of acceptance."""


_BY_ID = returns(Candidate)("""
    SELECT id, model, stage, created_at FROM generations WHERE id BETWEEN %(lowest)s AND %(highest)s
    ORDER BY id LIMIT %(most)s
""")

# The index begins with the provider: the recursion reads each provider of the index once, whatever the settings say.
_BY_REMOTE_ID = returns(Candidate)("""
    WITH RECURSIVE accounts AS (
        SELECT min(provider) AS name FROM generations WHERE remote_id IS NOT NULL
        UNION ALL
        SELECT (SELECT min(provider) FROM generations WHERE remote_id IS NOT NULL AND provider > accounts.name)
        FROM accounts WHERE accounts.name IS NOT NULL
    )
    SELECT g.id, g.model, g.stage, g.created_at
    FROM accounts JOIN generations g ON g.provider = accounts.name AND g.remote_id = %(given)s
    ORDER BY g.created_at DESC LIMIT %(most)s
""")

_BY_KEY = returns(Candidate)("""
    SELECT id, model, stage, created_at FROM generations
    WHERE customer_id = %(customer_id)s AND idempotency_key = %(given)s
""")


_OF_GENERATIONS = "SELECT g.id, g.model, g.stage, g.created_at FROM generations g"

# A create with an unknown outcome left no id in the row, but a callback may have brought one.
_BY_CALLBACK = returns(Candidate)(f"""
    {_OF_GENERATIONS} WHERE g.id IN (SELECT generation_id FROM callback_receipts WHERE remote_id = %(given)s)
    ORDER BY g.created_at DESC LIMIT %(most)s
""")  # noqa: S608 -- constants

_BY_REFERENCE = returns(Candidate)("""
    SELECT g.id, g.model, g.stage, g.created_at FROM generation_labels l JOIN generations g ON g.id = l.generation_id
    WHERE l.reference = %(given)s ORDER BY l.created_at DESC LIMIT %(most)s
""")

# A message to an endpoint, a share, a batch.
_BY_OTHER_ID = returns(Candidate)(f"""
    {_OF_GENERATIONS} WHERE g.id IN (
        SELECT generation_id FROM webhook_deliveries WHERE id = %(given)s
        UNION ALL SELECT generation_id FROM shares WHERE id = %(given)s
        UNION ALL (
            SELECT generation_id FROM generation_labels WHERE batch_id = %(given)s ORDER BY created_at LIMIT %(most)s
        )
    )
    ORDER BY g.created_at LIMIT %(most)s
""")  # noqa: S608 -- constants

_BY_EVENT = returns(Candidate)(f"""
    {_OF_GENERATIONS} WHERE g.id = (SELECT generation_id FROM events WHERE id = %(given)s)
""")  # noqa: S608 -- constants


def find(sql: Sql, given: str, *, customer_id: UUID | None = None) -> Sequence[Candidate]:
    """The generations that a text may mean, a few at most. Each way uses an index.

    Args:
        given: the id of the generation or its beginning; the id of a Celery task, of the vendor's work, of a message to
            an endpoint, of a share, of a batch or of an event; the order's reference; with `customer_id` an idempotency
            key.
    """
    text = given.strip()
    ways = (_by_id, _by_text, _by_event)
    found = next((found for way in ways if (found := way(sql, text))), ())
    return found or ([] if customer_id is None else sql.all(_BY_KEY, given=text, customer_id=customer_id))


def _by_id(sql: Sql, given: str) -> Sequence[Candidate]:
    if (bounds := id_range(given)) is None:
        return ()
    lowest, highest = bounds
    if found := sql.all(_BY_ID, lowest=lowest, highest=highest, most=_MOST):
        return found
    return sql.all(_BY_OTHER_ID, given=lowest, most=_MOST) if lowest == highest else ()


def _by_text(sql: Sql, given: str) -> Sequence[Candidate]:
    ways = (_BY_REMOTE_ID, _BY_CALLBACK, _BY_REFERENCE)
    return next((found for way in ways if (found := sql.all(way, given=given, most=_MOST))), ())


def _by_event(sql: Sql, given: str) -> Sequence[Candidate]:
    return sql.all(_BY_EVENT, given=int(given)) if _NUMBER.fullmatch(given) else ()


def id_range(text: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin with a text. None if no id begins so."""
    # The id of a task is `{generation}.{stage}.{attempt}`.
    digits = text.partition(".")[0].replace("-", "").lower()
    if not LEAST_DIGITS <= len(digits) <= _HEX_DIGITS or not _HEX.fullmatch(digits):
        return None
    return UUID(digits.ljust(_HEX_DIGITS, "0")), UUID(digits.ljust(_HEX_DIGITS, "f"))
