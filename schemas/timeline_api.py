"""The timeline of a generation, as a document for customers and for operators."""

from datetime import datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from schemas.enums import FoundBy, Kind, Stage, Status
from schemas.limits import HeldBy, Place

TIMELINE_EXAMPLE: dict[str, JsonValue] = {
    "object": "timeline",
    "generation_id": "0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10",
    "kind": "image",
    "model": "nano-banana",
    "status": "processing",
    "stage": "submitting",
    "created_at": "2026-11-20T12:00:00Z",
    "finished_at": None,
    "seconds": 0.4,
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "entries": [
        {
            "at": "2026-11-20T12:00:00Z",
            "seconds": 0.0,
            "gap_seconds": 0.0,
            "name": "moved",
            "stage": "queued",
            "details": {},
        },
        {
            "at": "2026-11-20T12:00:00Z",
            "seconds": 0.0,
            "gap_seconds": 0.0,
            "name": "hold",
            "stage": "queued",
            "details": {"amount": 10},
        },
        {
            "at": "2026-11-20T12:00:00.4Z",
            "seconds": 0.4,
            "gap_seconds": 0.4,
            "name": "moved",
            "stage": "submitting",
            "details": {},
        },
    ],
}


class OtherEntry(StrEnum):
    """The names of entries that stand for no event and no transfer."""

    CALLBACK = "callback"
    """The provider called back."""
    STORED = "stored"
    """A file was stored."""
    VARIANT = "variant"
    """A variant of the result: its end, or how far it is."""
    WEBHOOK = "webhook"
    """A message to an endpoint of the customer: one try, or the message if it was not tried yet."""
    BREAKER = "breaker"
    """The circuit breaker of a route of the order changed while the generation waited for its provider."""
    CHANGE = "change"
    """An operator changed a pause or a limit that concerns the generation, while it waited for its provider."""


class TimelineEntry(BaseModel):
    """One thing that happened to a generation."""

    at: datetime
    """The time."""
    seconds: float = Field(description="since the acceptance of the order")
    gap_seconds: float = Field(description="since the entry before")
    name: str = Field(
        description="the kind of entry: `moved` is a change of the stage; `hold`, `capture`, `release` and `refund` "
        "move credits; `stored` is a file; `variant` is a further file of the result, made or pending; `webhook` is a "
        "try to send a message to one of your endpoints; `try_failed` counts failed tries. Ignore kinds that you do "
        "not know"
    )
    stage: Stage
    """The stage after the entry."""
    details: dict[str, JsonValue] = Field(description="facts that depend on `name`")


class VendorCall(BaseModel):
    """A call to the provider's API, without its contents."""

    at: datetime
    """The start of the call."""
    operation: str
    """The name of the call: `submit`."""
    status: int | None = Field(description="the HTTP status; null without an answer")
    failure: str | None = Field(description="the error that ended the call; null for an answer")
    seconds: float = Field(description="the length of the call")


class OperatorsEntry(TimelineEntry):
    """One thing that happened to a generation, with the facts for operators."""

    worker: str | None = Field(default=None, description="the worker process that wrote the entry")
    attempt: int | None = Field(default=None, description="the number of the claim that wrote the entry")
    quiet_claims: int = Field(
        default=0, description="claims since the last entry of a worker that wrote no entry: reads of unfinished work"
    )
    calls: list[VendorCall] = Field(default=[], description="calls to the provider since the claim's last entry")
    found_by: FoundBy | None = Field(default=None, description="the reason for the read that found the end")


E = TypeVar("E", bound=TimelineEntry)


class Timeline(BaseModel, Generic[E]):
    """All entries of a generation, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [TIMELINE_EXAMPLE]})

    object: Literal["timeline"] = "timeline"
    """The type of this resource."""
    generation_id: UUID
    """The generation."""
    kind: Kind
    """Image or video."""
    model: str
    """The name of the model."""
    status: Status
    """The public status."""
    stage: Stage
    """The stage."""
    created_at: datetime
    """The time of acceptance."""
    finished_at: datetime | None
    """The time of the end. Null while the generation is unfinished."""
    seconds: float = Field(description="from the acceptance to the end, or until now")
    trace_id: str | None = Field(description="the trace of the order (W3C Trace Context); null without a trace")
    entries: list[E]
    """The entries."""


class Claimed(BaseModel):
    """The worker that has a claim now."""

    worker: str
    """The worker process."""
    since: datetime
    """The time of the claim."""
    until: datetime
    """The end of the lease. The worker renews it."""


class Waiting(BaseModel):
    """The wait for a place at a provider account."""

    provider: str
    """The account."""
    place: Place = Field(description="`waiting`: in the queue of the account; `held`: out of it")
    held_by: HeldBy | None = Field(description="why it is out of the queue")
    since: datetime
    """The time of the ask."""


class OperatorsTimeline(Timeline[OperatorsEntry]):
    """All entries of a generation, with the facts for operators."""

    customer_id: UUID
    """The customer."""
    requested_model: str | None = Field(description="the name that the order gave, where `model` stands for it")
    provider: str
    """The account of the present route."""
    remote_id: str | None
    """The vendor's id of the work."""
    credits: int
    """The price."""
    error_code: str | None
    """The reason of a failure, for programs."""
    error_message: str | None
    """The reason of a failure, for people."""
    attempt: int = Field(description="claims so far")
    failures: int = Field(description="failures in a row in this stage")
    crashes: int = Field(description="crashes in a row in this stage")
    wake_at: datetime | None = Field(description="the next look; null after the end")
    deadline_at: datetime
    """The time after which the generation fails."""
    claim: Claimed | None = Field(description="null while no worker has a claim")
    waits: Waiting | None = Field(default=None, description="null unless it waits for a place at its account")
    batch_id: UUID | None = Field(default=None, description="the batch that it belongs to")
    retry_of: UUID | None = Field(default=None, description="the generation that it repeats")
    continuation_of: UUID | None = Field(default=None, description="the preview that it makes the video of")
    downloads: int = Field(description="how often the customer downloaded the result")
    deleted_at: datetime | None = Field(description="the time at which the customer deleted it")
