"""The tables of drains and of the reports of processes: their work, and the key with which they sign."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Column, Integer, Text
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, created_at


class Drain(SQLModel, table=True):
    """An operator's request that worker processes take no new work. Also for processes that start later."""

    __tablename__: ClassVar[str] = "drains"

    target: str = Field(sa_column=Column(Text, primary_key=True))
    """A node such as `provider@host`, or `@host` for all nodes of a host."""
    author: str = Field(sa_type=Text)
    """Who asked."""
    reason: str | None = Field(default=None, sa_type=Text)
    """Why, for people."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """Since when."""


class WorkerProcess(SQLModel, table=True):
    """A worker process, as the process reports itself every second."""

    __tablename__: ClassVar[str] = "worker_processes"

    node: str = Field(sa_column=Column(Text, primary_key=True))
    """The name of the node, such as `provider@host`."""
    pid: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    """The process id."""
    started_at: datetime | None = Field(default=None, sa_column=created_at())
    """The first report."""
    seen_at: datetime | None = Field(default=None, sa_column=created_at())
    """The newest report."""
    in_hand: int = Field(sa_type=Integer)
    """The claims or messages that the process has."""
    drained_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """Since when the process takes nothing new. Null: it takes work."""


class SecretKey(SQLModel, table=True):
    """A key with which a process has signed, by its fingerprint."""

    __tablename__: ClassVar[str] = "secret_keys"

    fingerprint: str = Field(sa_column=Column(Text, primary_key=True))
    """The first characters of a digest of the key."""
    first_signed_at: datetime | None = Field(default=None, sa_column=created_at())
    """When a process first ran with the key."""
    last_signed_at: datetime | None = Field(default=None, sa_column=created_at())
    """When a process last ran with the key."""
