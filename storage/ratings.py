"""A customer's rating of a result."""

from uuid import UUID

from sqlmodel import Session

from storage.sql import of

# `updated_at` and `rating` have no index, so the update rewrites none.
_RATE = """
    UPDATE generations SET rating = %(rating)s, updated_at = clock_timestamp() WHERE id = %(id)s
"""


def rate(session: Session, generation_id: UUID, rating: int) -> None:
    """Set the rating of a generation. A later rating replaces an earlier one."""
    of(session).run(_RATE, id=generation_id, rating=rating)
