"""A customer's generations before the providers: places, reasons to wait, and expected starts."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class QueueReason(StrEnum):
    """Why a generation waits."""

    CAPACITY = "capacity"
    """The provider has no place for it yet."""
    PAUSED = "paused"
    """The operator paused the model, the provider or the customer."""
    YOUR_LIMIT = "your_limit"
    """The customer, or the key, has as many generations as its limit allows."""
    PROVIDER_DOWN = "provider_down"
    """The provider has trouble."""
    SCHEDULED = "scheduled"
    """The order names a later start."""


class QueuePlace(BaseModel):
    """Where a generation stands before its provider."""

    reason: QueueReason = Field(
        description="`capacity`: the provider has no place yet; `paused`: by the operator; `your_limit`: a limit of "
        "yours is reached; `provider_down`: the provider has trouble; `scheduled`: `not_before` is in the future"
    )
    ahead: int | None = Field(
        description="generations that go first, of all customers; an estimate above 5000. Null: not known"
    )
    estimated_start_at: datetime | None = Field(
        description="when the provider gets it, as things stand; null: not known"
    )


class QueuedModel(BaseModel):
    """A customer's generations of one model, before and at the provider."""

    model: str
    """The model."""
    waiting: int = Field(description="those that no provider has yet, up to 10,000")
    in_flight: int = Field(description="those that a provider has, up to 10,000")
    next: QueuePlace | None = Field(description="the first of those that wait; null: none waits for a place")


class QueueResource(BaseModel):
    """A customer's unfinished generations, before and at the providers."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "queue",
                    "waiting": 12,
                    "in_flight": 4,
                    "models": [
                        {
                            "model": "kling-2.6-text-to-video",
                            "waiting": 12,
                            "in_flight": 4,
                            "next": {
                                "reason": "capacity",
                                "ahead": 7,
                                "estimated_start_at": "2026-11-29T12:03:10Z",
                            },
                        }
                    ],
                }
            ]
        }
    )

    object: Literal["queue"] = "queue"
    """The type of this resource."""
    waiting: int = Field(description="those that no provider has yet, up to 10,000")
    in_flight: int = Field(description="those that a provider has, up to 10,000")
    models: list[QueuedModel] = Field(description="by model; a model without an unfinished generation is left out")
