"""Finds a generation by what an operator has at hand: an id or its beginning, a task's id, a vendor's id, a key."""

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


def find(sql: Sql, given: str, *, customer_id: UUID | None = None) -> Sequence[Candidate]:
    """The generations that a text may mean, a few at most. Each way uses an index.

    Args:
        given: an id or its beginning, the id of a Celery task, a vendor's id, or with `customer_id` an idempotency key.
    """
    text = given.strip()
    if bounds := id_range(text):
        lowest, highest = bounds
        if found := sql.all(_BY_ID, lowest=lowest, highest=highest, most=_MOST):
            return found
    if found := sql.all(_BY_REMOTE_ID, given=text, most=_MOST):
        return found
    return [] if customer_id is None else sql.all(_BY_KEY, given=text, customer_id=customer_id)


def id_range(text: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin with a text. None if no id begins so."""
    # The id of a task is `{generation}.{stage}.{attempt}`.
    digits = text.partition(".")[0].replace("-", "").lower()
    if not LEAST_DIGITS <= len(digits) <= _HEX_DIGITS or not _HEX.fullmatch(digits):
        return None
    return UUID(digits.ljust(_HEX_DIGITS, "0")), UUID(digits.ljust(_HEX_DIGITS, "f"))
