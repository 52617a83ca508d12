"""The table that links a preview to its video."""

from typing import ClassVar
from uuid import UUID

from sqlmodel import Field, SQLModel


class Continuation(SQLModel, table=True):
    """The video of a preview. The primary key lets a preview have one video."""

    __tablename__: ClassVar[str] = "continuations"

    preview_id: UUID = Field(primary_key=True, foreign_key="generations.id")
    """The preview."""
    video_id: UUID = Field(foreign_key="generations.id", unique=True)
    """The video that was made from its picture."""
