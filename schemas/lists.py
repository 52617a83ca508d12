"""A list answer and its cursor: newest first, page by page. Every list of the API has this form."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import InvalidRequest

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ListResource(BaseModel, Generic[T]):
    """One page of a list."""

    object: Literal["list"] = "list"
    """The type of this resource."""
    data: list[T] = Field(
        description="newest first; a page may have fewer entries than `limit`, or none, before the end"
    )
    has_more: bool = Field(description="whether there may be more: read on with `next_cursor`")
    next_cursor: str | None = Field(description="the value of `cursor` for the next page; null at the end")

    @classmethod
    def page(cls, data: list[T], following: "Position | None") -> Self:
        """One page, and the position after which the next page begins."""
        return cls(data=data, has_more=following is not None, next_cursor=following and following.cursor)


class PageQuery(BaseModel):
    """The parameters of every list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: int = Field(default=20, ge=1, le=100, description="the most entries of a page")
    cursor: str | None = Field(
        default=None, description="`next_cursor` of the page before, unchanged; omitted: the first page", max_length=200
    )

    @property
    def after(self) -> "Position | None":
        """The position after which the page begins. None: the first page.

        Raises:
            InvalidRequest: the cursor is none.
        """
        return Position.of(self.cursor) if self.cursor else None


@dataclass(frozen=True)
class Position:
    """A place in a list: the entries after this one are older."""

    created_at: datetime
    """The time of the entry."""
    id: UUID
    """The id of the entry, which orders entries of the same time."""

    @property
    def cursor(self) -> str:
        """The position as an opaque text. The text holds nothing secret and stays valid for ever."""
        microseconds = (self.created_at - _EPOCH) // _MICROSECOND
        return base64.urlsafe_b64encode(f"{microseconds}.{self.id.hex}".encode()).decode().rstrip("=")

    @classmethod
    def of(cls, cursor: str) -> "Position":
        """The position that a cursor names.

        Raises:
            InvalidRequest: the text is no cursor.
        """
        try:
            padded = cursor.encode() + b"=" * (-len(cursor) % 4)
            microseconds, _, name = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(".")
            return cls(_EPOCH + int(microseconds) * _MICROSECOND, UUID(hex=name))
        except (binascii.Error, ValueError, OverflowError):
            text = "is no cursor of a list: send `next_cursor` of the page before unchanged, or leave it out"
            raise InvalidRequest.of_fields([("cursor", text)]) from None
