"""The settings of the streams of events in Redis."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

_MOST_CUSTOMERS = 100


class StreamOutSettings(BaseModel):
    """The streams of events in Redis: `reelworks:events`, and one for each of some customers."""

    enabled: bool = Field(default=True, description="false: no process writes the streams")
    length: int = Field(
        default=50_000, ge=100, le=10_000_000, description="entries of `reelworks:events`; Redis may keep a few more"
    )
    megabytes: int = Field(
        default=64, ge=1, description="memory of `reelworks:events`; a larger stream loses its oldest entries"
    )
    days: float = Field(
        default=7.0, gt=0, le=3650, description="of an entry in any of the streams; older ones are removed"
    )
    again_minutes: float = Field(
        default=10.0, gt=0, le=1440, description="of events that are appended again to a stream that vanished"
    )
    customers: list[UUID] = Field(
        default=[],
        max_length=_MOST_CUSTOMERS,
        description=f"ids of up to {_MOST_CUSTOMERS} customers with a stream of their own, `reelworks:events:ID`",
    )
    customer_length: int = Field(default=1000, ge=100, le=10_000_000, description="entries of each of these streams")
    customer_megabytes: int = Field(default=1, ge=1, description="memory of each of these streams")

    @model_validator(mode="after")
    def _no_customer_twice(self) -> Self:
        self.customers = list(dict.fromkeys(self.customers))
        return self
