"""The tables of sessions: the sign-ins of people on the Studio page, and what support sees in them."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import Column, ForeignKey, Index, Text, func
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, created_at


class StudioSession(SQLModel, table=True):
    """A sign-in on the page with an API key. Only the hash of the session's token is stored."""

    __tablename__: ClassVar[str] = "studio_sessions"
    __table_args__ = (Index("ix_studio_sessions_key", "key_id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The session's id."""
    token_hash: str = Field(sa_type=Text, unique=True)
    """SHA-256 of the token in the cookie."""
    key_id: UUID = Field(sa_column=Column(ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False))
    """The API key of the sign-in. The session allows what the key allows, and ends with the key."""
    is_development: bool = False
    """Whether this is a sign-in without a key, as the development customer."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the sign-in."""
    used_at: datetime | None = Field(default=None, sa_column=Column(MOMENT, nullable=False, server_default=func.now()))
    """A time within about a minute of the last use."""
    ends_at: datetime = Field(sa_type=MOMENT)
    """The end, however often the session is used."""
    view_id: UUID | None = None
    """The view of a customer, by the id of its entry in the history of changes. Null: the session views no customer."""
    viewed_id: UUID | None = None
    """The viewed customer, by our id. A view ends when the name below leads to another customer."""
    viewed: str | None = Field(default=None, sa_type=Text)
    """The viewed customer, as the key names customers."""
    viewed_since: datetime | None = Field(default=None, sa_type=MOMENT)
    """The beginning of the view."""


class StudioView(SQLModel, table=True):
    """A view of a customer for support, or a kind of read in a view. Rows are only added.

    The history shows the rows among the operators' changes. They have a table apart, for the previous release reads
    no change whose action it does not know, and a timeline of a generation tells of changes alone.
    """

    __tablename__: ClassVar[str] = "studio_views"
    __table_args__ = (Index("ix_studio_views_newest", "created_at", "id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The id of the entry."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The beginning of the view, or the first read of the kind."""
    author: str = Field(sa_type=Text)
    """The key of the session, by its first characters."""
    customer_id: UUID
    """The viewed customer."""
    reason: str | None = Field(default=None, sa_type=Text)
    """Why, for people. Null: a read in a view."""
    view_id: UUID
    """The view, by the id of its own entry."""
    request: str | None = Field(default=None, sa_type=Text)
    """The kind of read: method and path, with names in place of parameters. Null: the beginning of the view."""
