"""Column types that the tables share."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, DateTime, Enum, func


def words(enum: type[StrEnum], *, name: str | None = None, is_closed: bool = True) -> Enum:
    """An enum stored as text, readable in psql. A closed enum gets a CHECK; a growing one does not."""
    return Enum(
        enum,
        native_enum=False,
        create_constraint=is_closed,
        length=64,
        name=name or enum.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def created_at() -> Column[datetime]:
    """The time of the row's insert, by the database's clock."""
    return Column(DateTime(timezone=True), nullable=False, server_default=func.now())


MOMENT = DateTime(timezone=True)
"""A point in time, with its zone."""
