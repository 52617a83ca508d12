"""`GET /openai/v1/videos`: a customer's videos, newest or oldest first."""

from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openai.errors import openai_errors
from gateway.openai.video_answers import OpenaiVideo, video_answer
from gateway.openai.video_ids import VIDEOS, parsed
from schemas.enums import Door, Kind
from schemas.errors import InvalidRequest
from schemas.lists import Position
from schemas.tables import Generation
from storage import details, finding, sql
from storage.details import Details

router = customers_router(VIDEOS, Door.OPENAI)

_DIRECTIONS = {"desc": finding.NEWEST_FIRST, "asc": finding.OLDEST_FIRST}


class VideosQuery(BaseModel):
    """The parameters of the list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: int = Field(default=20, ge=1, le=100, description="the most entries of a page")
    after: str | None = Field(
        default=None, description="`last_id` of the page before; omitted: the first page", max_length=200
    )
    order: Literal["asc", "desc"] = Field(default="desc", description="`desc`: newest first; `asc`: oldest first")


class OpenaiVideoList(BaseModel):
    """One page of videos."""

    object: Literal["list"] = "list"
    """The type of this resource."""
    data: list[OpenaiVideo]
    """The videos."""
    first_id: str | None = Field(description="the id of the first entry; null without entries")
    last_id: str | None = Field(description="the value of `after` for the next page; null without entries")
    has_more: bool = Field(description="whether there is a next page")


@router.get("", summary="List videos", responses=openai_errors(InvalidRequest))
async def list_videos(
    query: Annotated[VideosQuery, Query()], services: ServicesOf, customer: TheCustomer
) -> OpenaiVideoList:
    """Returns your videos, those of every door. New videos do not shift the pages."""
    found, has_more = await services.loop_database.transaction(partial(_read, query, customer.id))
    videos = [video_answer(each, services.settings.retention) for each in found]
    first_id, last_id = (videos[0].id, videos[-1].id) if videos else (None, None)
    return OpenaiVideoList(data=videos, first_id=first_id, last_id=last_id, has_more=has_more)


def _read(query: VideosQuery, customer_id: UUID, session: Session) -> tuple[list[Details], bool]:
    details.in_one_snapshot(session)
    after = None if query.after is None else _position(session, query.after, customer_id)
    filters = finding.Filters(customer_id, kind=Kind.VIDEO)
    page = finding.find(sql.of(session), filters, after, limit=query.limit, direction=_DIRECTIONS[query.order])
    return details.find_all(session, page.ids, customer_id=customer_id), page.next is not None


def _position(session: Session, text: str, customer_id: UUID) -> Position:
    """The position of a video, which may be deleted meanwhile."""
    found = parsed(text)
    row = None if found is None else session.get(Generation, found)
    if row is None or row.created_at is None or row.customer_id != customer_id:
        raise InvalidRequest.of_fields([("after", "must be the id of a video of yours: `last_id` of the page before")])
    return Position(row.created_at, row.id)
