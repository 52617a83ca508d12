"""The table of positions in the events, for consumers that keep theirs in the database."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Column, Text
from sqlmodel import Field, SQLModel

from schemas.columns import created_at


class StreamPosition(SQLModel, table=True):
    """How far the streams in Redis have come. One row."""

    __tablename__: ClassVar[str] = "stream_positions"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    """The name of the stream of all customers."""
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Every event up to this id was appended."""
    written_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time at which the position was written."""
