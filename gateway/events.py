"""`/v1/events` and `/v1/generations/{id}/events`: follow generations as a stream, or read their events in pages."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from pydantic import AfterValidator

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.event_stream import MEDIA_TYPE, EventStream, headers_only
from gateway.head import IsHead
from gateway.openapi import Responses, problems
from notify import reader
from notify.events import event_resource
from notify.subscriptions import Subscription
from schemas.enums import EventKind
from schemas.errors import InvalidRequest, NotFound, TooManyRequests, Unauthenticated, Unavailable
from schemas.event_api import EVENT_EXAMPLE, EventPage
from schemas.shares import NoPlace, Shares
from schemas.stages import TERMINAL
from storage import generations
from storage.customers import ActingCustomer

router = customers_router("/v1", "events")

# As many digits as fit into the database's numbers.
_MOST_DIGITS = 18


def _an_id(text: str) -> str:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise ValueError("must be the `id` of an event, such as 4711")
    return text


_AnId = Annotated[str, AfterValidator(_an_id)]
_SCHEMA = {"pattern": f"^[0-9]{{0,{_MOST_DIGITS}}}$"}

After = Annotated[
    _AnId | None,
    Query(
        description="the id of the last event that you have: the answer begins with the next event",
        examples=["4711"],
        json_schema_extra=_SCHEMA,
    ),
]
LastEventId = Annotated[
    _AnId | None,
    Header(
        alias="Last-Event-ID",
        description="the last `id` that a stream sent. Clients for server-sent events send it when they connect again. "
        "It counts before `after`",
        examples=["4711"],
        json_schema_extra=_SCHEMA,
    ),
]


async def _resumes_after(after: After = None, last_event_id: LastEventId = None) -> int | None:
    given = last_event_id or after
    return int(given) if given else None


ResumesAfter = Annotated[int | None, Depends(_resumes_after)]
"""The id of the last event that the client has. None: the client has none."""

_A_STREAM: dict[str, object] = {
    # OpenAPI 3.2's description of one message.
    "itemSchema": {
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": {"type": "string", "description": "the position of the stream: send it as `Last-Event-ID`"},
            "event": {"type": "string", "enum": [kind.value for kind in EventKind]},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": "#/components/schemas/EventResource"},
            },
            "retry": {"type": "integer", "minimum": 0, "description": "milliseconds until the next connection"},
        },
    },
    "examples": {
        "end": {
            "summary": "The end of a generation",
            "value": f"id: 4711\nevent: end\ndata: {json.dumps(EVENT_EXAMPLE)}\n\n",
        }
    },
}
_ONE: Responses = {
    200: {"description": "A stream of events, which ends after `end`", "content": {MEDIA_TYPE: _A_STREAM}},
    204: {"description": "The generation has ended, and you have its last event: do not connect again"},
}
_ALL: Responses = {
    200: {
        "description": "A page of events; or a stream of events without an end, if `Accept` names `text/event-stream`",
        "content": {MEDIA_TYPE: _A_STREAM},
    }
}


async def _is_stream(request: Request, services: ServicesOf, customer: TheCustomer) -> AsyncIterator[bool]:
    """Whether the client asks for a stream. Holds one of the customer's places until the answer is sent."""
    if not accepts_stream(request.headers.getlist("accept")):
        yield False
        return
    with a_place(services.stream_shares, customer):
        yield True


async def _place(services: ServicesOf, customer: TheCustomer) -> AsyncIterator[None]:
    """Hold one of the customer's places until the answer is sent."""
    with a_place(services.stream_shares, customer):
        yield


def accepts_stream(accept: Sequence[str]) -> bool:
    """Whether `Accept` headers name the media type of streams."""
    ranges = ",".join(accept).split(",")
    return any(each.partition(";")[0].strip().lower() == MEDIA_TYPE for each in ranges)


@contextmanager
def a_place(shares: Shares, customer: ActingCustomer) -> Iterator[None]:
    """Take one of the customer's places for open streams."""
    try:
        with shares.taken_by(customer.id):
            yield
    except NoPlace as error:
        if error.is_own:
            raise TooManyRequests(
                f"{shares.each} of your streams are open: close one, or follow `/v1/events`"
            ) from None
        raise Unavailable("too many streams are open: connect again later") from None


@router.get(
    "/generations/{generation_id}/events",
    summary="Follow a generation",
    status_code=200,
    response_class=Response,
    response_model=None,
    responses=_ONE | problems(Unauthenticated, NotFound, InvalidRequest, TooManyRequests),
    dependencies=[Depends(_place)],
)
async def follow_generation(
    generation_id: UUID, services: ServicesOf, customer: TheCustomer, after: ResumesAfter, is_head: IsHead
) -> Response:
    """Sends every change of a generation as a server-sent event: `stage`, `progress`, and `end`.

    The stream begins with the first event, or after the event that `Last-Event-ID` names, and ends after `end`.
    """
    end = await services.loop_database.statement(lambda sql: reader.end_of(sql, generation_id, customer.id))
    if end is None:
        raise generations.not_found(generation_id)
    if end.stage in TERMINAL and after is not None and after >= end.newest:
        return Response(status_code=204)
    if is_head:
        return headers_only()
    # A number that no event has yet would suppress events.
    return _stream(services, services.hub.follow(generation_id, after=min(after or 0, end.newest)))


@router.get(
    "/events",
    summary="Follow all generations",
    response_model=EventPage,
    responses=_ALL | problems(Unauthenticated, InvalidRequest, TooManyRequests),
)
async def list_events(
    services: ServicesOf,
    customer: TheCustomer,
    after: ResumesAfter,
    is_head: IsHead,
    is_stream: Annotated[bool, Depends(_is_stream)],
    limit: Annotated[int, Query(ge=1, le=1000, description="the most events of a page")] = 100,
) -> EventPage | Response:
    """Returns a page of the events of all your generations, the oldest first: `stage` and `end`.

    With `Accept: text/event-stream`, sends the events as a stream, also `progress`. Without `after`, a page begins with
    your first event, and a stream with the next event.
    """
    if is_stream:
        return headers_only() if is_head else _stream(services, services.hub.follow_customer(customer.id, after=after))
    page = await services.events.page(customer.id, after or 0, limit=limit)
    newest = page.events[-1].id if page.events else after or 0
    return EventPage(
        data=[event_resource(event) for event in page.events], has_more=page.has_more, next_after=str(newest)
    )


def _stream(services: GatewayServices, subscription: Subscription) -> EventStream:
    return EventStream(services.hub, subscription, longest_seconds=services.settings.streams.longest_seconds)
