"""The requests and answers of the HTTP API about webhooks."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from schemas.event_types import EventType
from schemas.lists import ListResource, PageQuery
from schemas.orders import WholeNumber
from schemas.text import OptionalProse, shown
from schemas.webhook_urls import EndpointUrl
from schemas.webhooks import FILTERS, USUAL_TYPES, DeliveryState, PauseReason

_DAY = 86_400
_LONGEST_ROTATION_SECONDS = 30 * _DAY
_LONGEST_DESCRIPTION = 500


def _known(entry: str) -> str:
    if entry not in FILTERS:
        raise ValueError(f"{shown(entry)} is no type: use {', '.join(FILTERS)}")
    return entry


EventFilter = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(FILTERS)})]
"""A type of events, a family of types, or all types."""

_TYPES = "the types to hear: names of GET /v1/webhooks/event-types, `generation.*`, `endpoint.*`, or `*` for all"


class EndpointRequest(BaseModel):
    """A new endpoint."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"url": "https://shop.example/hooks", "types": ["generation.*"]}]},
    )

    url: EndpointUrl = Field(description="where messages go; https")
    types: list[EventFilter] = Field(
        default=list(USUAL_TYPES), description=_TYPES, min_length=1, max_length=len(FILTERS)
    )
    description: OptionalProse = Field(
        default=None, description="the use of the endpoint, for people", max_length=_LONGEST_DESCRIPTION
    )


class EndpointChange(BaseModel):
    """New values of an endpoint. An omitted field stays as it is."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"types": ["generation.completed"]}]}
    )

    url: EndpointUrl | None = Field(default=None, description="where messages go; https")
    types: list[EventFilter] | None = Field(default=None, description=_TYPES, min_length=1, max_length=len(FILTERS))
    description: OptionalProse = Field(
        default=None, description="the use of the endpoint; null: none", max_length=_LONGEST_DESCRIPTION
    )


class SecretRotation(BaseModel):
    """The time of a rotation."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"ends_in": 3600}]}
    )

    ends_in: WholeNumber = Field(
        default=_DAY,
        description="seconds in which the earlier secret signs, too",
        ge=0,
        le=_LONGEST_ROTATION_SECONDS,
    )


_ENDPOINT_EXAMPLE: dict[str, JsonValue] = {
    "object": "webhook_endpoint",
    "id": "5a0f7c1e-3f5c-4d7e-9b43-2d1a8d1f6c20",
    "url": "https://shop.example/hooks",
    "types": ["generation.completed", "generation.failed", "generation.cancelled"],
    "description": "the shop's orders",
    "is_implicit": False,
    "paused_at": None,
    "paused_reason": None,
    "failing_since": None,
    "earlier_secret_until": None,
    "created_at": "2026-11-29T12:00:00Z",
}


class EndpointResource(BaseModel):
    """A URL that hears events, without its secret."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_ENDPOINT_EXAMPLE]})

    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    """The type of this resource."""
    id: UUID
    """The endpoint's id."""
    url: str = Field(description="where messages go")
    types: list[str] = Field(description="the types that it hears")
    description: str | None = Field(description="the use of the endpoint")
    is_implicit: bool = Field(
        description="whether a `callback_url` made it; it then hears the generations that name this URL, and no others"
    )
    paused_at: datetime | None = Field(description="since when messages wait; null: messages are sent")
    paused_reason: PauseReason | None = Field(
        description="`requested`: by you; `failing`: every attempt failed for days; `gone`: it answered 410; "
        "`operator`: by the operator"
    )
    failing_since: datetime | None = Field(description="the first failure after the last success; null: it works")
    earlier_secret_until: datetime | None = Field(
        description="until when the secret before the last rotation signs, too; null after a rotation without such time"
    )
    created_at: datetime
    """The time of creation."""


class NewEndpointResource(EndpointResource):
    """A new endpoint with its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_ENDPOINT_EXAMPLE, "secret": "whsec_MfKQ9r8GKYqr…"}]})

    secret: str = Field(description="signs the messages; also at `…/secret`")


class EndpointList(ListResource[EndpointResource]):
    """One page of endpoints."""


class EndpointsQuery(PageQuery):
    """The filters of the list. An endpoint must meet all of them."""

    url: EndpointUrl | None = Field(default=None, description="those of this URL")
    is_implicit: bool | None = Field(default=None, description="true: made by `callback_url`s; false: made by you")
    is_paused: bool | None = Field(default=None, description="true: paused ones; false: those that are sent to")


class SecretResource(BaseModel):
    """The secrets of an endpoint. Each message has a signature by each of them."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "object": "webhook_secret",
                    "secret": "whsec_MfKQ9r8GKYqr…",
                    "earlier_secret": None,
                    "earlier_secret_until": None,
                }
            ]
        },
    )

    object: Literal["webhook_secret"] = "webhook_secret"
    """The type of this resource."""
    secret: str = Field(description="`whsec_` and 32 bytes in base64")
    earlier_secret: str | None = Field(description="the secret before the last rotation, while it signs, too")
    earlier_secret_until: datetime | None = Field(description="the end of the earlier secret")


