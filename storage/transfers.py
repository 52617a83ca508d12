"""Lists a customer's transfers of credits, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.enums import TransferKind
from storage.sql import Sql, returns


@dataclass(frozen=True)
class Transfer:
    """A transfer of a customer."""

    id: int
    """The transfer's id. A later transfer has a greater id."""
    kind: TransferKind
    """The reason."""
    amount: int
    """The credits."""
    generation_id: UUID | None
    """The generation of a hold, capture, release or refund."""
    reference: str | None
    """The reference of a grant or refund."""
    reason: str | None
    """A note for people."""
    created_at: datetime
    """The time of the transfer."""


def newest(sql: Sql, customer_id: UUID, *, before: int | None, limit: int) -> Sequence[Transfer]:
    """A customer's newest transfers, or the newest before a transfer."""
    return sql.all(_NEWEST, customer_id=customer_id, before=before, limit=limit)


_NEWEST = returns(Transfer)("""
    SELECT id, kind, amount, generation_id, reference, reason, created_at FROM ledger_transfers
    WHERE customer_id = %(customer_id)s AND id < coalesce(%(before)s, 9223372036854775807)
    ORDER BY id DESC LIMIT %(limit)s
""")
