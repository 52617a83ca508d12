"""The conditional headers of a request for a file (RFC 9110, section 13)."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel


class Conditions(BaseModel):
    """The headers that decide which bytes are sent."""

    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None


ConditionHeaders = Annotated[Conditions, Header()]


def http_date(moment: datetime) -> str:
    """A time as HTTP writes it. HTTP knows whole seconds only."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def is_known(conditions: Conditions, etag: str, modified_at: datetime | None) -> bool:
    """Whether the client has the file already. `If-None-Match` decides before `If-Modified-Since`."""
    if conditions.if_none_match is not None:
        # A weak comparison: a weak tag of a cache names the same file.
        tags = {tag.strip().removeprefix("W/") for tag in conditions.if_none_match.split(",")}
        return not tags.isdisjoint({etag, "*"})
    since = _time(conditions.if_modified_since)
    return since is not None and modified_at is not None and modified_at.replace(microsecond=0) <= since


def allows_range(conditions: Conditions, etag: str, modified_at: datetime | None) -> bool:
    """Whether the client's part is one of this version of the file. Otherwise the client needs the whole file."""
    if conditions.if_range is None or conditions.if_range == etag:
        return True
    return modified_at is not None and conditions.if_range == http_date(modified_at)


def _time(header: str | None) -> datetime | None:
    """The time of a header. None for a text that is no date: the RFC wants such a header ignored."""
    try:
        found = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
