"""The settings of the Redis door."""

from pydantic import BaseModel, Field


class DoorSettings(BaseModel):
    """What the Redis door requires of requests, and how many it lets wait."""

    require_signatures: bool = Field(
        default=False, description="refuse requests that no API key has signed; false: the door trusts `customer_id`"
    )
    signature_seconds: int = Field(
        default=86_400,
        ge=60,
        description="for which a signature is valid: longer than an outage, shorter than idempotency keys are kept",
    )
    most_waiting: int = Field(
        default=50_000, gt=0, description="requests in Redis; with more, orders are refused as `overloaded`"
    )
    retry_after_seconds: int = Field(
        default=10, gt=0, le=3600, description="the pause that a refusal as `overloaded` asks for"
    )
