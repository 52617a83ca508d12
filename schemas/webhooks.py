"""The words of webhooks that tables, the API and the sender share."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from schemas.event_types import ENDS, EventType

EVERYTHING: Final = "*"
"""In a filter: every type."""


class DeliveryState(StrEnum):
    """How far a message to an endpoint is."""

    PENDING = "pending"
    """The message waits for its first or next attempt."""
    DELIVERED = "delivered"
    """The endpoint took the message."""
    FAILED = "failed"
    """The last attempt failed, and no other follows."""
    DROPPED = "dropped"
    """Nothing is sent any more: the customer gave the message up, or the endpoint is gone (410)."""


class PauseReason(StrEnum):
    """Why nothing is sent to an endpoint."""

    REQUESTED = "requested"
    """The customer paused the endpoint."""
    FAILING = "failing"
    """Every attempt failed for days."""
    GONE = "gone"
    """The endpoint answered 410."""
    OPERATOR = "operator"
    """The operator paused the endpoint. The customer may resume it."""


def filters_for(kind: str) -> tuple[str, ...]:
    """The entries of a filter that let a type through: its name, its family and everything.

    The trigger of `events` has the same rule in SQL.
    """
    return kind, f"{kind.partition('.')[0]}.*", EVERYTHING


FILTERS: Final = tuple(dict.fromkeys(entry for kind in EventType for entry in filters_for(kind)))
"""Every possible entry of a filter."""

USUAL_TYPES: Final = tuple(kind for kind in EventType if kind in ENDS)
"""The filter of an endpoint without a choice."""

DESCRIPTIONS: Final[Mapping[EventType, str]] = {
    EventType.ACCEPTED: "an order was accepted, and its credits are held",
    EventType.STARTED: "a provider accepted the work",
    EventType.MOVED: "the generation came to another stage",
    EventType.COMPLETED: "the result is stored and paid for",
    EventType.FAILED: "the generation failed, and its credits are free again",
    EventType.CANCELLED: "the generation was cancelled",
    EventType.VARIANTS_ENDED: "every variant of the result is ready or has failed",
    EventType.ENDPOINT_PAUSED: "an endpoint failed for days, and nothing is sent there until you resume it",
    EventType.TEST: "you asked for a message to try an endpoint; every endpoint hears it",
}
"""The types for people."""