_DELIVERY_EXAMPLE: dict[str, JsonValue] = {
    "object": "webhook_delivery",
    "id": "b7a2f6de-0a7f-4f53-8a34-6c7e4c1d2f90",
    "endpoint_id": "5a0f7c1e-3f5c-4d7e-9b43-2d1a8d1f6c20",
    "generation_id": "0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10",
    "event_id": "4711",
    "type": "generation.completed",
    "state": "delivered",
    "tries": 1,
    "next_at": None,
    "created_at": "2026-11-29T12:00:00Z",
    "ended_at": "2026-11-29T12:00:01Z",
}


class DeliveryResource(BaseModel):
    """A message to an endpoint."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELIVERY_EXAMPLE]})

    object: Literal["webhook_delivery"] = "webhook_delivery"
    """The type of this resource."""
    id: UUID = Field(description="the header `webhook-id` of every attempt")
    endpoint_id: UUID
    """The endpoint."""
    generation_id: UUID | None = Field(description="the generation; null for `endpoint.*`")
    event_id: str | None = Field(description="the event, as in GET /v1/events; null for `endpoint.*`")
    type: EventType
    """The type."""
    state: DeliveryState = Field(
        description="`pending`: an attempt follows; `delivered`; `failed`: the last retry failed; `dropped`: given up"
    )
    tries: int = Field(description="attempts since the event, or since the last redelivery")
    next_at: datetime | None = Field(description="the next attempt; null once no attempt follows")
    created_at: datetime = Field(description="the time of the event")
    ended_at: datetime | None = Field(description="when it was delivered or given up; null while it is pending")


class DeliveryList(ListResource[DeliveryResource]):
    """One page of deliveries."""


class DeliveriesQuery(PageQuery):
    """The filters of the list. A delivery must meet all of them."""

    endpoint_id: UUID | None = Field(default=None, description="those to this endpoint")
    generation_id: UUID | None = Field(default=None, description="those about this generation")
    state: DeliveryState | None = Field(default=None, description="those in this state")
    type: EventType | None = Field(default=None, description="those of this type")


class AttemptResource(BaseModel):
    """One try to send a message."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    """1 for the first attempt."""
    began_at: datetime
    """The beginning of the attempt."""
    status: int | None = Field(description="the HTTP status of your answer; null: none came")
    seconds: float = Field(description="how long it took")
    error: str | None = Field(description="why it failed; null after a success")
    answer: str | None = Field(description="the first bytes of your answer")


class DeliveryDetails(DeliveryResource):
    """A message to an endpoint, with its attempts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_DELIVERY_EXAMPLE,
                    "attempts": [
                        {
                            "number": 1,
                            "began_at": "2026-11-29T12:00:00Z",
                            "status": 204,
                            "seconds": 0.12,
                            "error": None,
                            "answer": "",
                        }
                    ],
                    "body": '{"id":"4711","type":"generation.completed","version":1,…}',
                }
            ]
        }
    )

    attempts: list[AttemptResource]
    """The newest 100 attempts, the oldest of them first."""
    body: str | None = Field(description="the body that each attempt sends; null: its event is no longer known")


class RedeliveryRequest(BaseModel):
    """The messages of an endpoint to send once more."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"since": "2026-11-29T00:00:00Z", "until": "2026-11-29T12:00:00Z"}]},
    )

    since: AwareDatetime = Field(description="those of events at this time or later")
    until: AwareDatetime | None = Field(default=None, description="those of events before this time; null: now")
    only_failed: bool = Field(default=True, description="false: also those that were delivered")
    dry_run: bool = Field(default=False, description="true: count them, and send nothing")


class RedeliveryResource(BaseModel):
    """The messages that are sent once more."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"object": "webhook_redelivery", "count": 42, "dry_run": False}]}
    )

    object: Literal["webhook_redelivery"] = "webhook_redelivery"
    """The type of this resource."""
    count: int = Field(description="the messages")
    dry_run: bool = Field(description="true: they were counted, and nothing is sent")


class EventTypeResource(BaseModel):
    """A type of events."""

    type: EventType
    """The name."""
    description: str = Field(description="when such an event happens")
    is_usual: bool = Field(description="whether an endpoint hears the type that names no `types`")


class EventCatalogue(BaseModel):
    """The types of events."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "list",
                    "version": 1,
                    "data": [
                        {
                            "type": "generation.completed",
                            "description": "the result is stored and paid for",
                            "is_usual": True,
                        }
                    ],
                }
            ]
        }
    )

    object: Literal["list"] = "list"
    """The type of this resource."""
    version: int = Field(description="the version of types and messages, which each message has")
    data: list[EventTypeResource]
    """The types."""
