"""The table of runs to stop. `storage/runs_to_stop.py` has its statements."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import Column, Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from schemas import columns
from schemas.columns import MOMENT
from schemas.names import ProviderName


class RunToStop(SQLModel, table=True):
    """A run that a worker has to stop. Its server is our own and does not answer, and no generation waits for it.

    A worker deletes the row when the server answers.
    """

    __tablename__: ClassVar[str] = "runs_to_stop"
    __table_args__ = (UniqueConstraint("provider", "remote_id"), Index("ix_runs_to_stop_due", "wake_at"))

    id: UUID = Field(
        default_factory=uuid4, sa_column=Column(Uuid, primary_key=True, server_default=text("gen_random_uuid()"))
    )
    """The row's id."""
    generation_id: UUID = Field(foreign_key="generations.id")
    """The generation that the run was for."""
    provider: ProviderName = Field(sa_type=String(64))
    """The account of the server."""
    model: str = Field(sa_type=Text)
    """The server's name of the model."""
    remote_id: str = Field(sa_type=Text)
    """The server's id of the run."""
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    """The tries so far to stop the run."""
    turn: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    """The tries so far to stop any run of the account. The wake-up of an earlier turn is void."""
    wake_at: datetime = Field(sa_type=MOMENT)
    """The time at which the next try is due."""
    created_at: datetime | None = Field(default=None, sa_column=columns.created_at())
    """The time at which the run was given up."""
